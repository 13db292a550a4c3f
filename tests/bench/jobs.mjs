// SPDX-License-Identifier: MIT
//
// The way through: from accept to settle, jobs a second, and what an idle
// runner costs.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { run, waitFor } from '../e2e/support/process.mjs';
import { payload } from './contestants.mjs';
import {
  cpuOf, interleave, median, middle, pssOf, residentOf, timed,
} from './machine.mjs';

const hooks = (command) =>
  `hooks: [{name: all, events: [push], command: [${command}]}]`;

function records(home) {
  const log = join(home.spool, 'log');
  return readdirSync(log).filter((name) => name.startsWith('webhooks_'))
    .flatMap((name) => readFileSync(join(log, name), 'utf8').split('\n'))
    .filter((line) => line).map((line) => JSON.parse(line));
}

const at = (list, share) => list.sort((a, b) => a - b)[
  Math.floor((list.length - 1) * share)];

/** Accept to settle of jobs that come one by one. */
async function measureOverhead(bench, home, name, ping, count) {
  await bench.load(name, ping,
    { event: 'ping', connections: 4, rate: 20, count, keys: 8 });
  await bench.settled(home);
  const took = records(home).filter((one) => one.event_type === 'ping')
    .slice(-count).map((one) => (Date.parse(one.timing.completed_at) -
      Date.parse(one.received_at)));
  return { p50: at(took, 0.5), p99: at(took, 0.99) };
}

/** All of a queue, from nothing to nothing; the runner started afresh. */
async function drain(bench, home, name, file, event, count) {
  await bench.load(name, file,
    { event, connections: 16, count, keys: 64, seconds: 60 });
  const { ms } = await timed([bench.bin('spool-runner'), '--config',
    home.config, '--drain']);
  return { rate: count / (ms / 1000) };
}

/** Sent and run while it is sent, until the last has ended. Memory is what
 * `programs` have when the last was sent. */
async function runThrough(bench, name, programs, file, count, ended) {
  const began = performance.now();
  const result = await bench.load(name, file,
    { connections: 16, count, keys: 64, seconds: 60 });
  const memory = programs.reduce(
    (sum, one) => sum + pssOf(bench.programs.get(one).pid), 0);
  await ended();
  return {
    rate: count / ((performance.now() - began) / 1000),
    accept_p99: result.p99,
    memory_mb: memory,
  };
}

async function measureIdle(bench, seconds) {
  const pid = bench.programs.get('runner').pid;
  const before = cpuOf(pid);
  const { stderr } = await run(['timeout', `${seconds}`, 'strace', '-f', '-c',
    '-p', `${pid}`], { seconds: seconds + 10 });
  const calls = Object.fromEntries(stderr.split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((words) => /^\d+\.\d+$/.test(words[0]) &&
      /^[a-z]/.test(words.at(-1)) && words.at(-1) !== 'total')
    .map((words) => [words.at(-1), Number(words[3])]));
  return {
    seconds, calls,
    wakeups: (calls.ppoll ?? 0) + (calls.poll ?? 0) + (calls.epoll_wait ?? 0),
    cpu_ms: (cpuOf(pid) - before) / 1000,
    rss_mb: residentOf(pid),
    'pss_mb, with what it keeps ready': pssOf(pid),
  };
}

/** Hooks at a fixed rate while all that the runner can run runs, and more
 * waits than it can settle meanwhile. */
async function measureBusy(bench, home, push, { queued, seconds }) {
  await bench.load('hookspool-jobs', push,
    { connections: 16, count: queued, keys: 64, seconds: 60 });
  const result = await bench.load('hookspool-jobs', push,
    { connections: 16, rate: 100, seconds, keys: 64 });
  result.waiting = readdirSync(join(home.spool, 'new')).length;
  await bench.settled(home);
  return result;
}

export async function measureJobs(bench, options) {
  const { rounds, jobs, idle } = options;
  const ping = payload(bench.dir, 'ping', 0, { repository: false });
  const push = payload(bench.dir, 'push', 4, { repository: false });
  const home = bench.home('jobs', hooks('/bin/true'));
  const rested = bench.home('drained', hooks('/bin/true'));

  await bench.startResponder('hookspool-jobs', home);
  await bench.startResponder('hookspool-drain', rested);
  await bench.startWebhook('adnanh-jobs', '/bin/true');
  await bench.startNginx();
  bench.start('runner', [bench.bin('spool-runner'), '--config', home.config]);
  await waitFor('the runner', () =>
    bench.programs.get('runner').output().includes('started'));

  const overhead = await measureOverhead(bench, home, 'hookspool-jobs', ping,
    60);
  const contestants = {
    'no-op': () => drain(bench, rested, 'hookspool-drain', ping, 'ping', jobs),
    '/bin/true': () =>
      drain(bench, rested, 'hookspool-drain', push, 'push', jobs),
    hookspool: () => runThrough(bench, 'hookspool-jobs',
      ['hookspool-jobs', 'runner'], push, jobs, () => bench.settled(home)),
    adnanh: bench.programs.has('adnanh-jobs') ? () =>
      runThrough(bench, 'adnanh-jobs', ['adnanh-jobs'], push, jobs,
        () => bench.quiet('adnanh-jobs')) : async () => undefined,
  };
  const results = await interleave(rounds, contestants);
  const { busy } = await interleave(rounds,
    { busy: () => measureBusy(bench, home, push, options) });
  const quiet = await measureIdle(bench, idle);
  await bench.stop('runner');
  return {
    'accept to settle, no-op job (ms)': overhead,
    'jobs a second, queue drained': {
      'no-op': middle(results['no-op'], 'rate'),
      '/bin/true': middle(results['/bin/true'], 'rate'),
    },
    'accepted and run, /bin/true': Object.fromEntries(
      ['hookspool', 'adnanh'].filter((name) => results[name]).map((name) =>
        [name, {
          rate: middle(results[name], 'rate'),
          accept_p99: middle(results[name], 'accept_p99'),
          memory_mb: middle(results[name], 'memory_mb'),
        }])),
    '100 hooks a second, the runner at full load (ms)': {
      p50: middle(busy, 'p50'), p99: middle(busy, 'p99'),
      'jobs waiting at the end': busy.map((one) => one.waiting),
    },
    'idle runner': quiet,
    judged: [
      ['accepted and run / adnanh/webhook', results.adnanh && median(
        results.hookspool.map((one, i) => one.rate / results.adnanh[i].rate)),
      '>=', 1],
      ['p99 at 100 hooks a second with the runner at full load, ms',
        middle(busy, 'p99'), '<=', 10],
      // Some come twice a minute: too few to be told from a short look.
      ['idle runner, wake-ups a minute', idle < 60 ? undefined
        : quiet.wakeups * 60 / idle, '<=', 6],
      ['idle runner, RSS MB', quiet.rss_mb, '<=', 8],
    ],
  };
}
