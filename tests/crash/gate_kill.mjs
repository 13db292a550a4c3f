// SPDX-License-Identifier: MIT
//
// Killed at every system call: accepting (library and responder), claiming,
// stepping, settling, retrying, dying, the change of day, sweeping. After each
// kill the real runner starts and the sender sends again, before or after it.
//
//   node tests/crash/gate_kill.mjs [all]
//
// Without `all` only calls that change something are boundaries: what is true
// before any other call is true before the next that changes something.

import { calls, makeLabs } from './lab.mjs';
import { disturb, scenarios, sweepAll, trace } from './scenarios.mjs';

const CHANGES = new Set(['openat', 'write', 'pwrite64', 'fallocate',
  'ftruncate', 'fsync', 'fdatasync', 'syncfs', 'linkat', 'unlinkat', 'renameat',
  'renameat2', 'mkdirat', 'utimensat', 'flock', 'close', 'clone', 'clone3',
  'fork', 'vfork', 'fchmod', 'exit_group']);

const all = process.argv[2] === 'all';
const only = process.env.ONLY; // protocols whose name begins so
const chosen = scenarios.filter(({ name }) => name.startsWith(only ?? ''));
const labs = makeLabs('kill');

const cases = [];
for (const scenario of chosen) {
  const boundaries = calls(await trace(labs[0], scenario))
    .filter(({ name }) => all || CHANGES.has(name));
  console.log(`# ${scenario.name}: ${boundaries.length} boundaries`);
  for (const { name, n } of boundaries)
    cases.push({ scenario, name, n, index: cases.length,
      title: `${scenario.name}, killed at ${name} ${n}` });
}
const violations = await sweepAll(labs, cases, all ? 1450 : 770, async (lab, one) =>
  (await disturb(lab, one.scenario, ['strace', '-qq', '-o', '/dev/null',
    '-e', `trace=${one.name}`,
    '-e', `inject=${one.name}:signal=KILL:when=${one.n}`],
  { resend: one.index % 3 })).bad);
for (const lab of labs) lab.end();
console.log(`${chosen.length} protocols, ${cases.length} boundaries, ` +
  `${violations} violations`);
process.exitCode = violations === 0 && (only || cases.length > 100) ? 0 : 1;
