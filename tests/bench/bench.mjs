// SPDX-License-Identifier: MIT
//
//   node tests/bench/bench.mjs [--quick] [SECTION ...]
//
// Measures, writes bench.txt, bench.json and bench.md (the tables of
// docs/performance.md) into the build folder, and prints the text. Exit 0 also
// where a figure is missed: a busy machine is no failure. BENCH_DIR is where
// the spools are made; its disk is measured.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { measureAccept } from './accept.mjs';
import { Bench } from './contestants.mjs';
import { measureGrowth } from './growth.mjs';
import { measureJobs } from './jobs.mjs';
import { describe, load } from './machine.mjs';
import { figureLines, missedLines, tables, verdict } from './report.mjs';
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

const base = process.env.BENCH_DIR ?? join(build, 'bench-data');
mkdirSync(base, { recursive: true });
const dir = mkdtempSync(join(base, 'run-'));
const report = { quick, machine: describe(dir), sections: {} };
const text = [`hookspool bench${quick ? ' (quick)' : ''}`,
  ...figureLines({ machine: report.machine }, 0)];

/** After each section, so that a run that is broken off leaves something. */
function save() {
  writeFileSync(join(build, 'bench.json'),
    JSON.stringify(report, null, 2) + '\n');
  writeFileSync(join(build, 'bench.txt'), text.join('\n') + '\n');
  writeFileSync(join(build, 'bench.md'), tables(report.sections));
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
    const seconds = ((performance.now() - began) / 1000).toFixed(0);
    text.push('', `${name} (${seconds} s, load ${before.toFixed(1)} to ` +
      `${load().toFixed(1)})`, ...figureLines(figures, 1),
    ...judged.map(verdict));
    save();
    process.stderr.write(`${name} done\n`);
  }
  text.push(...missedLines(report.sections));
  save();
  process.stdout.write(text.join('\n') + '\n');
} finally {
  // Only now: a file system skips what was just deleted when it makes files.
  rmSync(dir, { recursive: true, force: true });
}
