// SPDX-License-Identifier: MIT
//
// With a GitHub App a commit is told of a job by a check run, made once and
// changed in place; where the App cannot, by a commit status.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { commit, id, withOutbox } from './support/outbox.mjs';
import { run, waitFor } from './support/process.mjs';
import { finished, reportOf, sha, withReports } from './support/reports.mjs';
import { buildDir } from './support/server.mjs';

const send = async (box) => {
  const how = await run(box.argv);
  assert.equal(how.code, 0, how.stderr);
};
const posts = 'POST /repos/octo/app/check-runs';
const patches = 'PATCH /repos/octo/app/check-runs/';
const lists = `GET /repos/octo/app/commits/${commit}/check-runs`;
const app = { app: true };

describe('from a signed event to the check run', { concurrency: 3 }, () => {
  test('in progress while it runs, then completed in place', () => {
    const file = join('/tmp', `hookspool-gate-${randomUUID()}`);
    return withReports({ app: true, command: ['/bin/sh', '-c',
      'while [ ! -e "$0" ]; do sleep 0.05; done', file] },
    async ({ github, server, push }) => {
      const head = sha('slow check');
      const { json, delivery } = await push(head);
      const [begun] = await waitFor('the check run', () =>
        github.checks('octo/app', head).length === 1 &&
        github.checks('octo/app', head));
      assert.equal(begun.status, 'in_progress');
      writeFileSync(file, '');
      const report = await finished(server, json.job_id);
      rmSync(file);
      assert.equal(report.Result, 'reported');
      assert.equal(report.Form, 'check');
      const [done, ...more] = github.checks('octo/app', head);
      assert.deepEqual(more, []);
      assert.deepEqual(done.changes, ['in_progress', 'success']);
      assert.equal(done.id, Number(report.Check));
      assert.equal(done.name, 'hookspool');
      assert.equal(done.external_id, json.job_id);
      assert.equal(done.details_url,
        `https://ci.example.org/jobs/${json.job_id}`);
      assert.match(done.output.title, /^push succeeded in \d+ ms$/);
      assert.ok(done.output.summary.includes(delivery));
      assert.deepEqual(github.statuses('octo/app', head), []);
      for (const { method, path, headers } of github.calls) {
        if (path.includes('check-runs')) {
          assert.match(headers.authorization, /^Bearer ghs_installation/,
            `${method} ${path}`);
        }
      }
    });
  });

  const endings = [
    ['a failed command is a failure', { command: ['/bin/false'] }, 'failure'],
    ['a job past its time has timed out', { command: ['/bin/sleep', '60'],
      config: ['job-timeout: 1s'] }, 'timed_out'],
  ];
  for (const [why, options, conclusion] of endings) {
    test(why, () => withReports({ app: true, ...options },
      async ({ github, server, push }) => {
        const head = sha(`check ${why}`);
        const { json } = await push(head);
        await finished(server, json.job_id);
        const [only, ...more] = github.checks('octo/app', head);
        assert.equal(only.conclusion, conclusion);
        assert.deepEqual(more, []);
      }));
  }

  test('many deliveries for one commit: the newest job is shown, and no run ' +
    'stays open', () => withReports({ app: true, config: ['concurrency: 4'] },
    async ({ github, server, push }) => {
      const head = sha('many checks');
      const replies = [];
      for (let i = 0; i < 50; i++) replies.push(await push(head));
      await server.settled();
      for (const { json } of replies) await finished(server, json.job_id, 200);
      const all = github.checks('octo/app', head);
      assert.equal(all[0].external_id, replies.at(-1).json.job_id);
      assert.equal(all[0].conclusion, 'success');
      assert.deepEqual(all.filter((one) => one.status !== 'completed'), []);
      assert.equal(new Set(all.map((one) => one.external_id)).size,
        all.length, 'one run a job');
      const order = replies.map(({ json }) => json.job_id);
      const made = all.map((one) => order.indexOf(one.external_id));
      assert.deepEqual(made, [...made].sort((a, b) => b - a),
        'none was made after that of a newer job');
    }));

  test('a settled job that is run again has a check run of its own', () =>
    withReports({ app: true }, async ({ github, server, push }) => {
      const head = sha('again');
      const { json } = await push(head);
      await finished(server, json.job_id);
      await run([join(buildDir, 'hookspool'), '--config', server.config,
        'replay', json.job_id]);
      await waitFor('the second run', () =>
        reportOf(server, json.job_id).Run === '1' &&
        reportOf(server, json.job_id).State === 'success' &&
        reportOf(server, json.job_id).Result === 'reported');
      const [second, first, ...more] = github.checks('octo/app', head);
      assert.deepEqual(more, []);
      assert.equal(first.external_id, json.job_id);
      assert.equal(second.external_id, `${json.job_id}.1`);
      assert.equal(second.conclusion, 'success');
    }));

  test('the App\'s tokens and key show up nowhere but in its cache', () =>
    withReports({ app: true, config: ['log-level: DEBUG'] },
      async ({ github, server, push }) => {
        github.script(posts, [{ status: 502,
          body: { message: 'ghs_installation1230123456789abcdef is bad' } }]);
        const { json } = await push(sha('app secret'));
        await finished(server, json.job_id);
        const found = [];
        const search = (dir) => {
          for (const entry of readdirSync(dir, { withFileTypes: true })) {
            const path = join(dir, entry.name);
            if (entry.isDirectory()) search(path);
            else if (entry.isFile() && /ghs_installation|eyJhbGci|PRIVATE KEY/
              .test(readFileSync(path, 'latin1'))) found.push(entry.name);
          }
        };
        search(server.data);
        assert.deepEqual(found.map((name) => name.slice(0, 16)),
          ['installation-42-']);
        for (const name of ['responder', 'runner'])
          assert.doesNotMatch(server.program(name).output(),
            /ghs_installation|eyJhbGci/);
      }));
});

describe('where the App cannot, a commit status', { concurrency: 3 }, () => {
  const lacking = [
    ['is not installed', { installed: false }, 0, /installation.*404/],
    ['may not write checks', { mayWriteChecks: false }, 1,
      /403: Resource not accessible/],
  ];
  for (const [why, github, asked, words] of lacking) {
    test(`an App that ${why}: a status, and the step log says so`, () =>
      withReports({ app: true, github }, async (t) => {
        const head = sha(why);
        const { json } = await t.push(head);
        const report = await finished(t.server, json.job_id);
        assert.equal(report.Result, 'reported');
        assert.equal(report.Form, 'status');
        assert.deepEqual(t.github.checks('octo/app', head), []);
        assert.equal(t.github.statuses('octo/app', head)[0].state, 'success');
        // asked once a job, not once a status
        assert.equal(t.github.count(posts), asked);
        assert.ok(t.github.count('GET /repos/octo/app/installation') <= 1);
        const [note, ...more] = t.server.steps(json.job_id)
          .filter(({ event }) => event === 'note');
        assert.match(note.msg, words);
        assert.match(note.msg, /a commit status is used/);
        assert.deepEqual(more, []);
      }));
  }

  test('an App without tokens beside it writes the status itself', () =>
    withReports({ app: true, token: false, github: { mayWriteChecks: false } },
      async ({ github, server, push }) => {
        const head = sha('app alone');
        const { json } = await push(head);
        assert.equal((await finished(server, json.job_id)).Form, 'status');
        assert.match(github.calls.at(-1).headers.authorization,
          /^Bearer ghs_installation/);
      }));

  test('an App that is away for now is waited for', () =>
    withOutbox(app, async (box, github) => {
      github.script('GET /repos/octo/app/installation',
        Array(4).fill({ status: 503 }));
      await send(box);
      assert.equal(box.field('Result'), 'waiting');
      assert.equal(github.count('POST'), 0);
    }));

  test('an App taken away between two sends', () =>
    withOutbox({ ...app, Form: 'check', Check: '77', Attempted: 'pending',
      Posted: 'pending' }, async (box, github) => {
      github.installed = false;
      assert.deepEqual(await box.finish(), ['success']);
      assert.equal(box.field('Form'), 'status');
    }));
});

// why, script of POST, the report's lines before, [POSTs, PATCHes, lists]
const doubts = [
  ['nothing is in doubt', [], {}, [1, 0, 0]],
  ['the reply was lost', ['cut-after'], {}, [1, 0, 1]],
  ['a 502 came of what was done', [{ status: 502, done: true }], {}, [1, 0, 1]],
  ['a 502 came of what was not', [{ status: 502 }], {}, [2, 0, 1]],
  ['begun before a crash, and not sent', [],
    { Form: 'check', Attempted: 'success' }, [1, 0, 1]],
  ['pending was begun, its number is not known', [],
    { Form: 'check', Attempted: 'pending' }, [1, 0, 1]],
];
describe('a check run appears once', { concurrency: 4 }, () => {
  for (const [why, script, before, [post, patch, list]] of doubts) {
    test(`${why}: ${post} POST, ${patch} PATCH, ${list} look`, () =>
      withOutbox({ ...app, ...before }, async (box, github) => {
        github.script(posts, script);
        await send(box);
        assert.equal(box.field('Result'), 'reported');
        assert.deepEqual([github.count(posts), github.count(patches),
          github.count(lists)], [post, patch, list]);
        const [only, ...more] = github.checks('octo/app', commit);
        assert.deepEqual(more, []);
        assert.equal(only.conclusion, 'success');
      }));
  }

  const make = (github, more = {}) => github.checkRuns.push({
    repository: 'octo/app', id: github.nextId++, app: { id: 42 },
    name: 'hookspool', head_sha: commit, external_id: id,
    status: 'in_progress', conclusion: null, details_url: null,
    output: { title: 't', summary: 's' }, changes: [], ...more });

  test('one that is there is changed, though its number was lost', () =>
    withOutbox({ ...app, Form: 'check', Attempted: 'pending' },
      async (box, github) => {
        make(github);
        await send(box);
        assert.deepEqual([github.count(posts), github.count(patches)], [0, 1]);
        assert.equal(github.checks('octo/app', commit)[0].conclusion,
          'success');
      }));

  test('one that shows it already is left alone', () =>
    withOutbox({ ...app, Form: 'check', Attempted: 'success' },
      async (box, github) => {
        make(github, { status: 'completed', conclusion: 'success' });
        await send(box);
        assert.deepEqual([github.count(posts), github.count(patches)], [0, 0]);
        assert.equal(box.field('Result'), 'reported');
        assert.equal(box.field('Check'), '1');
      }));

  test('it is found among hundreds, page by page', () =>
    withOutbox({ ...app, Form: 'check', Attempted: 'pending' },
      async (box, github) => {
        make(github);
        for (let i = 0; i < 250; i++) make(github, { external_id: `0-${i}` });
        await send(box);
        assert.equal(github.count(lists), 3);
        assert.equal(github.count(posts), 0);
      }));

  test('another App\'s, with our name and ID, is not taken for ours', () =>
    withOutbox({ ...app, Form: 'check', Attempted: 'success' },
      async (box, github) => {
        make(github, { app: { id: 43 }, status: 'completed',
          conclusion: 'success' });
        await send(box);
        assert.equal(github.count(posts), 1);
      }));

  test('a number that the reply did not tell is found when it is needed', () =>
    withReports({ app: true, command: ['/bin/sleep', '1'] },
      async ({ github, server, push }) => {
        github.script(posts, [{ done: true, raw: 'no json' }]);
        const head = sha('no number');
        const { json } = await push(head);
        await finished(server, json.job_id);
        const [only, ...more] = github.checks('octo/app', head);
        assert.deepEqual(more, []);
        assert.deepEqual(only.changes, ['in_progress', 'success']);
      }));

  test('a PATCH whose reply was lost is asked for, not repeated', () =>
    withOutbox({ ...app, Form: 'check', Check: '1', Attempted: 'pending',
      Posted: 'pending' }, async (box, github) => {
      make(github);
      github.script(patches, ['cut-after']);
      await send(box);
      assert.equal(github.count(patches), 1);
      assert.equal(box.field('Result'), 'reported');
    }));

  test('422 is a refusal, with GitHub\'s words, and no status instead', () =>
    withOutbox(app, async (box, github) => {
      github.script(posts, [{ status: 422,
        body: { message: 'No commit found for SHA' } }]);
      await send(box);
      assert.equal(box.field('Result'), 'refused');
      assert.match(box.field('Words'), /No commit found/);
      assert.equal(github.count('POST /repos/octo/app/statuses'), 0);
    }));

  test('an odd context is escaped in the query', () =>
    withOutbox({ ...app, Context: 'a b/ü&c=d', Form: 'check',
      Attempted: 'success' }, async (box, github) => {
      make(github, { name: 'a b/ü&c=d', status: 'completed',
        conclusion: 'success' });
      await send(box);
      assert.equal(github.count(posts), 0);
    }));

  test('what a newer job has overtaken is closed, not left in progress', () =>
    withOutbox({ ...app, Form: 'check', Check: '1', Attempted: 'pending',
      Posted: 'pending' }, async (box, github) => {
      make(github);
      // the newer job's report, sent first
      box.add('0-22222222-2222-4333-8444-555555555555',
        { Received: new Date(Date.now() + 1000).toISOString()
          .replace('Z', '000000Z') });
      github.script(patches, Array(4).fill({ status: 503 }));
      await send(box);
      assert.equal(box.field('Result'), 'waiting');
      box.due();
      await send(box);
      assert.equal(box.field('Result'), 'superseded');
      const [newer, older, ...more] = github.checks('octo/app', commit);
      assert.deepEqual(more, []);
      assert.equal(newer.conclusion, 'success');
      assert.equal(older.conclusion, 'cancelled');
      assert.match(older.output.title, /newer job/);
    }));
});
