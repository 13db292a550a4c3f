// SPDX-License-Identifier: MIT
//
// hookspool(1) beside living programs: a runner that does what is asked of
// it, a worker whose steps are watched, a web server with a limit too low.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { run, waitFor } from './support/process.mjs';
import { startServer } from './support/server.mjs';

const repository = { id: 1, full_name: 'octo/hello' };
const push = (ref, n) => JSON.stringify({ ref, n, before: '0'.repeat(40),
  after: '1'.repeat(40), repository, sender: { login: 'octocat' },
  pusher: { name: 'octocat' }, commits: [] });

let server;
before(async () => {
  server = await startServer({ config: `
stop-grace: 1s
concurrency: 1
repositories:
  hello:
    name: octo/hello
hooks:
  - name: wait
    events: [push]
    branches: [slow]
    command: [/bin/sleep, "600"]
  - name: quick
    events: [push]
    branches: [quick]
    command: [/bin/echo, done]
` });
});
after(() => server?.stop());

const cli = (...args) =>
  run([join(server.build, 'hookspool'), '--config', server.config, ...args]);

async function json(...args) {
  const { stdout, stderr, code } = await cli(...args, '--json');
  try {
    return { code, value: JSON.parse(stdout) };
  } catch (error) {
    throw new Error(`${args}: ${error.message}\n${stdout}${stderr}`);
  }
}

async function accepted(ref, n) {
  const reply = await server.send({ event: 'push', body: push(ref, n) });
  assert.equal(reply.status, 202, reply.text);
  return reply.json.job_id;
}

test('a running job is watched, then cancelled; one behind it is held',
  { timeout: 120000 }, async () => {
    const job = await accepted('refs/heads/slow', 1);
    await waitFor('its worker', () => server.names('run').length === 1);

    const follow = spawn(join(server.build, 'hookspool'),
      ['--config', server.config, 'logs', '--follow', '--job', job]);
    let out = '', code;
    follow.stdout.on('data', (data) => { out += data; });
    follow.on('exit', (status) => { code = status; });
    await waitFor('the step', () => out.includes('step_started'));
    assert.equal(code, undefined);

    const second = await accepted('refs/heads/quick', 2);
    const held = await json('queue', 'hold', second);
    assert.equal(held.code, 0, JSON.stringify(held));
    assert.equal(held.value.jobs[0].answer, 'performed');
    assert.equal(held.value.jobs[0].state, 'hold');
    const refused = await json('queue', 'hold', job);
    assert.equal(refused.code, 1, 'a running job cannot be held');

    const cancelled = await json('queue', 'cancel', job);
    assert.equal(cancelled.code, 0, JSON.stringify(cancelled));
    await waitFor('the end of the log', () => code !== undefined);
    assert.equal(code, 0);
    const shown = await json('queue', 'show', job);
    assert.equal(shown.value.state, 'dead');
    await waitFor('its record', async () =>
      (await json('logs', '--job', job)).value.records.length === 1);
    assert.equal((await json('logs', '--job', job)).value.records[0].state,
      'cancelled');

    const released = await json('queue', 'release', second);
    assert.equal(released.code, 0, JSON.stringify(released));
    await waitFor('the released job to be done', () =>
      server.names('done').includes(second));
    const test = await json('hook', 'test', second);
    assert.deepEqual(test.value.hooks.map((h) => h.runs), [false, true]);
    const stats = await json('stats');
    assert.equal(stats.value.runner.alive, true);
    assert.equal(stats.value.seen_entries, 1, 'the dead one is forgotten');
  });

test('a job that is done is replayed and runs once more', async () => {
  const job = await accepted('refs/heads/quick', 3);
  const records = async () =>
    (await json('logs', '--job', job)).value.records.length;
  await waitFor('its first run', async () => await records() === 1);
  await waitFor('the file', () => server.names('done').includes(job));
  assert.equal((await cli('replay', job)).code, 0);
  await waitFor('its second run', async () => await records() === 2);
});

test('doctor finds runner and web server well, and the limit that is not',
  { timeout: 120000 }, async () => {
    const url = `${server.url}/webhook_server`;
    const verdict = async (name) => (await json('doctor', '--url', url))
      .value.checks.find((check) => check.name === name);
    const runner = await verdict('runner');
    assert.equal(runner.verdict, 'OK', runner.text);
    const proxy = await verdict('proxy');
    assert.equal(proxy.verdict, 'OK', proxy.text);

    const conf = join(server.dir, 'nginx.conf');
    writeFileSync(conf, readFileSync(conf, 'utf8')
      .replace(/client_max_body_size \S+;/, 'client_max_body_size 1m;'));
    server.program('nginx').kill('SIGHUP');
    const low = await waitFor('the new limit', async () => {
      const check = await verdict('proxy');
      return check.verdict === 'FAIL' && check;
    });
    assert.match(low.text, /413/);
    assert.match(low.remedy, /client_max_body_size 26m/);
    assert.deepEqual(server.names('new'), []);
  });
