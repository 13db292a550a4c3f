// SPDX-License-Identifier: MIT
//
// That keys of the configuration change what the programs do: those that no
// other test needs anyway. tests/unit/test_config_effect.c lists them all.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  closeSync, existsSync, openSync, readFileSync, readdirSync, renameSync,
  utimesSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { withBench } from './support/bench.mjs';
import { run, waitFor } from './support/process.mjs';
import { buildDir, startServer } from './support/server.mjs';

const DAY = 86400;
const HOOK = 'hooks: [{name: a, command: [/bin/true]}]';
/** A new one each time: the same bytes again would be a replay. */
const push = () => JSON.stringify({ ref: 'refs/heads/main',
  compare: randomUUID(),
  before: '0'.repeat(40), after: '1'.repeat(40), pusher: { name: 'o' },
  repository: { name: 'demo', full_name: 'octo/demo' },
  sender: { login: 'octocat' } });

/** Makes a file in the spool that was last changed so long ago. */
function old(bench, dir, name, seconds, size = 10) {
  const path = bench.path(dir, name);
  writeFileSync(path, 'x'.repeat(size));
  age(path, seconds);
  return path;
}

/** A part of the ledger with so many deliveries in it (docs/spool.5). */
function oldLedger(bench, number, deliveries, seconds) {
  const path = bench.path('seen', `ledger.${number}.64`);
  let text = '';
  for (let i = 0; i < deliveries; i++) {
    const entry = `d ${String(number * 1000 + i).padStart(32, '0')} 0069211b80`;
    let sum = 2166136261;
    for (const byte of Buffer.from(entry))
      sum = Math.imul(sum ^ byte, 16777619) >>> 0;
    text += `${entry} ${sum.toString(16).padStart(8, '0')}`.padEnd(63) + '\n';
  }
  writeFileSync(path, text);
  age(path, seconds);
  return path;
}

function age(path, seconds) {
  const then = Date.now() / 1000 - seconds;
  utimesSync(path, then, then);
}

function settledJob(bench, seconds, size) {
  const id = bench.add('x'.repeat(size ?? 10), { state: 'done' });
  renameSync(bench.path('done', `${id}.0`), bench.path('done', id));
  age(bench.path('done', id), seconds);
  return bench.path('done', id);
}

/**
 * A runner with this retention sweeps until `gone` is gone; `stays` is not,
 * and goes only with the second setting.
 */
function sweeps(what, config, make) {
  test(what, () => withBench({ config }, async (bench) => {
    const { gone, stays } = make(bench);
    bench.run();
    await waitFor(() => `${gone} to go\n${bench.output()}`,
      () => !existsSync(gone));
    assert.ok(existsSync(stays), `${stays} went`);
  }));
}

describe('retention', () => {
  sweeps('settled-age: settled jobs go by age',
    'retention: {settled-age: 5d}', (bench) => ({
      gone: settledJob(bench, 6 * DAY), stays: settledJob(bench, 4 * DAY),
    }));
  sweeps('settled-bytes: and by size, the oldest first',
    'retention: {settled-bytes: 150k}', (bench) => ({
      gone: settledJob(bench, 3 * DAY, 100000),
      stays: settledJob(bench, DAY, 100000),
    }));
  sweeps('log-age: records go by age',
    'retention: {log-age: 5d}', (bench) => {
      const day = (ago) => new Date(Date.now() - ago * DAY * 1000)
        .toISOString().slice(0, 10);
      old(bench, 'log', `webhooks_${day(0)}.json`, 0, 0);
      return {
        gone: old(bench, 'log', `webhooks_${day(7)}.json`, 7 * DAY),
        stays: old(bench, 'log', `webhooks_${day(3)}.json`, 3 * DAY),
      };
    });
  sweeps('log-bytes: and by size',
    'retention: {log-bytes: 150k, log-age: 3650d}', (bench) => {
      const day = (ago) => new Date(Date.now() - ago * DAY * 1000)
        .toISOString().slice(0, 10);
      old(bench, 'log', `webhooks_${day(0)}.json`, 0, 0);
      return {
        gone: old(bench, 'log', `webhooks_${day(2)}.json`, 2 * DAY, 100000),
        stays: old(bench, 'log', `webhooks_${day(1)}.json`, DAY, 100000),
      };
    });
  sweeps('seen-age: deliveries are forgotten by age',
    'retention: {seen-age: 5d, seen-entries: 0}', (bench) => {
      oldLedger(bench, 3, 1, 6 * DAY);
      return {
        gone: oldLedger(bench, 1, 1, 6 * DAY),
        stays: oldLedger(bench, 2, 1, 4 * DAY),
      };
    });
  test('seen-entries: but so many stay whatever their age', () =>
    withBench({ config: 'retention: {seen-age: 5d, seen-entries: 3}' },
      async (bench) => {
        for (let i = 1; i <= 5; i++) oldLedger(bench, i, 1, 30 * DAY);
        bench.run();
        const left = () => bench.names('seen').length;
        await waitFor('two to go', () => left() === 3);
      }));
  sweeps('tmp-age: strange files in tmp/ go by age',
    'retention: {tmp-age: 2h}', (bench) => ({
      gone: old(bench, 'tmp', 'strange', 3 * 3600),
      stays: old(bench, 'tmp', 'stranger', 3600),
    }));
});

describe('jobs', () => {
  test('job-timeout: a job that runs longer is ended', () =>
    withBench({ config: 'job-timeout: 300ms\nstop-grace: 5s' },
      async (bench) => {
        const id = bench.add('sleep 60');
        bench.run();
        assert.equal((await bench.settled(id)).state, 'timed_out');
      }));

  test('stop-grace: one that does not end is killed then', () =>
    withBench({ config: 'job-timeout: 300ms\nstop-grace: 200ms' },
      async (bench) => {
        const id = bench.add("trap '' TERM; sleep 60 & wait; wait");
        bench.run();
        assert.equal((await bench.settled(id)).state, 'timed_out');
      }));

  for (const [setting, state] of [['0s', 'dead'], ['24h', 'retry']])
    test(`retry-for ${setting}: a job that asks to be tried again is ` +
      `${state}`, () =>
      withBench({ config: `retry-for: ${setting}` }, async (bench) => {
        const id = bench.add('exit 111',
          { received: new Date(Date.now() - 60000) });
        bench.run();
        await bench.inState(id, state);
      }));

  for (const [format, first] of [['lines', /^\{"/], ['pretty', /^\{\n {2}"/]])
    test(`log-format: ${format} is how records are written`, () =>
      withBench({ config: `log-format: ${format}` }, async (bench) => {
        const id = bench.add('exit 0');
        bench.run();
        await bench.inState(id, 'done');
        const log = bench.path('log');
        const text = () => readdirSync(log)
          .filter((name) => name.endsWith('.json'))
          .map((name) => readFileSync(join(log, name), 'utf8')).join('');
        await waitFor('the record', () => text().endsWith('}\n'));
        assert.match(text(), first);
      }));

  for (const workers of [1, 3])
    test(`concurrency: ${workers} run at once`, () =>
      withBench({ config: `concurrency: ${workers}` }, async (bench) => {
        const ids = [1, 2, 3].map((n) =>
          bench.add(`until [ -e $dir/go ]; do sleep 0.02; done`,
            { key: `k${n}` }));
        bench.run();
        const running = () =>
          bench.runs().filter((r) => r.what === 'start').length;
        await waitFor('them to start', () => running() === workers);
        writeFileSync(join(bench.dir, 'go'), '');
        for (const id of ids) await bench.settled(id);
        assert.equal(running(), 3);
      }));

  test('kinds.timeout: holds for that event only', () => withBench(
    { config: 'kinds: {push: {timeout: 300ms}}\nstop-grace: 5s' },
    async (bench) => {
      const other = bench.add('sleep 1', { event: 'issues' });
      const id = bench.add('sleep 60');
      bench.run();
      assert.equal((await bench.settled(id)).state, 'timed_out');
      assert.equal((await bench.settled(other)).state, 'succeeded');
    }));

  test('kinds.concurrency: so many of the event run, the others go on', () =>
    withBench({ config: 'concurrency: 4\nkinds: {push: {concurrency: 1}}' },
      async (bench) => {
        const gate = 'until [ -e $dir/go ]; do sleep 0.02; done';
        const pushes = [1, 2, 3].map((n) => bench.add(gate, { key: `p${n}` }));
        const others = [1, 2].map((n) =>
          bench.add(gate, { key: `i${n}`, event: 'issues' }));
        bench.run();
        for (const id of [pushes[0], ...others]) await bench.started(id);
        writeFileSync(join(bench.dir, 'go'), '');
        for (const id of [...pushes, ...others]) await bench.settled(id);
        const alone = bench.runs().filter((r) => pushes.includes(r.id));
        assert.deepEqual(alone.map((r) => r.what),
          ['start', 'end', 'start', 'end', 'start', 'end']);
        assert.deepEqual(alone.filter((r) => r.what === 'end')
          .map((r) => r.id), pushes);
      }));
});

/** Runs the real worker by hand on a push; its step log as one text. */
async function work(bench, config, payload = '{"ref":"refs/heads/main"}') {
  const id = bench.add(payload);
  writeFileSync(bench.config, `data-directory: ${bench.dir}\n${config}\n`);
  const job = openSync(bench.path('new', `${id}.0`));
  const child = spawn(join(buildDir, 'job-worker'), ['--config',
    bench.config, '--spool', bench.spool], { stdio: [job, 'pipe', 'pipe'] });
  let output = '';
  closeSync(job);
  child.stdout.on('data', (bytes) => { output += bytes; });
  child.stderr.on('data', (bytes) => { output += bytes; });
  const code = await new Promise((done) => child.once('close', done));
  const steps = bench.path('log', 'jobs', `${id}.jsonl`);
  return { code, output,
    steps: existsSync(steps) ? readFileSync(steps, 'utf8') : output };
}

describe('hooks', () => {
  test('max-output: the tail of a command that talks too much is kept', () =>
    withBench({}, async (bench) => {
      const { steps } = await work(bench, 'max-output: 4k\nhooks:\n' +
        '  - name: a\n    command: [sh, -c, "seq 10000"]');
      const { output } = steps.split('\n').filter((line) => line !== '')
        .map((line) => JSON.parse(line)).map((step) => step.data ?? step)
        .find((step) => step.output !== undefined) ?? {};
      assert.ok(output !== undefined, steps);
      assert.match(output, /10000\n$/);
      assert.ok(output.length <= 4096, `${output.length} bytes`);
    }));

  test('working-directory: is where the command runs', () =>
    withBench({}, async (bench) => {
      const { steps } = await work(bench, 'hooks:\n' +
        '  - {name: a, command: [pwd], working-directory: /usr}');
      assert.ok(steps.includes('"/usr'), steps);
    }));
});

describe('hooks in a strict sandbox', () => {
  for (const [more, code] of [['', 100], [', readable: [DIR]', 0]])
    test(`readable: ${code === 0 ? 'shows' : 'without it nothing shows'} a ` +
      'directory', () => withBench({}, async (bench) => {
      writeFileSync(join(bench.dir, 'there'), 'x');
      const done = await work(bench, 'hooks:\n' +
        `  - {name: a, command: [cat, ${bench.dir}/there], ` +
        `sandbox: strict${more.replace('DIR', bench.dir)}}`);
      assert.equal(done.code, code, done.steps);
    }));
});

describe('limits', () => {
  for (const limit of ['max-queued-bytes: 1', 'max-queued-files: 1',
    'min-free-inodes: 900000000000', 'min-free-bytes: 1000T'])
    test(`${limit}: there is no room`, async () => {
      const server = await startServer({ runner: false, config: HOOK });
      try {
        const good = readFileSync(server.config, 'utf8');
        assert.equal((await server.send({ body: push() })).status, 202);
        writeFileSync(server.config, good.replace(/^limits:.*$/m,
          `limits: {${limit}}`));
        await waitFor('503', async () =>
          (await server.send({ body: push() })).status === 503);
        writeFileSync(server.config, good);
        await waitFor('202', async () =>
          (await server.send({ body: push() })).status === 202);
      } finally {
        await server.stop();
      }
    });
});

describe('reloading under load', () => {
  let server;
  before(async () => { server = await startServer({ config: HOOK }); });
  after(() => server?.stop());

  test('while the file is broken the last good one is in force', async () => {
    const good = readFileSync(server.config, 'utf8');
    writeFileSync(server.config, `${good}hoks: []\n`);
    const line = `config.yaml:${good.split('\n').length}: hoks: unknown key`;
    const health = async () => {
      const reply = await server.request('GET', '/health/ready');
      return reply.json?.configuration?.startsWith(line) &&
        reply.json.runner === 'ok' && reply;
    };
    assert.equal((await waitFor('the report', health)).status, 200);
    await waitFor("the runner's report", () =>
      server.program('runner').output().includes('hoks: unknown key'));
    const reply = await server.send({ body: push() });
    const record = await server.record(reply.delivery);
    assert.equal(record.state, 'succeeded');
    assert.equal(record.attempts, 1);
    assert.match(readFileSync(join(server.spool, 'log', 'jobs',
      `${record.job_id}.jsonl`), 'utf8'),
    /hoks: unknown key.*the last good configuration is used/);
    const doctor = await run([join(buildDir, 'hookspool'), 'doctor',
      '--config', server.config]);
    assert.equal(doctor.code, 1);
    assert.match(doctor.stdout, /FAIL +configuration +config.yaml:\d+: hoks/);
    writeFileSync(server.config, good);
    await waitFor('the new one', async () => (await server.request('GET',
      '/health/ready')).json?.configuration === 'ok');
  });

  test('ten reloads a second lose no request; a broken file changes nothing',
    async () => {
      const good = readFileSync(server.config, 'utf8');
      const end = performance.now() + 3000;
      const replies = [];
      let reloads = 0;

      const reload = (async () => {
        for (; performance.now() < end; reloads++) {
          const draft = `${server.config}.draft`;
          writeFileSync(draft, reloads % 3 === 2 ? 'broken: [\n'
            : `${good}# ${reloads}\n`, { mode: 0o600 });
          renameSync(draft, server.config);
          await sleep(100);
        }
      })();
      const send = async () => {
        while (performance.now() < end) {
          const { status, text } = await server.send({ body: push() });
          replies.push(status === 202 ? '' : `${status} ${text}`);
        }
      };
      await Promise.all([reload, send(), send(), send()]);
      writeFileSync(server.config, good);
      assert.ok(reloads >= 20, `${reloads} reloads`);
      assert.ok(replies.length > 30, `${replies.length} requests`);
      assert.deepEqual(replies.filter((reply) => reply !== ''), []);
    });
});
