// SPDX-License-Identifier: MIT
//
// A spool with one report that waits, and its sender, without any server.

import assert from 'node:assert/strict';
import {
  mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { appConfig, testApp } from './app.mjs';
import { sha, startGitHub, token } from './github.mjs';
import { run } from './process.mjs';
import { plainDir } from './server.mjs';

const worker = join(plainDir, 'job-worker');
export const id = '0-11111111-2222-4333-8444-555555555555';
export const commit = sha('killed');

/** What out/ID holds before the first try, in the file's order. */
function report(now, more = {}, job = id) {
  return Object.entries({
    Job: job, Request: '99999999-2222-4333-8444-555555555555',
    Delivery: job.slice(2), Repository: 'octo/app', Commit: commit,
    Context: 'hookspool', Target: `https://ci.example.org/jobs/${job}`,
    Description: 'push succeeded in 1 ms', State: 'success',
    Outcome: 'succeeded', Run: '0', Form: 'none', Check: '0',
    Attempted: 'none', Posted: 'none', Result: 'waiting', Tries: '0',
    Received: now, Wanted: now, Due: '1970-01-01T00:00:00.000000000Z',
    Words: '', ...more,
  }).map(([key, value]) => `${key}: ${value}\n`).join('');
}

/** A spool with one report that waits, and who sends it. */
export class Outbox {
  constructor(github, { now = '2026-01-01T00:00:00.000000000Z', app = false,
    ...more } = {}) {
    this.github = github;
    this.dir = mkdtempSync(join(tmpdir(), 'hookspool-sender-'));
    this.config = join(this.dir, 'config.yaml');
    writeFileSync(this.config, [`data-directory: ${this.dir}/data`,
      'webhook-secret: "nothing is received here"',
      `github-api-url: ${github.url}`, `github-tokens: [${token}]`,
      ...(app ? appConfig() : []),
    ].join('\n') + '\n', { mode: 0o600 });
    this.spool = join(this.dir, 'data/spool');
    mkdirSync(this.spool, { recursive: true });
    for (const name of ['tmp', 'new', 'run', 'retry', 'hold', 'done', 'dead',
      'bad', 'seen', 'out', 'log', 'log/jobs', 'lock', 'ctl'])
      mkdirSync(join(this.spool, name));
    this.now = now;
    this.add(id, more);
  }

  /** One more report that waits. */
  add(job, more) {
    writeFileSync(join(this.spool, 'out', job), report(this.now, more, job));
  }

  /** Nothing has to wait for its time: an operator's patience, no clock's. */
  due() {
    const file = join(this.spool, 'out', id);
    writeFileSync(file, readFileSync(file, 'utf8')
      .replace(/^Due: .*$/m, 'Due: 1970-01-01T00:00:00.000000000Z'));
  }

  get argv() {
    return [worker, '--config', this.config, '--spool', this.spool,
      '--reports'];
  }

  field(key) {
    const text = readFileSync(join(this.spool, 'out', id), 'utf8');
    return new RegExp(`^${key}: (.*)$`, 'm').exec(text)[1];
  }

  /** Sends until nothing waits; the statuses that the far end then has. */
  async finish(env = {}) {
    for (let i = 0; i < 20 && this.field('Result') === 'waiting'; i++) {
      this.due();
      const how = await run(this.argv, { env: { ...process.env, ...env } });
      assert.equal(how.code, 0, how.stderr);
    }
    assert.equal(this.field('Result'), 'reported');
    return this.github.statuses('octo/app', commit).map((s) => s.state);
  }

  remove() {
    rmSync(this.dir, { recursive: true, force: true });
  }
}

/** `options`: lines of the report; `app`, and `github`, what it is like. */
export async function withOutbox({ github: more = {}, ...options }, fn) {
  const github = await startGitHub({ tokens: [token],
    ...(options.app ? { publicKey: testApp().publicKey } : {}), ...more });
  const outbox = new Outbox(github, { now: new Date().toISOString()
    .replace('Z', '000000Z'), ...options });
  try {
    const result = await fn(outbox, github);
    const { assertDescribed } = await import('./described.mjs');
    assertDescribed(github.calls);
    return result;
  } finally {
    await github.stop();
    outbox.remove();
  }
}
