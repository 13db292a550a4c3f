// SPDX-License-Identifier: MIT
//
// Several runners on one spool, and runners and workers that are killed: no
// job is lost, none settles twice, no two of a key overlap.

import assert from 'node:assert/strict';
import {
  copyFileSync, readFileSync, readdirSync, renameSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Bench, withBench } from './support/bench.mjs';
import { descendants, random, waitFor } from './support/process.mjs';

/** The runs by key, in order: {key: [{what, id, attempt}]}. */
function byKey(bench, keys) {
  const lines = new Map();
  for (const run of bench.runs()) {
    const key = keys.get(run.id);
    if (!lines.has(key)) lines.set(key, []);
    lines.get(key).push(run);
  }
  return lines;
}

function addMany(bench, jobs, keys, body) {
  const of = new Map();
  for (let i = 0; i < jobs; i++) {
    const key = `octo/demo#${i % keys}`;
    of.set(bench.add(body(i), { key }), key);
  }
  return of;
}

const allSettled = (bench, ids) => waitFor(
  () => `all jobs to be settled; left are ${JSON.stringify(
    ['new', 'run', 'retry'].map((s) => [s, bench.names(s).length]))}; ` +
    `${bench.records().length} records\n${bench.output().slice(-3000)}`,
  () => bench.names('done').length + bench.names('dead').length >= ids.size &&
    ['new', 'run', 'retry', 'tmp'].every((s) => bench.names(s)
      .filter((n) => !n.endsWith('.own')).length === 0), 120);

function oneRecordEach(bench, ids) {
  const seen = new Map();
  for (const record of bench.records())
    seen.set(record.job_id, (seen.get(record.job_id) ?? 0) + 1);
  for (const [id, n] of seen) assert.equal(n, 1, `${id} has ${n} records`);
  for (const id of ids) assert.ok(seen.has(id), `${id} has no record`);
}

test('four runners: 500 jobs of 50 keys, each once and in order', () =>
  withBench({ config: 'concurrency: 4' }, async (bench) => {
    const keys = addMany(bench, 500, 50, () => 'exit 0');
    for (let i = 0; i < 4; i++) bench.run();
    await allSettled(bench, keys);
    const order = new Map();
    for (const [id, key] of keys) {
      if (!order.has(key)) order.set(key, []);
      order.get(key).push(id);
    }
    for (const [key, runs] of byKey(bench, keys)) {
      for (let i = 0; i < runs.length; i += 2) {
        assert.equal(runs[i].what, 'start', key);
        assert.equal(runs[i + 1].what, 'end', key);
        assert.equal(runs[i + 1].id, runs[i].id, key);
      }
      assert.deepEqual(runs.filter((r) => r.what === 'start')
        .map((r) => r.id), order.get(key), key);
    }
    oneRecordEach(bench, keys.keys());
    for (const program of bench.programs)
      assert.match(program.output(), /"claimed"/, 'every runner has its part');
  }));

test('two runners whose workers are killed: all is settled, no overlap', () =>
  withBench({ config: 'concurrency: 4' }, async (bench) => {
    const dice = random(1);
    const keys = addMany(bench, 300, 30, () => (dice() < 0.1
      ? 'if [[ $attempt == 0 ]]; then trap - EXIT; ' +
        'echo "end $job 0" >>$dir/runs; kill -KILL $$; fi'
      : '[[ $(($RANDOM % 10)) == 0 && $attempt == 0 ]] && exit 111; exit 0'));
    const args = ['--retry-schedule', '50ms'];
    bench.run({ args });
    bench.run({ args });
    await allSettled(bench, keys);
    for (const [key, runs] of byKey(bench, keys)) {
      for (let i = 0; i < runs.length; i += 2) {
        assert.equal(runs[i].what, 'start', key);
        assert.deepEqual({ ...runs[i + 1], what: 'start' }, runs[i], key);
      }
    }
    oneRecordEach(bench, keys.keys());
    assert.equal(bench.names('dead').length, 0);
  }));

test('a runner that waits takes over a killed one\'s jobs', () =>
  withBench({ config: 'concurrency: 1' }, async (bench) => {
    const id = bench.add('[[ $attempt == 0 ]] && sleep 10 3>&-; exit 0');
    const first = bench.run();
    first.mayDie = true;
    await bench.started(id);
    const worker = descendants(first.pid);
    first.kill('SIGKILL');
    await first.ended;
    bench.run();
    const record = await bench.settled(id);
    assert.equal(record.state, 'succeeded');
    assert.equal(record.attempts, 2);
    assert.ok(bench.steps(id).some((s) => s.event === 'lost'));
    assert.ok(worker.length > 0);
  }));

test('runners killed at any moment: each job settles once', async () => {
  await withBench({ config: 'concurrency: 4' }, async (bench) => {
    const dice = random(7);
    const keys = addMany(bench, 400, 40, () => 'exit 0');
    for (let i = 0; i < 40; i++) {
      const runner = bench.run();
      runner.mayDie = true;
      await sleep(20 + dice() * 100);
      runner.kill('SIGKILL');
      await runner.ended;
      if (bench.records().length >= keys.size) break;
    }
    bench.run({ args: ['--retry-schedule', '50ms'] });
    await allSettled(bench, keys);
    oneRecordEach(bench, keys.keys());
  });
});

/*
 * Between any two system calls of settling: strace kills the runner at the
 * n-th call of a kind, for every n that a run with three jobs has.
 */
const strace = '/usr/bin/strace';
const swept = ['renameat,renameat2,rename', 'unlinkat', 'fsync,fdatasync',
  'ftruncate', 'pwrite64', 'write', 'utimensat', 'flock', 'linkat'];

for (const calls of swept) {
  test(`killed at every ${calls}: one record each`, { timeout: 300000 }, () =>
    withBench({ config: 'concurrency: 3' }, async (bench) => {
      for (let n = 1; n < 60; n++) {
        const ids = [bench.add('exit 0'), bench.add('exit 100'),
          bench.add('[[ $attempt -ge 1 ]] && exit 100; exit 111')];
        const args = ['--drain', '--retry-schedule', '1ms'];
        const log = join(bench.dir, 'strace');
        writeFileSync(log, '');
        const runner = bench.run({ args, wrap: [strace, '-D', '-qq', '-o', log,
          '-e', `trace=${calls}`,
          '-e', `inject=${calls}:signal=KILL:when=${n}`] });
        runner.mayDie = true;
        const how = await runner.ended;
        /* A worker, or a child that was to be one, may outlive it a moment. */
        await waitFor(() => `all to be settled\n${bench.output()}`,
          async () => (await bench.drain(args.slice(1))).code === 0 &&
            ids.every((id) => ['done', 'dead'].includes(bench.find(id).state)));
        for (const id of ids) {
          const record = await bench.settled(id, 5);
          assert.equal(record.state, id === ids[0] ? 'succeeded' : 'failed');
        }
        assert.deepEqual(bench.names('tmp'), [], `killed at call ${n}`);
        assert.deepEqual(bench.names('run'), []);
        for (const name of readdirSync(bench.path('lock')))
          if (name.startsWith('settling.'))
            assert.equal(readFileSync(bench.path('lock', name), 'utf8'), '');
        if (how.code === 0) return; /* it was not killed: there is no n-th */
      }
    }));
}

/* The same calls fail, one after the other, as on a full or broken disk. */
const failing = [
  ['renameat,renameat2', 'ENOSPC'], ['fsync,fdatasync', 'EIO'],
  ['ftruncate', 'EIO'], ['pwrite64', 'ENOSPC'], ['write', 'ENOSPC'],
  ['utimensat', 'EROFS'], ['unlinkat', 'EIO'], ['pipe2', 'EMFILE'],
  ['clone,clone3,fork', 'EAGAIN'],
];

for (const [calls, error] of failing) {
  test(`every ${calls} that fails with ${error} is got over`,
    { timeout: 300000 }, () =>
      withBench({}, async () => {
        const programs = [];
        /* One spool for each: they wait out their trouble side by side. */
        for (let n = 1; n <= 12; n++) {
          const own = new Bench({ config: 'concurrency: 3' });
          const ids = [own.add('exit 0'), own.add('exit 100'),
            own.add('[[ $attempt -ge 1 ]] && exit 100; exit 111')];
          const runner = own.run({ args: ['--retry-schedule', '1ms'],
            wrap: [strace, '-D', '-qq', '-o', join(own.dir, 'strace'),
              '-e', `trace=${calls}`,
              '-e', `inject=${calls}:error=${error}:when=${n}`] });
          programs.push({ n, own, ids, runner });
        }
        for (const { n, own, ids, runner } of programs) {
          /* At the very start it may refuse, and does no harm. */
          const settled = () => ids.every((id) =>
            ['done', 'dead'].includes(own.find(id).state) &&
            own.recordsOf(id).length > 0);
          await waitFor(() => `failure ${n} to be got over\n${own.output()}`,
            () => settled() || !runner.running, 60);
          if (!runner.running) {
            runner.mayDie = true;
            assert.notEqual(runner.how.code, 0);
            assert.equal((await own.drain(['--retry-schedule', '1ms'])).code, 0);
          }
          for (const id of ids)
            assert.equal(own.recordsOf(id).length, 1, `failure ${n}`);
          const how = await runner.stop();
          if (!runner.mayDie) assert.equal(how.code, 0, own.output());
          /* What keeps its slot is looked at again by the next. */
          assert.equal((await own.drain(['--retry-schedule', '1ms'])).code, 0);
          assert.deepEqual(own.names('tmp'), [], `failure ${n}`);
          for (const id of ids)
            assert.equal(own.recordsOf(id).length, 1, `failure ${n}, later`);
          await own.end();
        }
      }));
}

test('a job that stands in run/ too, with nobody at it, stops no other', () =>
  withBench({}, async (bench) => {
    const twice = bench.add('exit 0', { key: 'a', state: 'hold', bare: true });
    const runner = bench.run();
    await waitFor('the start', () => runner.output().includes('"started"'));
    copyFileSync(bench.path('hold', `${twice}.0`),
      bench.path('run', `${twice}.0`));
    renameSync(bench.path('hold', `${twice}.0`),
      bench.path('new', `${twice}.0`));
    const other = bench.add('exit 0', { key: 'b' });
    assert.equal((await bench.settled(other)).state, 'succeeded');
    await waitFor('the job of two places to have run',
      () => bench.records().some((r) => r.job_id === twice));
  }));
