// SPDX-License-Identifier: MIT
//
// Finding one delivery in the records, read through beside grep -F on the same
// files, and by the index; and what their size costs who appends.

import { appendFileSync, existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../e2e/support/process.mjs';
import { interleave, median, middle, timed } from './machine.mjs';

const DAY = 86400000;

function record(day, number, repository = 'hello-world', pr = null) {
  const delivery = `5e771ed0-cc78-11e3-81ab-${number}`;
  const time = `${day}T03:12:25.911739Z`;
  return JSON.stringify({
    type: 'webhook_summary', hook_id: delivery, event_type: 'push',
    action: null, sender: 'octocat', level: 'COMPLETED', status: 'success',
    repository, repository_full_name: `octo/${repository}`,
    pr, api_user: null,
    timing: { started_at: time, completed_at: time, duration_ms: 12 },
    workflow_steps: Object.fromEntries(['webhook_routing', 'deploy', 'notify']
      .map((name) => [name, {
        timestamp: time, status: 'completed', duration_ms: 3, error: null,
        command: '/usr/local/bin/deploy octo/hello-world main',
      }])),
    token_spend: 0, initial_rate_limit: null, final_rate_limit: null,
    success: true, error: null, summary: '[SUCCESS] Webhook completed [12ms]',
    job_id: `0-${delivery}`, request_id: `6b576548-0890-4423-bc10-${number}`,
    delivery_id: delivery, state: 'succeeded', reason: null, attempts: 1,
    received_at: time, queued_ms: 2, status_report: null,
  }) + '\n';
}

/** The most memory that a program had, MB. */
async function peak(command) {
  const { stderr } = await run(['/usr/bin/python3', '-c',
    'import resource,subprocess,sys\n' +
    'subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL)\n' +
    'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024,' +
    'file=sys.stderr)', ...command], { seconds: 300 });
  return Number(stderr.trim().split('\n').pop());
}

/** Ten days with today, and in the middle one record like no other. */
async function fillDays(bench, home, megabytes) {
  const files = [];
  for (let ago = 0; ago < 10; ago++) {
    const day = new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);
    const file = join(home.spool, 'log', `webhooks_${day}.json`);
    writeFileSync(file, record(day, '000000000000'));
    await bench.tool('fill', file, 'records', Math.ceil(megabytes / 10));
    if (ago === 5)
      appendFileSync(file, record(day, 'ffffffffffff', 'rare', { number: 7 }));
    files.push(file);
  }
  return files;
}

const ratio = (results, ours, theirs, field = 'ms') => median(
  results[ours].map((one, i) => one[field] / results[theirs][i][field]));

const medians = (results) => Object.fromEntries(Object.entries(results).map(
  ([name, list]) => [name, middle(list, 'ms')]));

/** Each of them, when the kernel has the files in memory and when not. */
async function warmAndCold(bench, rounds, files, commands) {
  const each = (before) => interleave(rounds, Object.fromEntries(
    Object.entries(commands).map(([name, command]) => [name, async () => {
      await before();
      return timed(command);
    }])));
  let stayed = 0;
  const warm = await each(async () => {});
  const cold = await each(async () => {
    const evicted = await bench.tool('probe', 'evict', ...files);
    stayed = Math.max(stayed, evicted.stayed);
  });
  return { warm, cold, stayed };
}

async function appendBeside(bench, rounds, home) {
  const none = bench.home('append');
  const append = (spool) => () => bench.tool('probe', 'append', spool, 2000);
  return interleave(rounds,
    { none: append(none.spool), many: append(home.spool) });
}

export async function measureSearch(bench, { rounds, megabytes }) {
  const home = bench.home('search');
  await bench.tool('fill', home.spool, 'settled', 1);
  const files = await fillDays(bench, home, megabytes);
  // In the middle of the middle day, where no luck helps.
  const lines = Math.floor(statSync(files[5]).size /
    record('2026-01-01', '000000000000').length);
  const wanted = '5e771ed0-cc78-11e3-81ab-' +
    Math.floor(lines / 2).toString(16).padStart(12, '0');
  const logs = (...options) => [bench.bin('hookspool'), 'logs', '--config',
    home.config, '--json', ...options];
  const read = await warmAndCold(bench, rounds, files, {
    hookspool: logs('--delivery', wanted),
    'grep -F': ['grep', '-F', wanted, ...files],
  });
  const memory = await peak(logs('--delivery', wanted));
  const made = await bench.tool('probe', 'index', home.spool);
  const indexes = files.map((file) => file.replace(/json$/, 'idx'))
    .filter((file) => existsSync(file));
  const found = await warmAndCold(bench, rounds, [...files, ...indexes], {
    delivery: logs('--delivery', wanted),
    'pull request': logs('--pr', '7'),
    repository: logs('--repo', 'octo/rare'),
    'delivery and day': logs('--delivery', wanted, '--since',
      files[5].slice(-15, -5), '--until', files[4].slice(-15, -5)),
    'the program alone': [bench.bin('hookspool'), '--version'],
  });
  const indexed = await peak(logs('--delivery', wanted));
  const appended = await appendBeside(bench, rounds, home);
  const slowest = ({ 'the program alone': alone, ...searches }) =>
    Math.max(...Object.values(medians(searches)));
  return {
    megabytes,
    'one delivery, read through, warm (ms)': medians(read.warm),
    'one delivery, read through, cold (ms)': medians(read.cold),
    'share that could not be made cold': Math.max(read.stayed, found.stayed),
    'by the index, warm (ms)': medians(found.warm),
    'by the index, cold (ms)': medians(found.cold),
    'to make the index': { seconds: made.seconds, slices: made.slices,
      'longest (ms)': made.longest },
    'index, MB': indexes.reduce((sum, file) => sum + statSync(file).size, 0) /
      1048576,
    'to append a record (us)': Object.fromEntries(
      Object.entries(appended).map(([name, list]) =>
        [name, middle(list, 'p50_us')])),
    judged: [
      ['logs --delivery, read through / grep -F, warm',
        ratio(read.warm, 'hookspool', 'grep -F'), '<=', 1.5],
      ['the same, cold', ratio(read.cold, 'hookspool', 'grep -F'),
        '<=', 1.5],
      ['by the index, slowest of four searches, warm, ms',
        slowest(found.warm), '<=', 20],
      ['the same, cold, ms', slowest(found.cold), '<=', 20],
      ['memory of a search, MB', Math.max(memory, indexed), '<=', 32],
      ['appending a record / to no records',
        ratio(appended, 'many', 'none', 'p50_us'), '<=', 1.3],
      ['longest step of making the index, ms', made.longest, '<=', 50],
    ],
  };
}
