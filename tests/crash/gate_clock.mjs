// SPDX-License-Identifier: MIT
//
// Clocks that lie: the wall clock jumps an hour, a day, to 2038 and over the
// end of 32-bit time, before the runner starts and while a job waits for its
// second attempt; and the machine sleeps. No job is tried early, none gets
// stuck, none settles twice.
//
// The wall clock is libfaketime's, from a file that is changed under way; the
// sleep is a preloaded clock_gettime() (suspend.c). A worker's times are the
// true monotonic clock's.

import { existsSync, readFileSync, readdirSync, utimesSync,
  writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Program, waitFor } from '../e2e/support/process.mjs';
import { Lab, endAfter, program, stub } from './lab.mjs';

const library = ['/usr/lib', '/usr/lib64', '/usr/local/lib'].flatMap((dir) =>
  existsSync(dir) ? [dir, ...readdirSync(dir).map((d) => join(dir, d))] : [])
  .map((dir) => join(dir, 'faketime', 'libfaketime.so.1'))
  .find((file) => existsSync(file));
if (!library) {
  console.log('NOT RUN: libfaketime is not installed');
  process.exit(77);
}

const HOUR = 3600;
const DAY = 24 * HOUR;
const to2038 = Math.floor(Date.UTC(2038, 0, 19, 3, 14, 0) / 1000 -
  Date.now() / 1000); // 8 s before 2^31
const DELAY = 2000; // ms, of the schedule; ±20 %
const SLACK = 2500; // ms that a busy machine may be late

let violations = 0;
let cases = 0;
const open = new Set();
endAfter(200, () => [...open].join(', '));

const jumps = { 'an hour ahead': HOUR, 'an hour back': -HOUR,
  'a day ahead': DAY, 'a day back': -DAY, 'to 2038': to2038 };

class Clock {
  constructor(name) {
    this.lab = new Lab('clock');
    this.file = join(this.lab.dir, 'clock');
    this.slept = join(this.lab.dir, 'slept');
    this.name = name;
    writeFileSync(this.lab.config, readFileSync(this.lab.config, 'utf8')
      .replace('log-level: WARNING', 'log-level: INFO'));
    this.set(0);
    writeFileSync(this.slept, '0');
    writeFileSync(join(this.lab.dir, 'plan'), 'traced-retry');
  }

  set(seconds) {
    writeFileSync(this.file, `${seconds < 0 ? '' : '+'}${seconds}s\n`);
  }

  env(more = {}) {
    return { LD_PRELOAD: library, FAKETIME_TIMESTAMP_FILE: this.file,
      FAKETIME_NO_CACHE: '1', FAKETIME_DONT_FAKE_MONOTONIC: '1',
      FAKETIME_DONT_RESET: '1', ...more };
  }

  run(env = this.env()) {
    this.runner = new Program('runner', [program('spool-runner'), '--config',
      this.lab.config, '--worker', stub, '--retry-schedule', '2s'],
    { log: join(this.lab.dir, 'runner.log'),
      env: { PATH: process.env.PATH, ...env } });
  }

  /** [{what, attempt, ms}] */
  runs() {
    const file = join(this.lab.dir, 'runs');
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').split('\n').filter((l) => l !== '')
      .map((line) => {
        const [what, id, attempt, ms] = line.split(' ');
        return { what, id, attempt: Number(attempt), ms: Number(ms) };
      });
  }

  attempt(n, seconds = 30) {
    return waitFor(() => `attempt ${n}: ${JSON.stringify(this.runs())} ` +
      this.runner.output().slice(-1500),
    () => this.runs().find((r) => r.what === 'start' && r.attempt === n),
    seconds);
  }

  async post(n, env) {
    const [command, options] = this.lab.post(n);
    const { stdout } = await this.lab.run(command,
      { ...options, env: { ...options.env, ...env } });
    if (!stdout.startsWith('Status: 202'))
      this.wrong(`delivery ${n} was answered ${stdout.slice(0, 40)}`);
  }

  wrong(text) {
    violations++;
    console.log(`VIOLATION: ${this.name}: ${text}`);
  }

  async end(jobs = [1], states = ['done']) {
    await waitFor('all to settle', () => jobs.every((n) =>
      states.includes(this.lab.states(n).join())), 30)
      .catch((error) => this.wrong(error.message));
    await this.runner.stop();
    for (const n of jobs) {
      const ids = this.lab.jobs(n).map(({ id }) => id);
      if (this.lab.records().filter((r) => ids.includes(r.job_id)).length !== 1)
        this.wrong(`job ${n} has not one record`);
    }
    for (const text of [...this.lab.torn(), ...this.lab.left()])
      this.wrong(text);
    this.lab.end();
  }
}

async function check(name, fn) {
  const clock = new Clock(name);
  cases++;
  open.add(name);
  try {
    await fn(clock);
  } catch (error) {
    clock.wrong(error.message);
    await clock.runner?.stop();
  }
  open.delete(name);
}

/** The second attempt is due DELAY after the first, by a clock that no jump
 * touches. */
function onTime(clock, first, second, late = SLACK) {
  const waited = second.ms - first.ms;
  if (waited < DELAY * 0.8 - 50) clock.wrong(`tried after ${waited} ms: early`);
  if (waited > DELAY * 1.2 + late) clock.wrong(`tried after ${waited} ms: late`);
}

const all = [];

for (const [how, seconds] of Object.entries(jumps)) {
  all.push(check(`all the time ${how}`, async (clock) => {
    clock.set(seconds);
    await clock.post(1, clock.env());
    clock.run();
    onTime(clock, await clock.attempt(0), await clock.attempt(1));
    await clock.end();
  }));
  all.push(check(`jumps ${how} while a job waits`, async (clock) => {
    await clock.post(1, clock.env());
    clock.run();
    const first = await clock.attempt(0);
    await waitFor('retry/', () => clock.lab.names('retry').length === 1);
    clock.set(seconds);
    onTime(clock, first, await clock.attempt(1));
    await clock.end();
  }));
  all.push(check(`accepted, then ${how}`, async (clock) => {
    writeFileSync(join(clock.lab.dir, 'plan'), 'traced');
    await clock.post(1, clock.env());
    clock.set(seconds);
    clock.run();
    await clock.attempt(0, 10);
    await clock.end();
  }));
}

/* It waits for the longest that a worker could have asked for, an hour. */
all.push(check('a time in retry/ that lies a day ahead', async (clock) => {
  const env = { LD_PRELOAD: program('test/crash/suspend.so'),
    SUSPENDED: clock.slept };
  await clock.post(1);
  clock.run(env);
  await clock.attempt(0);
  await waitFor('retry/', () => clock.lab.names('retry').length === 1);
  clock.runner.kill('SIGKILL');
  await clock.runner.ended;
  const [name] = clock.lab.names('retry');
  const ahead = Date.now() / 1000 + DAY;
  utimesSync(join(clock.lab.spool, 'retry', name), ahead, ahead);
  clock.run(env);
  await waitFor('the runner to have looked', () =>
    clock.runner.output().split('"started"').length === 3);
  writeFileSync(clock.slept, String(HOUR * 1.25));
  await clock.post(2);
  await clock.attempt(1, 10);
  await clock.end([1, 2]);
}));

all.push(check('the machine sleeps an hour while a job waits', async (clock) => {
  const env = { LD_PRELOAD: program('test/crash/suspend.so'),
    SUSPENDED: clock.slept };
  await clock.post(1);
  clock.run(env);
  const first = await clock.attempt(0);
  await waitFor('retry/', () => clock.lab.names('retry').length === 1);
  writeFileSync(clock.slept, String(HOUR));
  /* It is due now; its sleep ends by itself, or with what comes in. */
  await clock.post(2);
  const second = await clock.attempt(1, 10);
  if (second.ms - first.ms > DELAY * 1.2 + SLACK)
    clock.wrong(`tried ${second.ms - first.ms} ms after`);
  await clock.end([1, 2]);
}));

/* Time limits count the time it slept, as the worker's do: the job may be told
 * to stop, but it settles. */
all.push(check('the machine sleeps two hours while a job runs',
  async (clock) => {
    writeFileSync(join(clock.lab.dir, 'plan'), 'gate');
    await clock.post(1);
    clock.run({ LD_PRELOAD: program('test/crash/suspend.so'),
      SUSPENDED: clock.slept });
    await waitFor('a job to run', () => clock.lab.names('run').length === 1);
    await sleep(200);
    writeFileSync(clock.slept, String(2 * HOUR));
    await clock.post(2); // wakes the runner
    await sleep(500);
    writeFileSync(join(clock.lab.dir, 'open'), '');
    await clock.end([1, 2], ['done', 'dead']);
  }));

await Promise.all(all);
console.log(`${cases} clocks that lie (an hour, a day, 2038, a sleep), ` +
  `${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
