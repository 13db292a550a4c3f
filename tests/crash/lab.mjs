// SPDX-License-Identifier: MIT
//
// A small spool in memory, the real programs on it, and a judge: what the
// sweeps that kill and fail system calls have in common.
//
//   const lab = new Lab(); lab.reset(); await lab.run(command)
//
// A lab's directory is used again for each case; strace watches from outside,
// so the programs are the ones that are installed.

import { createHash, createHmac } from 'node:crypto';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync,
  writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import { descendants } from '../e2e/support/process.mjs';

const build = resolve(process.env.HOOKSPOOL_PLAIN ?? 'build');
export const program = (name) => join(build, name);
export const driver = program('test/program/spool_drive');
export const stub = program('test/program/stub_worker');

const SECRET = 'a secret for the gates only';
const DIRECTORIES = ['tmp', 'new', 'run', 'retry', 'hold', 'done', 'dead',
  'bad', 'seen', 'out', 'log', 'log/jobs', 'lock', 'ctl'];

/** Calls that change nothing that outlives the process, or only belong to its
 * start: nothing new is true before or after them. */
export const START = new Set(['execve', 'brk', 'mmap', 'mprotect', 'munmap',
  'arch_prctl', 'set_tid_address', 'set_robust_list', 'rseq', 'prlimit64',
  'access', 'exit_group', 'exit', 'getrandom', 'rt_sigaction', 'rt_sigprocmask',
  'rt_sigreturn', 'getpid', 'gettid', 'getuid', 'geteuid', 'getgid', 'getegid',
  'getppid', 'uname', 'sysinfo', 'futex', 'readlink', 'sched_getaffinity',
  'sched_yield', 'madvise', 'mremap']);

/* So many cases at once, each with a lab of its own. Most of a case is
 * waiting: a runner that met an error does so for a second. */
const LANES = Number(process.env.LANES ?? 8 * availableParallelism());

/* Removed however the gate ends. */
const labs = new Set();
process.once('exit', () => labs.forEach((lab) => {
  try {
    lab.end();
  } catch {
    // a file system is still mounted there; it goes with its namespace
  }
}));
process.once('SIGTERM', () => process.exit(143));

export class Lab {
  constructor(name) {
    const base = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();
    this.dir = mkdtempSync(join(base, `hookspool-${name}-`));
    labs.add(this);
    this.spool = join(this.dir, 'spool');
    this.config = join(this.dir, 'config.yaml');
    writeFileSync(this.config, `data-directory: ${this.dir}
webhook-secret: "${SECRET}"
limits: {min-free-bytes: 1, min-free-inodes: 1}
concurrency: 3
log-level: WARNING
hooks:
  - name: every
    events: [push]
    working-directory: ${this.dir}
    command: [/bin/sh, -c, "echo $HOOKSPOOL_JOB_ID 0 0 >>runs"]
`, { mode: 0o600 });
    this.reset();
  }

  reset(plan = 'done') {
    rmSync(this.spool, { recursive: true, force: true });
    rmSync(join(this.dir, 'scratch'), { recursive: true, force: true });
    for (const name of ['runs', 'strace']) rmSync(join(this.dir, name),
      { force: true });
    for (const name of DIRECTORIES)
      mkdirSync(join(this.spool, name), { recursive: true, mode: 0o750 });
    writeFileSync(join(this.dir, 'plan'), plan);
    this.worker = stub;
  }

  end() {
    labs.delete(this);
    this.extra?.end();
    rmSync(this.dir, { recursive: true, force: true });
  }

  /** Runs a program to its end, or for so many seconds, with all that it
   * started: {code, signal, stdout, stderr, late}. */
  run(command, { input = '', env = {}, seconds = 30 } = {}) {
    return new Promise((fulfil, reject) => {
      const child = spawn(command[0], command.slice(1), {
        env: { PATH: process.env.PATH, HOOKSPOOL_CONFIG: this.config, ...env },
        cwd: this.dir,
      });
      const text = { stdout: '', stderr: '' };
      const pipes = [child.stdout, child.stderr];
      let late = false;
      /* A tracer's death does not end what it traces. */
      const alarm = setTimeout(() => {
        late = true;
        for (const { pid } of descendants(child.pid)) end(pid);
        child.kill('SIGKILL');
      }, seconds * 1000);
      let patience;
      child.stdout.on('data', (bytes) => (text.stdout += bytes));
      child.stderr.on('data', (bytes) => (text.stderr += bytes));
      child.stdin.on('error', () => {});
      child.stdin.end(input);
      child.once('error', reject);
      /* Somebody who outlives it may hold its pipes. */
      child.once('exit', () => {
        clearTimeout(alarm);
        patience = setTimeout(() => pipes.forEach((p) => p.destroy()), 5000);
      });
      child.once('close', (code, signal) => {
        clearTimeout(patience);
        fulfil({ code, signal, late, ...text });
      });
    });
  }

  // ---- what is done to it ----

  accept(n, length = 100, stock = 0) {
    return [driver, this.spool, 'accept', String(n), String(length),
      String(stock)];
  }

  /** A delivery to the responder as a CGI program: [command, options]. */
  post(n, length = 300) {
    const body = JSON.stringify({ ref: 'refs/heads/main',
      before: '0'.repeat(40), after: 'a'.repeat(40),
      repository: { full_name: `octo/demo${n % 5}` }, sender: { login: 'ann' },
      n, fill: 'x'.repeat(length) });
    return [[program('hookspool-fcgi')], { input: body, env: {
      GATEWAY_INTERFACE: 'CGI/1.1', REQUEST_METHOD: 'POST',
      REQUEST_URI: '/webhooks/github', SCRIPT_NAME: '/webhooks/github',
      CONTENT_TYPE: 'application/json', CONTENT_LENGTH: `${body.length}`,
      REMOTE_ADDR: '127.0.0.1', HTTP_X_GITHUB_EVENT: 'push',
      HTTP_X_GITHUB_HOOK_ID: '4711', HTTP_X_GITHUB_DELIVERY: delivery(n),
      HTTP_X_HUB_SIGNATURE_256: `sha256=${createHmac('sha256', SECRET)
        .update(body).digest('hex')}` } }];
  }

  drainer(...more) {
    return [program('spool-runner'), '--config', this.config,
      '--worker', this.worker,
      '--retry-schedule', '1ms', '--drain', ...more];
  }

  /** Whoever was killed is dead, what was left is repaired and run. */
  async drain() {
    const how = await this.run(this.drainer());
    if (how.code !== 0)
      return [`the runner ended with ${how.code ?? how.signal}: ` +
        how.stderr.slice(-500)];
    return [];
  }

  // ---- what is there ----

  names(...dir) {
    try {
      return readdirSync(join(this.spool, ...dir));
    } catch {
      return [];
    }
  }

  /** Final runs of a delivery: those that were not to be tried again. */
  runs(n) {
    const file = join(this.dir, 'runs');
    if (!existsSync(file)) return 0;
    const ids = new Set(this.jobs(n).map(({ id }) => id));
    return readFileSync(file, 'utf8').split('\n').filter((line) =>
      ids.has(line.split(' ')[0]) && !line.endsWith(' 111')).length;
  }

  forgetRuns() {
    rmSync(join(this.dir, 'runs'), { force: true });
  }

  records() {
    const all = [];
    for (const name of this.names('log').filter((f) => f.endsWith('.json')))
      for (const line of readFileSync(join(this.spool, 'log', name), 'utf8')
        .split('\n')) {
        try {
          if (line !== '') all.push(JSON.parse(line));
        } catch {
          // torn by the kill; readers skip it too
        }
      }
    return all;
  }

  /** The files of a delivery: [{state, id}]. A copy that was sent again at a
   * bad moment has another ID, so the heads are read. */
  jobs(n) {
    const line = `\nDelivery: ${delivery(n)}\n`;
    const all = [];
    for (const state of ['new', 'run', 'retry', 'hold', 'done', 'dead', 'bad'])
      for (const name of this.names(state))
        if (readFileSync(join(this.spool, state, name)).includes(line))
          all.push({ state, id: name.replace(/\.\d+$/, '') });
    return all;
  }

  states(n) {
    return this.jobs(n).map(({ state }) => state);
  }

  /** Complaints about files that are not whole where they must be. */
  torn() {
    const bad = [];
    for (const state of ['new', 'run', 'retry', 'hold', 'done', 'dead', 'bad'])
      for (const name of this.names(state)) {
        const file = readFileSync(join(this.spool, state, name));
        const end = file.indexOf('\n\n');
        const head = file.subarray(0, end).toString();
        const length = Number(/^Length: 0*(\d+)/m.exec(head)?.[1] ?? -1);
        const sum = /^SHA-256: (\w+)/m.exec(head)?.[1];
        const body = file.subarray(end + 2, end + 2 + length);
        if (end === -1 || body.length !== length ||
            createHash('sha256').update(body).digest('hex') !== sum)
          bad.push(`${state}/${name} is torn`);
      }
    return bad;
  }

  /** Complaints about what is left when everything is settled. */
  left() {
    const bad = this.names('tmp').filter((f) => !f.endsWith('.own'))
      .map((f) => `tmp/${f} is left`);
    for (const state of ['new', 'run', 'retry', 'hold', 'bad'])
      for (const name of this.names(state)) bad.push(`${state}/${name} is left`);
    for (const name of this.names('lock'))
      if (name.startsWith('settling.') &&
          readFileSync(join(this.spool, 'lock', name)).length > 0)
        bad.push(`lock/${name} is not empty`);
    return bad;
  }
}

/** A lab for each case that runs at the same time. */
export const makeLabs = (name) => Array.from({ length: LANES },
  (_, i) => new Lab(`${name}${i}`));

function end(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

/** Ends the gate when its time is over, whatever it waits for: what() says
 * where it is. */
export function endAfter(seconds, what) {
  setTimeout(() => {
    for (const { pid } of descendants(process.pid)) end(pid);
    console.log(`no end after ${seconds} s: ${what()}`);
    process.exit(1);
  }, seconds * 1000).unref();
}

export const delivery = (n) =>
  `72d3162e-cc78-11e3-81ab-${n.toString(16).padStart(12, '0')}`;

/** The calls of a strace log, in order, with 1-based numbers per name:
 * [{name, n, line}]. */
export function calls(log) {
  const counts = new Map();
  const all = [];
  for (const line of log.split('\n')) {
    const match = /^(?:\d+ +)?([a-z_0-9]+)\(/.exec(line);
    if (!match || START.has(match[1])) continue;
    const n = (counts.get(match[1]) ?? 0) + 1;
    counts.set(match[1], n);
    all.push({ name: match[1], n, line });
  }
  return all;
}
