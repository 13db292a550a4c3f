// SPDX-License-Identifier: MIT
//
// The runner with a worker that does as it is told: outcomes, order, time,
// requests, and what is no job.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, statSync,
  symlinkSync, truncateSync, unlinkSync, utimesSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

import { withBench } from './support/bench.mjs';
import { waitFor } from './support/process.mjs';

const alive = (pid) => {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};

const pidOf = async (bench, name) => {
  const file = join(bench.dir, name);
  await waitFor(`${name} to be written`, () => existsSync(file) &&
    readFileSync(file, 'utf8').endsWith('\n'));
  return Number(readFileSync(file, 'utf8'));
};

/* ---- how a worker ends ---- */

const again = ['--retry-schedule', '20ms,40ms'];

const outcomes = [
  { why: 'exit 0 is done', body: 'exit 0', state: 'done',
    outcome: 'succeeded', attempts: 1 },
  { why: 'exit 100 is dead', body: 'exit 100', state: 'dead',
    outcome: 'failed', reason: /failed for good/, attempts: 1 },
  { why: 'the worker says why',
    body: 'echo "reason no such branch" >&$HOOKSPOOL_REPORT; exit 100',
    state: 'dead', outcome: 'failed', reason: /^no such branch$/, attempts: 1 },
  { why: 'a file the worker cannot read goes to bad/',
    body: 'echo "unreadable torn" >&$HOOKSPOOL_REPORT; exit 100',
    state: 'bad', outcome: 'quarantined', reason: /^torn$/, attempts: 1 },
  { why: 'exit 111 is tried again',
    body: '[[ $attempt == 2 ]] && exit 0; exit 111', state: 'done',
    outcome: 'succeeded', attempts: 3 },
  { why: 'a job is not tried again for ever', body: 'exit 111',
    config: 'retry-for: 50ms', state: 'dead', outcome: 'failed',
    reason: /given up after \d+ attempts/ },
  { why: 'a killed worker is tried again',
    body: '[[ $attempt == 1 ]] && exit 0; kill -KILL $$', state: 'done',
    outcome: 'succeeded', attempts: 2 },
  { why: 'five lost workers are enough', body: 'kill -SEGV $$', state: 'dead',
    outcome: 'lost', reason: /given up after 5 attempts: .*signal 11/,
    attempts: 5 },
  { why: 'an exit code that means nothing counts as lost', body: 'exit 3',
    state: 'dead', outcome: 'lost', reason: /exit code 3/, attempts: 5 },
  { why: 'a job that does not end is timed out', body: 'sleep 600',
    config: 'job-timeout: 100ms\nstop-grace: 100ms', state: 'dead',
    outcome: 'timed_out', reason: /deadline/, attempts: 1 },
];

for (const o of outcomes) {
  test(o.why, () => withBench({ config: o.config }, async (bench) => {
    const id = bench.add(o.body);
    bench.run({ args: again });
    const record = await bench.settled(id);
    assert.equal(bench.find(id).state, o.state);
    assert.equal(record.state, o.outcome);
    if (o.reason) assert.match(record.reason, o.reason);
    if (o.attempts) assert.equal(record.attempts, o.attempts);
    await waitFor('the slot to be dropped',
      () => bench.names('tmp').length === 0);
  }));
}

for (const [code, state] of [[0, 'done'], [100, 'dead']]) {
  test(`what lies in ${state}/ has lost the rest of its slot`, () =>
    withBench({}, async (bench) => {
      const id = bench.add(`exit ${code}`);
      const { size } = statSync(bench.path('new', `${id}.0`));
      truncateSync(bench.path('new', `${id}.0`), size + 8192);
      bench.run();
      await bench.settled(id);
      await waitFor('it to be as long as its body',
        () => statSync(bench.path(state, id)).size === size);
    }));
}

test('after a crash of its worker the next job succeeds', () =>
  withBench({ config: 'concurrency: 1' }, async (bench) => {
    const bad = bench.add('kill -SEGV $$', { key: 'one' });
    const good = bench.add('exit 0', { key: 'two' });
    bench.run({ args: again });
    assert.equal((await bench.settled(good)).state, 'succeeded');
    assert.equal((await bench.settled(bad)).state, 'lost');
  }));

test('a worker that cannot be executed costs no attempt', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exit 0');
    renameSync(bench.worker, `${bench.worker}.away`);
    writeFileSync(bench.worker, '\x7fELF is no program', { mode: 0o755 });
    const runner = bench.run();
    await waitFor('the trouble to be told',
      () => runner.output().includes('"trouble"'));
    renameSync(`${bench.worker}.away`, bench.worker);
    const record = await bench.settled(id);
    assert.equal(record.state, 'succeeded');
    assert.equal(record.attempts, 1);
  }));

test('a worker gets its file, its locks and little environment', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exec 3>&-; env >"$dir/env"; ls -l /proc/$$/fd ' +
      '>"$dir/fds"; ps -o pid=,pgid=,sid= $$ >"$dir/ids"; exit 0');
    bench.run({ env: { SECRET_TOKEN: 'hunter2', NOTIFY_SOCKET: '/nowhere' } });
    await bench.settled(id);
    const env = readFileSync(join(bench.dir, 'env'), 'utf8');
    assert.match(env, /^HOOKSPOOL_REPORT=4$/m);
    assert.match(env, /^HOOKSPOOL_LAST_CONFIG=5$/m);
    assert.match(env, /^LANG=C.UTF-8$/m);
    assert.doesNotMatch(env, /SECRET_TOKEN|NOTIFY_SOCKET|HOME=/);
    const [pid, pgid, sid] = readFileSync(join(bench.dir, 'ids'), 'utf8')
      .trim().split(/\s+/);
    assert.equal(pgid, pid);
    assert.equal(sid, pid);
    const fds = readFileSync(join(bench.dir, 'fds'), 'utf8').split('\n')
      .map((line) => line.match(/ (\d+) -> (.*)$/)).filter((m) => m !== null)
      .map((m) => Number(m[1])).filter((fd) => fd < 200);
    assert.deepEqual(fds.sort((a, b) => a - b), [0, 1, 2, 4, 5]);
  }));

/* ---- order and number ---- */

test('jobs of one key run one at a time, as they were received', () =>
  withBench({ config: 'concurrency: 8' }, async (bench) => {
    const ids = [];
    for (let i = 0; i < 10; i++)
      ids.push(bench.add(i === 3 && 'exit 111' && '[[ $attempt == 1 ]] && ' +
        'exit 0; exit 111' || 'exit 0', { key: 'one' }));
    bench.run({ args: again });
    for (const id of ids) await bench.settled(id);
    const runs = bench.runs();
    for (let i = 0; i < runs.length; i += 2) {
      assert.equal(runs[i].what, 'start');
      assert.equal(runs[i + 1].what, 'end');
      assert.equal(runs[i + 1].id, runs[i].id);
    }
    /* One that waits to be tried again keeps its place. */
    assert.deepEqual(runs.filter((r) => r.what === 'start').map((r) => r.id),
      [...ids.slice(0, 4), ...ids.slice(3)]);
  }));

test('no more jobs run at once than are allowed', () =>
  withBench({ config: 'concurrency: 3' }, async (bench) => {
    const ids = [];
    for (let i = 0; i < 12; i++) ids.push(bench.add('sleep 0.05'));
    bench.run();
    for (const id of ids) await bench.settled(id);
    let now = 0;
    let most = 0;
    for (const r of bench.runs()) {
      now += r.what === 'start' ? 1 : -1;
      most = Math.max(most, now);
    }
    assert.equal(most, 3);
  }));

test('a newer event of its key and kind makes a waiting one moot', () =>
  withBench({ config: 'concurrency: 1' }, async (bench) => {
    const event = { key: 'one', event: 'pull_request', action: 'synchronize' };
    const first = bench.add('touch $dir/up; while [[ ! -e $dir/go ]]; do ' +
      'sleep 0.01; done', { ...event });
    bench.run();
    await bench.started(first);
    const older = bench.add('exit 0', event);
    const other = bench.add('exit 0', { ...event, action: 'labeled' });
    const newer = bench.add('exit 0', event);
    const record = await bench.settled(older);
    assert.equal(record.state, 'succeeded');
    assert.equal(record.reason, `superseded by ${newer}`);
    writeFileSync(join(bench.dir, 'go'), '');
    for (const id of [first, other, newer]) await bench.settled(id);
    assert.deepEqual(bench.runs().filter((r) => r.what === 'start')
      .map((r) => r.id), [first, other, newer]);
  }));

/* ---- ending processes ---- */

const STUBBORN = `trap '' TERM
setsid bash -c 'trap "" TERM; echo $$ >$0; while :; do sleep 600; done' \
  "$dir/daemon" & disown
(setsid setsid sleep 601 & echo $! >"$dir/grandchild") &
echo $$ >"$dir/self"
while :; do sleep 600; done`;

test('at its deadline a job goes with all it has started', () =>
  withBench({ config: 'job-timeout: 500ms\nstop-grace: 200ms' },
    async (bench) => {
      const id = bench.add(STUBBORN);
      bench.run();
      const pids = [await pidOf(bench, 'self'), await pidOf(bench, 'daemon'),
        await pidOf(bench, 'grandchild')];
      const record = await bench.settled(id);
      assert.equal(record.state, 'timed_out');
      assert.deepEqual(pids.filter(alive), []);
    }));

test('what a finished job leaves running is killed before the next', () =>
  withBench({}, async (bench) => {
    const id = bench.add('setsid sleep 602 & echo $! >"$dir/left"; exit 0',
      { key: 'one' });
    const next = bench.add('p=$(<"$dir/left"); kill -0 $p 2>/dev/null && ' +
      'exit 100; exit 0', { key: 'one' });
    bench.run();
    await bench.settled(id);
    assert.equal((await bench.settled(next)).state, 'succeeded');
  }));

test('a running job is cancelled on request', () =>
  withBench({ config: 'stop-grace: 100ms' }, async (bench) => {
    const id = bench.add(STUBBORN);
    bench.run();
    const pid = await pidOf(bench, 'daemon');
    bench.ask('cancel', id);
    const record = await bench.settled(id);
    assert.equal(record.state, 'cancelled');
    assert.equal(bench.find(id).state, 'dead');
    assert.equal(alive(pid), false);
    assert.deepEqual(bench.names('ctl'), []);
  }));

/* ---- requests ---- */

test('a held job lets others pass until it is released', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exit 0', { key: 'one', state: 'hold' });
    const other = bench.add('exit 0', { key: 'one' });
    bench.run();
    await bench.settled(other);
    assert.equal(bench.find(id).state, 'hold');
    bench.ask('release', id);
    assert.equal((await bench.settled(id)).state, 'succeeded');
  }));

test('requests to waiting jobs are performed', () =>
  withBench({ config: 'concurrency: 1' }, async (bench) => {
    const first = bench.add('while [[ ! -e $dir/go ]]; do sleep 0.01; done');
    const later = { attempt: 1, state: 'retry' };
    const held = bench.add('exit 0');
    const gone = bench.add('exit 0');
    const retried = bench.add('exit 0', later);
    const goneToo = bench.add('exit 0', later);
    const soon = new Date(Date.now() + 3600e3);
    for (const id of [retried, goneToo])
      utimesSync(bench.path('retry', `${id}.1`), soon, soon);
    bench.run();
    await bench.started(first);
    bench.ask('hold', held);
    bench.ask('cancel', gone);
    bench.ask('cancel', goneToo);
    bench.ask('retry', retried);
    await bench.inState(held, 'hold');
    assert.equal((await bench.settled(gone)).state, 'cancelled');
    assert.equal((await bench.settled(goneToo)).state, 'cancelled');
    writeFileSync(join(bench.dir, 'go'), '');
    assert.equal((await bench.settled(retried)).state, 'succeeded');
    await waitFor('the requests to be gone',
      () => bench.names('ctl').length === 0);
    assert.deepEqual(bench.runs().filter((r) => r.what === 'start')
      .map((r) => r.id), [first, retried]);
  }));

test('a dead job can be tried again, a settled one dropped', () =>
  withBench({}, async (bench) => {
    const id = bench.add('[[ -e $dir/better ]] || exit 100');
    bench.run();
    assert.equal((await bench.settled(id)).state, 'failed');
    writeFileSync(join(bench.dir, 'better'), '');
    bench.ask('retry', id);
    await bench.inState(id, 'done');
    await waitFor('the second record', () => bench.recordsOf(id).length === 2);
    bench.ask('drop', id);
    await waitFor('it to be gone', () => bench.find(id) === undefined);
    await waitFor('the slot to be gone', () => bench.names('tmp').length === 0);
  }));

test('what is no request is told and removed', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exit 0');
    const runner = bench.run();
    await bench.settled(id);
    bench.ask('release', id);
    bench.ask('explode', id);
    bench.ask('cancel', '../../etc/passwd'.replaceAll('/', '-'));
    await waitFor('ctl/ to be empty', () => bench.names('ctl').length === 0);
    assert.match(runner.output(), /it is in done\/, where release/);
    assert.equal(bench.find(id).state, 'done');
  }));

/* ---- what is no job ---- */

test('what is no job is put aside, and the others go on', () =>
  withBench({}, async (bench) => {
    const id = () => `7-${crypto.randomUUID()}`;
    const junk = { link: id(), fifo: id(), dir: id(), torn: id(), empty: id(),
      renamed: id() };
    symlinkSync('/etc/passwd', bench.path('new', `${junk.link}.0`));
    spawnSync('mkfifo', [bench.path('new', `${junk.fifo}.0`)]);
    mkdirSync(bench.path('new', `${junk.dir}.0`));
    writeFileSync(bench.path('new', `${junk.empty}.0`), '');
    writeFileSync(bench.path('new', `${junk.torn}.0`), 'Job: 7-\nRequ');
    const source = bench.add('exit 0', { state: 'hold' });
    copyFileSync(bench.path('hold', `${source}.0`),
      bench.path('new', `${junk.renamed}.0`));
    writeFileSync(bench.path('new', 'README'), 'not a job');
    const good = bench.add('exit 0');
    const runner = bench.run();
    assert.equal((await bench.settled(good)).state, 'succeeded');
    for (const [why, name] of Object.entries(junk)) {
      const record = await bench.settled(name);
      assert.equal(record.state, 'quarantined', why);
      assert.equal(bench.find(name).state, 'bad', why);
      assert.ok(record.reason.length > 0, why);
    }
    assert.deepEqual(bench.names('new'), ['README']);
    assert.equal(bench.names('tmp').length, 1, 'the copied job keeps its slot');
    assert.match(runner.output(), /1 names that are no job.s/);
  }));

test('a file that is still being copied there is not called torn', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exit 0', { state: 'hold', bare: true });
    const text = readFileSync(bench.path('hold', `${id}.0`), 'utf8');
    unlinkSync(bench.path('hold', `${id}.0`));
    const runner = bench.run();
    await waitFor('the start', () => runner.output().includes('"started"'));
    writeFileSync(bench.path('new', `${id}.0`), text.slice(0, 100));
    writeFileSync(bench.path('new', `${id}.0`), text);
    assert.equal((await bench.settled(id)).state, 'succeeded');
  }));

/* ---- beginning and ending ---- */

test('--drain runs what waits and ends', () =>
  withBench({}, async (bench) => {
    const ids = [];
    for (let i = 0; i < 20; i++)
      ids.push(bench.add('exit 0', { key: `k${i % 3}` }));
    const again = bench.add('exit 111');
    const behind = bench.add('exit 0', { key: again });
    assert.deepEqual(await bench.drain(), { code: 0, signal: null });
    for (const id of ids)
      assert.equal((await bench.settled(id, 1)).state, 'succeeded');
    assert.equal(bench.find(again).state, 'retry');
    assert.equal(bench.find(behind).state, 'new');
  }));

test('--drain sweeps too, but not each time', () =>
  withBench({ config: 'retention: {tmp-age: 1h}' }, async (bench) => {
    const strange = (name) => {
      const then = Date.now() / 1000 - 2 * 3600;
      writeFileSync(bench.path('tmp', name), 'x');
      utimesSync(bench.path('tmp', name), then, then);
      return bench.path('tmp', name);
    };
    const first = strange('first');
    assert.deepEqual(await bench.drain(), { code: 0, signal: null });
    assert.equal(existsSync(first), false);
    const second = strange('second');
    assert.deepEqual(await bench.drain(), { code: 0, signal: null });
    assert.equal(existsSync(second), true);
    const before = Date.now() / 1000 - 3600;
    utimesSync(bench.path('lock', 'swept'), before, before);
    assert.deepEqual(await bench.drain(), { code: 0, signal: null });
    assert.equal(existsSync(second), false);
  }));

test('a second --drain does nothing beside the first', () =>
  withBench({}, async (bench) => {
    const id = bench.add('while [[ ! -e $dir/go ]]; do sleep 0.01; done');
    const first = bench.run({ args: ['--drain'] });
    await bench.started(id);
    const other = bench.add('exit 0');
    bench.add('exit 0', { key: other });
    assert.deepEqual(await bench.drain(), { code: 0, signal: null });
    assert.equal(first.running, true);
    writeFileSync(join(bench.dir, 'go'), '');
    assert.equal((await first.ended).code, 0);
    assert.equal(bench.records().length, 3);
  }));

test('TERM lets running jobs end, then stops them, at no cost', () =>
  withBench({ config: 'concurrency: 2\nstop-grace: 300ms' }, async (bench) => {
    const quick = bench.add('echo >$dir/quick; sleep 0.1');
    const slow = bench.add(STUBBORN);
    const runner = bench.run();
    await bench.started(quick);
    const pid = await pidOf(bench, 'daemon');
    const waiting = bench.add('exit 0');
    runner.kill('SIGTERM');
    assert.deepEqual(await runner.ended, { code: 0, signal: null });
    assert.equal((await bench.settled(quick, 1)).state, 'succeeded');
    assert.deepEqual(bench.find(slow), { state: 'new', attempt: 0 });
    assert.equal(bench.find(waiting).state, 'new');
    assert.equal(bench.recordsOf(slow).length, 0);
    assert.equal(alive(pid), false);
  }));

test('an idle runner stops at once', () => withBench({}, async (bench) => {
  const runner = bench.run();
  await waitFor('the start', () => runner.output().includes('"started"'));
  const before = performance.now();
  runner.kill('SIGTERM');
  assert.equal((await runner.ended).code, 0);
  assert.ok(performance.now() - before < 1000);
}));

test('a changed configuration is taken, a broken one is not', () =>
  withBench({ config: 'concurrency: 1' }, async (bench) => {
    const runner = bench.run();
    await waitFor('the start', () => runner.output().includes('"started"'));
    const write = (text) => writeFileSync(bench.config,
      `data-directory: ${bench.dir}\n${text}\n`);
    write('concurrency: [');
    await waitFor('the refusal', () =>
      /last good configuration/.test(runner.output()));
    write('concurrency: 2');
    runner.kill('SIGHUP');
    await waitFor('the reading', () => /was read again/.test(runner.output()));
    const gate = 'touch $dir/$job; while [[ ! -e $dir/go ]]; do sleep 0.01; ' +
      'done';
    const ids = [bench.add(gate), bench.add(gate)];
    for (const id of ids) await bench.started(id);
    writeFileSync(join(bench.dir, 'go'), '');
    for (const id of ids) await bench.settled(id);
  }));

test('a job in retry/ waits for its time, also over a restart', () =>
  withBench({}, async (bench) => {
    const late = bench.add('exit 0', { state: 'retry', attempt: 2 });
    const due = bench.add('exit 0', { state: 'retry', attempt: 1 });
    const soon = new Date(Date.now() + 3600e3);
    utimesSync(bench.path('retry', `${late}.2`), soon, soon);
    const record = (bench.run(), await bench.settled(due));
    assert.equal(record.attempts, 2);
    assert.equal(bench.find(late).state, 'retry');
  }));

test('a worker may say when to try again', () =>
  withBench({}, async (bench) => {
    const id = bench.add('echo "retry-at $(($(date +%s) + 1000))" ' +
      '>&$HOOKSPOOL_REPORT; exit 111');
    bench.run({ args: again });
    await bench.inState(id, 'retry');
    const step = await waitFor('the line', () =>
      bench.steps(id).find((s) => s.event === 'retrying'));
    const wait = Date.parse(step.not_before) - Date.now();
    assert.ok(wait > 900e3 && wait < 1001e3, String(wait));
  }));

test('every line of a job says whose it is', () =>
  withBench({}, async (bench) => {
    const id = bench.add('exit 111');
    const runner = bench.run();
    await bench.inState(id, 'retry');
    const step = (event) => bench.steps(id).some((s) => s.event === event);
    await waitFor('the step log', () => step('retrying'));
    const lines = [...bench.steps(id), ...runner.output().split('\n')
      .filter((l) => l.includes(id)).map((l) => JSON.parse(l))];
    assert.ok(lines.length >= 4);
    for (const line of lines) {
      for (const key of ['ts', 'level', 'event', 'request_id', 'delivery_id',
        'job_id', 'attempt'])
        assert.ok(key in line, `${key} in ${JSON.stringify(line)}`);
    }
  }));
