// SPDX-License-Identifier: MIT
//
//   node tests/bench/bench.mjs [--quick] [SECTION ...]
//
// Measures, writes bench.txt and bench.json into the build folder, and prints
// the text. Exit 0 also where a figure is missed: a busy machine is no
// failure. BENCH_DIR is where the spools are made; its disk is measured.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { measureAccept } from './accept.mjs';
import { Bench } from './contestants.mjs';
import { measureGrowth } from './growth.mjs';
import { measureJobs } from './jobs.mjs';
import { describe, load } from './machine.mjs';
import { measureSearch } from './search.mjs';

const build = resolve(process.env.HOOKSPOOL_BUILD ?? 'build');
const quick = process.argv.includes('--quick');
const wanted = process.argv.slice(2).filter((one) => !one.startsWith('--'));

const sections = {
  accept: [measureAccept,
    { rounds: 3, seconds: 1, sustained: 0, whole: false },
    { rounds: 3, seconds: 3, sustained: 60, whole: true }],
  jobs: [measureJobs,
    { rounds: 3, jobs: 250, queued: 500, seconds: 2, idle: 10 },
    { rounds: 3, jobs: 1000, queued: 1000, seconds: 3, idle: 60 }],
  growth: [measureGrowth,
    { rounds: 3, settled: [100000], queued: 20000 },
    { rounds: 3, settled: [10000, 1000000], queued: 100000 }],
  search: [measureSearch,
    { rounds: 3, megabytes: 200 },
    { rounds: 5, megabytes: 1024 }],
};

const number = (value) => typeof value !== 'number' ? `${value}`
  : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);

/** {a: {b: 1}} as indented lines. */
function lines(value, depth) {
  const pad = '  '.repeat(depth);
  return Object.entries(value).flatMap(([key, one]) => {
    if (one === null || typeof one !== 'object' || Array.isArray(one))
      return [`${pad}${key}: ${Array.isArray(one) ? one.join(' ') : number(one)}`];
    const flat = Object.values(one).every((each) => typeof each !== 'object' ||
      Array.isArray(each));
    const text = Object.entries(one).map(([name, each]) =>
      `${name} ${Array.isArray(each) ? `(${each.join(' ')})` : number(each)}`);
    return flat ? [`${pad}${key}: ${text.join('  ')}`]
      : [`${pad}${key}`, ...lines(one, depth + 1)];
  });
}

const holds = ([, value, relation, limit]) =>
  relation === '>=' ? value >= limit : value <= limit;

function verdict(line) {
  const [what, value, relation, limit] = line;
  if (value === undefined || Number.isNaN(value))
    return `  -       ${what}: not measured`;
  return `  ${holds(line) ? 'holds ' : 'MISSED'}  ${what}: ${number(value)} ` +
    `(${relation} ${limit})`;
}

/** Each line that is missed, and where it is written why. */
function missed() {
  const all = Object.entries(report.sections).flatMap(([name, { judged }]) =>
    judged.filter((one) => one[1] !== undefined && !holds(one))
      .map(([what, value, relation, limit]) =>
        `  ${name}: ${what}: ${number(value)} instead of ${relation} ${limit}`));
  return all.length === 0 ? ['', 'No line is missed.']
    : ['', 'Missed; the profiles that say why are in docs/performance.md, ' +
      '"Why the missed ones are missed":', ...all];
}

const base = process.env.BENCH_DIR ?? join(build, 'bench-data');
mkdirSync(base, { recursive: true });
const dir = mkdtempSync(join(base, 'run-'));
const report = { quick, machine: describe(dir), sections: {} };
const text = [`hookspool bench${quick ? ' (quick)' : ''}`,
  ...lines({ machine: report.machine }, 0)];

/** After each section, so that a run that is broken off leaves something. */
function save() {
  writeFileSync(join(build, 'bench.json'), JSON.stringify(report, null, 2) + '\n');
  writeFileSync(join(build, 'bench.txt'), text.join('\n') + '\n');
}

try {
  for (const [name, [measure, short, full]] of Object.entries(sections)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    const place = join(dir, name);
    mkdirSync(place);
    const bench = new Bench(place, build);
    const before = load();
    const began = performance.now();
    let result;
    try {
      result = await measure(bench, quick ? short : full);
    } catch (error) {
      result = { failed: error.stack ?? `${error}`, judged: [] };
    } finally {
      await bench.stopAll();
    }
    const { judged, ...figures } = result;
    if (bench.missing.size > 0)
      figures['not installed (make bench-peers)'] = [...bench.missing];
    report.sections[name] = { ...figures, judged, load: [before, load()] };
    text.push('', `${name} (${((performance.now() - began) / 1000).toFixed(0)}` +
      ` s, load ${before.toFixed(1)} to ${load().toFixed(1)})`,
    ...lines(figures, 1), ...judged.map(verdict));
    save();
    process.stderr.write(`${name} done\n`);
  }
  text.push(...missed());
  save();
  process.stdout.write(text.join('\n') + '\n');
} finally {
  // Only now: a file system skips what was just deleted when it makes files.
  rmSync(dir, { recursive: true, force: true });
}
