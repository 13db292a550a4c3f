// SPDX-License-Identifier: MIT
//
// What one call of the client does with each reply GitHub can give: how
// often it asks, how long it waits, what it tells the caller.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import {
  readFileSync, readdirSync, statSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { startGitHub } from './support/github.mjs';
import { one, two, withClient } from './support/github_client.mjs';

const get = ['token', 'GET', '/thing'];
const post = ['token', 'POST', '/thing', '{"a":1}'];
const FINAL = { rc: 0 };
const TEMP = { rc: -1, class: 1 };
const PERM = { rc: -1, class: 2 };
const soon = () => Math.floor(Date.now() / 1000) + 2;
const later = () => Math.floor(Date.now() / 1000) + 900;

// why, call, script of the far end, expected result, calls there, seconds
const replies = [
  ['a plain reply is the answer', get, [], { ...FINAL, status: 200 }, 1, 0],
  ['404 is an answer', get, [{ status: 404 }], { status: 404 }, 1, 0],
  ['422 is an answer', post, [{ status: 422 }], { status: 422 }, 1, 0],
  ['400 is an answer', post, [{ status: 400 }], { status: 400 }, 1, 0],
  ['500 once is tried again', get, [{ status: 500 }], { status: 200 }, 2, 1],
  ['502 twice, waits 1 and 2 s', get, [{ status: 502 }, { status: 502 }],
    { status: 200 }, 3, 3],
  ['503 three times, waits 1, 2, 4 s', get, Array(3).fill({ status: 503 }),
    { status: 200 }, 4, 7],
  ['504 for ever gives up after four', get, Array(9).fill({ status: 504 }),
    TEMP, 4, 7],
  ['a cut connection is tried again', get, ['cut'], { status: 200 }, 2, 1],
  ['403 without a sign of a limit is final', post,
    [{ status: 403, body: { message: 'Resource not accessible' } }],
    { status: 403 }, 1, 0],
  ['403 with Retry-After waits for it', get,
    [{ status: 403, headers: { 'Retry-After': '2' } }], { status: 200 }, 2, 2],
  ['403 with nothing remaining waits for the reset', get,
    [() => ({ status: 403, headers: {
      'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(soon()) } })],
    { status: 200 }, 2, 1],
  ['403 with a far reset gives the job back', get,
    [() => ({ status: 403, headers: {
      'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(later()) } })],
    TEMP, 1, 0],
  ['429 with Retry-After waits for it', get,
    [{ status: 429, headers: { 'Retry-After': '1' } }], { status: 200 }, 2, 1],
  ['429 with a long Retry-After gives back', get,
    [{ status: 429, headers: { 'Retry-After': '600' } }], TEMP, 1, 0],
  ['401 with one token is the answer', get, [{ status: 401 }],
    { status: 401 }, 1, 0],
  ['a POST after 502 that happened is not repeated', post, [{ status: 502 }],
    FINAL, 1, 1, '/thing'],
  ['a POST after 502 that did not happen is', post, [{ status: 502 }],
    { status: 201 }, 2, 1, '/nothing'],
  ['a POST cut after it was carried out is not repeated', post, ['cut-after'],
    FINAL, 1, 1, '/thing'],
  ['a POST in doubt that cannot be asked for is not repeated', post,
    ['cut-after'], TEMP, 1, 1],
  ['a PUT in doubt is read back as well', ['token', 'PUT', '/thing', '{}'],
    [{ status: 502 }], FINAL, 1, 1, '/thing'],
  ['301 is followed', get, [{ status: 301, headers: { Location: '/x' } }],
    { status: 404 }, 1, 0, undefined, true],
  ['307 is followed', get, [{ status: 307, headers: { Location: '/x' } }],
    { status: 404 }, 1, 0, undefined, true],
  ['409 is an answer', post, [{ status: 409 }], { status: 409 }, 1, 0],
  ['429 with nothing remaining waits for the reset', get,
    [() => ({ status: 429, headers: {
      'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(soon()) } })],
    { status: 200 }, 2, 1],
  ['a POST that is never answered is given up after 15 s', post, ['stall'],
    TEMP, 1, 16],
  ['a body that lies about its form is still an answer', post,
    [{ status: 201, body: 'not json' }], { status: 201, body: 'not json' },
    1, 0],
];

describe('a call', { concurrency: 6 }, () => {
  for (const [why, args, entries, want, calls, seconds, readBack, relative]
    of replies) {
    test(why, () => withClient({}, async (t) => {
      const script = entries.map((e) => (typeof e === 'function' ? e() : e))
        .map((e) => (relative ? { ...e, headers: {
          Location: `${t.github.url}/elsewhere` } } : e));
      t.github.script(`${args[1]} ${args[2]}`, script);
      const got = await t.call(args,
        readBack === undefined ? {} : { READ_BACK: readBack });
      for (const [name, value] of Object.entries(want)) {
        assert.equal(got[name], value, `${name}: ${JSON.stringify(got)}`);
      }
      assert.equal(t.github.count(`${args[1]} ${args[2]}`), calls, 'calls');
      assert.ok(got.ms >= seconds * 1000 - 50, `waited only ${got.ms} ms`);
      assert.ok(got.ms < seconds * 1000 + 4000, `waited ${got.ms} ms`);
    }));
  }

  test('a given-back call says when to come back', () =>
    withClient({}, async ({ github, call }) => {
      const reset = later();
      github.script('GET /thing', [{ status: 403, headers: {
        'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': String(reset) } }]);
      assert.equal((await call(get)).retry_at, reset);
      // and the next worker knows without asking
      const before = github.calls.length;
      assert.equal((await call(get)).rc, -1);
      assert.equal(github.calls.length, before);
    }));

  test('a refused token is left for another, also by the next worker', () =>
    withClient({ tokens: ['token-bad-0123456789', two] },
      async ({ github, call }) => {
        github.tokens.delete('token-bad-0123456789');
        assert.equal((await call(get, { REPEAT: '4' })).status, 200);
        assert.equal((await call(get)).status, 200);
        const refused = github.calls.filter((c) =>
          c.headers.authorization === 'Bearer token-bad-0123456789');
        assert.ok(refused.length <= 1, `asked ${refused.length} times`);
      }));

  test('an exhausted token is left for another in mid-call', () =>
    withClient({ tokens: [one, two] }, async ({ github, call }) => {
      github.script('GET /thing', [{ status: 403, headers: {
        'X-RateLimit-Remaining': '0',
        'X-RateLimit-Reset': String(later()) } }]);
      const got = await call(get);
      assert.equal(got.status, 200);
      assert.equal(github.calls.length, 2);
      assert.notEqual(github.calls[0].headers.authorization,
        github.calls[1].headers.authorization);
    }));

  test('the token with the most calls left is taken', () =>
    withClient({ tokens: [one, two] }, async ({ github, call }) => {
      github.tokens.get(one).remaining = 100;
      github.tokens.get(two).remaining = 4000;
      await call(get, { REPEAT: '2' }); // learns both
      github.calls.length = 0;
      await call(get, { REPEAT: '3' });
      for (const { headers } of github.calls) {
        assert.equal(headers.authorization, `Bearer ${two}`);
      }
    }));

  test('a repeated GET costs nothing: ETag and 304', () =>
    withClient({}, async ({ github, call }) => {
      const first = await call(get);
      const left = github.tokens.get(one).remaining;
      const second = await call(get);
      assert.equal(github.tokens.get(one).remaining, left);
      assert.equal(second.status, 200);
      assert.equal(second.body, first.body);
      assert.ok(github.calls[1].headers['if-none-match']);
    }));

  test('a token does not follow a redirect to another host', () =>
    withClient({}, async ({ github, call }) => {
      const other = await startGitHub();
      try {
        github.script('GET /thing', [{ status: 302, headers: {
          Location: `${other.url}/thing` } }]);
        await call(get);
        assert.equal(other.calls.length, 1);
        assert.equal(other.calls[0].headers.authorization, undefined);
      } finally {
        await other.stop();
      }
    }));

  test('every request names itself and the delivery', () =>
    withClient({}, async ({ github, call }) => {
      await call(get);
      const { headers } = github.calls[0];
      assert.match(headers['user-agent'], /^hookspool\//);
      assert.equal(headers['x-request-id'],
        '11111111-2222-4333-8444-555555555555');
      assert.equal(headers['x-github-api-version'], '2022-11-28');
    }));

  test('GraphQL: data, errors, and a limit told with 200', () =>
    withClient({}, async ({ github, call }) => {
      const query = ['graphql', 'query { viewer { login } }'];
      assert.equal((await call(query)).rc, 0);
      github.script('POST /graphql', [
        { body: { errors: [{ type: 'NOT_FOUND', message: 'no such thing' }] } },
        { body: { errors: [{ type: 'RATE_LIMITED', message: 'limit' }] },
          headers: { 'X-RateLimit-Remaining': '0',
            'X-RateLimit-Reset': String(later()) } },
      ]);
      const bad = await call(query);
      assert.equal(bad.class, PERM.class);
      assert.match(bad.error, /NOT_FOUND: no such thing/);
      const limited = await call(query);
      assert.equal(limited.class, TEMP.class);
      assert.ok(limited.retry_at > Date.now() / 1000 + 800);
    }));

  test('the App signs, gets a token, keeps it private and renews it', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
    });
    return withClient({ publicKey, config: ['github-app-id: 42'] },
      async ({ github, call, dir }) => {
        writeFileSync(join(dir, 'webhook-server.private-key.pem'),
          privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
        const app = ['installation', 'GET', '/thing'];
        assert.equal((await call(app)).status, 200);
        assert.equal((await call(app)).status, 200);
        assert.equal(github.count('POST /app/installations/4711'), 1);
        const cache = join(dir, 'cache/github');
        const file = readdirSync(cache).find((n) =>
          n.startsWith('installation-42-'));
        assert.equal(statSync(join(cache, file)).mode & 0o777, 0o600);
        // a token that GitHub took back is replaced once
        github.tokens.delete(readFileSync(join(cache, file), 'utf8')
          .trim().split(' ')[1]);
        assert.equal((await call(app)).status, 200);
        assert.equal(github.count('POST /app/installations/4711'), 2);
        // and one that ends in less than five minutes before it is used
        const path = join(cache, file);
        const [, token] = readFileSync(path, 'utf8').trim().split(' ');
        const ends = (seconds) => writeFileSync(path,
          `${Math.floor(Date.now() / 1000) + seconds} ${token}\n`);
        ends(360);
        assert.equal((await call(app)).status, 200);
        assert.equal(github.count('POST /app/installations/4711'), 2);
        ends(290);
        assert.equal((await call(app)).status, 200);
        assert.equal(github.count('POST /app/installations/4711'), 3);
      });
  });
});

// By itself: it measures when something arrives.
test('two writes of one token are a second apart, in two workers too', () =>
  withClient({}, async ({ github, call }) => {
    await Promise.all([call(post), call(post), call(post)]);
    const at = github.calls.map((c) => c.at).sort((a, b) => a - b);
    for (let i = 1; i < at.length; i++) {
      assert.ok(at[i] - at[i - 1] > 900, `${at[i] - at[i - 1]} ms apart`);
    }
  }));
