// SPDX-License-Identifier: MIT
//
// What a measurement needs to know of the machine, and the arithmetic.

import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { cpus, loadavg, release, totalmem } from 'node:os';

import { descendants, run } from '../e2e/support/process.mjs';

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** The field's median over several results. */
export const middle = (results, field) =>
  median(results.map((one) => one[field]));

function tree(pid) {
  return [pid, ...descendants(pid).map((one) => one.pid)];
}

/** CPU time a process and its descendants have used so far, in µs. */
export function cpuOf(pid) {
  let ticks = 0;
  for (const one of tree(pid)) {
    try {
      const stat = readFileSync(`/proc/${one}/stat`, 'latin1');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      ticks += Number(fields[11]) + Number(fields[12]);
    } catch {
      // it has ended meanwhile
    }
  }
  return ticks * 10000; // USER_HZ is 100
}

function sumOf(pids, file, pattern) {
  let kb = 0;
  for (const one of pids) {
    try {
      const text = readFileSync(`/proc/${one}/${file}`, 'latin1');
      kb += Number(pattern.exec(text)?.[1] ?? 0);
    } catch {
      // it has ended meanwhile
    }
  }
  return kb / 1024;
}

/** Memory of a process and its descendants in MB, shared pages shared out. */
export const pssOf = (pid) =>
  sumOf(tree(pid), 'smaps_rollup', /^Pss:\s+(\d+)/m);
/** The most each of them ever had, added up. */
export const peakOf = (pid) => sumOf(tree(pid), 'status', /^VmHWM:\s+(\d+)/m);
/** Of one process alone. */
export const residentOf = (pid) => sumOf([pid], 'status', /^VmRSS:\s+(\d+)/m);

/** Runs one program to its end, which must be a good one; wall time in ms. */
export async function timed(command) {
  const began = performance.now();
  const { code, stdout, stderr } = await run(command, { seconds: 300 });
  const ms = performance.now() - began;
  if (code !== 0)
    throw new Error(`${command.join(' ')}: ${code} ${stderr.slice(-500)}`);
  return { ms, stdout };
}

/** Busy CPU time of the whole machine in µs, all processors. */
export function machineCpu() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat',
    'latin1').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
  return (user + nice + system + irq + softirq) * 10000;
}

export function fileSystem(dir) {
  const [, device, type] = /\n(\S+)\s+(\S+)/.exec(
    execFileSync('df', ['--output=source,fstype', dir], { encoding: 'utf8' }));
  let journal = '';
  if (type === 'ext4') {
    const name = device.split('/').pop();
    journal = readdirSync('/proc/fs/jbd2').some((one) =>
      one.startsWith(`${name}-`)) ? ' with journal' : ' without journal';
  }
  return `${type}${journal}`;
}

export const load = () => loadavg()[0];

export function describe(dir) {
  return {
    cpus: cpus().length,
    model: cpus()[0].model,
    memory_mb: Math.round(totalmem() / 1048576),
    kernel: release(),
    file_system: fileSystem(dir),
    load: loadavg(),
    date: new Date().toISOString(),
  };
}

/**
 * Runs each of the contestants in turn, `rounds` times: A B C A B C ... so
 * that what else the machine does meets all of them. {name: [result ...]}
 */
export async function interleave(rounds, contestants, log) {
  const results = {};
  for (let round = 0; round < rounds; round++) {
    for (const [name, measure] of Object.entries(contestants)) {
      const result = await measure(round);
      if (result === undefined) continue;
      (results[name] ??= []).push(result);
      log?.(`${name} ${JSON.stringify(result)}`);
    }
  }
  return results;
}
