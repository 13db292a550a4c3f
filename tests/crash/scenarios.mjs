// SPDX-License-Identifier: MIT
//
// What is swept: each scenario prepares a spool, names one program to disturb,
// and tells from its output what was promised. disturb() runs one case and
// returns the complaints.

import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { driver, endAfter } from './lab.mjs';
import { workerRows } from './scenarios_worker.mjs';

const byDriver = {
  acked: ({ stdout }) => /^(new|duplicate)$/m.test(stdout),
  again: async (lab, scenario, n) => {
    const how = await lab.run(lab.accept(n, scenario.length));
    return how.stdout.trim() || `refused: ${how.stderr}`;
  },
};

const byPost = {
  acked: ({ stdout }) => /^Status: 20[02]/.test(stdout),
  again: async (lab, scenario, n) => {
    const { stdout, stderr } = await lab.run(...lab.post(n, scenario.length));
    if (/^Status: 202/.test(stdout)) return 'new';
    if (/^Status: 200/.test(stdout)) return 'duplicate';
    return `refused: ${stdout}${stderr}`;
  },
  /* What a failure may be told: not 500, not silence. */
  failed: ({ stdout }) => /^Status: 503/.test(stdout),
};

const accept = (name, length, stock = 0) => ({
  name, length, jobs: [1], plan: 'done', ...byDriver,
  prepare: async () => {},
  target: (lab) => [lab.accept(1, length, stock), {}],
});

const post = (name, length) => ({
  name, length, jobs: [1], plan: 'done', ...byPost,
  prepare: async () => {},
  target: (lab) => lab.post(1, length),
});

const settle = (end) => ({
  name: `run ${end}`, length: 100, jobs: [1], plan: 'done', ...byDriver,
  driverRuns: true,
  prepared: true,
  prepare: (lab) => lab.run(lab.accept(1)),
  target: (lab) => [[driver, lab.spool, 'run', end], {}],
});

const runner = (plan) => ({
  name: `runner ${plan}`, length: 300, jobs: [1, 2], plan, ...byPost,
  prepared: true,
  prepare: async (lab) => {
    await lab.run(...lab.post(1));
    await lab.run(...lab.post(2));
  },
  target: (lab) => [lab.drainer(), {}],
});

const sweep = {
  name: 'sweep', length: 100, jobs: [1, 2], plan: 'done', ...byDriver,
  swept: true,
  prepare: async (lab) => {
    for (const n of [1, 2]) await lab.run(lab.accept(n));
    await lab.drain();
    lab.forgetRuns();
  },
  target: (lab) => [[driver, lab.spool, 'sweep'], {}],
};

const days = {
  name: 'change of day', length: 100, jobs: [], plan: 'done', ...byDriver,
  prepare: async () => {},
  target: (lab) => [[driver, lab.spool, 'days'], {}],
  /* Each record that was said to be on disk is there, once. */
  check: (lab, { stdout }) => stdout.split('\n').filter((id) => id !== '')
    .filter((id) => lab.records().filter((r) => r.job_id === id).length !== 1)
    .map((id) => `${id} has not one record`),
};

/* Yesterday's records are too old, today's are not. */
const rotation = {
  name: 'log rotation', length: 100, jobs: [], plan: 'done', ...byDriver,
  expects: /unlinkat\(.*"webhooks_/,
  prepare: async (lab) => {
    const { stdout } = await lab.run([driver, lab.spool, 'days']);
    lab.kept = stdout.split('\n').filter((id) => id !== '').slice(2);
  },
  target: (lab) => [[driver, lab.spool, 'sweep'], {}],
  check: (lab) => lab.kept
    .filter((id) => lab.records().filter((r) => r.job_id === id).length !== 1)
    .map((id) => `${id} has not one record`),
};

export const scenarios = [
  accept('accept plain', 100), accept('accept stocked', 100, 2),
  accept('accept streamed', 70000),
  post('responder', 300), post('responder, large body', 100000),
  settle('done'), settle('dead'), settle('retry'),
  runner('done'), runner('dead'), runner('retry'),
  sweep, days, rotation, ...workerRows,
];

/** A worker may outlive its runner by a moment. */
async function drainAll(lab) {
  let bad = [];
  for (let i = 0; i < 100; i++) {
    bad = await lab.drain();
    if (lab.names('run').length + lab.names('retry').length === 0) break;
    await sleep(20);
  }
  return bad;
}

function judgeOne(lab, scenario, n, before, answer) {
  const bad = [];
  const states = lab.states(n);
  const runs = lab.runs(n);
  const anew = answer === 'new' && before.states.includes('dead');
  const records = lab.records().filter((r) =>
    r.delivery_id === before.delivery).length;

  if (answer?.startsWith('refused'))
    bad.push(`delivery ${n}, sent again, was ${answer}`);
  if (before.settled && !anew && runs > before.runs)
    bad.push(`job ${n} was settled and ran again`);
  if (answer === 'new' && before.acked && !anew && !before.swept)
    bad.push(`delivery ${n} was promised and then taken anew`);
  if (scenario.swept) return bad;
  if ((before.acked || answer) && (states.length < 1 ||
      states.length > 1 + (anew ? 1 : 0)))
    bad.push(`job ${n} is in ${states.length} states: ${states}`);
  if ((before.acked || answer) && !scenario.driverRuns && runs < 1)
    bad.push(`job ${n} did not run`);
  if (states.length > 0 && records !== 1 + (anew ? 1 : 0))
    bad.push(`job ${n} has ${records} records`);
  return bad;
}

/** [command, options] of the program to disturb; some rows disturb a child of
 * it instead. */
function begin(lab, scenario, wrap, env) {
  const [command, options] = scenario.target(lab, wrap, env);
  return scenario.disturbsItself ? [command, options]
    : [[...wrap, ...command], { ...options, env: { ...options.env, ...env } }];
}

/**
 * One case: `wrap` is the strace that disturbs the scenario's program;
 * resend: 0 not, 1 before the repair, 2 after it.
 */
export async function disturb(lab, scenario, wrap, { resend = 0, env = {},
  seconds = 20, look } = {}) {
  lab.reset(scenario.plan);
  await scenario.prepare(lab);
  const [command, options] = begin(lab, scenario, wrap, env);
  const how = await lab.run(command, { ...options, seconds });
  const bad = [...(look ? look(how) : []), ...lab.torn()];
  if (how.late) bad.push(`no end within ${seconds} s`);
  const acked = scenario.prepared || scenario.acked(how);
  const before = new Map(scenario.jobs.map((n) => {
    const states = lab.states(n);
    return [n, { acked, states, runs: lab.runs(n), swept: scenario.swept,
      settled: states.some((s) => s === 'done' || s === 'dead'),
      delivery: deliveryOf(n) }];
  }));
  const answers = new Map();
  const again = async () => {
    for (const n of scenario.jobs)
      answers.set(n, await scenario.again(lab, scenario, n));
  };
  if (resend === 1) await again();
  bad.push(...await drainAll(lab));
  if (resend === 2) {
    for (const one of before.values()) {
      one.runs = lab.runs([...before].find(([, v]) => v === one)[0]);
      one.states = lab.states([...before].find(([, v]) => v === one)[0]);
      one.settled = one.states.length > 0;
    }
    await again();
    bad.push(...await drainAll(lab));
  }
  bad.push(...lab.torn(), ...lab.left());
  if (scenario.check) bad.push(...await scenario.check(lab, how));
  for (const n of scenario.jobs)
    bad.push(...judgeOne(lab, scenario, n, before.get(n), answers.get(n)));
  return { how, bad };
}

function deliveryOf(n) {
  return `72d3162e-cc78-11e3-81ab-${n.toString(16).padStart(12, '0')}`;
}

/** The undisturbed run under strace: the log of its calls. */
export async function trace(lab, scenario, env = {}) {
  lab.reset(scenario.plan);
  await scenario.prepare(lab);
  const log = join(lab.dir, 'strace');
  await lab.run(...begin(lab, scenario, ['strace', '-qq', '-y', '-o', log],
    env));
  const text = readFileSync(log, 'utf8');
  rmSync(log);
  if (scenario.expects && !scenario.expects.test(text))
    throw new Error(`${scenario.name}: no call is ${scenario.expects}`);
  return text;
}

/** Runs cases on several labs at once; fn(lab, case) gives complaints. Ends
 * the gate after so many seconds, saying which cases it was at. */
export async function sweepAll(labs, cases, seconds, fn) {
  const current = new Map();
  let next = 0;
  let violations = 0;
  endAfter(seconds, () => `${next} of ${cases.length} cases, at ` +
    [...current.values()].join(' and '));
  await Promise.all(labs.map(async (lab) => {
    while (next < cases.length) {
      const one = cases[next++];
      let bad;
      current.set(lab, one.title);
      try {
        bad = await fn(lab, one);
      } catch (error) {
        bad = [String(error.stack)];
      }
      for (const text of bad) console.log(`${one.title}: ${text}`);
      if (bad.length > 0) violations++;
    }
    current.delete(lab);
  }));
  return violations;
}
