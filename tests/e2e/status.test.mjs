// SPDX-License-Identifier: MIT
//
// Commit statuses, from the signed POST through nginx to what GitHub shows:
// each appears once, whatever the network, GitHub or a kill does to it.

import assert from 'node:assert/strict';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { startGitHub } from './support/github.mjs';
import { waitFor } from './support/process.mjs';
import { startServer } from './support/server.mjs';

const token = 'ghp_sentinel0123456789abcdefABCDEF012345';

function sha(text) {
  return createHash('sha1').update(text).digest('hex');
}

/** fn({ github, server, push }) with a whole server that reports there. */
async function withReports(options, fn) {
  const github = await startGitHub({ tokens: [token], ...options.github });
  const server = await startServer({ config: [
    `github-api-url: ${github.url}`,
    `github-tokens: [${token}]`,
    'public-url: https://ci.example.org',
    'repositories: {app: {name: octo/app}}',
    ...(options.config ?? []),
    `hooks: [{name: work, command: ${
      JSON.stringify(options.command ?? ['/bin/true'])}, timeout: ${
      options.timeout ?? '60s'}}]`,
  ].join('\n') });
  const push = async (commit, more = {}) => {
    const reply = await server.send({ event: 'push', body: JSON.stringify({
      ref: 'refs/heads/main', before: '0'.repeat(40), after: commit,
      repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
      mark: randomUUID(), ...more,
    }) });
    assert.equal(reply.status, 202, reply.text);
    return reply;
  };
  try {
    await fn({ github, server, push });
  } finally {
    await server.stop();
    await github.stop();
  }
}

function reportOf(server, jobId) {
  const file = join(server.spool, 'out', jobId);
  if (!existsSync(file)) return {};
  return Object.fromEntries(readFileSync(file, 'utf8').trim().split('\n')
    .map((line) => line.split(/: (.*)/s).slice(0, 2)));
}

function finished(server, jobId, seconds = 60) {
  return waitFor(`the report of ${jobId}`, () => {
    const report = reportOf(server, jobId);
    return ['success', 'failure', 'error'].includes(report.State) &&
      report.Result !== 'waiting' ? report : undefined;
  }, seconds);
}

test('pending while it runs, success when it is done', () => {
  const gate = ['/bin/sh', '-c', 'while [ ! -e "$0" ]; do sleep 0.05; done'];
  const file = join('/tmp', `hookspool-gate-${randomUUID()}`);
  return withReports({ command: [...gate, file] },
    async ({ github, server, push }) => {
      const commit = sha('slow');
      const { json } = await push(commit);
      await waitFor('pending', () =>
        github.statuses('octo/app', commit).length === 1);
      const { writeFileSync, rmSync } = await import('node:fs');
      writeFileSync(file, '');
      const report = await finished(server, json.job_id);
      rmSync(file);
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
    });
});

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

test('what could not be sent is sent when GitHub is back', () =>
  withReports({}, async ({ github, server, push }) => {
    github.down = true;
    for (const socket of github.sockets) socket.destroy();
    const commit = sha('down');
    const { json, delivery } = await push(commit);
    await server.record(delivery);
    await waitFor('a try that failed', () =>
      Number(reportOf(server, json.job_id).Tries) > 0);
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
  command: ['/bin/sh', '-c', 'env; cat /proc/self/environ; cat /proc/$PPID/cmdline'],
}, async ({ server, push }) => {
  const { json } = await push(sha('secret'));
  await finished(server, json.job_id);
  const seen = [];
  const search = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true })) {
      const path = join(dir, entry.name);
      if (entry.isDirectory()) search(path);
      else if (entry.isFile() && readFileSync(path).includes(token)) {
        seen.push(path);
      }
    }
  };
  search(server.data);
  for (const name of ['responder', 'runner']) {
    assert.ok(!server.program(name).output().includes(token), name);
  }
  assert.deepEqual(seen, []);
}));
