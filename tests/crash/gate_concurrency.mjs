// SPDX-License-Identifier: MIT
//
// Eight runners on one spool, 50 keys, one worker of a hundred killed: no two
// jobs of a key at once, each key in the order of arrival, all settled, one
// record each. And fifty copies of one delivery at once make one job.
//
//   node tests/crash/gate_concurrency.mjs [JOBS [RUNNERS]]

import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Bench } from '../e2e/support/bench.mjs';
import { Lab, endAfter, stub } from './lab.mjs';

if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm';
const jobs = Number(process.argv[2] ?? 10000);
const runners = Number(process.argv[3] ?? 8);
const KEYS = 50;
const ROUNDS = 20;
const COPIES = 50;

/** Per key: [overlaps, order violations]. */
function judgeKey(runs, order) {
  let overlaps = 0;
  let disorder = 0;
  let open;
  const first = [];
  for (const run of runs) {
    if (run.what === 'start') {
      /* A killed worker says no end; its job is the one that comes again. */
      if (open !== undefined && open !== run.id) overlaps++;
      open = run.id;
      if (!first.includes(run.id)) first.push(run.id);
    } else {
      if (open !== run.id) overlaps++;
      open = undefined;
    }
  }
  for (let i = 0; i < order.length; i++) if (first[i] !== order[i]) disorder++;
  return [overlaps, disorder];
}

async function manyRunners() {
  const bench = new Bench({ config: 'concurrency: 4\nlog-level: WARNING' });
  writeFileSync(join(bench.dir, 'plan'), 'mortal');
  const keys = new Map();
  for (let i = 0; i < jobs; i++) {
    const key = `octo/demo#${i % KEYS}`;
    const id = bench.add(`${i}`, { key });
    if (!keys.has(key)) keys.set(key, []);
    keys.get(key).push(id);
  }
  const began = performance.now();
  for (let i = 0; i < runners; i++)
    bench.run({ args: ['--worker', stub, '--retry-schedule', '10ms'] });
  const waiting = () => ['new', 'run', 'retry'].reduce(
    (sum, state) => sum + bench.names(state).length, 0);
  const deadline = performance.now() + 60000 + jobs * 25;
  while (waiting() > 0 && performance.now() < deadline) await sleep(200);
  const seconds = (performance.now() - began) / 1000;
  await Promise.all(bench.programs.map((p) => p.stop()));

  const of = new Map([...keys].flatMap(([key, ids]) =>
    ids.map((id) => [id, key])));
  const byKey = new Map();
  for (const run of bench.runs()) {
    const key = of.get(run.id);
    if (!byKey.has(key)) byKey.set(key, []);
    byKey.get(key).push(run);
  }
  const result = { overlaps: 0, disorder: 0, unsettled: 0, records: 0,
    killed: 0, seconds };
  for (const [key, ids] of keys) {
    const [overlaps, disorder] = judgeKey(byKey.get(key) ?? [], ids);
    result.overlaps += overlaps;
    result.disorder += disorder;
  }
  const records = new Map();
  for (const { job_id: id, attempts } of bench.records()) {
    records.set(id, (records.get(id) ?? 0) + 1);
    if (attempts > 1) result.killed++;
  }
  const done = new Set(bench.names('done'));
  for (const id of of.keys()) {
    if (!done.has(id)) result.unsettled++;
    if (records.get(id) !== 1) result.records++;
  }
  await bench.end();
  return result;
}

/** Copies of one delivery, in processes that start at once. */
async function manyCopies() {
  const lab = new Lab('copies');
  let wrong = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    const [command, options] = lab.post(round);
    const replies = await Promise.all(Array.from({ length: COPIES },
      () => lab.run(command, options)));
    const count = (status) => replies.filter(({ stdout }) =>
      stdout.startsWith(`Status: ${status}`)).length;
    if (count(202) !== 1 || count(200) !== COPIES - 1 ||
        lab.states(round).length !== 1) {
      console.log(`round ${round}: ${count(202)} × 202, ${count(200)} × 200, ` +
        `${lab.states(round).length} jobs`);
      wrong++;
    }
  }
  lab.end();
  return wrong;
}

let stage = 'copies of one delivery';
endAfter(60 + 80 + jobs / 40, () => stage);
const wrong = await manyCopies();
stage = 'many runners';
const r = await manyRunners();
console.log(`${runners} runners, ${jobs} jobs of ${KEYS} keys, ${r.killed} ` +
  `workers killed, ${r.seconds.toFixed(1)} s: ${r.overlaps} overlaps, ` +
  `${r.disorder} out of order, ${r.unsettled} not settled, ${r.records} ` +
  `without exactly one record; ${COPIES} copies at once, ${ROUNDS} times: ` +
  `${wrong} times not one job`);
process.exitCode = r.overlaps + r.disorder + r.unsettled + r.records + wrong >
  0 || r.killed === 0 ? 1 : 0;
