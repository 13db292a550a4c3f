// SPDX-License-Identifier: MIT
//
// What an operator does with hookspool(1), on a spool written by hand.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync, statSync,
  writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { run } from './support/process.mjs';
import { Spool, onTerminal, program, removeSpools } from './support/spool.mjs';

after(removeSpools);

describe('queue list', () => {
  test('shows what waits, oldest first, and settled jobs only when asked',
    async () => {
      const spool = new Spool();
      const young = spool.add('new', { time: 2000 });
      const old = spool.add('new', { time: 1000, event: 'issue_comment',
        action: 'created', number: 7 });
      const held = spool.add('hold', { time: 3000 });
      const dead = spool.add('dead');

      const list = await spool.json('queue', 'list');
      assert.equal(list.code, 0);
      assert.deepEqual(list.value.jobs.map((job) => job.job_id),
        [old.id, young.id, held.id]);
      assert.equal(list.value.total, 3);
      assert.equal(list.value.jobs[0].number, 7);
      const settled = await spool.json('queue', 'list', '--state', 'dead');
      assert.deepEqual(settled.value.jobs.map((job) => job.job_id), [dead.id]);
      const all = await spool.json('queue', 'list', '--state', 'all');
      assert.deepEqual(all.value.jobs.map((job) => job.job_id),
        [old.id, young.id, held.id, dead.id], 'what waits comes first');

      const { stdout } = await spool.run('queue', 'list');
      assert.match(stdout, /issue_comment\.created +octo\/hello#7/);
      assert.match(stdout, /2026-11-22T01:02:03/, 'whole times in a pipe');
      assert.doesNotMatch(stdout, /\x1b/);
    });

  test('takes a limit, a repository and the states\' two names', async () => {
    const spool = new Spool();
    for (let i = 0; i < 5; i++)
      spool.add('new', { time: 1000 + i,
        repository: i % 2 ? 'octo/odd' : 'octo/even' });
    spool.add('retry', { attempt: 3, time: Date.now() / 1000 + 3600 });
    const two = await spool.json('queue', 'list', '--limit', '2');
    assert.deepEqual([two.value.shown, two.value.total], [2, 6]);
    const odd = await spool.json('queue', 'list', '--repo', 'OCTO/odd');
    assert.equal(odd.value.shown, 2);
    const retrying = await spool.json('queue', 'list', '--state', 'retrying');
    assert.equal(retrying.value.jobs[0].attempt, 3);
    assert.ok(Date.parse(retrying.value.jobs[0].not_before) > Date.now());
    assert.equal((await spool.run('queue', 'list', '--state', 'x')).code, 2);
    assert.equal((await spool.run('queue', 'list', '--limit', '-1')).code, 2);
  });

  test('names of many jobs are read, heads only of those shown', async () => {
    const spool = new Spool();
    const text = spool.text({ id: `0-${randomUUID()}`,
      delivery: randomUUID() });
    for (let i = 0; i < 20000; i++)
      writeFileSync(join(spool.dir, 'new', `0-${randomUUID()}.0`), text);
    const start = Date.now();
    const list = await spool.json('queue', 'list', '--limit', '10');
    assert.equal(list.value.total, 20000);
    assert.equal(list.value.shown, 10);
    assert.ok(Date.now() - start < 5000, `${Date.now() - start} ms`);
  });

  test('the order that a runner keeps is believed as far as it goes',
    async () => {
      const spool = new Spool();
      const jobs = [];
      for (let i = 0; i < 110; i++)
        jobs.push(spool.add('new', { time: 1000 + i, repository: 'octo/r' }));
      const later = spool.add('hold', { time: 500 }); // older than all of them
      const names = jobs.map((job) => `${job.id}.0`);
      const gone = `0-${randomUUID()}.0`;
      // As if a runner lived: its lock is held while the command runs.
      const list = async (lines, ...options) => {
        writeFileSync(join(spool.dir, 'lock/waiting'), lines.join('\n') + '\n');
        const { stdout } = await run(['flock', '-s',
          join(spool.dir, 'lock/runner'), program, '--config', spool.config,
          '--json', 'queue', 'list', ...options]);
        const { jobs: shown, total } = JSON.parse(stdout);
        return [total, ...shown.slice(0, 3).map((job) => job.job_id)];
      };
      const three = [later.id, jobs[0].id, jobs[1].id];
      assert.deepEqual(await list([5000, gone, ...names], '--limit', '3'),
        [5001, ...three], 'the number is the runner\'s, what is gone is not');
      const youngest = [...names].reverse();
      assert.deepEqual(await list([5000, ...youngest], '--limit', '10'),
        [5001, ...three], 'by their times');
      assert.deepEqual(await list([5000, ...names.slice(50)], '--limit', '3'),
        [111, ...three], 'too few of them');
      assert.deepEqual(await list([5000, 'what', ...names], '--limit', '3'),
        [111, ...three], 'not written by a runner');
      assert.deepEqual(await list([5000, ...names], '--limit', '0'),
        [111, ...three], 'all are asked for');
      assert.deepEqual(await list([5000, ...names], '--repo', 'octo/r'),
        [111, ...jobs.slice(0, 3).map((job) => job.id)], 'by their heads');
      const { value } = await spool.json('queue', 'list', '--limit', '3');
      assert.equal(value.total, 111, 'no runner lives');
    });

  test('an unreadable file is shown as one', async () => {
    const spool = new Spool();
    const id = `0-${randomUUID()}`;
    writeFileSync(join(spool.dir, 'bad', id), 'no head\x1b[2J\n\n');
    const list = await spool.json('queue', 'list', '--state', 'bad');
    assert.equal(list.value.jobs[0].job_id, id);
    assert.ok(list.value.jobs[0].error.length > 0);
    const { stdout } = await spool.run('queue', 'list', '--state', 'bad');
    assert.match(stdout, /unreadable/);
  });
});

describe('a terminal', () => {
  test('gets colours and ages, unless NO_COLOR says no', async () => {
    const spool = new Spool();
    spool.add('hold', { received: new Date(Date.now() - 200e3)
      .toISOString().replace('Z', '000000Z') });
    const command = `${program} --config ${spool.config} queue list`;
    const plain = { NO_COLOR: '' };
    const colour = await onTerminal(command, plain);
    assert.match(colour.stdout, /\x1b\[33mhold\x1b\[0m/);
    assert.match(colour.stdout, / 3m /);
    const none = await onTerminal(command, { NO_COLOR: '1' });
    assert.doesNotMatch(none.stdout, /\x1b/);
    assert.match(none.stdout, / 3m /);
    const dumb = await onTerminal(command, { ...plain, TERM: 'dumb' });
    assert.doesNotMatch(dumb.stdout, /\x1b/);
  });

  test('is never steered by what strangers named', async () => {
    const evil = '\x1b]0;owned\x07\u009b2J\u202e\r';
    const spool = new Spool();
    const job = spool.add('dead', { body: JSON.stringify({ ref: evil }) +
      evil });
    spool.record(job, { state: 'failed', reason: evil,
      steps: { [evil]: { status: 'failed', duration_ms: 3,
        error: { type: evil, message: evil } } } });
    writeFileSync(join(spool.dir, 'log/jobs', `${job.id}.jsonl`),
      `${JSON.stringify({ ts: evil, event: 'output', step: evil, text: evil,
        [evil]: evil })}\nnot json ${evil}\n`);
    for (const args of [`queue show ${job.id}`, 'logs --steps',
      `queue show ${job.id} --json`, 'logs --json', 'stats',
      `queue show ${job.id} --payload`, `logs --follow --job ${job.id}`]) {
      const { stdout } = await onTerminal(
        `${program} --config ${spool.config} ${args}`);
      const rest = stdout.replace(/\x1b\[\d*m/g, '').replaceAll('\r\n', '\n');
      assert.doesNotMatch(rest, /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]/,
        `${args}: ${JSON.stringify(rest)}`);
      assert.ok(rest.length > 0, args);
    }
  });
});

describe('a job is found', () => {
  test('by its ID, its delivery, and the beginning of either', async () => {
    const spool = new Spool();
    const one = spool.add('done', { number: 12,
      delivery: 'aaaa1111-0000-4000-8000-000000000001' });
    const two = spool.add('new', { number: 13,
      delivery: 'aaaa2222-0000-4000-8000-000000000002' });
    for (const name of [one.id, one.delivery, one.delivery.toUpperCase(),
      'aaaa1', '12-aa']) {
      const shown = await spool.json('queue', 'show', name);
      assert.equal(shown.code, 0, name);
      assert.equal(shown.value.job_id, one.id);
      assert.equal(shown.value.state, 'done');
    }
    const many = await spool.run('queue', 'show', 'aaaa');
    assert.equal(many.code, 1);
    assert.ok(many.stderr.includes(one.id) && many.stderr.includes(two.id));
    assert.equal((await spool.run('queue', 'show', 'bbbb')).code, 1);
    assert.equal((await spool.run('queue', 'show', 'aaa')).code, 2);
    assert.equal((await spool.run('queue', 'show', '../../etc')).code, 2);
  });

  test('and shown with head, steps, record and payload', async () => {
    const spool = new Spool();
    const job = spool.add('dead', { number: 3, event: 'pull_request',
      action: 'opened' });
    spool.record(job, { state: 'timed_out', reason: 'took too long' });
    writeFileSync(join(spool.dir, 'log/jobs', `${job.id}.jsonl`),
      '{"ts":"2026-11-22T01:02:03.456789Z","event":"step_failed",' +
      '"step":"deploy","duration_ms":1500,"exit_code":3,' +
      '"error":{"type":"x","message":"went wrong"}}\n{"torn');
    const shown = await spool.json('queue', 'show', job.id);
    assert.equal(shown.value.event, 'pull_request');
    assert.equal(shown.value.steps.length, 1);
    assert.equal(shown.value.record.state, 'timed_out');
    const { stdout } = await spool.run('queue', 'show', job.id);
    assert.match(stdout, /outcome +timed_out/);
    assert.match(stdout, /step_failed deploy 1\.5s: went wrong exit_code=3/);
    const payload = await spool.run('queue', 'show', job.id, '--payload');
    assert.deepEqual(JSON.parse(payload.stdout), { zen: job.delivery });
  });
});

describe('requests, with no runner alive', () => {
  test('hold, release, cancel, retry and drop move the job at once',
    async () => {
      const spool = new Spool();
      const job = spool.add('new');
      const steps = [['hold', 'hold', `${job.id}.0`],
        ['release', 'new', `${job.id}.0`], ['cancel', 'dead', job.id],
        ['retry', 'new', `${job.id}.0`], ['cancel', 'dead', job.id]];
      for (const [verb, state, name] of steps) {
        const done = await spool.json('queue', verb, job.delivery);
        assert.equal(done.code, 0, `${verb}: ${JSON.stringify(done)}`);
        assert.equal(done.value.jobs[0].answer, 'performed');
        assert.equal(done.value.jobs[0].state, state);
        assert.deepEqual(spool.names(state), [name], verb);
      }
      const logs = await spool.json('logs', '--status', 'cancelled');
      assert.equal(logs.value.records[0].job_id, job.id);
      const dropped = await spool.json('queue', 'drop', job.id);
      assert.equal(dropped.code, 0, JSON.stringify(dropped));
      assert.deepEqual(spool.names('dead'), []);
    });

  test('what a state does not allow is refused with the reason', async () => {
    const spool = new Spool();
    const waiting = spool.add('new'), done = spool.add('done');
    for (const [verb, job] of [['drop', waiting], ['release', waiting],
      ['hold', done], ['cancel', done]]) {
      const refused = await spool.json('queue', verb, job.id);
      assert.equal(refused.code, 1, verb);
      assert.equal(refused.value.jobs[0].answer, 'refused');
      assert.ok(refused.value.jobs[0].text.length > 10);
      assert.ok(existsSync(job.file));
    }
    const both = await spool.json('queue', 'hold', done.id, waiting.id);
    assert.equal(both.code, 1, 'one of two was refused');
    assert.equal(both.value.jobs[1].answer, 'performed');
  });
});

describe('replay', () => {
  test('queues a settled job again under its ID', async () => {
    const spool = new Spool();
    for (const state of ['done', 'dead']) {
      const job = spool.add(state);
      const again = await spool.json('replay', job.delivery);
      assert.equal(again.code, 0, again.stderr);
      assert.equal(again.value.job_id, job.id);
      assert.ok(existsSync(join(spool.dir, 'new', `${job.id}.0`)));
      assert.ok(!existsSync(job.file));
      assert.equal((await spool.run('replay', job.id)).code, 1,
        'a waiting job is not replayed');
    }
  });

  test('takes a spool file from anywhere, seen or not, but no torn one',
    async () => {
      const spool = new Spool();
      const job = { delivery: randomUUID() };
      job.id = `0-${job.delivery}`;
      const file = join(spool.data, 'copy');
      writeFileSync(file, spool.text(job));
      const first = await spool.json('replay', file);
      assert.equal(first.code, 0, first.stderr);
      assert.equal(first.value.job_id, job.id);
      const name = join(spool.dir, 'new', `${job.id}.0`);
      assert.ok(readFileSync(name, 'latin1').includes(job.delivery));
      assert.equal((await spool.run('replay', file)).code, 1, 'it waits');

      /* As if it had been done: its delivery stays in seen/. */
      renameSync(name, join(spool.dir, 'done', job.id));
      assert.equal((await spool.run('queue', 'drop', job.id)).code, 0);
      assert.ok(spool.names('seen').length > 0);
      assert.equal((await spool.run('replay', file)).code, 0);
      assert.ok(existsSync(name));

      writeFileSync(file, spool.text({ ...job, body: '{"a":1}' })
        .replace('{"a":1}', '{"a":2}'));
      const torn = await spool.run('replay', file);
      assert.equal(torn.code, 100);
      assert.match(torn.stderr, /copy/);
      assert.equal((await spool.run('replay', '/no/such')).code, 100);
    });
});

describe('hook test', () => {
  const hooks = `hooks:
  - name: deploy
    events: [push]
    branches: [main]
    command: [/bin/true]
  - name: label
    events: [issues]
    command: [/bin/true]
`;
  test('says which hooks match and why the others do not', async () => {
    const spool = new Spool();
    spool.configure(hooks);
    const job = spool.add('done', { body: JSON.stringify(
      { ref: 'refs/heads/main', repository: { full_name: 'octo/hello' } }) });
    const other = spool.add('done', { body: JSON.stringify(
      { ref: 'refs/heads/dev', repository: { full_name: 'octo/hello' } }) });
    for (const what of [job.id, job.file]) {
      const { code, value, stderr } = await spool.json('hook', 'test', what);
      assert.equal(code, 0, stderr);
      assert.deepEqual(value.hooks.map((h) => h.runs), [true, false]);
      assert.ok(value.hooks[1].why_not.length > 0);
    }
    const none = await spool.json('hook', 'test', other.id);
    assert.equal(none.code, 1, 'no hook for it');
    assert.ok(none.value.hooks[0].why_not.length > 0);
    assert.match((await spool.run('hook', 'test', job.id)).stdout,
      /deploy +all +yes/);
  });

  test('takes a bare payload with its event\'s name', async () => {
    const spool = new Spool();
    spool.configure(hooks);
    const file = join(spool.data, 'payload.json');
    writeFileSync(file, JSON.stringify({ ref: 'refs/heads/main',
      repository: { full_name: 'octo/hello' } }));
    const push = await spool.json('hook', 'test', file, '--event', 'push');
    assert.equal(push.code, 0, push.stderr);
    assert.equal(push.value.repository, 'octo/hello');
    assert.equal((await spool.run('hook', 'test', file)).code, 100,
      'it is no spool file');
  });
});

describe('doctor', () => {
  function verdicts(value) {
    return Object.fromEntries(value.checks.map((c) => [c.name, c.verdict]));
  }

  test('finds a sound spool sound, and the missing runner', async () => {
    const spool = new Spool();
    const { code, value } = await spool.json('doctor');
    const got = verdicts(value);
    for (const name of ['configuration', 'webhook secret', 'secret files',
      'spool', 'directories', 'orphans', 'queue', 'dead letters'])
      assert.equal(got[name], 'OK', `${name}: ${JSON.stringify(value)}`);
    assert.match(got.fsync, /OK|WARN/);
    assert.equal(got.runner, 'FAIL');
    assert.equal(got.proxy, 'SKIP');
    assert.equal(code, 1);
    assert.equal(value.healthy, false);
    assert.ok(!existsSync(join(spool.dir, 'lock/runner')), 'looks only');
    for (const check of value.checks) {
      if (['WARN', 'FAIL'].includes(check.verdict))
        assert.ok(check.remedy.length > 0, check.name);
    }
  });

  const wrongs = [
    ['a mistake in the configuration', 'configuration', 'FAIL',
      (spool) => spool.configure('no-such-key: 1\n')],
    ['a secret file that everybody may read', 'secret files', 'FAIL',
      (spool) => {
        const file = join(spool.data, 'secret');
        writeFileSync(file, 'fedcba9876543210', { mode: 0o644 });
        spool.configure(`webhook-secret-file: ${file}\n`);
      }],
    ['a secret file above the spool', 'separation', 'WARN',
      (spool) => {
        const file = join(spool.data, 'secret');
        writeFileSync(file, 'fedcba9876543210', { mode: 0o600 });
        spool.configure(`webhook-secret-file: ${file}\n`);
      }],
    ['a hook whose command is not there', 'hooks', 'WARN',
      (spool) => spool.configure(
        'hooks:\n  - name: x\n    command: [/no/such/program]\n')],
    ['a directory open to others', 'directories', 'FAIL',
      (spool) => run(['chmod', '0757', join(spool.dir, 'new')])],
    ['a directory that is gone', 'spool', 'FAIL',
      (spool) => rmSync(join(spool.dir, 'seen'), { recursive: true })],
    ['a job without a worker', 'orphans', 'WARN',
      (spool) => spool.add('run')],
    ['an old queue', 'queue', 'WARN',
      (spool) => spool.add('new', { time: 1000 })],
    ['a full queue', 'queue', 'FAIL',
      (spool) => {
        spool.configure('limits: {max-queued-files: 1}\n');
        spool.add('new');
      }],
    ['a dead letter', 'dead letters', 'WARN', (spool) => spool.add('dead')],
    ['too little room', 'space', 'FAIL',
      (spool) => spool.configure('limits: {min-free-bytes: 1024T}\n')],
  ];
  for (const [what, name, verdict, spoil] of wrongs) {
    test(`finds ${what}`, async () => {
      const spool = new Spool();
      await spoil(spool);
      const { value } = await spool.json('doctor');
      assert.equal(verdicts(value)[name], verdict, JSON.stringify(value));
    });
  }
});

test('the modes of what it writes are those of the spool', async () => {
  const spool = new Spool();
  const job = { delivery: randomUUID() };
  job.id = `0-${job.delivery}`;
  writeFileSync(join(spool.data, 'copy'), spool.text(job), { mode: 0o600 });
  assert.equal((await spool.run('replay', join(spool.data, 'copy'))).code, 0);
  const mode = statSync(join(spool.dir, 'new', `${job.id}.0`)).mode & 0o777;
  assert.equal(mode & 0o007, 0, mode.toString(8));
});
