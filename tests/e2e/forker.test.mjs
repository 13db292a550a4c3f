// SPDX-License-Identifier: MIT
//
// Workers that are forked from one that was started before: nobody can tell
// them from those that are executed, and where there is doubt one is.

import assert from 'node:assert/strict';
import {
  copyFileSync, readFileSync, readlinkSync, readdirSync, renameSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { buildDir, withBench } from './support/bench.mjs';
import { descendants, waitFor } from './support/process.mjs';

/* $1 of the command is the payload's `do`; the worker is its parent. */
const hook = (extra = '') => `
concurrency: 1
stop-grace: 2s
${extra}
hooks:
  - name: all
    events: [push]
    command: ["/bin/sh", "-c", "eval \\"$1\\"", sh, "{{do}}"]
`;

const add = (bench, what = 'true') => bench.add(JSON.stringify({ do: what }));

const DONE = ['succeeded', 1];

async function done(bench, id) {
  const record = await bench.settled(id);
  assert.deepEqual([record.state, record.attempts], DONE, bench.output());
  return record;
}

const commandLine = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
};

const childrenOf = (runner) => descendants(runner.pid)
  .filter(({ ppid }) => ppid === runner.pid);

/** The forker's pid, when no job runs; undefined if there is none. */
const forkerOf = (runner) => childrenOf(runner)
  .find(({ pid }) => commandLine(pid).includes('--serve'))?.pid;

/** How the job's worker was started: its command line, from its command. */
async function startOf(bench) {
  const id = add(bench, `tr '\\0' ' ' </proc/$PPID/cmdline >${bench.dir}/how`);
  await done(bench, id);
  const line = readFileSync(join(bench.dir, 'how'), 'utf8');
  return line.includes('--serve') ? 'forked' : 'executed';
}

/** Runs jobs until one of them has a forked worker. */
async function warm(bench) {
  let how;
  await waitFor(() => `a forked worker\n${bench.output()}`, async () => {
    how = await startOf(bench);
    return how === 'forked';
  });
}

const withForker = (fn, extra) => withBench({ config: hook(extra) },
  async (bench) => {
    const runner = bench.run({ bin: buildDir });
    await warm(bench);
    await fn(bench, runner);
  });

test('the first worker is executed, and where there is one job only', () =>
  withBench({ config: hook() }, async (bench) => {
    const runner = bench.run({ bin: buildDir });
    assert.equal(await startOf(bench), 'executed');
    assert.equal(forkerOf(runner), undefined);
  }));

test('with --worker each one is executed', () =>
  withBench({ config: hook() }, async (bench) => {
    const runner = bench.run({ bin: buildDir,
      args: ['--worker', join(buildDir, 'job-worker')] });
    for (let i = 0; i < 4; i++)
      assert.equal(await startOf(bench), 'executed');
    assert.equal(forkerOf(runner), undefined);
  }));

test('a forked worker is the runner\'s child with what is its own', () =>
  withForker(async (bench, runner) => {
    const id = add(bench, `ps -o pid=,ppid=,pgid=,sid= $PPID >${bench.dir}/ids;
      ls -l /proc/$PPID/fd >${bench.dir}/fds; cat /proc/$PPID/status >` +
      `${bench.dir}/status; grep core /proc/$PPID/limits >${bench.dir}/limits`);
    await done(bench, id);
    const text = (name) => readFileSync(join(bench.dir, name), 'utf8');
    const [pid, ppid, pgid, sid] = text('ids').trim().split(/\s+/).map(Number);
    assert.deepEqual([ppid, pgid, sid], [runner.pid, pid, pid]);
    assert.match(text('status'), /^NoNewPrivs:\s+1$/m);
    assert.match(text('limits'), /core file size\s+0\s+0/);
    const fds = Object.fromEntries(text('fds').split('\n')
      .map((line) => line.match(/ (\d+) -> (.*)$/)).filter((m) => m !== null)
      .map((m) => [m[1], m[2]]));
    assert.match(fds[0], new RegExp(`/run/${id}\\.0$`));
    assert.match(fds[3], /lock\/keys$/);
    assert.match(fds[4], /^pipe:/);
    assert.match(fds[5], /memfd:config/);
    assert.deepEqual(Object.values(fds).filter((to) =>
      to.startsWith('socket:')), [], 'the forker\'s socket');
  }));

test('the forker keeps nothing of a job', () =>
  withForker(async (bench, runner) => {
    const forker = forkerOf(runner);
    const open = () => readdirSync(`/proc/${forker}/fd`).map((fd) =>
      readlinkSync(`/proc/${forker}/fd/${fd}`)).sort();
    const before = open();
    const id = add(bench, 'sleep 30');
    await bench.inState(id, 'run');
    await waitFor('the command to run', () =>
      descendants(runner.pid).some(({ name }) => name === 'sleep'));
    assert.deepEqual(open(), before);
    bench.ask('cancel', id);
    assert.equal((await bench.settled(id)).state, 'cancelled');
  }));

test('what the configuration says now is what counts', () =>
  withForker(async (bench) => {
    for (const word of ['one', 'two', 'three']) {
      const file = join(bench.dir, word);
      writeFileSync(bench.config, `data-directory: ${bench.dir}\n` +
        hook().replace('{{do}}', `echo >${file}`));
      await done(bench, add(bench));
      assert.equal(readFileSync(file, 'utf8'), '\n');
    }
  }));

test('while the configuration is broken the last good one counts', () =>
  withForker(async (bench) => {
    writeFileSync(bench.config, 'hooks: [');
    const id = add(bench);
    await done(bench, id);
    assert.ok(bench.steps(id).some(({ msg }) =>
      /the last good configuration is used/.test(msg)));
  }));

test('a killed forker costs no attempt, and another takes its place', () =>
  withForker(async (bench, runner) => {
    const forker = forkerOf(runner);
    process.kill(forker, 'SIGKILL');
    await done(bench, add(bench));
    await waitFor('another', async () => {
      await done(bench, add(bench));
      return forkerOf(runner) !== undefined && forkerOf(runner) !== forker;
    });
    await warm(bench);
  }));

test('a forker that does not answer costs seconds, and no attempt', () =>
  withForker(async (bench, runner) => {
    const forker = forkerOf(runner);
    process.kill(forker, 'SIGSTOP');
    await done(bench, add(bench));
    assert.throws(() => process.kill(forker, 0), 'it lives');
  }));

test('when the program is another one, that is used', () =>
  withBench({ config: hook() }, async (bench) => {
    const worker = join(bench.dir, 'job-worker');
    for (const name of ['spool-runner', 'job-worker'])
      copyFileSync(join(buildDir, name), join(bench.dir, name));
    const runner = bench.run({ bin: bench.dir });
    await warm(bench);
    const forker = forkerOf(runner);
    copyFileSync(worker, `${worker}.new`);
    renameSync(`${worker}.new`, worker);
    assert.equal(await startOf(bench), 'executed');
    await warm(bench);
    assert.notEqual(forkerOf(runner), forker);
  }));

test('a runner that has ended left no lock to its forker', () =>
  withBench({ config: hook() }, async (bench) => {
    for (let round = 0; round < 8; round++) {
      const ids = [add(bench), add(bench)];
      const { code } = await bench.drain([], buildDir);
      assert.equal(code, 0);
      for (const id of ids) assert.equal(bench.find(id)?.state, 'done');
    }
  }));

test('a killed forked worker was lost, and is tried again', () =>
  withBench({ config: hook() }, async (bench) => {
    const runner = bench.run({ bin: buildDir,
      args: ['--retry-schedule', '10ms'] });
    await warm(bench);
    const once = join(bench.dir, 'once');
    const id = add(bench, `[ -e ${once} ] || { touch ${once}; ` +
      'kill -9 $PPID; sleep 30; }');
    const record = await bench.settled(id);
    assert.deepEqual([record.state, record.attempts], ['succeeded', 2]);
    assert.ok(bench.steps(id).some(({ event }) => event === 'lost'));
    assert.ok(runner.running);
  }));

test('the forker ends with its runner, also where that is killed', () =>
  withForker(async (bench, runner) => {
    const id = add(bench, 'sleep 30');
    await waitFor('the command to run', () =>
      descendants(runner.pid).some(({ name }) => name === 'sleep'));
    const pids = childrenOf(runner).map(({ pid }) => pid);
    assert.equal(pids.length, 2, 'the forker and a worker');
    runner.mayDie = true;
    runner.kill('SIGKILL');
    await runner.ended;
    /* The worker gets TERM, and its lock is free only when it has ended. */
    await waitFor('their end', () =>
      pids.every((pid) => commandLine(pid).join('') === ''));
    bench.run({ bin: buildDir, args: ['--retry-schedule', '10ms'] });
    bench.ask('cancel', id);
    assert.equal((await bench.settled(id)).state, 'cancelled');
  }));
