// SPDX-License-Identifier: MIT
//
// Webhooks at a steady rate through nginx for SOAK_SECONDS (600), a third of
// it each with the runner stopped, running, and restarted every 5 s. Beside
// them, all the time, senders who bring a byte a second, and in the middle of
// each third a burst of 1,000 requests at once. In the end what was answered
// 2xx is what is settled, each delivery once.
//
//   node tests/soak/gate_soak.mjs
//
// SOAK_RATE, SOAK_BURST and SOAK_SLOW change how many; a machine that is busy
// with something else misses the times, and so does a run of less than two
// minutes, of which the bursts are a large part. SOAK_BREAK=lose takes one
// waiting job out of the spool, =slow lets the responders stand still for a
// moment in each second: both must fail.

import { randomUUID } from 'node:crypto';
import { createConnection } from 'node:net';
import {
  lstatSync, readFileSync, readdirSync, unlinkSync, writeFileSync,
} from 'node:fs';
import { loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { descendants, run } from '../e2e/support/process.mjs';
import { plainDir, signature, startServer } from '../e2e/support/server.mjs';

const seconds = Number(process.env.SOAK_SECONDS ?? 600);
const rate = Number(process.env.SOAK_RATE ?? 100);
const burst = Number(process.env.SOAK_BURST ?? 1000);
const slowOnes = Number(process.env.SOAK_SLOW ?? 40);
const broken = process.env.SOAK_BREAK;
const KEYS = 50;
const RESTART = 5; // s between two restarts of the runner
const P99 = 50; // ms, of the steady load
const BURST = 10000; // ms, how long GitHub waits for a reply

const push = (more) => JSON.stringify({
  ref: 'refs/heads/main', before: '0'.repeat(40), after: '1'.repeat(40),
  commits: [], created: false, deleted: false, pusher: { name: 'ann' },
  sender: { login: 'ann' }, ...more,
});

/** All replies so far: [{delivery, status, ms}]. */
const replies = { steady: [], burst: [], slow: [] };

/** One run of tests/bench/load.c; its replies are kept under `kind`. */
async function load(server, kind, options) {
  const file = join(server.dir, `replies.${randomUUID()}`);
  const words = Object.entries({
    port: server.port, secret: server.secret, keys: KEYS, replies: file,
    ...options,
  }).flatMap(([name, value]) => [`--${name}`, `${value}`]);
  const { code, stderr } = await run([join(plainDir, 'bench/load'), ...words,
    join(server.dir, 'payload.json')], { seconds: seconds + 120 });
  if (code !== 0) throw new Error(`load: ${code} ${stderr}`);
  const some = readFileSync(file, 'utf8').trim().split('\n').map((line) => {
    const [delivery, status, us] = line.split(' ');
    return { delivery, status: Number(status), ms: Number(us) / 1000 };
  });
  replies[kind].push(...some);
  return some;
}

/** A request whose body comes a byte a second in its last `tail` bytes. */
function sendSlowly(server, tail) {
  const delivery = randomUUID();
  const body = push({ repository: { full_name: 'soak/slow' }, delivery });
  const head = [
    'POST /webhooks/github HTTP/1.1', 'Host: 127.0.0.1', 'Connection: close',
    'Content-Type: application/json', `Content-Length: ${body.length}`,
    'X-GitHub-Event: push', 'X-GitHub-Hook-ID: 292430182',
    `X-GitHub-Delivery: ${delivery}`,
    `X-Hub-Signature-256: ${signature(server.secret, body)}`, '', '',
  ].join('\r\n');
  return new Promise((fulfil) => {
    let at = Math.max(0, body.length - tail);
    let answer = '';
    let done = performance.now();
    const socket = createConnection(server.port, '127.0.0.1', () => {
      socket.write(head + body.slice(0, at));
      const timer = setInterval(() => {
        socket.write(body[at++]);
        done = performance.now();
        if (at === body.length) clearInterval(timer);
      }, 1000);
      socket.once('close', () => clearInterval(timer));
    });
    socket.on('data', (bytes) => (answer += bytes));
    socket.on('error', () => {});
    socket.once('close', () => {
      replies.slow.push({
        delivery, status: Number(answer.split(' ')[1] ?? 0),
        ms: performance.now() - done,
      });
      fulfil();
    });
  });
}

/** One after the other until the time is over. */
async function beSlow(server, until) {
  for (;;) {
    const left = Math.floor((until - performance.now()) / 1000) - 1;
    if (left < 3) return;
    await sendSlowly(server, left);
  }
}

async function restartRunner(server, state) {
  while (!state.stop) {
    server.startRunner();
    const next = performance.now() + RESTART * 1000;
    while (!state.stop && performance.now() < next) await sleep(100);
    if (!state.stop) state.restarts++;
    await stopRunner(server);
  }
}

async function stopRunner(server) {
  const { code } = await server.program('runner').stop();
  if (code !== 0) throw new Error(`the runner ended with ${code}:\n` +
    server.program('runner').output().slice(-2000));
}

/** The responders' processes stand still for 100 ms, once a second. */
async function stumble(server, state) {
  while (!state.stop) {
    const all = ['responder', 'responder2'].flatMap((name) =>
      descendants(server.program(name).pid).map(({ pid }) => pid));
    for (const pid of all) process.kill(pid, 'SIGSTOP');
    await sleep(100);
    for (const pid of all) process.kill(pid, 'SIGCONT');
    await sleep(900);
  }
}

/** All names of one waiting job: its own would be made again. */
function lose(server) {
  const inode = (path) => lstatSync(path, { throwIfNoEntry: false })?.ino;
  const lost = inode(join(server.spool, 'new', server.names('new')[0]));
  for (const dir of ['tmp', 'new', 'seen']) {
    for (const name of readdirSync(join(server.spool, dir))) {
      const path = join(server.spool, dir, name);
      if (inode(path) === lost) unlinkSync(path);
    }
  }
}

const quantile = (list, share) => {
  const sorted = list.map(({ ms }) => ms).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
};

const describe = (list) => `p50 ${quantile(list, 0.5).toFixed(1)}, ` +
  `p99 ${quantile(list, 0.99).toFixed(1)}, ` +
  `worst ${quantile(list, 1).toFixed(0)} ms`;

/** One third: the steady load, and a burst in its middle. */
async function phase(server, name) {
  const length = Math.max(2, Math.round(seconds / 3));
  const [steady, many] = await Promise.all([
    load(server, 'steady', { rate, seconds: length, connections: 64 }),
    sleep(length * 500).then(() => load(server, 'burst',
      { connections: burst, count: burst })),
  ]);
  console.log(`runner ${name}: ${steady.length} requests, ` +
    `${describe(steady)}; burst of ${many.length}: ${describe(many)}; ` +
    `waiting ${server.names('new').length}, load ${loadavg()[0]}`);
}

async function soak(server) {
  const state = { stop: false, restarts: 0 };
  const until = performance.now() + seconds * 1000;
  const slow = Array.from({ length: slowOnes }, () => beSlow(server, until));
  const breaker = broken === 'slow' ? stumble(server, state) : undefined;

  await phase(server, 'stopped');
  if (broken === 'lose') lose(server);
  server.startRunner();
  await phase(server, 'running');
  await stopRunner(server);
  const restarting = restartRunner(server, state);
  await phase(server, 'restarted');
  await Promise.all(slow);
  state.stop = true;
  await Promise.all([restarting, breaker]);
  server.startRunner();
  await server.settled(120 + seconds);
  return state.restarts;
}

/** What is wrong, one sentence each. */
function judge(server) {
  const all = Object.values(replies).flat();
  const accepted = new Set(all.filter(({ status }) => status === 202)
    .map(({ delivery }) => delivery));
  const records = server.records().filter(({ success }) => success);
  const settled = new Set(records.map((record) => record.delivery_id));
  const odd = all.filter(({ status }) => status !== 202);
  const kinds = [...new Set(odd.map(({ status }) => status))];
  const p99 = quantile(replies.steady, 0.99);
  const worst = quantile(replies.burst, 1);
  const lost = [...accepted].filter((one) => !settled.has(one));
  const extra = [...settled].filter((one) => !accepted.has(one));
  const wrong = [
    [odd.length > 0, `${odd.length} answered ${kinds} and not 202`],
    [lost.length > 0, `${lost.length} accepted and not settled`],
    [extra.length > 0, `${extra.length} settled and not accepted`],
    [records.length !== settled.size, `${records.length - settled.size} ` +
      'settled twice'],
    [p99 >= P99, `p99 not below ${P99} ms`],
    [worst >= BURST, `a burst's last reply after ${BURST} ms`],
    [replies.slow.length < slowOnes, 'senders that never ended'],
  ].filter(([bad]) => bad).map(([, text]) => text);
  const good = all.length - odd.length;
  console.log(`slow senders: ${replies.slow.length} requests, after the last ` +
    `byte ${describe(replies.slow)}`);
  return { wrong, text: `${good} of ${all.length} accepted, ` +
    `${settled.size} settled once; ${rate} a second: ` +
    `${describe(replies.steady)}; bursts of ${burst} answered in ` +
    `${worst.toFixed(0)} ms` };
}

const server = await startServer({
  build: plainDir,
  responders: 2,
  runner: false,
  connections: 4 * burst + 1000,
  config: 'log-level: WARNING\nhooks:\n' +
    '  - {name: nothing, events: [push], command: [/bin/true]}',
});
let verdict;
try {
  writeFileSync(join(server.dir, 'payload.json'), push());
  const restarts = await soak(server);
  verdict = judge(server);
  verdict.text = `${seconds} s, runner restarted ${restarts} times, ` +
    verdict.text;
} finally {
  await server.stop();
}
for (const one of verdict.wrong) console.log(`wrong: ${one}`);
console.log(`soak: ${verdict.text}` +
  (verdict.wrong.length > 0 ? `; ${verdict.wrong.join('; ')}` : ''));
process.exitCode = verdict.wrong.length > 0 ? 1 : 0;
