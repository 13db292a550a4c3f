// SPDX-License-Identifier: MIT
//
// hookspool logs, on records written by hand.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { run, waitFor } from './support/process.mjs';
import { Spool, program, removeSpools } from './support/spool.mjs';

after(removeSpools);

describe('logs', () => {
  function filled(command = 'x') {
    const spool = new Spool();
    const jobs = [
      { number: 1, event: 'push', repository: 'octo/one' },
      { number: 2, event: 'issues', repository: 'octo/two' },
      { number: 3, event: 'push', repository: 'octo/two' },
    ];
    for (const [i, job] of jobs.entries()) {
      job.delivery = randomUUID();
      job.id = `${job.number}-${job.delivery}`;
      spool.record(job, { at: `2026-11-2${i}T12:00:00.000Z`,
        state: i === 1 ? 'failed' : undefined, pretty: i === 2,
        steps: { deploy: { timestamp: 'x', status: 'completed',
          duration_ms: 1234, command } } });
    }
    return { spool, jobs };
  }

  async function everyFilter(spool, jobs) {
    const rows = [
      [[], [1, 2, 3]],
      [['--delivery', jobs[1].delivery], [2]],
      [['--delivery', jobs[1].delivery.slice(0, 8)], [2]],
      [['--delivery', jobs[1].delivery.toUpperCase()], [2]],
      [['--job', jobs[0].id], [1]],
      [['--job', jobs[0].id.slice(0, 14)], [1]],
      [['--job', jobs[0].delivery.slice(0, 14)], [1]],
      [['--repo', 'Octo/Two'], [2, 3]],
      [['--pr', '3'], [3]],
      [['--event', 'push'], [1, 3]],
      [['--status', 'failed'], [2]],
      [['--since', '2026-11-21'], [2, 3]],
      [['--until', '2026-11-21T12:00:01Z'], [1, 2]],
      [['--limit', '1'], [3]],
      [['--event', 'push', '--repo', 'octo/one'], [1]],
    ];
    for (const [args, numbers] of rows) {
      const logs = await spool.json('logs', ...args);
      assert.deepEqual(logs.value.records.map((r) => r.pr.number), numbers,
        args.join(' '));
    }
  }

  test('every filter takes what it says, and only that', async () => {
    const { spool, jobs } = filled();
    await everyFilter(spool, jobs);
    const none = await spool.json('logs', '--pr', '99');
    assert.equal(none.code, 1, 'nothing found is an answer');
    assert.deepEqual(none.value.records, []);
    assert.equal((await spool.run('logs', '--since', 'soon')).code, 2);
  });

  test('and the same with the indexes that a runner makes', async () => {
    const { spool, jobs } = filled('y'.repeat(300000));
    const log = join(spool.dir, 'log');
    const drained = await run([program.replace(/hookspool$/, 'spool-runner'),
      '--config', spool.config, '--drain']);
    assert.equal(drained.code, 0, drained.stderr);
    for (const day of ['20', '21', '22']) // today's only if that is over
      assert.equal(existsSync(join(log, `webhooks_2026-11-${day}.idx`)),
        Date.now() >= Date.parse(`2026-11-${Number(day) + 1}`), day);
    await everyFilter(spool, jobs);
    // An index that is not right misleads nobody.
    writeFileSync(join(log, 'webhooks_2026-11-20.idx'), 'x'.repeat(9000));
    await everyFilter(spool, jobs);
  });

  test('steps are shown on demand', async () => {
    const { spool } = filled();
    assert.doesNotMatch((await spool.run('logs')).stdout, /deploy/);
    assert.match((await spool.run('logs', '--steps')).stdout,
      /deploy +completed +1\.2s/);
  });

  test('--follow shows records as they come, filtered', async () => {
    const { spool, jobs } = filled();
    const follow = spawn(program, ['--config', spool.config, 'logs',
      '--follow', '--json', '--event', 'push']);
    let out = '';
    follow.stdout.on('data', (data) => { out += data; });
    try {
      /* It may still be starting: records are sent until one is seen. */
      await waitFor('a record', () => {
        spool.record(jobs[0]);
        spool.record(jobs[1]);
        return out.includes('\n');
      });
      for (const line of out.trim().split('\n'))
        assert.equal(JSON.parse(line).event_type, 'push');
    } finally {
      follow.kill();
    }
  });

  test('--follow of a job shows its steps live and ends with it',
    async () => {
      const spool = new Spool();
      const job = spool.add('run');
      const log = join(spool.dir, 'log/jobs', `${job.id}.jsonl`);
      const follow = spawn(program, ['--config', spool.config, 'logs',
        '--follow', '--job', job.id]);
      let out = '', code;
      follow.stdout.on('data', (data) => { out += data; });
      follow.on('exit', (status) => { code = status; });
      try {
        appendFileSync(log, '{"event":"step_started","step":"one"}\n');
        await waitFor('the first step', () => out.includes('one'));
        assert.equal(code, undefined, 'the job still runs');
        appendFileSync(log, '{"event":"step_completed","step":"two"}\n');
        spool.add('done', { delivery: job.delivery });
        rmSync(job.file);
        await waitFor('the end', () => code !== undefined);
        assert.equal(code, 0);
        assert.match(out, /two/);
      } finally {
        follow.kill();
      }
    });
});

test('stats counts jobs by state, records by outcome, durations', async () => {
  const spool = new Spool();
  spool.add('new', { time: Date.now() / 1000 - 100 });
  const job = spool.add('dead');
  for (let i = 1; i <= 20; i++)
    spool.record(job, { duration: i * 10, state: i > 15 ? 'failed' : undefined });
  spool.record(job, { at: '2020-01-01T00:00:00Z' });
  const { value } = await spool.json('stats');
  assert.equal(value.states.new.jobs, 1);
  assert.ok(value.states.new.oldest_age_s >= 100);
  assert.equal(value.states.dead.jobs, 1);
  assert.equal(value.queue_depth, 1);
  assert.deepEqual(value.today.by_state, { succeeded: 15, failed: 5 });
  assert.deepEqual(value.today.duration_ms, { p50: 100, p95: 190, max: 200 });
  assert.equal(value.runner.alive, false);
  assert.ok(value.disk.free_bytes > 0);
  assert.match((await spool.run('stats')).stdout, /20 settled today/);
});
