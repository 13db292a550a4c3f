// SPDX-License-Identifier: MIT
//
// The sender of commit statuses and check runs, killed at every system call
// and by a clock that runs through an outage: each appears once, always.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { commit, id, withOutbox } from './support/outbox.mjs';
import { each, random, run } from './support/process.mjs';

const strace = '/usr/bin/strace';

/** [call, n] of every system call from the first look into out/ on. */
async function callsOfASend(options, prepare) {
  return withOutbox(options, async (outbox, github) => {
    prepare(github);
    const log = join(outbox.dir, 'trace');
    const how = await run([strace, '-o', log, ...outbox.argv]);
    assert.equal(how.code, 0, how.stderr);
    const counts = new Map();
    const found = [];
    let begun = false;
    for (const line of readFileSync(log, 'utf8').split('\n')) {
      const call = /^([a-z0-9_]+)\(/.exec(line)?.[1];
      if (call === undefined || call === 'exit_group') continue;
      counts.set(call, (counts.get(call) ?? 0) + 1);
      begun ||= call === 'openat' && line.includes('"out"');
      if (begun) found.push([call, counts.get(call)]);
    }
    assert.ok(found.length > 60, `only ${found.length} calls were seen`);
    return found;
  });
}

const nothing = () => {};
const runInProgress = (github) => github.checkRuns.push({
  repository: 'octo/app', id: github.nextId++, app: { id: 42 },
  name: 'hookspool', head_sha: commit, external_id: id, status: 'in_progress',
  conclusion: null, details_url: null, output: {}, changes: [] });
const statuses = (github) => github.statuses('octo/app', commit)
  .map((one) => one.state);
const checks = (github) => [...statuses(github),
  ...github.checks('octo/app', commit).map((one) => one.conclusion)];
const requests = /^\/repos\/octo\/app\/(statuses|check-runs)\//;
const wasSent = (github) => github.calls.some((call) =>
  call.method !== 'GET' && requests.test(`${call.path}/`));

const doubts = [
  ['a status that nobody began', {}, nothing, statuses],
  ['a status that may have been sent already',
    { Form: 'status', Attempted: 'success' }, nothing, statuses],
  ['a check run that nobody began', { app: true }, nothing, checks],
  ['a check run that is changed', { app: true, Form: 'check', Check: '1',
    Attempted: 'pending', Posted: 'pending' }, runInProgress, checks],
];
for (const [why, options, prepare, shown] of doubts) {
  test(`killed at every system call of sending ${why}: one`,
    { timeout: 600e3 }, async () => {
      const calls = await callsOfASend(options, prepare);
      const seen = { before: 0, after: 0 };
      await each(calls, 4, ([call, n]) => withOutbox(options,
        async (outbox, github) => {
          prepare(github);
          await run([strace, '-qq', '-o', '/dev/null', '-e', `trace=${call}`,
            '-e', `inject=${call}:signal=KILL:when=${n}`, ...outbox.argv]);
          seen[wasSent(github) ? 'after' : 'before']++;
          // what was on its way arrives, or not, before the next look
          await new Promise((done) => { setTimeout(done, 5); });
          await outbox.finish();
          assert.deepEqual(shown(github), ['success'], `${call} ${n}`);
          for (const name of readdirSync(join(outbox.spool, 'log')))
            if (name.endsWith('.json')) outbox.lines = readFileSync(
              join(outbox.spool, 'log', name), 'utf8').trim().split('\n');
          assert.ok(outbox.lines.every((line) =>
            JSON.parse(line).status_report === 'reported'));
        }));
      assert.ok(seen.before > 20 && seen.after > 20, JSON.stringify(seen));
    });
}

const faketime = ['/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1']
  .find((path) => existsSync(path));

/** The sender's clock: `seconds` behind now, running 20 times as fast. */
function clock(seconds) {
  const at = new Date(Date.now() + seconds * 1000).toISOString()
    .slice(0, 19).replace('T', ' ');
  return { LD_PRELOAD: faketime, FAKETIME: `@${at} x20`, TZ: 'UTC' };
}

const outages = [
  ['refuses all connections', (github) => { github.down = true; }],
  ['answers 503', (github) => github.script('POST', Array(999).fill(
    { status: 503 }))],
  ['cuts every connection', (github) => github.script('POST',
    Array(999).fill('cut'))],
  ['took the status and cut the connection, then was away', (github) => {
    github.script('POST', ['cut-after', ...Array(999).fill('cut')]);
    github.script('GET', Array(999).fill({ status: 503 }));
  }],
];
describe('ten minutes without GitHub, senders killed in between',
  { concurrency: 2 }, () => {
    for (const [why, begin] of outages) {
      test(`GitHub ${why}: one status`, { timeout: 120e3 }, () =>
        withOutbox({}, async (outbox, github) => {
          const chance = random(why.length);
          begin(github);
          let asked = 0;
          for (let minute = 0; minute < 10; minute++) {
            const sender = spawn(outbox.argv[0], outbox.argv.slice(1), {
              env: { ...process.env, ...clock(minute * 60) }, stdio: 'ignore',
            });
            const ended = new Promise((done) => { sender.once('exit', done); });
            // every other one is killed, somewhere in its try of 0.4 s
            const timer = minute % 2 === 0 ? setTimeout(() =>
              sender.kill('SIGKILL'), chance() * 450) : undefined;
            await ended;
            clearTimeout(timer);
            asked = Math.max(asked, github.calls.length);
            assert.equal(outbox.field('Result'), 'waiting');
          }
          if (!github.down) assert.ok(asked > 4, `asked ${asked} times`);
          github.down = false;
          github.scripts.length = 0;
          assert.deepEqual(await outbox.finish(clock(700)), ['success']);
        }));
    }

    test('a day without GitHub: expired, and no call after that', () =>
      withOutbox({}, async (outbox, github) => {
        const how = await run(outbox.argv,
          { env: { ...process.env, ...clock(25 * 3600) } });
        assert.equal(how.code, 0, how.stderr);
        assert.equal(outbox.field('Result'), 'expired');
        assert.deepEqual(github.calls, []);
      }));

    test('the pauses double from five seconds, and keep Retry-After', () =>
      withOutbox({}, async (outbox, github) => {
        github.script('POST', Array(8).fill({ status: 503 }));
        const pause = async (seconds) => {
          const env = clock(seconds);
          const how = await run(outbox.argv,
            { env: { ...process.env, ...env } });
          assert.equal(how.code, 0, how.stderr);
          return (Date.parse(outbox.field('Due')) -
            Date.parse(`${env.FAKETIME.slice(1, 20)}Z`)) / 1000;
        };
        // a try itself takes 7 s, and the clock runs fast
        const first = await pause(10);
        assert.ok(first >= 11 && first < 30, `${first} s`);
        const second = await pause(60);
        assert.ok(second >= 16 && second < 40, `${second} s`);
        github.script('GET', [{ status: 429, headers: {
          'Retry-After': '900' } }]);
        const third = await pause(600);
        assert.ok(third >= 900 && third < 930, `${third} s`);
      }));
  });
