// SPDX-License-Identifier: MIT
//
// Commit statuses, from the signed POST through nginx to what GitHub shows:
// each appears once, whatever the network, GitHub or a kill does to it.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import {
  existsSync, readFileSync, readdirSync, rmSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { descendants, run, waitFor } from './support/process.mjs';
import {
  finished, reportOf, sha, token, withReports,
} from './support/reports.mjs';
import { buildDir } from './support/server.mjs';

/** A server whose jobs run until open() and then exit with `code`. */
function gated(code, fn) {
  const file = join('/tmp', `hookspool-gate-${randomUUID()}`);
  const open = () => writeFileSync(file, '');
  const shut = () => rmSync(file, { force: true });
  return withReports({ command: ['/bin/sh', '-c',
    `while [ ! -e "$0" ]; do sleep 0.05; done; exit ${code}`, file] },
  (t) => fn({ ...t, open, shut })).finally(shut);
}

describe('commit statuses', { concurrency: 3 }, () => {
  test('pending while it runs, success when it is done', () =>
    gated(0, async ({ github, server, push, open }) => {
      const commit = sha('slow');
      const { json } = await push(commit);
      await waitFor('pending', () =>
        github.statuses('octo/app', commit).length === 1);
      open();
      const report = await finished(server, json.job_id);
      assert.equal(report.Result, 'reported');
      const [last, first] = github.statuses('octo/app', commit);
      assert.equal(first.state, 'pending');
      assert.equal(last.state, 'success');
      for (const status of [first, last]) {
        assert.equal(status.context, 'hookspool');
        assert.equal(status.target_url,
          `https://ci.example.org/jobs/${json.job_id}`);
      }
      assert.match(last.description, /^push succeeded in \d+ ms$/);
    }));

  const endings = [
    ['a failed command is a failure', ['/bin/false'], '60s', 'failure',
      /^push failed: /],
    ['a command that takes too long is a failure or an error', ['/bin/sleep',
      '60'], '1s', /failure|error/, /^push /],
  ];
  for (const [why, command, timeout, state, words] of endings) {
    test(why, () => withReports({ command, timeout },
      async ({ github, server, push }) => {
        const commit = sha(why);
        const { json } = await push(commit);
        await finished(server, json.job_id);
        const [last] = github.statuses('octo/app', commit);
        assert.match(last.state, new RegExp(state));
        assert.match(last.description, words);
        assert.ok([...last.description].length <= 140);
      }));
  }

  test('the job succeeds although GitHub refuses its status', () =>
    withReports({}, async ({ github, server, push }) => {
      github.script('POST /repos/octo/app/statuses/', Array(5).fill({
        status: 422, body: { message: 'No commit found for SHA' } }));
      const { json, delivery } = await push(sha('refused'));
      const record = await server.record(delivery);
      assert.equal(record.state, 'succeeded');
      const report = await finished(server, json.job_id);
      assert.equal(report.Result, 'refused');
      assert.match(report.Words, /No commit found for SHA/);
    }));

  const faults = [
    ['the connection is cut after GitHub took it', ['cut-after']],
    ['the connection is cut before', ['cut']],
    ['GitHub answers 502 but took it', [{ done: true, status: 502 }]],
    ['GitHub answers 500 and did nothing', [{ status: 500 }]],
    ['the reply is no JSON', [{ done: true, status: 201, body: 'hello' }]],
  ];
  for (const [why, script] of faults) {
    test(`one status although ${why}`, () => withReports({},
      async ({ github, server, push }) => {
        github.script('POST /repos/octo/app/statuses/', script);
        const commit = sha(why);
        const { json } = await push(commit);
        const report = await finished(server, json.job_id);
        assert.equal(report.Result, 'reported');
        const states = github.statuses('octo/app', commit).map((s) => s.state);
        assert.equal(states.filter((s) => s === 'success').length, 1,
          states.join());
        assert.ok(states.filter((s) => s === 'pending').length <= 1,
          states.join());
        assert.equal(states[0], 'success');
      }));
  }

  test('the context is status-context, the link begins with public-url', () =>
    withReports({ config: ['status-context: ci/own'] },
      async ({ github, server, push }) => {
        const commit = sha('context');
        const { json } = await push(commit);
        await finished(server, json.job_id);
        const [last] = github.statuses('octo/app', commit);
        assert.equal(last.context, 'ci/own');
        assert.equal(last.target_url,
          `https://ci.example.org/jobs/${json.job_id}`);
      }));

  test('the record says pending; what became of it stands in the log', () =>
    withReports({}, async ({ server, push }) => {
      const { json, delivery } = await push(sha('record'));
      assert.equal((await server.record(delivery)).status_report, 'pending');
      await finished(server, json.job_id);
      const line = await waitFor('the line', () => server.records().find(
        (one) => one.type === 'status_report' && one.job_id === json.job_id));
      assert.equal(line.status_report, 'reported');
      assert.equal(line.state, 'success');
      assert.equal(line.delivery_id, delivery);
    }));

  test('what it cost: "pending" in the record, all of it in the later line',
    () => gated(0, async ({ github, server, push, open }) => {
      github.tokens.get(token).remaining = 4000;
      const { json, delivery } = await push(sha('cost'));
      await waitFor('the call of "pending"', () => server.steps(json.job_id)
        .some(({ event }) => event === 'api_call'));
      open();
      const record = await server.record(delivery);
      assert.equal(record.token_spend, 1);
      assert.equal(record.lowest_rate_limit, 3999);
      await finished(server, json.job_id);
      const line = await waitFor('the line', () => server.records().find(
        (one) => one.type === 'status_report' && one.job_id === json.job_id));
      assert.equal(line.token_spend, github.calls.length);
      assert.equal(line.token_spend, 2);
      assert.equal(line.lowest_rate_limit, 3998);
      const show = (...more) => run([join(buildDir, 'hookspool'), '--config',
        server.config, 'status', 'show', json.job_id, ...more]);
      assert.match((await show()).stdout, /^job's calls +2, lowest limit 3998$/m);
      assert.match((await show()).stdout, /^as +commit status$/m);
      assert.equal(JSON.parse((await show('--json')).stdout).token_spend, 2);
    }));

  const again = [
    ['queue retry of a dead job', 1, 'failure', ['queue', 'retry']],
    ['replay of a done one', 0, 'success', ['replay']],
  ];
  for (const [why, code, state, command] of again) {
    test(`${why}: pending again, then how it ended`, () =>
      gated(code, async ({ github, server, push, open, shut }) => {
        const commit = sha(why);
        const { json } = await push(commit);
        const states = () => github.statuses('octo/app', commit)
          .map((one) => one.state);
        await waitFor('pending', () => states().length === 1);
        open();
        await waitFor('its end', () => states().length === 2 &&
          reportOf(server, json.job_id).Result === 'reported');
        await server.settled();
        shut();
        const how = await run([join(buildDir, 'hookspool'), '--config',
          server.config, ...command, json.job_id]);
        assert.equal(how.code, 0, how.stderr);
        await waitFor('pending again', () => states().length === 3);
        open();
        await waitFor('its second end', () => states().length === 4);
        assert.deepEqual(states(), [state, 'pending', state, 'pending']);
      }));
  }

  test('what could not be sent is sent when GitHub is back, also by the ' +
    'runner after a killed one', () =>
    withReports({}, async ({ github, server, push }) => {
      github.down = true;
      for (const socket of github.sockets) socket.destroy();
      const commit = sha('down');
      const { json, delivery } = await push(commit);
      assert.equal((await server.record(delivery)).state, 'succeeded');
      await waitFor('a try that failed', () =>
        Number(reportOf(server, json.job_id).Tries) > 0);
      server.program('runner').kill('SIGKILL');
      await server.program('runner').ended;
      server.startRunner();
      github.down = false;
      const report = await finished(server, json.job_id);
      assert.equal(report.Result, 'reported');
      assert.deepEqual(github.statuses('octo/app', commit).map((s) => s.state),
        ['success']);
    }));

  test('many deliveries for one commit end with the newest job', () =>
    withReports({ config: ['concurrency: 4'] },
      async ({ github, server, push }) => {
        const commit = sha('many');
        const replies = [];
        for (let i = 0; i < 50; i++) replies.push(await push(commit));
        await server.settled();
        for (const { json } of replies) await finished(server, json.job_id, 200);
        const newest = replies.at(-1).json.job_id;
        assert.equal(github.statuses('octo/app', commit)[0].target_url,
          `https://ci.example.org/jobs/${newest}`);
        assert.equal(github.statuses('octo/app', commit)[0].state, 'success');
      }));

  test('without a token no job reports', () => withReports({ token: false },
    async ({ github, server, push }) => {
      const { delivery } = await push(sha('no token'));
      assert.equal((await server.record(delivery)).status_report, null);
      assert.deepEqual(server.names('out'), []);
      assert.deepEqual(github.calls, []);
    }));

  test('status: list, show, retry --failed, clear; and stats', () =>
    withReports({}, async ({ github, server, push }) => {
      const cli = async (...args) => {
        const how = await run([join(buildDir, 'hookspool'), '--config',
          server.config, ...args, '--json']);
        return { ...how, json: how.stdout ? JSON.parse(how.stdout) : null };
      };
      github.script('POST /repos/octo/app/statuses/', Array(9).fill({
        status: 403, body: { message: 'Resource not accessible' } }));
      const commit = sha('operator');
      const { json } = await push(commit);
      await finished(server, json.job_id);
      const { reports } = (await cli('status', 'list')).json;
      assert.deepEqual(reports.map((r) => [r.job_id, r.state, r.result]),
        [[json.job_id, 'success', 'refused']]);
      assert.match(reports[0].message, /403: Resource not accessible/);
      assert.equal((await cli('status', 'list', '--result', 'pending'))
        .json.reports.length, 0);
      assert.equal((await cli('status', 'list', '--result', 'odd')).code, 2);
      assert.deepEqual((await cli('stats')).json.commit_statuses, {
        sent: 0, pending: 0, refused: 1, expired: 0, superseded: 0 });
      const show = await run([join(buildDir, 'hookspool'), '--config',
        server.config, 'queue', 'show', json.job_id]);
      assert.match(show.stdout, /^status +success, refused: .*accessible/m);

      github.scripts.length = 0;
      assert.deepEqual((await cli('status', 'retry', '--failed')).json.jobs,
        [json.job_id]);
      await waitFor('reported', () =>
        reportOf(server, json.job_id).Result === 'reported');
      // again: GitHub has it, so nothing is posted
      const before = github.count('POST');
      assert.equal((await cli('status', 'retry', json.job_id)).code, 0);
      await waitFor('a look', () => github.count('GET') > 1 &&
        reportOf(server, json.job_id).Result === 'reported');
      assert.equal(github.count('POST'), before);
      assert.equal(github.statuses('octo/app', commit).length, 1);
      // clear: posted without asking
      assert.equal((await cli('status', 'clear', json.job_id)).code, 0);
      await waitFor('a second', () =>
        github.statuses('octo/app', commit).length === 2);
      assert.equal((await cli('status', 'show', json.job_id)).json.state,
        'success');
      assert.equal((await cli('status', 'show', '0-aaaa')).code, 1);
      assert.equal((await cli('status', 'retry')).code, 2);
      assert.equal((await cli('stats')).json.commit_statuses.refused, 0);
    }));

  const silent = [
    ['an event that a status causes', 'status', { sha: sha('x'),
      state: 'success', context: 'c', branches: [] }],
    ['the deletion of a branch', 'push', { ref: 'refs/heads/x',
      before: sha('x'), after: '0'.repeat(40), deleted: true }],
    ['a commit that is none', 'push', { ref: 'refs/heads/x',
      before: sha('x'), after: '../../../etc/passwd' }],
  ];
  test('nothing is reported of events without a commit of their own', () =>
    withReports({}, async ({ github, server }) => {
      for (const [why, event, body] of silent) {
        const reply = await server.send({ event, body: JSON.stringify({
          repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
          ...body }) });
        assert.equal(reply.status, 202, `${why}: ${reply.text}`);
        await server.record(reply.delivery);
      }
      assert.deepEqual(readdirSync(join(server.spool, 'out'))
        .filter((name) => !name.startsWith('.')), []);
      assert.deepEqual(github.calls, []);
    }));

  test('a token shows up nowhere', () => withReports({
    command: ['/bin/sh', '-c', 'env; cat /proc/self/environ; ' +
      'cat /proc/$PPID/cmdline; for i in 1 2 3 4 5 6 7 8; do sleep 0.1; done'],
    config: ['log-level: DEBUG'],
  }, async ({ github, server, push }) => {
    // a GitHub that tells it back, slow enough for the sender to be watched
    github.script('POST /repos/octo/app/statuses/', [
      { status: 502, body: { message: `Bearer ${token} is no good` } },
      { status: 422, body: { message: `token ${token} is no good` } },
      { status: 422, body: { message: `token ${token} is no good` } }]);
    const { json } = await push(sha('secret'));
    const seen = new Set();
    const programs = new Set();
    await waitFor('the report', () => {
      for (const { pid, name } of descendants(process.pid)) {
        for (const file of ['cmdline', 'environ']) {
          let text = '';
          try {
            text = readFileSync(`/proc/${pid}/${file}`, 'latin1');
          } catch {
            continue; // ended, or not to be looked into
          }
          programs.add(`${name} ${/--reports/.test(text) ? 'sender' : ''}`);
          if (text.includes(token)) seen.add(`${file} of ${name}`);
        }
      }
      return ['refused', 'reported'].includes(
        reportOf(server, json.job_id).Result) &&
        reportOf(server, json.job_id).State === 'success';
    });
    for (const name of ['sh ', 'job-worker sender', 'job-worker '])
      assert.ok(programs.has(name), `${name} was seen: ${[...programs]}`);
    const search = (dir) => {
      for (const entry of readdirSync(dir, { withFileTypes: true })) {
        const path = join(dir, entry.name);
        if (entry.isDirectory()) search(path);
        else if (entry.isFile() && readFileSync(path).includes(token)) {
          seen.add(path);
        }
      }
    };
    search(server.data);
    for (const name of ['responder', 'runner']) {
      assert.ok(!server.program(name).output().includes(token), name);
    }
    assert.deepEqual([...seen], []);
    assert.match(readFileSync(join(server.spool, 'out', json.job_id), 'utf8'),
      /redacted/);
  }));
});
