// SPDX-License-Identifier: MIT
//
// A spool written by hand in the documented format (spool.5), and
// hookspool(1) run on it: no server, no runner.
//
//   const spool = new Spool();
//   const job = spool.add('new', { event: 'push', number: 7 });
//   const { code, value } = await spool.json('queue', 'show', job.id);
//
// All spools of a test file lie in one directory; removeSpools() ends it.

import { createHash, randomUUID } from 'node:crypto';
import { appendFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync,
  utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { run } from './process.mjs';
import { buildDir } from './server.mjs';

export const program = join(buildDir, 'hookspool');
export const scratch = mkdtempSync(join(tmpdir(), 'hookspool-cli-'));
const directories = ['tmp', 'new', 'run', 'retry', 'hold', 'done', 'dead',
  'bad', 'seen', 'out', 'log', 'log/jobs', 'lock', 'ctl'];


export function removeSpools() {
  rmSync(scratch, { recursive: true, force: true });
}

export class Spool {
  constructor() {
    this.data = mkdtempSync(join(scratch, 'data-'));
    this.dir = join(this.data, 'spool');
    for (const name of directories)
      mkdirSync(join(this.dir, name), { recursive: true, mode: 0o750 });
    this.config = join(this.data, 'config.yaml');
    this.configure('');
  }

  configure(more) {
    writeFileSync(this.config, `data-directory: ${this.data}\n` +
      `webhook-secret: 0123456789abcdef0123456789abcdef\n${more}`,
    { mode: 0o600 });
  }

  /** The text of a spool file. */
  text(job) {
    const body = job.body ?? JSON.stringify({ zen: job.delivery });
    const fields = {
      Job: job.id, Request: randomUUID(), Delivery: job.delivery,
      Hook: '42', Event: job.event ?? 'push', Action: job.action ?? '',
      Repository: job.repository ?? 'octo/hello', Number: job.number ?? 0,
      Key: job.key ?? '', Sender: job.sender ?? 'octocat',
      Commit: '', Peer: '127.0.0.1',
      Received: job.received ?? '2026-11-22T01:02:03.000000001Z', Slot: '',
      'Content-Type': 'application/json', Length: Buffer.byteLength(body),
      'SHA-256': createHash('sha256').update(body).digest('hex'),
    };
    const lines = Object.entries(fields)
      .map(([name, value]) => `${name}:${value === '' ? '' : ' '}${value}\n`)
      .join('');
    return `${lines}\n${body}`;
  }

  add(state, job = {}) {
    job.delivery ??= randomUUID();
    job.number ??= 0;
    job.id = `${job.number}-${job.delivery}`;
    const settled = ['done', 'dead', 'bad'].includes(state);
    job.file = join(this.dir, state,
      settled ? job.id : `${job.id}.${job.attempt ?? 0}`);
    writeFileSync(job.file, this.text(job), { mode: 0o640 });
    if (job.time !== undefined)
      utimesSync(job.file, job.time, job.time);
    return job;
  }

  record(job, more = {}) {
    const now = more.at ?? new Date().toISOString();
    const record = {
      type: 'webhook_summary', hook_id: job.delivery,
      event_type: job.event ?? 'push', action: job.action || null,
      repository_full_name: job.repository ?? 'octo/hello',
      pr: job.number ? { number: job.number } : null,
      timing: { started_at: now, completed_at: now,
        duration_ms: more.duration ?? 12 },
      workflow_steps: more.steps ?? {}, success: more.state === undefined,
      error: null, job_id: job.id, delivery_id: job.delivery,
      state: more.state ?? 'succeeded', reason: more.reason ?? null,
      attempts: 1,
    };
    const text = more.pretty ? JSON.stringify(record, null, 2)
      : JSON.stringify(record);
    appendFileSync(
      join(this.dir, 'log', `webhooks_${now.slice(0, 10)}.json`), `${text}\n`);
  }

  run(...args) {
    return run([program, '--config', this.config, ...args],
      { env: { ...process.env, TERM: 'xterm' } });
  }

  async json(...args) {
    const { stdout, stderr, code } = await this.run(...args, '--json');
    try {
      return { code, stderr, value: JSON.parse(stdout) };
    } catch (error) {
      throw new Error(`${args}: ${error.message}\n${stdout}${stderr}`);
    }
  }

  names(state) {
    return readdirSync(join(this.dir, state));
  }
}

/** A command line run on a terminal of its own (script(1) makes one). */
export function onTerminal(command, env = {}) {
  return run(['script', '-qec', command, '/dev/null'],
    { env: { ...process.env, TERM: 'xterm', ...env } });
}
