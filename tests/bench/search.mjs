// SPDX-License-Identifier: MIT
//
// Finding one delivery in the records, beside grep -F on the same files.

import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import { run } from '../e2e/support/process.mjs';
import { interleave, median, middle } from './machine.mjs';

const DAY = 86400000;

function record(day, number) {
  const delivery = `5e771ed0-cc78-11e3-81ab-${number}`;
  const time = `${day}T03:12:25.911739Z`;
  return JSON.stringify({
    type: 'webhook_summary', hook_id: delivery, event_type: 'push',
    action: null, sender: 'octocat', level: 'COMPLETED', status: 'success',
    repository: 'hello-world', repository_full_name: 'octo/hello-world',
    pr: null, api_user: null,
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

/** Wall time, and the most memory it had, of one program. */
async function timed(command) {
  const began = performance.now();
  const { code, stdout, stderr } = await run(
    ['/usr/bin/env', 'bash', '-c', 'ulimit -c 0; exec "$@"', '-', ...command],
    { seconds: 300 });
  const ms = performance.now() - began;
  if (code !== 0 || stdout.length === 0)
    throw new Error(`${command.join(' ')}: ${code} ${stderr}`);
  return { ms };
}

async function peak(command) {
  const { stderr } = await run(['/usr/bin/python3', '-c',
    'import resource,subprocess,sys\n' +
    'subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL)\n' +
    'print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss/1024,' +
    'file=sys.stderr)', ...command], { seconds: 300 });
  return Number(stderr.trim().split('\n').pop());
}

export async function measureSearch(bench, { rounds, megabytes }) {
  const home = bench.home('search');
  const log = join(home.spool, 'log');
  await run([bench.bin('bench/fill'), home.spool, 'settled', '1']);
  mkdirSync(log, { recursive: true });
  const files = [];
  for (let ago = 1; ago <= 10; ago++) {
    const day = new Date(Date.now() - ago * DAY).toISOString().slice(0, 10);
    const file = join(log, `webhooks_${day}.json`);
    writeFileSync(file, record(day, '000000000000'));
    await run([bench.bin('bench/fill'), file, 'records',
      `${Math.ceil(megabytes / 10)}`], { seconds: 300 });
    files.push(file);
  }
  // In the middle of the middle day, where no luck helps.
  const lines = Math.floor(statSync(files[5]).size /
    record('2026-01-01', '000000000000').length);
  const wanted = '5e771ed0-cc78-11e3-81ab-' +
    Math.floor(lines / 2).toString(16).padStart(12, '0');
  const ours = [bench.bin('hookspool'), 'logs', '--config', home.config,
    '--json', '--delivery', wanted];
  const grep = ['grep', '-F', wanted, ...files];
  const results = await interleave(rounds, {
    hookspool: () => timed(ours),
    grep: () => timed(grep),
  });
  const memory = await peak(ours);
  return {
    megabytes, files: readdirSync(log).length,
    'one delivery, warm (ms)': {
      hookspool: middle(results.hookspool, 'ms'),
      'grep -F': middle(results.grep, 'ms'),
    },
    judged: [
      ['hookspool logs --delivery / grep -F, warm', median(
        results.hookspool.map((one, i) => one.ms / results.grep[i].ms)),
      '<=', 1.5],
      ['its memory, MB', memory, '<=', 32],
    ],
  };
}
