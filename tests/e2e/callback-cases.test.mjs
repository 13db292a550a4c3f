// SPDX-License-Identifier: MIT
//
// Every case of the status callback that this server must master, by the
// number users of its predecessor know it under. A case is run here, or names
// the test that runs it ([file, words that stand in it]), or says why it has
// no meaning here.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { commit, withOutbox } from './support/outbox.mjs';
import { each, run } from './support/process.mjs';

const client = 'tests/e2e/github-client.test.mjs';
const status = 'tests/e2e/status.test.mjs';
const outbox = 'tests/unit/test_outbox.c';
const runner = 'tests/e2e/runner.test.mjs';
const runners = 'tests/e2e/runners.test.mjs';
const effect = 'tests/e2e/config_effect.test.mjs';
const record = 'tests/unit/test_record.c';
const steplog = 'tests/unit/test_steplog.c';
const move = 'tests/unit/test_spool_move.c';
const recover = 'tests/unit/test_spool_recover.c';
const ending = 'tests/unit/test_runner_ending.c';
const command = 'tests/unit/test_command.c';

const send = async (box) => {
  const how = await run(box.argv);
  assert.equal(how.code, 0, how.stderr);
};

/** So many senders at once; what GitHub was asked and shows. */
const atOnce = (count) => () => withOutbox({}, async (box, github) => {
  await each(Array(count).fill(), count, () => send(box));
  assert.equal(box.field('Result'), 'reported');
  assert.equal(github.count('POST'), 1);
  assert.equal(github.statuses('octo/app', commit).length, 1);
});

/** One send that meets these replies: calls, result, seconds, words. */
const meets = (replies, calls, result, seconds = 0, words = /^/) => () =>
  withOutbox({}, async (box, github) => {
    github.script('POST', replies);
    const began = performance.now();
    await send(box);
    const took = (performance.now() - began) / 1000;
    assert.equal(github.count('POST'), calls);
    assert.equal(box.field('Result'), result);
    assert.match(box.field('Words'), words);
    assert.ok(took >= seconds - 0.05 && took < seconds + 4, `${took} s`);
  });

/** Refused before any call. */
const never = (more) => () => withOutbox(more, async (box, github) => {
  await send(box);
  assert.deepEqual(github.calls, []);
  assert.equal(box.field('Result'), 'refused');
});

const s = (code, message) => ({ status: code, body: { message } });
const limit = { status: 403, headers: { 'Retry-After': '1' } };

const cases = [
  [1, 'five senders at once: one call', atOnce(5)],
  [2, 'a job reported once is not reported again', () =>
    withOutbox({}, async (box, github) => {
      await send(box);
      github.script('POST', Array(9).fill({ status: 405 }));
      await send(box);
      assert.equal(github.count('POST'), 1);
    })],
  [3, 'ten senders at once: one call', atOnce(10)],
  [4, '500 for ever: four calls, then due later', meets(
    Array(9).fill(s(500, 'oops')), 4, 'waiting', 7, /500/)],
  [5, '401: one call', meets(Array(9).fill(s(401, 'Bad credentials')), 1,
    'refused', 0, /Bad credentials/)],
  [6, '503, 503, 201: the third call, after 1 and 2 s', meets(
    [s(503), s(503)], 3, 'reported', 3)],
  [7, 'no connection: put off, no crash', () =>
    withOutbox({}, async (box, github) => {
      github.down = true;
      await send(box);
      assert.equal(box.field('Result'), 'waiting');
      assert.equal(box.field('Tries'), '1');
    })],
  [8, 'reported stays reported over a restart', [status,
    'also by the']],
  [9, 'failed before a restart, sent after it', [status, 'after a killed one']],
  [10, 'fail, clear, retry', [status, 'status: list, show, retry']],
  [11, 'cleared, over a restart', [outbox, 'again_asks_first_and_clear']],
  [12, 'a job without a commit: no call', [status,
    'events without a commit of their own']],
  [13, '201 with a body that is no JSON is a success', [status,
    'the reply is no JSON']],
  [14, 'an empty SHA is refused before any call', never({ Commit: '' })],
  [15, '403 of a limit, twice, then 201: the third call', meets(
    [limit, limit], 3, 'reported', 2)],
  [16, '403 of a limit for ever: put off, no call in vain', () =>
    withOutbox({}, async (box, github) => {
      github.script('POST', Array(99).fill({ ...limit,
        headers: { 'Retry-After': '700' } }));
      await send(box);
      assert.equal(github.count('POST'), 1);
      assert.equal(box.field('Result'), 'waiting');
      assert.ok(Date.parse(box.field('Due')) > Date.now() + 690e3);
    })],
  [17, 'a job that settles twice is told once', [outbox,
    'the_same_wish_is_stored_once']],
  [18, 'asked, waited, asked again, sent: one call', meets([s(502)], 2,
    'reported', 1)],
  [19, 'two senders a moment apart: one call', () =>
    withOutbox({}, async (box, github) => {
      const first = send(box);
      await new Promise((done) => { setTimeout(done, 10); });
      await Promise.all([first, send(box)]);
      assert.equal(github.count('POST'), 1);
    })],
  [20, 'the same status sent twice', null, 'clear alone repeats one: case 10'],
  [21, 'pending, then success: two calls', [status,
    'pending while it runs, success']],
  [22, 'each description names its event', [outbox, 'every_outcome_is_told']],
  [23, 'a new job has nothing reported', [outbox,
    'a_job_without_a_report_gets_none']],
  [24, 'a call that failed marks nothing', meets(Array(9).fill(s(500)), 4,
    'waiting', 7)],
  [25, 'marked, cleared, over a restart', [outbox,
    'again_asks_first_and_clear']],
  [26, 'a job with a commit is reported', [status, 'pending while it runs']],
  [27, 'its commit stays with the job', [outbox, 'every_outcome_is_told']],
  [28, 'the duration stands in the description', [outbox, '1234 ms']],
  [29, 'so does the reason of a failure', [outbox, 'no such branch']],
  [30, 'a long reason is cut to 140', [outbox, '200 are cut to 140']],
  [31, '502 for ever: put off', meets(Array(9).fill(s(502)), 4, 'waiting', 7)],
  [32, 'the context is hookspool unless told', [status, "'hookspool'"]],
  [33, 'the link is passed on', [status, 'target_url']],
  [34, 'what is reported is on disk', [outbox, 'a_send_keeps_the_newer_wish']],
  [35, 'what is cleared too', [outbox, 'again_asks_first_and_clear']],
  [36, 'a file that lacks a line', [outbox, 'a_torn_file_concerns_one_job']],
  [37, 'path, method, headers, body', () =>
    withOutbox({}, async (box, github) => {
      await send(box);
      const [{ method, path, headers, body }] = github.calls;
      assert.equal(`${method} ${path}`, `POST /repos/octo/app/statuses/${commit}`);
      assert.equal(headers['content-type'], 'application/json');
      assert.match(headers.authorization, /^Bearer /);
      assert.equal(headers['x-github-api-version'], '2022-11-28');
      assert.equal(headers.accept, 'application/vnd.github+json');
      assert.deepEqual(Object.keys(JSON.parse(body)).sort(),
        ['context', 'description', 'state', 'target_url']);
      assert.equal(JSON.parse(body).state, 'success');
    })],
  [38, 'a failure is sent as one', [status, 'a failed command is a failure']],
  [39, 'a context of one\'s own', [status, 'status-context: ci/own']],
  [40, '200 characters are cut to 140', [outbox, '200 are cut to 140']],
  [41, 'an error keeps its status', meets([s(422, 'No commit found')], 1,
    'refused', 0, /422: No commit found/)],
  [42, '500 with a body that is no JSON', meets(
    Array(9).fill({ status: 500, body: '<html>' }), 4, 'waiting', 7, /500/)],
  [43, '403 of a limit, then 201: two calls', meets([limit], 2, 'reported',
    1)],
  [44, '502, then 201: two calls', meets([s(502)], 2, 'reported', 1)],
  [45, '404: one call', meets([s(404, 'Not Found')], 1, 'refused', 0,
    /Not Found/)],
  [46, 'the waits are 1, 2 and 4 s', [client,
    '503 three times, waits 1, 2, 4 s']],
  [47, 'tries come to an end', [client, '504 for ever gives up after four']],
  [48, '429 and 500 are repeated, 404 is not', [client, '404 is an answer']],
  [49, 'success and failure both tell what came of them', [status,
    "one.type === 'status_report'"]],
  [50, '401: a line in the log, the job stands', [status,
    'the job succeeds although GitHub refuses']],
  [51, 'all that is needed comes from the configuration', [status,
    'pending while it runs']],
  [52, 'the context from the configuration', [status, 'ci/own']],
  [53, 'without a token nothing is reported', [status,
    'without a token no job reports']],
  [54, 'a repository that is none', never({ Repository: 'octo' })],
  ...[['upper case', 'ABCDEF0123456789ABCDEF0123456789ABCDEF01'],
    ['no hexadecimal', 'invalid-sha!'], ['seven digits', 'abcdef0'],
    ['a path', '../../../../etc'],
  ].map(([why, Commit]) => [55, `a commit that is none: ${why}`,
    never({ Commit })]),
  ...['../app', 'octo/..', 'octo/app/more', 'octo/a b', '', 'o?x/app'].map(
    (Repository) => [55, `a repository that is none: "${Repository}"`,
      never({ Repository })]),
  [56, 'event, context, link and duration reach the status', [status,
    'push succeeded in \\d+ ms']],
  [57, 'without a commit: no call', [status,
    'events without a commit of their own']],
  [58, 'a time limit, unless told', [effect, 'job-timeout']],
  [59, 'TERM at the deadline', [runner, 'at its deadline a job goes']],
  [60, 'KILL when it does not end', [effect, 'stop-grace']],
  [61, 'what cannot be killed holds nothing up', [runner,
    'what a finished job leaves running is killed']],
  [62, 'an end within the grace: no KILL', [runner,
    'TERM lets running jobs end']],
  [63, 'a timed-out job is told as one', [ending, 'JOB_TIMED_OUT']],
  [64, 'another limit is kept', [effect, 'job-timeout']],
  [65, 'a limit ends with its job', [command, 'late_commands_are_stopped']],
  [66, 'limits that are none', ['tests/unit/test_config_wrong.c',
    'job-timeout']],
  [67, 'start, warnings and end are logged; locks are free', [runner,
    'jobs of one key run one at a time']],
  [68, 'a time limit that is over is logged', [runner, 'deadline']],
  [69, 'what is stored is read back', [move, 'only_listed_moves_are_made']],
  [70, 'one file a job, whatever is said again', ['tests/unit/test_spool_accept.c',
    'what_was_seen_is_a_duplicate']],
  [71, 'a job there is not', [status, "'show', '0-aaaa'"]],
  [72, 'in the order of arrival', [runner, 'as they were received']],
  [73, 'removing', [runner, 'a settled one dropped']],
  [74, 'results are kept', [record, 'a_record_tells_the_whole_story']],
  [75, 'a token is never stored', [status, 'a token shows up nowhere']],
  [76, 'ten that settle at once', [runners, 'four runners: 500 jobs']],
  [77, 'changes in quick succession: the last holds', [outbox,
    'a_send_keeps_the_newer_wish']],
  [78, 'twenty jobs in all states', [runners, 'four runners: 500 jobs']],
  [79, 'accepting and settling at once', ['tests/e2e/kill.test.mjs',
    'times kill -9']],
  [80, 'a hundred writers lose nothing', [record,
    'several_writers_lose_nothing']],
  [81, 'nothing is left in tmp/', [runners, "bench.names('tmp'), []"]],
  [82, 'a damaged file concerns one job', [runner,
    'what is no job is put aside']],
  [83, 'what stands beside it is found', [record, 'what_is_torn_is_passed_over']],
  [84, 'a directory that is missing', [record,
    'a_file_taken_away_is_made_again']],
  [85, 'log lines by job, in order', ['tests/e2e/cli_logs.test.mjs',
    'every filter takes what it says']],
  [86, 'bad lines are passed over', [steplog,
    'a_torn_line_spoils_only_itself']],
  [87, 'text of every kind', ['tests/unit/test_log.c',
    'hostile_text_stays_in_its_line']],
  [88, 'several writers of one log', [steplog,
    'lines_of_several_writers_never_mix']],
  [89, 'what waits or runs is never swept', ['tests/unit/test_spool_sweep.c',
    'a waiting job of any age']],
  [90, 'the oldest go where there is too much', [effect, 'settled-bytes']],
  [91, 'limits unless told', ['tests/unit/test_config_effect.c',
    'defaults_are_good_values']],
  [92, 'IDs are unique', ['tests/unit/test_spool_accept.c',
    'fifty_copies_of_a_delivery_are_one_job']],
  [93, 'times of beginning and end', [record,
    'a_record_tells_the_whole_story']],
  [94, 'changes to a job there is not', [outbox,
    'what_was_removed_stays_removed']],
  [95, 'lists and their filters', ['tests/e2e/cli_logs.test.mjs',
    'every filter takes what it says']],
  [96, 'a job that ran when the machine stopped', [recover,
    'every_picture_becomes_legal']],
  [97, 'rotation by size', null, 'records are kept a file a day'],
  [98, 'what is settled stays settled', [move, 'only_listed_moves_are_made']],
  [99, 'the API\'s own credentials', null, 'there is no job API yet'],
  [100, 'no credentials before any lookup', null, 'there is no job API yet'],
  [101, 'names of jobs', [move, 'names_are_parsed_strictly']],
  [102, 'options of a job', null, 'jobs come from signed events alone'],
  [103, 'content types and broken JSON', ['tests/fcgi/test_requests.c',
    'requests_get_their_replies']],
  [104, 'two jobs of one key', [runner, 'jobs of one key run one at a time']],
  [105, 'a lock that is held is waited for', [
    'tests/unit/test_worker_attempts.c', 'a_held_key_is_waited_for']],
  [106, 'the last line of a command\'s output', null,
    'a command answers by its exit status'],
];

const root = new URL('../..', import.meta.url).pathname;

describe('cases of the callback', { concurrency: 4 }, () => {
  for (const [n, why, how, reason] of cases) {
    if (how === null) {
      test(`${n}: ${why}`, () => assert.ok(reason.length > 10));
    } else if (Array.isArray(how)) {
      test(`${n}: ${why} (${how[0]})`, () => {
        const path = join(root, how[0]);
        assert.ok(existsSync(path), path);
        assert.ok(readFileSync(path, 'utf8').includes(how[1]),
          `${how[0]} does not speak of ${how[1]}`);
      });
    } else {
      test(`${n}: ${why}`, how);
    }
  }

  test('no case is left out', () => {
    const numbers = new Set(cases.map(([n]) => n));
    for (let n = 1; n <= 106; n++) assert.ok(numbers.has(n), `case ${n}`);
  });
});
