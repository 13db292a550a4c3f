// SPDX-License-Identifier: MIT
//
// Our reader of JSON beside Node's: every real payload, awkward texts, and
// seeded mutations of both. Either both accept and see the same values, or
// both refuse, or ours refuses for one of its documented reasons, which is
// then worked out here again.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { test } from 'node:test';

const events = createRequire(import.meta.url)(
  '@octokit/webhooks-examples/api.github.com/index.json');

const DEPTH = 64; // JSON_DEPTH
const SEED = 20261122;
const MUTATIONS = { real: 8000, awkward: 24000 };

/** Asks tests/programs/read_payload.c; one answer for each [question, body]. */
async function ask(cases) {
  const build = process.env.HOOKSPOOL_BUILD ?? 'build';
  const child = spawn(join(build, 'test/program/read_payload'), [],
    { stdio: ['pipe', 'pipe', 'inherit'] });
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  const ended = new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(signal ?? code));
  });
  child.stdin.on('error', () => {}); // its exit status says why
  for (const [question, body] of cases) {
    child.stdin.write(`${question} ${body.length}\n`);
    if (!child.stdin.write(body))
      await Promise.race([
        new Promise((resolve) => child.stdin.once('drain', resolve)), ended]);
  }
  child.stdin.end();
  assert.equal(await ended, 0, 'the reader ended badly');
  const lines = Buffer.concat(chunks).toString().split('\n');
  assert.equal(lines.pop(), '');
  assert.equal(lines.length, cases.length);
  return lines;
}

/** JSON.stringify(), with lone surrogates as U+FFFD. */
function canonical(value) {
  return JSON.stringify(value).replace(
    /\\(?:u(d[89a-f][0-9a-f]{2})|.)/g,
    (escape, lone) => (lone ? '\ufffd' : escape));
}

/** Depth, members and NULs of what JSON.parse made of a text. */
function measure(value) {
  const sum = { depth: 0, members: 0, nul: false };
  const walk = (v, depth) => {
    if (typeof v === 'string') sum.nul ||= v.includes('\0');
    if (v === null || typeof v !== 'object') return;
    sum.depth = Math.max(sum.depth, depth + 1);
    if (!Array.isArray(v)) {
      const keys = Object.keys(v);
      sum.nul ||= keys.some((key) => key.includes('\0'));
      sum.members += new Set(keys.map((key) => key.toWellFormed())).size;
    }
    for (const child of Object.values(v)) walk(child, depth + 1);
  };
  walk(value, 0);
  return sum;
}

function keysWritten(text) {
  return (text.match(/"(?:[^"\\]|\\.)*"(?=\s*:)/g) ?? []).length;
}

/** What ours should say: { value } or { refused: pattern }. */
function oracle(body) {
  let text, value;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
      .decode(body);
    value = JSON.parse(text);
  } catch {
    return { refused: /^bad JSON, line \d+, column \d+: / };
  }
  const found = measure(value);
  const reasons = [];
  if (found.depth > DEPTH) reasons.push('nested too deep');
  if (keysWritten(text) > found.members) reasons.push('same key twice');
  // A NUL may have stood in a value that a second key replaced.
  if (found.nul || (reasons.length > 0 && text.includes('\\u0000')))
    reasons.push('u0000 is not allowed');
  return reasons.length > 0
    ? { refused: new RegExp(reasons.join('|')) } : { value };
}

function compare(body, answer) {
  const want = oracle(body);
  const shown = () => JSON.stringify(body.toString('latin1')).slice(0, 500);
  if (want.refused) {
    if (!want.refused.test(answer) || !answer.startsWith('bad '))
      assert.fail(`${shown()}: ${want.refused}, not ${answer.slice(0, 200)}`);
    return 'refused';
  }
  if (!answer.startsWith('ok '))
    assert.fail(`${shown()}: JSON.parse accepts; ${answer}`);
  if (canonical(JSON.parse(answer.slice(3))) !== canonical(want.value))
    assert.fail(`${shown()}: another value: ${answer.slice(0, 500)}`);
  return 'accepted';
}

async function compareAll(bodies) {
  const answers = await ask(bodies.map((body) => ['tree', body]));
  const count = { accepted: 0, refused: 0 };
  bodies.forEach((body, i) => count[compare(body, answers[i])]++);
  return count;
}

const payloads = events.flatMap(({ examples }) => examples);
const real = payloads.flatMap((payload) => [
  Buffer.from(JSON.stringify(payload)),
  Buffer.from(JSON.stringify(payload, null, 2)),
]);

const awkward = [
  '{}', '[]', '0', '-0', '""', 'true', 'false', 'null', ' [ 1 , 2 ] ',
  '{"a":1,"b":[{"c":null}],"d":{"e":{}}}',
  '[0,-1,1.5,-0.0,1e5,1E-5,1e+5,1e999,-1e999,1e-999]',
  '[9007199254740993,12345678901234567890,0.1,3.141592653589793238462643]',
  '["\\u0041\\u00e9\\u20ac\\ud83d\\ude00","\\ud83d","\\ude00x","\\ud83d\\n"]',
  '["\\"\\\\\\/\\b\\f\\n\\r\\t"]',
  '["é€😀\u2028\u2029\u007f\ufffd\uffff"]',
  '{"a":1,"\\u0061":2}', '{"a":1,"A":2,"":3}', '{"__proto__":{"x":1}}',
  '{"\\ud800":1,"\\ud801":2}', '{"k":"\\u0000"}', '\ufeff{}',
  '{"0":1,"1":2,"10":3}', '[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]',
  `${'['.repeat(DEPTH)}${']'.repeat(DEPTH)}`,
  `${'['.repeat(DEPTH + 1)}${']'.repeat(DEPTH + 1)}`,
  `${'{"a":'.repeat(DEPTH)}1${'}'.repeat(DEPTH)}`,
  `{${Array.from({ length: 40 }, (_, i) => `"key${i}":${i}`)}}`,
  `{${Array.from({ length: 40 }, (_, i) => `"key${i}":${i}`)},"key7":0}`,
].map((text) => Buffer.from(text));

/** mulberry32: the same numbers on every machine. */
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const pieces = ['"', '\\', '{', '}', '[', ']', ',', ':', '0', '-', '.', 'e',
  '1', ' ', '\n', '\\u0000', '\\ud800', '\\udc00', '\\u0061', 'null', '"a":1,',
  '[[', '\x00', '\x1f', '\x7f'].map((text) => Buffer.from(text))
  .concat([[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82],
    [0xf4, 0x90, 0x80, 0x80], [0xef, 0xbb, 0xbf]].map((b) => Buffer.from(b)));

function mutate(body, next) {
  const below = (n) => Math.floor(next() * n);
  const at = below(body.length + 1);
  const length = 1 + below(8);
  switch (below(6)) {
    case 0: { // flip a bit
      const copy = Buffer.from(body);
      if (copy.length > 0) copy[below(copy.length)] ^= 1 << below(8);
      return copy;
    }
    case 1: // cut
      return body.subarray(0, at);
    case 2: // leave some out
      return Buffer.concat([body.subarray(0, at), body.subarray(at + length)]);
    case 3: // say some twice
      return Buffer.concat([body.subarray(0, at + length), body.subarray(at)]);
    case 4: { // move some
      const part = body.subarray(at, at + length);
      const to = below(body.length + 1);
      return Buffer.concat([body.subarray(0, to), part, body.subarray(to)]);
    }
    default: // put something in
      return Buffer.concat([
        body.subarray(0, at), pieces[below(pieces.length)],
        body.subarray(at)]);
  }
}

function mutations(bodies, count, seed) {
  const next = random(seed);
  return Array.from({ length: count }, () => {
    let body = bodies[Math.floor(next() * bodies.length)];
    do body = mutate(body, next); while (next() < 0.3);
    return body;
  });
}

test('every real payload is read as Node reads it', async () => {
  const count = await compareAll(real);
  assert.deepEqual(count, { accepted: real.length, refused: 0 });
});

test('awkward texts are read as Node reads them, or refused', async () => {
  const count = await compareAll(awkward);
  assert.ok(count.accepted >= 18 && count.refused >= 6, JSON.stringify(count));
});

for (const [name, bodies] of Object.entries({
  real: real.filter((body) => body.length < 6000), awkward })) {
  test(`${MUTATIONS[name]} mutations of ${name} texts`, async () => {
    const count = await compareAll(mutations(bodies, MUTATIONS[name], SEED));
    // Mutations that all end the same way would test nothing.
    assert.ok(Math.min(count.accepted, count.refused) > MUTATIONS[name] / 20,
      JSON.stringify(count));
  });
}

test('each event has its row, and each payload its members', async () => {
  const cases = events.flatMap(({ name, examples }) => examples.map(
    (payload) => [name, Buffer.from(JSON.stringify(payload)), payload]));
  const answers = await ask(cases);
  cases.forEach(([name, , payload], i) => {
    const number = payload.pull_request?.number ?? payload.issue?.number ?? 0;
    const [, got, sha] = answers[i].match(/^ok (\d+) ([0-9a-f]*)$/)
      ?? assert.fail(`${name}: ${answers[i]}`);
    assert.equal(Number(got), number, name);
    if (sha) assert.ok([40, 64].includes(sha.length), `${name}: ${sha}`);
  });
});

/** By the documentation of each event, not by our table. */
const commits = {
  push: (p) => p.after,
  pull_request: (p) => p.pull_request.head.sha,
  pull_request_review: (p) => p.pull_request.head.sha,
  pull_request_review_comment: (p) => p.pull_request.head.sha,
  pull_request_review_thread: (p) => p.pull_request.head.sha,
  status: (p) => p.sha,
  check_run: (p) => p.check_run.head_sha,
  check_suite: (p) => p.check_suite.head_sha,
  workflow_run: (p) => p.workflow_run.head_sha,
  workflow_job: (p) => p.workflow_job.head_sha,
  deployment: (p) => p.deployment.sha,
  deployment_status: (p) => p.deployment.sha,
  commit_comment: (p) => p.comment.commit_id,
  merge_group: (p) => p.merge_group.head_sha,
};

test('the commit an event is about is found', async () => {
  const cases = events.flatMap(({ name, examples }) => examples
    .filter(() => name in commits)
    .map((p) => [name, Buffer.from(JSON.stringify(p)), commits[name](p)]));
  const answers = await ask(cases);
  cases.forEach(([name, , sha], i) => {
    assert.equal(answers[i].split(' ')[2], sha, name);
  });
});

/**
 * A body that was signed for one event must not pass for another. Where two
 * events cannot be told apart by their members, that is listed here.
 */
const alike = new Set([
  // Anything that has an action and a repository could be these.
  'branch_protection_configuration', 'deployment_protection_rule', 'repository',
  'watch', 'organization', 'installation', 'github_app_authorization',
  'issue_dependencies', 'security_and_analysis', 'public',
  // These carry what the other is about, and nothing else that is certain.
  'repository_vulnerability_alert', 'dependabot_alert', 'secret_scanning_alert',
  'repository_import',
]);

test('no payload passes for another event with members of its own', async () => {
  const names = events.map(({ name }) => name).filter((n) => !alike.has(n));
  const cases = events.flatMap(({ name, examples }) => names
    .filter((other) => other !== name)
    .flatMap((other) => examples.map(
      (p) => [other, Buffer.from(JSON.stringify(p)), name])));
  const answers = await ask(cases);
  const passed = new Set();
  cases.forEach(([other, , name], i) => {
    if (answers[i].startsWith('ok ')) passed.add(`${name} as ${other}`);
  });
  assert.deepEqual([...passed], []);
});
