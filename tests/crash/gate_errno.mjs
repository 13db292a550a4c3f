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
  'fstatfs', 'getdents64', 'mmap', 'dup', 'dup2', 'dup3', 'clone',
  'clone3', 'vfork', 'pipe2', 'signalfd4', 'inotify_init1', 'inotify_add_watch',
  'epoll_create1', 'poll', 'ppoll', 'fchmod', 'faccessat', 'faccessat2',
  'fallocate']);
const FLUSHES = new Set(['fsync', 'fdatasync', 'syncfs']);
/* The close of a job's own file: the last of a slot, behind those of a stock. */
const SLOT = /^(?:\d+ +)?close\(\d+<[^>]*\/spool\/tmp\/[0-9a-f]{8}\.\d+>/;
const SPIN = 4000; // more calls than the undisturbed run: it spins

const SAMPLE = 900;
const all = process.argv[2] === 'all';
const today = Math.floor(Date.now() / 86400e3);
const seed = Number(process.env.SEED ?? today);
const only = process.env.ONLY; // protocols whose name begins so
const chosen = scenarios.filter(({ name }) => name.startsWith(only ?? ''));
const labs = makeLabs('errno');
const preload = { LD_PRELOAD: program('test/crash/faults.so') };

/** Loading libraries is not ours: boundaries begin when the spool is opened. */
function ours(list) {
  return list.slice(Math.max(0,
    list.findIndex(({ line }) => /spool"|config\.yaml/.test(line))));
}

/** The closes that can be made to fail, numbered as the preloaded library
 * counts them. It announces each; those inside libc (of streams, of open
 * directories) go past it. */
async function closesOf(scenario) {
  const list = calls(await trace(labs[0], scenario, { ...preload,
    CLOSE_AT: '0' }));
  const announced = list.filter((one, i) => one.name === 'close' &&
    list[i - 1]?.line.includes('close(-2)'));
  const found = announced.map((one, i) => ({ ...one, n: i + 1 }));
  return found.filter(({ line }) => ours(list).some((o) => o.line === line));
}

/** Every case of a protocol: [{name, n, error} or {short}]. */
async function casesOf(scenario) {
  const log = await trace(labs[0], scenario);
  const list = calls(log);
  const usual = log.split('\n').length;
  const closes = await closesOf(scenario);
  const slot = scenario.prepared ? undefined
    : closes.findLast(({ line }) => SLOT.test(line));
  const found = [...ours(list).filter(({ name }) => CAN_FAIL.has(name)),
    ...closes].flatMap((one) =>
    (one.name === 'close' ? CLOSE_ERRORS : ERRORS).map((error) =>
    ({ scenario, name: one.name, n: one.n, error, usual, slot: one === slot,
      title: `${scenario.name}: ${one.name} ${one.n} fails with ${error}` })));
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
  const found = await casesOf(scenario);
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
  /* EINTR says nothing of what was written. */
  if (one.slot && one.error !== 'EINTR' && one.scenario.acked(how))
    bad.push(`a failed close was answered ${how.stdout.slice(0, 30)}`);
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
