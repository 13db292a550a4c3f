// SPDX-License-Identifier: MIT
//
// The way in: durable accepts a second, beside bare programs (that store
// nothing, and that store and do nothing else) and beside what others run.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { payload } from './contestants.mjs';
import { interleave, median, middle } from './machine.mjs';

const STORING = ['hookspool', 'bare-store']; // make slots for a while after
const FIELDS = ['rate', 'p50', 'p99', 'max', 'cpu_us', 'nginx_us', 'pss_mb'];

const summary = (results) => Object.fromEntries(Object.entries(results).map(
  ([name, list]) => [name, {
    ...Object.fromEntries(FIELDS.map((field) => [field, middle(list, field)])),
    rounds: list.map((one) => Math.round(one.rate)),
  }]));

/** Each round's ratio of two contestants, then the median of these. */
const ratio = (results, ours, theirs, field = 'rate') =>
  results[ours] && results[theirs] && median(results[ours].map(
    (one, round) => one[field] / results[theirs][round][field]));

/** One body as large as GitHub sends; what it takes, and the most memory. */
async function measureLarge(bench, rounds) {
  const large = payload(bench.dir, 'push', 4, { bytes: 25000000 });
  const { 'hookspool-large': results } = await interleave(rounds, {
    'hookspool-large': () => bench.load('hookspool-large', large,
      { connections: 1, count: 1, seconds: 60 }),
  });
  return { ms: middle(results, 'max'),
    peak_mb: Math.max(...results.map((one) => one.peak_mb)) };
}

/** The system calls that store an event, without HTTP. */
async function measureDisk(bench, rounds) {
  const results = [];
  for (let i = 0; i < rounds; i++) {
    const folder = join(bench.dir, `disk-${i}`);
    mkdirSync(folder);
    results.push(await bench.tool('bare', 'disk', folder, 16, 2000));
  }
  return Object.fromEntries(['ready', 'made'].map((which) => [which,
    Object.fromEntries(['rate', 'p50', 'p99', 'cpu_us'].map((field) => [field,
      median(results.map((one) => one[which][field]))]))]));
}

/** In a short run only what ratios are made of; in a whole one all. */
export async function measureAccept(bench,
  { rounds, seconds, sustained, whole }) {
  const push = payload(bench.dir, 'push', 4);
  const pull = payload(bench.dir, 'pull_request', 0);

  if (whole) {
    await bench.startNothing('nginx-alone');
    await bench.startBare('bare-hmac-kept', 'hmac', 1, 80, true);
  }
  await bench.startBare('bare', 'answer', 2, 1, false);
  await bench.startBare('bare-hmac', 'hmac', 2, 1, false);
  await bench.startBare('bare-store', 'store', 1, 80, true);
  await bench.startResponder('hookspool', bench.home('accept'));
  await bench.startOctokit('octokit');
  await bench.startFastapi('fastapi');
  await bench.startWebhook('adnanh', '/bin/true');
  const names = Object.keys(bench.ports);
  await bench.startResponder('hookspool-large', bench.home('large'));
  await bench.startNginx();
  const some = (list) => list.filter((name) => names.includes(name));
  const field = (list, file, options) => interleave(rounds,
    Object.fromEntries(some(list).map((name) => [name, async () => {
      // adnanh/webhook leaves a heap of processes behind each burst, which
      // must not be measured with the next one.
      const limit = name === 'adnanh' ? { count: 3000 } : {};
      const result = await bench.load(name, file,
        { seconds, ...limit, ...options });
      if (name === 'adnanh') await bench.quiet(name);
      else if (STORING.includes(name)) await sleep(300);
      return result;
    }])));

  const at16 = await field(names, push, { connections: 16 });
  const at1 = whole && await field(
    ['bare-hmac', 'hookspool', 'octokit', 'adnanh'], push, { connections: 1 });
  const at64 = await field(whole ? ['bare-hmac-kept', 'hookspool', 'octokit']
    : ['hookspool'], push, { connections: 64 });
  const pulls = whole && await field(
    ['bare-hmac', 'hookspool', 'octokit', 'fastapi', 'adnanh'], pull,
    { connections: 16, event: 'pull_request' });
  const fresh = await interleave(rounds, {
    // Fewer than the slots that are kept ready (two processes of 256).
    hookspool: async () => {
      await sleep(1000);
      return bench.load('hookspool', push, { connections: 16, count: 400 });
    },
    'bare-hmac': () =>
      bench.load('bare-hmac', push, { connections: 16, count: 400 }),
  });
  const disk = await measureDisk(bench, rounds);
  const long = sustained > 0 ? {
    hookspool: [await bench.load('hookspool', push,
      { connections: 16, seconds: sustained })],
    'bare-hmac': [await bench.load('bare-hmac', push,
      { connections: 16, seconds: Math.min(sustained, 10) })],
  } : {};

  const large = await measureLarge(bench, rounds);

  const ours = at16.hookspool;
  return {
    'push, 16 connections': summary(at16),
    ...(whole && { 'push, 1 connection': summary(at1) }),
    'push, 64 connections': summary(at64),
    ...(whole && { 'pull_request, 16 connections': summary(pulls) }),
    'accepts / bare responder that stores':
      ratio(at16, 'hookspool', 'bare-store'),
    'stored without HTTP, 16 threads': disk,
    'one body of 25 MB': large,
    'push, 400 from ready slots': summary(fresh),
    ...(sustained > 0 && { [`push, ${sustained} s without a pause`]:
      summary(long) }),
    judged: [
      ['accepts / libfcgi + HMAC, 16 connections',
        ratio(at16, 'hookspool', 'bare-hmac'), '>=', 0.65],
      ['the same from ready slots',
        ratio(fresh, 'hookspool', 'bare-hmac'), '>=', 0.65],
      ['the same sustained', ratio(long, 'hookspool', 'bare-hmac'),
        '>=', 0.65],
      ['accepts / Node + @octokit/webhooks',
        ratio(at16, 'hookspool', 'octokit'), '>=', 0.85],
      ['accepts / adnanh/webhook', ratio(at16, 'hookspool', 'adnanh'),
        '>=', 3],
      ['accepts / FastAPI, one process',
        ratio(at16, 'hookspool', 'fastapi'), '>=', 3],
      ['rate at 64 connections / at 16',
        middle(at64.hookspool, 'rate') / middle(ours, 'rate'), '>=', 0.9],
      ['p99 / p50 at saturation, 16 connections',
        median(ours.map((one) => one.p99 / one.p50)), '<=', 4],
      ['responder CPU / bare responder CPU',
        ratio(at16, 'hookspool', 'bare', 'cpu_us'), '<=', 1.5],
      ['responder CPU / CPU of a bare responder that stores',
        ratio(at16, 'hookspool', 'bare-store', 'cpu_us'), '<=', 1.5],
      ['memory of all responder processes, PSS MB',
        middle(ours, 'pss_mb'), '<=', 24],
      ['one body of 25 MB, ms', large.ms, '<=', 2000],
      ['one body of 25 MB, most memory of all responder processes, MB',
        large.peak_mb, '<=', 64],
    ],
  };
}
