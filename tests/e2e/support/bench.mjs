// SPDX-License-Identifier: MIT
//
// A spool, runners, and a worker that does what each job's body says: the
// runner without web server, responder and real worker.
//
//   const bench = new Bench({ config: 'concurrency: 2' });
//   const id = bench.add('exit 100', { key: 'a' });
//   const runner = bench.run();
//   const record = await bench.settled(id);
//   await bench.end();
//
// A body is a piece of shell; "start ID ATTEMPT" and "end ID ATTEMPT" are
// written to a log around it, one write each, so that their order tells what
// overlapped. $job, $attempt and $dir are set.

import { createHash, randomUUID } from 'node:crypto';
import {
  chmodSync, existsSync, linkSync, mkdirSync, mkdtempSync,
  readFileSync, readdirSync, renameSync, rmSync, writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { Program, waitFor } from './process.mjs';

export const buildDir = resolve(process.env.HOOKSPOOL_BUILD ?? 'build');
/* The leak sanitizer cannot work in a traced process. */
const plainDir = resolve(process.env.HOOKSPOOL_PLAIN ?? buildDir);

const WORKER = `#!/bin/bash
# The fake worker. fd 0: the job's file; --attempt N.
dir=\${0%/*}
while [[ $# -gt 0 ]]; do
  [[ $1 == --attempt ]] && attempt=$2
  shift
done
while IFS= read -r line && [[ -n $line ]]; do
  [[ $line == "Job: "* ]] && job=\${line#Job: }
done
body=$(cat)
exec 0</dev/null
trap 'echo "end $job $attempt" >>"$dir/runs"' EXIT
echo "start $job $attempt" >>"$dir/runs"
eval "$body"
`;

const STATES = ['new', 'run', 'retry', 'hold', 'done', 'dead', 'bad'];
const SETTLED = new Set(['done', 'dead', 'bad']);

let slots = 0;

export class Bench {
  constructor({ config = '' } = {}) {
    this.dir = mkdtempSync(join(tmpdir(), 'hookspool-runner-'));
    this.spool = join(this.dir, 'spool');
    this.config = join(this.dir, 'config.yaml');
    this.worker = join(this.dir, 'worker');
    this.programs = [];
    writeFileSync(this.config, `data-directory: ${this.dir}\n${config}\n`);
    writeFileSync(this.worker, WORKER);
    chmodSync(this.worker, 0o755);
    for (const name of [...STATES, 'tmp', 'seen', 'out', 'log', 'log/jobs',
      'lock', 'ctl'])
      mkdirSync(join(this.spool, name), { recursive: true, mode: 0o750 });
  }

  /** The text of a job's file. */
  file(body, head) {
    const all = Object.entries(head).map(([k, v]) =>
      v === '' ? `${k}:\n` : `${k}: ${v}\n`).join('');
    return `${all}\n${body}`;
  }

  /**
   * Accepts a job as the responder does: a slot in tmp/, linked to new/; with
   * `bare` as somebody with a shell does. Returns its ID.
   */
  add(body, { key, number = 7, event = 'push', action = '', state = 'new',
    attempt = 0, received = new Date(), change = {}, bare = false } = {}) {
    const delivery = randomUUID();
    const id = `${number}-${delivery}`;
    const slot = bare ? '' : `0badcafe.${slots++}`;
    const ns = String(Bench.tick++ % 1000000).padStart(6, '0');
    const head = {
      Job: id, Request: randomUUID(), Delivery: delivery, Hook: '1',
      Event: event, Action: action, Repository: 'octo/demo', Number: number,
      Key: key ?? id, Sender: 'octocat', Commit: '', Peer: '127.0.0.1',
      Received: received.toISOString().replace('Z', `${ns}Z`), Slot: slot,
      'Content-Type': 'application/json', Length: Buffer.byteLength(body),
      'SHA-256': createHash('sha256').update(body).digest('hex'), ...change,
    };
    const file = this.path(state, `${id}.${attempt}`);
    const first = bare ? file : this.path('tmp', slot);
    writeFileSync(first, this.file(body, head));
    if (!bare) linkSync(first, file);
    return id;
  }

  path(...names) {
    return join(this.spool, ...names);
  }

  /** Starts a runner; \`wrap\`: by another program; \`bin\`: the programs of
   * that directory, the worker too. */
  run({ args = [], env = {}, config, wrap = [], bin } = {}) {
    const n = this.programs.length;
    if (config !== undefined)
      writeFileSync(this.config, `data-directory: ${this.dir}\n${config}\n`);
    const program = new Program(`runner ${n}`, [
      ...wrap,
      join(bin ?? (wrap.length > 0 ? plainDir : buildDir), 'spool-runner'),
      '--config', this.config,
      ...(bin ? [] : ['--worker', this.worker]), ...args,
    ], { log: join(this.dir, `runner.${n}.log`),
      env: { ...process.env, ...env } });
    this.programs.push(program);
    return program;
  }

  /** Runs one with --drain to its end. */
  async drain(args = [], bin = undefined) {
    const program = this.run({ args: ['--drain', ...args], bin });
    const timer = setTimeout(() => program.kill('SIGKILL'), 60000);
    const how = await program.ended;
    clearTimeout(timer);
    return how;
  }

  /** Where the job is: {state, attempt}, or undefined. */
  find(id) {
    for (const state of STATES) {
      for (const name of readdirSync(this.path(state))) {
        if (name === id) return { state };
        if (name.startsWith(`${id}.`))
          return { state, attempt: Number(name.slice(id.length + 1)) };
      }
    }
    return undefined;
  }

  names(state) {
    return readdirSync(this.path(state)).filter((n) => !n.startsWith('.'));
  }

  /** All records, oldest first. */
  records() {
    const records = [];
    for (const name of readdirSync(this.path('log')).sort()) {
      if (!name.endsWith('.json')) continue;
      const text = readFileSync(this.path('log', name), 'utf8');
      for (const line of text.split('\n'))
        if (line !== '') records.push(JSON.parse(line));
    }
    return records;
  }

  recordsOf(id) {
    return this.records().filter((r) => r.job_id === id);
  }

  /** Waits until the job is settled and has its record, which it returns. */
  async settled(id, seconds = 30) {
    await waitFor(() => `${id} to be settled; it is in ` +
      `${JSON.stringify(this.find(id))}\n${this.output()}`,
    () => SETTLED.has(this.find(id)?.state) && this.recordsOf(id).length > 0,
    seconds);
    const records = this.recordsOf(id);
    if (records.length !== 1)
      throw new Error(`${id} has ${records.length} records`);
    return records[0];
  }

  async inState(id, state, seconds = 30) {
    await waitFor(() => `${id} in ${state}/; it is in ` +
      `${JSON.stringify(this.find(id))}\n${this.output()}`,
    () => this.find(id)?.state === state, seconds);
    return this.find(id);
  }

  /** The worker's log: [{what, id, attempt}]. */
  runs() {
    if (!existsSync(join(this.dir, 'runs'))) return [];
    return readFileSync(join(this.dir, 'runs'), 'utf8').split('\n')
      .filter((line) => line !== '').map((line) => {
        const [what, id, attempt] = line.split(' ');
        return { what, id, attempt: Number(attempt) };
      });
  }

  async started(id, attempt = 0) {
    await waitFor(() => `${id} to be started\n${this.output()}`,
      () => this.runs().some((r) =>
        r.what === 'start' && r.id === id && r.attempt === attempt));
  }

  /** Lines of the job's step log. */
  steps(id) {
    return readFileSync(this.path('log', 'jobs', `${id}.jsonl`), 'utf8')
      .split('\n').filter((line) => line !== '').map((l) => JSON.parse(l));
  }

  /** Leaves an operator's request. */
  ask(verb, id) {
    writeFileSync(this.path('ctl', `.${verb}`), '');
    renameSync(this.path('ctl', `.${verb}`),
      this.path('ctl', `${verb}.${id}`));
  }

  output() {
    return this.programs.map((p) => `${p.name}:\n${p.output()}`).join('\n');
  }

  /** Stops what runs and removes everything; fails if one ended badly. */
  async end() {
    const bad = [];
    for (const program of this.programs) {
      const how = await program.stop(30);
      if (how.code !== 0 && !program.mayDie)
        bad.push(`${program.name}: ${JSON.stringify(how)}\n` +
          program.output());
    }
    if (!process.env.KEEP) rmSync(this.dir, { recursive: true });
    if (bad.length > 0) throw new Error(bad.join('\n'));
  }
}
Bench.tick = 0;

/** fn(bench) with a bench of its own, which ends whatever happens. */
export async function withBench(options, fn) {
  const bench = new Bench(options);
  let failed = true;
  try {
    await fn(bench);
    failed = false;
  } finally {
    try {
      await bench.end();
    } catch (error) {
      if (!failed) throw error;
    }
  }
}
