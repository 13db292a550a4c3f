// SPDX-License-Identifier: MIT
//
// Programs that a test starts, and waiting for what they do. Every program is
// ended by its process ID, and only if this module started it.

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A TCP port on loopback that nobody listens on at this moment. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Calls check() until it gives something truthy, which is returned. Fails with
 * `what` after `seconds`; what() may be a function that tells how far it came.
 */
export async function waitFor(what, check, seconds = 30) {
  const deadline = performance.now() + seconds * 1000;
  let pause = 5;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (performance.now() > deadline) {
      const text = typeof what === 'function' ? await what() : what;
      throw new Error(`after ${seconds} s still waiting: ${text}`);
    }
    await sleep(pause);
    pause = Math.min(pause * 1.5, 100);
  }
}

/** One started program; its output goes to a file. */
export class Program {
  constructor(name, command, { log, env, cwd } = {}) {
    this.name = name;
    this.command = command;
    this.log = log;
    const out = openSync(log, 'a');
    this.child = spawn(command[0], command.slice(1), {
      stdio: ['ignore', out, out],
      env: env ?? process.env,
      cwd,
    });
    closeSync(out);
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => resolve({ error }));
      this.child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.ended.then((how) => (this.how = how));
  }

  get pid() {
    return this.child.pid;
  }

  get running() {
    return this.how === undefined;
  }

  kill(signal) {
    if (this.running) this.child.kill(signal);
  }

  /** TERM, then KILL after `seconds`. Returns {code, signal}. */
  async stop(seconds = 20) {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), seconds * 1000);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }

  output() {
    return readFileSync(this.log, 'utf8');
  }
}

/** Runs a program to its end: {code, signal, stdout, stderr}. */
export function run(command, { env, cwd, input = '', seconds = 60 } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0], command.slice(1), {
      env: env ?? process.env,
      cwd,
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (bytes) => (stdout += bytes));
    child.stderr.on('data', (bytes) => (stderr += bytes));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.once('error', reject);
    child.once('close', (code, signal) =>
      resolve({ code, signal, stdout, stderr }));
  });
}

/** All descendants of a process: [{pid, ppid, name}], parents first. */
export function descendants(root) {
  const all = [];
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    let stat;
    try {
      stat = readFileSync(`/proc/${entry}/stat`, 'latin1');
    } catch {
      continue; // it has ended meanwhile
    }
    const close = stat.lastIndexOf(')');
    const [state, ppid] = stat.slice(close + 2).split(' ');
    if (state === 'Z') continue;
    all.push({
      pid: Number(entry),
      ppid: Number(ppid),
      name: stat.slice(stat.indexOf('(') + 1, close),
    });
  }
  const found = [];
  const parents = [root];
  while (parents.length > 0) {
    const parent = parents.shift();
    for (const one of all) {
      if (one.ppid !== parent) continue;
      found.push(one);
      parents.push(one.pid);
    }
  }
  return found;
}

/** The same numbers for the same seed (mulberry32). */
export function random(seed) {
  let a = seed >>> 0;
  return () => {
    a = (a + 0x6d2b79f5) >>> 0;
    let t = a;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** fn(item) for all items, at most `width` at a time; results in order. */
export async function each(items, width, fn) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const i = next++;
      results[i] = await fn(items[i], i);
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
