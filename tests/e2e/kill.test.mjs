// SPDX-License-Identifier: MIT
//
// kill -9 of a responder, the runner or a worker at random, under load, and
// what was killed is started again as systemd would. In the end the deliveries
// that were answered 2xx are the deliveries that are settled, each with one
// record, and each was run at least once.
//
//   CYCLES=100 SEED=7 node --test tests/e2e/kill.test.mjs

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { descendants, random } from './support/process.mjs';
import { plainDir, startServer } from './support/server.mjs';

const cycles = Number(process.env.CYCLES ?? 20);
const seed = Number(process.env.SEED ?? 1);

function body(number, delivery) {
  return JSON.stringify({
    action: 'opened', number,
    pull_request: { number, head: { sha: 'a'.repeat(40) } },
    repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
    mark: delivery,
  });
}

/** Sends until told to stop, as GitHub with somebody who redelivers: the same
 * delivery again until it is answered 2xx. */
async function load(server, state) {
  while (!state.stop) {
    const delivery = randomUUID();
    const number = 1 + (state.sent++ % 6);
    state.tried.add(delivery);
    for (;;) {
      const status = await server.send({
        event: 'pull_request', body: body(number, delivery), delivery,
      }).then((reply) => reply.status, () => 0);
      if (status >= 200 && status < 300) {
        state.accepted.add(delivery);
        break;
      }
      assert.ok([0, 502, 503, 504].includes(status), `status ${status}`);
      await sleep(20);
      if (state.stop) return;
    }
    await sleep(20);
  }
}

/** One process to kill: [what, pid], or undefined where there is none. */
function victim(server, pick) {
  const kinds = {
    responder: () => {
      const name = pick() < 0.5 ? 'responder' : 'responder2';
      const main = server.program(name).pid;
      const all = [main, ...descendants(main).map(({ pid }) => pid)];
      return [name, all[Math.floor(pick() * all.length)]];
    },
    runner: () => ['runner', server.program('runner').pid],
    worker: () => {
      const runner = server.program('runner').pid;
      const workers = descendants(runner).filter(({ ppid, name }) =>
        ppid === runner && name === 'job-worker');
      if (workers.length === 0) return undefined;
      return ['worker', workers[Math.floor(pick() * workers.length)].pid];
    },
  };
  const names = ['responder', 'runner', 'worker', 'worker'];
  return kinds[names[Math.floor(pick() * names.length)]]();
}

/** Starts again what has ended, as systemd does. */
async function revive(server) {
  for (const name of ['responder', 'responder2'])
    if (!server.program(name).running) await server.startResponder(name);
  if (!server.program('runner').running) startRunner(server);
}

/** A worker that was killed is tried again at once, not after minutes. */
function startRunner(server) {
  server.startRunner('runner', '--retry-schedule', '1s');
}

/** Kills `cycles` times; returns how often each. */
async function killAtRandom(server, pick) {
  const killed = {};
  for (let done = 0; done < cycles;) {
    await sleep(30 + pick() * 250);
    const one = victim(server, pick);
    if (!one) continue;
    try {
      process.kill(one[1], 'SIGKILL');
    } catch {
      continue; // it has ended meanwhile
    }
    killed[one[0]] = (killed[one[0]] ?? 0) + 1;
    done++;
    await sleep(20);
    await revive(server);
  }
  return killed;
}

test(`${cycles} times kill -9, seed ${seed}: accepted is settled`, async (t) => {
  const pick = random(seed);
  const server = await startServer({
    build: plainDir,
    responders: 2,
    runner: false,
    config: ({ dir }) => `
concurrency: 4
hooks:
  - name: mark
    command: ["/bin/sh", "-c", "echo $1 >> ran; sleep 0.05", sh, "{{mark}}"]
    working-directory: ${dir}
`,
  });
  t.after(() => server.stop());
  startRunner(server);

  const state = { stop: false, sent: 0, tried: new Set(), accepted: new Set() };
  const clients = [1, 2, 3].map(() => load(server, state));
  const killed = await killAtRandom(server, pick).finally(() => {
    state.stop = true;
  });
  await Promise.all(clients);
  await revive(server);
  await server.settled(240);

  const settled = server.records().map((record) => record.delivery_id);
  const once = new Set(settled);
  const twice = settled.filter((d, i) => settled.indexOf(d) !== i);
  const runs = new Set(readFileSync(join(server.dir, 'ran'), 'utf8')
    .split('\n'));

  t.diagnostic(`killed ${JSON.stringify(killed)}; sent ${state.sent}, ` +
    `accepted ${state.accepted.size}, settled ${once.size}`);
  assert.deepEqual(server.records().filter((record) =>
    twice.includes(record.delivery_id)), [], 'one record each');
  assert.deepEqual([...state.accepted].filter((d) => !once.has(d)), [],
    'accepted and not settled: lost');
  // A 202 that was cut off on its way is a delivery we do not count as
  // accepted, but it may be settled all the same.
  assert.deepEqual([...once].filter((d) => !state.tried.has(d)), [],
    'settled and never sent');
  assert.deepEqual([...state.accepted].filter((d) => !runs.has(d)), [],
    'accepted and never run');
});
