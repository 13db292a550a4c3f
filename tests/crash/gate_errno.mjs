// SPDX-License-Identifier: MIT
//
// Each system call of each protocol fails, once, with each of eight errors;
// each write is short once. Nobody is told 2xx for what is not durable, no job
// is dropped, nothing crashes or spins, and a descriptor whose flush failed is
// never flushed again.
//
//   node tests/crash/gate_errno.mjs [all]
//
// Without `all` every boundary gets two of the errors, in turn.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { Lab, calls, program } from './lab.mjs';
import { disturb, scenarios, sweepAll, trace } from './scenarios.mjs';

const ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EINTR',
  'EROFS', 'EACCES'];
/* Calls that can fail with them; the others have no error we could meet. */
const CAN_FAIL = new Set(['openat', 'read', 'pread64', 'write', 'pwrite64',
  'ftruncate', 'fsync', 'fdatasync', 'syncfs', 'linkat', 'unlinkat', 'renameat',
  'renameat2', 'mkdirat', 'utimensat', 'flock', 'fcntl', 'fstat', 'newfstatat',
  'fstatfs', 'close', 'getdents64', 'mmap', 'dup', 'dup2', 'dup3', 'clone',
  'clone3', 'pipe2', 'signalfd4', 'inotify_init1', 'inotify_add_watch',
  'epoll_create1', 'poll', 'ppoll', 'fchmod', 'faccessat', 'faccessat2']);
const FLUSHES = new Set(['fsync', 'fdatasync', 'syncfs']);
const SPIN = 4000; // more calls than the undisturbed run: it spins

const all = process.argv[2] === 'all';
const labs = [1, 2, 3, 4].map((i) => new Lab(`errno${i}`));

/** Loading libraries is not ours: boundaries begin when the spool is opened.*/
function ours(list) {
  const first = list.findIndex(({ line }) => /spool"|config\.yaml/.test(line));
  return list.slice(first === -1 ? 0 : first)
    .filter(({ name }) => CAN_FAIL.has(name));
}

const cases = [];
for (const scenario of scenarios) {
  const log = await trace(labs[0], scenario);
  const list = calls(log);
  const writes = list.filter(({ name }) => /^p?write/.test(name)).length;
  const usual = log.split('\n').length;
  const before = cases.length;
  for (const { name, n } of ours(list)) {
    const errors = all ? ERRORS : [0, 1].map((k) =>
      ERRORS[(cases.length + 4 * k + k) % ERRORS.length]);
    for (const error of errors)
      cases.push({ scenario, name, n, error, usual, index: cases.length,
        title: `${scenario.name}: ${name} ${n} fails with ${error}` });
  }
  for (let n = 1; n <= writes; n++)
    cases.push({ scenario, short: n, usual, index: cases.length,
      title: `${scenario.name}: write ${n} is short` });
  console.log(`# ${scenario.name}: ${cases.length - before} cases`);
}

/** What the disturbed process itself did wrong. */
function look(lab, one, how) {
  const bad = [];
  const log = join(lab.dir, 'strace');
  const text = readFileSync(log, 'utf8');
  rmSync(log);
  if (how.signal) bad.push(`ended by ${how.signal}`);
  if (how.code > 111 || how.code === 139 || how.code === 134)
    bad.push(`exit code ${how.code}`);
  if (text.split('\n').length > one.usual + SPIN)
    bad.push(`${text.split('\n').length} calls: it spins`);
  bad.push(...flushedAgain(text));
  if (FLUSHES.has(one.name) && text.includes('(INJECTED)') &&
      one.scenario.failed && !one.scenario.prepared &&
      !one.scenario.failed(how) && !isOptional(text))
    bad.push(`a failed flush was answered ${how.stdout.slice(0, 30)}`);
  return bad;
}

/** A flush of the stock or of an anchor may fail: another way is taken. */
function isOptional(text) {
  return /seen|anchor/.test(text.split('\n').findLast((line) =>
    line.includes('(INJECTED)')) ?? '');
}

/** The descriptor of a file whose flush failed, flushed again before it was
 * closed. Directories are the same descriptor for ever, and say so. */
function flushedAgain(text) {
  const failed = new Map();
  const bad = [];
  for (const line of text.split('\n')) {
    const call = /^(\w+)\((\d+)(?:<([^>]*)>)?/.exec(line);
    if (!call) continue;
    const [, name, fd, path] = call;
    if (name === 'close') failed.delete(fd);
    if (!FLUSHES.has(name)) continue;
    if (failed.get(fd) === path && !/\/spool(\/(log\/)?\w+)?$/.test(path))
      bad.push(`${path} was flushed again after a failure`);
    if (line.includes('(INJECTED)')) failed.set(fd, path);
  }
  return bad;
}

/** A file that we may not read, or not write, is put aside in bad/ for an
 * operator: it is not lost, and no other errors do that. */
const putAside = (one) => ['EACCES', 'EROFS'].includes(one.error) &&
  /read|stat|openat/.test(one.name);

const violations = await sweepAll(labs, cases, async (lab, one) => {
  const log = join(lab.dir, 'strace');
  const inject = one.short ? ['-e', 'trace=write,pwrite64'] : [
    '-e', `inject=${one.name}:error=${one.error}:when=${one.n}`];
  const env = one.short ? { SHORT_AT: String(one.short),
    LD_PRELOAD: program('test/crash/short_write.so') } : {};
  const { bad } = await disturb(lab, one.scenario,
    ['strace', '-qq', '-y', '-o', log, ...inject],
    { resend: one.index % 3, env, look: (how) => look(lab, one, how) });
  return putAside(one) && bad.some((text) => text.startsWith('bad/')) ? []
    : bad;
});
for (const lab of labs) lab.end();
console.log(`${scenarios.length} protocols, ${cases.length} failures, ` +
  `${violations} violations`);
process.exitCode = violations === 0 && cases.length > 100 ? 0 : 1;
