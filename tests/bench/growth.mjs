// SPDX-License-Identifier: MIT
//
// What size costs: the same operations on an empty spool, on one with many
// settled jobs, and on one with many queued ones.

import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { waitFor } from '../e2e/support/process.mjs';
import { payload } from './contestants.mjs';
import { interleave, median, middle, timed } from './machine.mjs';

const CLAIMS = 100;

/**
 * Where many wait the runner keeps their order. It is paused, so that not its
 * work is measured.
 */
async function pausedRunner(bench, name, home) {
  const runner = bench.start(`runner-${name}-paused`,
    [bench.bin('spool-runner'), '--config', home.config]);
  await waitFor('the order of the jobs', () =>
    existsSync(join(home.spool, 'lock/waiting')), 120);
  runner.kill('SIGSTOP');
  return runner;
}

/** Starts the runner, lets it settle a few jobs, stops it. */
async function claimSome(bench, name, home, round) {
  const began = performance.now();
  const runner = bench.start(`runner-${name}-${round}`,
    [bench.bin('spool-runner'), '--config', home.config]);
  const lines = (word) => runner.output().split(`"event":"${word}"`).length - 1;
  await waitFor('the runner to start', () => lines('started') > 0, 120);
  const started = performance.now();
  await waitFor('jobs to settle', () => lines('settled') >= CLAIMS, 120);
  const rate = lines('settled') / ((performance.now() - started) / 1000);
  await runner.stop();
  return { start_s: (started - began) / 1000, rate };
}

const list = (bench, home) => timed([bench.bin('hookspool'), 'queue', 'list',
  '--config', home.config, '--limit', '20']);

export async function measureGrowth(bench, { rounds, settled, queued }) {
  const push = payload(bench.dir, 'push', 4, { repository: false });
  const ping = payload(bench.dir, 'ping', 0, { repository: false });
  const sizes = {
    empty: [],
    ...Object.fromEntries(settled.map((count) =>
      [`${count} settled`, ['settled', count]])),
    [`${queued} queued`]: ['queued', queued],
  };
  const homes = {};
  const fill = {};
  for (const [name, [kind, count]] of Object.entries(sizes)) {
    const id = `growth-${name.replace(' ', '-')}`;
    homes[name] = { id, ...bench.home(id) };
    if (kind === undefined) continue;
    const began = performance.now();
    await bench.tool('fill', homes[name].spool, kind, count);
    fill[name] = Math.round((performance.now() - began) / 1000);
  }
  for (const { id, ...home } of Object.values(homes))
    await bench.startResponder(id, home);
  await bench.startNginx();
  const many = homes[`${queued} queued`];
  const withoutOrder = await list(bench, many);
  const paused = await pausedRunner(bench, many.id, many);
  const lists = await interleave(rounds, Object.fromEntries(
    Object.entries(homes).map(([name, home]) =>
      [name, () => list(bench, home)])));
  paused.kill('SIGCONT');
  await paused.stop();
  const accepts = await interleave(rounds, Object.fromEntries(
    Object.entries(homes).map(([name, { id }]) => [name, () =>
      bench.load(id, push, { connections: 16, count: 2500, keys: 64 })])));
  const claims = await interleave(rounds, Object.fromEntries(
    Object.entries(homes).map(([name, home]) => [name, async (round) => {
      if (!name.endsWith('queued'))
        await bench.load(home.id, ping,
          { event: 'ping', connections: 8, count: 2 * CLAIMS, keys: 1000 });
      return claimSome(bench, home.id, home, round);
    }])));
  // Last, for nothing is settled any more then. No job is claimed while a
  // slice lasts.
  const most = Math.max(...settled);
  const swept = await bench.tool('probe', 'sweep',
    homes[`${most} settled`].spool);
  const cost = (results, field, inverse) => Object.fromEntries(
    Object.keys(sizes).map((name) => [name, median(results[name].map(
      (one, i) => inverse ? results.empty[i][field] / one[field]
        : one[field] / results.empty[i][field]))]));
  const worst = (costs) => Math.max(...Object.values(costs));
  const accept = cost(accepts, 'cpu_us', false);
  const claim = cost(claims, 'rate', true);
  const listing = cost(lists, 'ms', false);
  const start = middle(claims[`${queued} queued`], 'start_s');
  return {
    'seconds to fill': fill,
    'accept, CPU of the responder / empty': accept,
    'accept, time / empty': cost(accepts, 'rate', true),
    'claim to settle, time / empty': claim,
    'queue list, time / empty': listing,
    'queue list (ms)': Object.fromEntries(Object.keys(sizes).map((name) =>
      [name, middle(lists[name], 'ms')])),
    'queue list without a runner (ms)': withoutOrder.ms,
    'runner start (s)': Object.fromEntries(Object.keys(sizes).map((name) =>
      [name, middle(claims[name], 'start_s')])),
    [`to sweep ${most} settled`]: swept,
    judged: [
      ['accept, worst / empty', worst(accept), '<=', 1.3],
      ['claim, worst / empty', worst(claim), '<=', 1.3],
      ['queue list, worst of the settled / empty', Math.max(
        ...Object.entries(listing).filter(([name]) => !name.includes('queued'))
          .map(([, one]) => one)), '<=', 1.3],
      [`queue list with ${queued} queued / empty`,
        listing[`${queued} queued`], '<=', 1.3],
      [`sweep of ${most} settled, longest slice, ms`, swept.longest, '<=',
        50],
      [`runner start with ${queued} queued, s`, start, '<=', 2],
    ],
  };
}
