// SPDX-License-Identifier: MIT
//
// Things that are no files, planted where the spool's files belong: by a
// command that got out of its workspace, or by another user of the group.
// Nobody may follow them, write through them, wait for them or die of them.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, linkSync, lstatSync, mkdirSync,
  readFileSync, rmSync, statSync, symlinkSync, utimesSync,
  writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { run, waitFor } from '../e2e/support/process.mjs';
import { plainDir, startServer } from '../e2e/support/server.mjs';

const outsideText = 'Job: not one\n\nthis file belongs to somebody else\n';
const day = new Date().toISOString().slice(0, 10);
let planted = 0;
let seen = 0;

/** How a thing is made at `path`; `outside` is a file that must stay. */
const kinds = {
  'a symbolic link': (path, outside) => symlinkSync(outside, path),
  'a dangling symbolic link': (path, outside) =>
    symlinkSync(`${outside}.none`, path),
  // Each to a file of its own: locks of one inode would be one lock.
  'a hard link': (path, outside) => {
    const other = `${outside}.${planted}`;
    copyFileSync(outside, other);
    linkSync(other, path);
  },
  'a FIFO': (path) => run(['mkfifo', path]),
  'a device': (path) => run(['mknod', path, 'c', '1', '5']),
  'a directory': (path) => mkdirSync(path),
};

const job = () => `0-${randomUUID()}`;

/** Names where a job or another's file could be: all must go on. */
const foreign = () => [
  `new/${job()}.0`, `run/${job()}.0`, `run/${job()}.2`, `retry/${job()}.1`,
  `hold/${job()}.0`, `done/${job()}`, `dead/${job()}`, `bad/${job()}`,
  'tmp/0badf00d.1', 'tmp/0badf00d.own', 'tmp/other',
  `seen/d.${'0'.repeat(32)}`, 'seen/ledger.1.64', 'seen/ledger.7.512',
  `out/${job()}`, `log/jobs/${job()}.jsonl`, 'log/webhooks_2020-01-01.json',
  `ctl/cancel-${job()}`, 'ctl/anything',
];

/** Names that the programs write themselves: the work may stand still. */
const own = (delivery) => [
  'lock/keys', 'lock/log', 'lock/recover', 'lock/runner', 'lock/heartbeat',
  'lock/drain', 'lock/settling.0', 'lock/settling.1',
  `log/webhooks_${day}.json`, `log/jobs/0-${delivery}.jsonl`,
];

const commands = [
  ['queue', 'list'], ['queue', 'list', '--json'], ['stats'], ['logs'],
  ['doctor'],
];

const push = (n) => JSON.stringify({
  ref: 'refs/heads/main', before: '0'.repeat(40),
  after: String(n).padStart(40, '1'), commits: [], created: false,
  deleted: false, pusher: { name: 'ann' },
  repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
});

async function plant(server, make, names, outside) {
  for (const name of names) {
    const path = join(server.spool, name);
    rmSync(path, { force: true, recursive: true });
    await make(path, outside);
    if (!lstatSync(path, { throwIfNoEntry: false })) return false;
    planted++;
  }
  return true;
}

/** A server whose spool is there, with nobody at work. */
async function quietServer() {
  const server = await startServer({
    build: plainDir,
    runner: false,
    config: 'stop-grace: 1s\n' +
      'hooks: [{name: x, events: [push], command: [/bin/true]}]\n',
  });
  await server.program('responder').stop();
  return server;
}

function makeOutside(server) {
  const outside = join(server.dir, 'outside');
  writeFileSync(outside, outsideText);
  chmodSync(outside, 0o604);
  utimesSync(outside, 1e9, 1e9);
  return outside;
}

/** Untouched: text, mode, and time. */
function checkOutside(outside) {
  const { mode, mtimeMs } = statSync(outside);
  assert.equal(readFileSync(outside, 'utf8'), outsideText);
  assert.equal(mode & 0o777, 0o604);
  assert.equal(mtimeMs, 1e12, 'its time was set');
  assert.ok(!existsSync(`${outside}.none`), 'a dangling link was followed');
}

async function runCommands(server) {
  for (const words of commands) {
    const { code, signal, stderr } = await run([join(plainDir, 'hookspool'),
      '--config', server.config, ...words], { seconds: 30 });
    assert.equal(signal, null, `hookspool ${words.join(' ')}: ${signal}`);
    assert.ok(code < 112, `hookspool ${words.join(' ')}: ${code} ${stderr}`);
  }
}

async function serve(server) {
  await server.startResponder();
  server.startRunner();
  const health = await server.request('GET', '/health/ready');
  assert.ok([200, 503].includes(health.status), `health ${health.status}`);
}

for (const [kind, make] of Object.entries(kinds)) {
  test(`${kind} for a job's file: the others go on`, async (t) => {
    const server = await quietServer();
    t.after(() => server.stop());
    const outside = makeOutside(server);
    if (!await plant(server, make, foreign(), outside)) {
      t.skip('needs root');
      return;
    }
    await serve(server);
    for (let i = 0; i < 3; i++) {
      const { status, delivery } = await server.send({ body: push(i) });
      assert.equal(status, 202);
      await waitFor('the job to be done', () => server.alive('runner') &&
        server.names('done').includes(`0-${delivery}`));
      seen++;
    }
    await runCommands(server);
    checkOutside(outside);
  });

  test(`${kind} for a lock or log: nobody hangs`, async (t) => {
    const server = await quietServer();
    t.after(() => server.stop());
    const outside = makeOutside(server);
    const delivery = randomUUID();
    if (!await plant(server, make, own(delivery), outside)) {
      t.skip('needs root');
      return;
    }
    await server.startResponder();
    const runner = server.startRunner();
    runner.expectedToEnd = true; // it may well say no, and stop
    const began = performance.now();
    const { status } = await server.send({ body: push(9), delivery });
    assert.ok([202, 503].includes(status), `status ${status}`);
    assert.ok(performance.now() - began < 10000, 'it took too long');
    await server.request('GET', '/health/ready');
    await waitFor('the runner to look', () => !runner.running ||
      /started|failed/.test(runner.output()));
    await runCommands(server);
    const { signal } = await runner.stop(60); // it gives up after a while
    assert.notEqual(signal, 'SIGKILL', 'the runner hangs');
    assert.doesNotMatch(String(signal), /ABRT|SEGV/);
    checkOutside(outside);
  });
}

after(() => console.log(`planted: ${planted} things that are no files, ` +
  `0 followed, ${seen} jobs settled beside them`));
