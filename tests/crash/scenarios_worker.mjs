// SPDX-License-Identifier: MIT
//
// Rows of scenarios.mjs in which the worker is disturbed: one that runs a
// command hook, and one that tells GitHub (played on loopback) how a job ended.

import { chmodSync, existsSync, readFileSync, readdirSync, writeFileSync }
  from 'node:fs';
import { join } from 'node:path';

import { testApp } from '../e2e/support/app.mjs';
import { startGitHub, token } from '../e2e/support/github.mjs';
import { Outbox, commit } from '../e2e/support/outbox.mjs';
import { program } from './lab.mjs';

const quote = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/** The runner's worker is a script that has the first attempt disturbed. */
function wrapWorker(lab, wrap, env) {
  const script = join(lab.dir, 'worker');
  const set = Object.entries(env).map(([k, v]) => `${k}=${quote(v)} `).join('');
  writeFileSync(script, `#!/bin/sh
case "$*" in
*"--attempt 0"*) ${set}exec ${[...wrap, program('job-worker')].map(quote)
  .join(' ')} "$@" ;;
*) exec ${quote(program('job-worker'))} "$@" ;;
esac
`);
  chmodSync(script, 0o755);
  lab.worker = script;
}

/* Its hook adds a line to the file `runs`, as the stub worker does. */
const worker = {
  name: 'worker', length: 300, jobs: [1], plan: 'done', prepared: true,
  expects: /^(clone3?|v?fork)\(/m,
  again: async () => 'duplicate',
  prepare: async (lab) => { await lab.run(...lab.post(1)); },
  target: (lab, wrap, env) => {
    wrapWorker(lab, wrap, env);
    return [lab.drainer(), { env: {} }];
  },
  disturbsItself: true,
  check: (lab) => {
    const bad = [];
    for (const { state, id } of lab.jobs(1))
      if (state !== 'done') bad.push(`${id} is in ${state}/`);
    for (const name of lab.names('log/jobs'))
      bad.push(...tornLines(lab, join('log/jobs', name)));
    return bad;
  },
};

/* A kill tears at most the last line of an attempt; the next one begins on a
 * line of its own, and readers skip what is torn. */
function tornLines(lab, name) {
  const lines = readFileSync(join(lab.spool, name), 'utf8').split('\n');
  const torn = lines.filter((line) => {
    try {
      return line !== '' && !JSON.parse(line);
    } catch {
      return true;
    }
  });
  return torn.length > 1 ? [`${name} has ${torn.length} torn lines`] : [];
}

async function freshOutbox(lab, app) {
  lab.outbox?.remove();
  await lab.github?.stop();
  lab.github = await startGitHub({ tokens: [token],
    ...(app ? { publicKey: testApp().publicKey } : {}) });
  process.env.TMPDIR = existsSync('/dev/shm') ? '/dev/shm' : '/tmp';
  lab.outbox = new Outbox(lab.github, { app, now: new Date().toISOString()
    .replace('Z', '000000Z') });
  lab.extra = { end: async () => {
    lab.outbox.remove();
    await lab.github.stop();
  } };
}

/* What the commit is told (a status; by an App a check run) is there once, and
 * what became of it is in a record. */
const callback = (name, app) => ({
  name, length: 0, jobs: [], plan: 'done', prepared: true,
  expects: /renameat.*0-11111111/,
  prepare: (lab) => freshOutbox(lab, app),
  target: (lab) => [lab.outbox.argv, { env: { HOME: lab.dir } }],
  check: async (lab) => {
    const bad = [];
    let states;
    try {
      states = await lab.outbox.finish();
    } catch (error) {
      return [`the status was given up: ${lab.outbox.field('Result')} ` +
        `${lab.outbox.field('Words')}: ${error.message.slice(0, 200)}`];
    }
    if (app) states = lab.github.checks('octo/app', commit)
      .map(({ conclusion }) => conclusion);
    if (states.join() !== 'success')
      bad.push(`told ${states.length} times: ${states}`);
    const log = join(lab.outbox.spool, 'log');
    const lines = readdirSync(log).filter((f) => f.endsWith('.json'))
      .flatMap((f) => readFileSync(join(log, f), 'utf8').split('\n'));
    if (!lines.some((line) => line.includes('"status_report":"reported"')))
      bad.push('no record says that it was reported');
    return bad;
  },
});

export const workerRows = [worker, callback('callback', false),
  callback('callback of an App', true)];
