// SPDX-License-Identifier: MIT
//
// Each system call of each protocol fails, once, with each of eight errors;
// each write is short once. Nobody is told 2xx for what is not durable, no job
// is dropped, nothing crashes or spins, and a descriptor whose flush failed is
// never flushed again.
//
//   node tests/crash/gate_errno.mjs [all]
//
// Without `all` a sample, spread evenly over protocols and calls; another one
// each day, or as SEED=N says.

import { readFileSync, rmSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

import { random } from '../e2e/support/process.mjs';
import { calls, makeLabs, program } from './lab.mjs';
import { disturb, scenarios, sweepAll, trace } from './scenarios.mjs';

/* What close() may say; it closes all the same, so it is a preloaded one. */
const CLOSE_ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EINTR'];
const ERRORS = ['ENOSPC', 'EDQUOT', 'EIO', 'EMFILE', 'ENFILE', 'EINTR',
  'EROFS', 'EACCES'];
/* Calls that can fail with them; the others have no error we could meet. */
const CAN_FAIL = new Set(['openat', 'read', 'pread64', 'write', 'pwrite64',
  'ftruncate', 'fsync', 'fdatasync', 'syncfs', 'linkat', 'unlinkat', 'renameat',
  'renameat2', 'mkdirat', 'utimensat', 'flock', 'fcntl', 'fstat', 'newfstatat',
  'fstatfs', 'close', 'getdents64', 'mmap', 'dup', 'dup2', 'dup3', 'clone',
  'clone3', 'vfork', 'pipe2', 'signalfd4', 'inotify_init1', 'inotify_add_watch',
  'epoll_create1', 'poll', 'ppoll', 'fchmod', 'faccessat', 'faccessat2',
  'fallocate']);
const FLUSHES = new Set(['fsync', 'fdatasync', 'syncfs']);
const SPIN = 4000; // more calls than the undisturbed run: it spins

const SAMPLE = 900;
const all = process.argv[2] === 'all';
const today = Math.floor(Date.now() / 86400e3);
const seed = Number(process.env.SEED ?? today);
const only = process.env.ONLY; // protocols whose name begins so
const chosen = scenarios.filter(({ name }) => name.startsWith(only ?? ''));
const labs = makeLabs('errno');

/** Loading libraries is not ours: boundaries begin when the spool is opened.
 * The preloaded close() counts its own. */
function ours(list) {
  const first = Math.max(0,
    list.findIndex(({ line }) => /spool"|config\.yaml/.test(line)));
  const loading = list.slice(0, first).filter(({ name }) => name === 'close');
  return list.slice(first).filter(({ name }) => CAN_FAIL.has(name))
    .map((one) => one.name === 'close'
      ? { ...one, n: one.n - loading.length } : one);
}

/** Every case of a protocol: [{name, n, error} or {short}]. */
function casesOf(scenario, log) {
  const list = calls(log);
  const usual = log.split('\n').length;
  const found = ours(list).flatMap(({ name, n }) =>
    (name === 'close' ? CLOSE_ERRORS : ERRORS).map((error) =>
    ({ scenario, name, n, error, usual,
      title: `${scenario.name}: ${name} ${n} fails with ${error}` })));
  const writes = list.filter(({ name }) => /^p?write/.test(name)).length;
  for (let n = 1; n <= writes; n++)
    found.push({ scenario, name: 'short', short: n, usual,
      title: `${scenario.name}: write ${n} is short` });
  return found;
}

/** So many of them: of each protocol and call as many as of the others, as
 * long as it has that many; which, the seed says. */
function sample(cases, count) {
  const pick = random(seed);
  const heaps = new Map();
  for (const one of cases) {
    const heap = `${one.scenario.name} ${one.name}`;
    if (!heaps.has(heap)) heaps.set(heap, []);
    heaps.get(heap).push(one);
  }
  const chosen = [];
  for (let left = [...heaps.values()]; left.length > 0;
    left = left.filter((heap) => heap.length > 0))
    for (const heap of left) {
      if (chosen.length === count) return chosen;
      chosen.push(...heap.splice(Math.floor(pick() * heap.length), 1));
    }
  return chosen;
}

const every = [];
for (const scenario of chosen) {
  const found = casesOf(scenario, await trace(labs[0], scenario));
  console.log(`# ${scenario.name}: ${found.length} cases`);
  every.push(...found);
}
const cases = (all ? every : sample(every, SAMPLE))
  .map((one, index) => ({ ...one, index }));

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
  if (one.scenario.failed && /^Status: 5/m.test(how.stdout) &&
      !one.scenario.failed(how))
    bad.push(`answered ${how.stdout.slice(0, 30)}`);
  if (FLUSHES.has(one.name) && text.includes('(INJECTED)') &&
      one.scenario.failed && !one.scenario.prepared &&
      !one.scenario.failed(how))
    bad.push(`a failed flush was answered ${how.stdout.slice(0, 30)}`);
  return bad;
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

/** [options of strace, environment] */
function fault(one) {
  const preload = { LD_PRELOAD: program('test/crash/faults.so') };
  if (one.short) return [['-e', 'trace=write,pwrite64'],
    { ...preload, SHORT_AT: String(one.short) }];
  if (one.name === 'close') return [[], { ...preload, CLOSE_AT: String(one.n),
    CLOSE_ERROR: String(constants.errno[one.error]) }];
  return [['-e', `inject=${one.name}:error=${one.error}:when=${one.n}`], {}];
}

const violations = await sweepAll(labs, cases, all ? 3500 : 400, async (lab, one) => {
  const log = join(lab.dir, 'strace');
  const [inject, env] = fault(one);
  const { bad } = await disturb(lab, one.scenario,
    ['strace', '-qq', '-y', '-o', log, ...inject],
    { resend: one.index % 3, env, look: (how) => look(lab, one, how) });
  return putAside(one) && bad.some((text) => text.startsWith('bad/')) ? []
    : bad;
});
for (const lab of labs) lab.end();
console.log(`${chosen.length} protocols, ${cases.length} failures` +
  (all ? '' : ` of ${every.length} (SEED=${seed})`) +
  `, ${violations} violations`);
process.exitCode = violations === 0 && (only || cases.length > 100) ? 0 : 1;
