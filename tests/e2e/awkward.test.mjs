// SPDX-License-Identifier: MIT
//
// Payloads that the examples lack and the world sends.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startServer } from './support/server.mjs';

const user = (login) => ({ login, id: 1, type: 'User' });
const repository = {
  id: 1, name: 'app', full_name: 'octo/app', private: false,
  owner: user('octo'), default_branch: 'main',
};

function pull(changes = {}, top = {}) {
  return {
    action: 'opened', number: 7,
    pull_request: {
      id: 3, number: 7, state: 'open', title: 'A title', body: 'A body',
      user: user('ann'), labels: [], draft: false, merged: false,
      head: { ref: 'topic', sha: 'a'.repeat(40), repo: repository },
      base: { ref: 'main', sha: 'b'.repeat(40), repo: repository },
      ...changes,
    },
    repository, sender: user('ann'), ...top,
  };
}

function push(ref, commits = [], top = {}) {
  return {
    ref, before: '0'.repeat(40), after: 'c'.repeat(40), created: false,
    deleted: false, forced: false, commits, head_commit: null,
    repository, pusher: { name: 'ann', email: 'ann@example.org' },
    sender: user('ann'), ...top,
  };
}

function commit(i) {
  return {
    id: i.toString(16).padStart(40, '0'), message: `Change ${i}`,
    timestamp: '2026-01-01T00:00:00Z', added: [], removed: [],
    modified: [`src/file-${i}.c`],
    author: { name: 'Ann', email: 'ann@example.org', username: 'ann' },
  };
}

const crlf = ('A line of a comment\r\n'.repeat(4000)).slice(0, 65535);
const shell = 'x;$(touch${IFS}HACKED)`id`|&>out\'"*?[a]{b}~#!';

/* Accepted with 202, run, and in the log as `want` says. */
const accepted = [
  ['a fork that was deleted since (head.repo null)', 'pull_request',
    pull({ head: { ref: 'topic', sha: 'a'.repeat(40), repo: null } }),
    { number: 7 }],
  ['a ghost: user null', 'pull_request', pull({ user: null }), { number: 7 }],
  ['a sender that is not there', 'pull_request',
    pull({}, { sender: undefined }), { number: 7 }],
  ['a comment of 65,535 characters with CR LF', 'issue_comment', {
    action: 'created', issue: { number: 9, title: 't', user: user('ann') },
    comment: { id: 5, body: crlf, user: user('ann') },
    repository, sender: user('ann'),
  }, { number: 9 }],
  ['100 labels', 'pull_request', pull({
    labels: Array.from({ length: 100 }, (_, i) =>
      ({ id: i, name: `label ${i} \u{1F3F7}`, color: 'ededed' })),
  }), { number: 7 }],
  ['shell characters in a branch', 'push', push(`refs/heads/${shell}`), {}],
  ['identifiers of 64 bits', 'issues', {
    action: 'opened', repository: { ...repository, id: 9223372036854775807n },
    sender: { ...user('ann'), id: 9007199254740993n },
    issue: { id: 18446744073709551615n, number: 2147483647, title: 't' },
  }, { number: 2147483647 }],
  ['a lone surrogate, as where GitHub cuts a text', 'push',
    text(push('refs/heads/main', [], { x: 'CUT' })).replace('CUT', '\\ud83d'),
    {}],
  ['an action nobody has heard of', 'pull_request',
    pull({}, { action: 'levitated' }), { action: 'levitated' }],
  ['an event nobody has heard of', 'quantum_leap',
    { action: 'leaped', repository, sender: user('ann') }, {}],
  ['2,048 commits', 'push',
    push('refs/heads/main', Array.from({ length: 2048 }, (_, i) => commit(i))),
    {}],
  ['right-to-left, joined and combined characters', 'pull_request',
    pull({ title: '\u202Eevil\u202C \u{1F469}\u200D\u{1F4BB} e\u0301' }), {}],
  ['25 MB less one byte', 'push', (() => {
    const rest = Buffer.byteLength(text(push('refs/heads/main', [], { x: '' })));
    return push('refs/heads/main', [],
      { x: 'x'.repeat(25 * 1024 * 1024 - 1 - rest) });
  })(), {}],
];

const main = text(push('refs/heads/main', [], { x: 'HERE' }));
const with_ = (what) => main.replace('"HERE"', what);
const deep = (n) => '['.repeat(n) + ']'.repeat(n);

/* Refused with this status and error; nothing is queued. All but the thing
 * itself is a push that would be accepted. */
const refused = [
  ['a repository name with ../ in it', 400, 'invalid_repository',
    text(push('refs/heads/main', [], {
      repository: { ...repository, full_name: '../../etc/passwd' },
    }))],
  ['depth 10,000', 400, 'invalid_json', with_(deep(10000))],
  ['depth 100,000', 400, 'invalid_json', with_(deep(100000))],
  ['depth 100,000, never closed', 400, 'invalid_json',
    main.slice(0, -1) + ',"y":' + '['.repeat(100000)],
  ['27 MB', 413, '', Buffer.alloc(27 * 1024 * 1024, 0x20)],
  ['an array', 400, 'invalid_json', `[${main}]`],
  ['a string', 400, 'invalid_json', '"x"'],
  ['nothing but white space', 400, 'invalid_json', ' \n'],
  ['two values', 400, 'invalid_json', `${main}{}`],
  ['a NUL in a string', 400, 'invalid_json', with_('"\\u0000"')],
  ['a NUL', 400, 'invalid_json', `${main}\0`],
  ['bytes that are no UTF-8', 400, 'invalid_json',
    Buffer.from(with_('"\u00c0\u00af"'), 'latin1')],
  ['a key twice', 400, 'invalid_json', with_('1,"x":2')],
];

/** JSON, with 64-bit numbers where a payload has them; text as it is. */
function text(payload) {
  if (typeof payload === 'string') return payload;
  return JSON.stringify(payload, (_, value) =>
    typeof value === 'bigint' ? `@${value}@` : value)
    .replace(/"@(\d+)@"/g, '$1');
}

let server;
before(async () => {
  server = await startServer({
    config: `
hooks:
  - name: show
    command: ["/bin/sh", "-c", "printf '%s' \\"$1\\"", "sh", "{{ref}}"]
`,
  });
});
after(() => server?.stop());

for (const [title, event, payload, want] of accepted) {
  test(`accepted: ${title}`, async () => {
    const reply = await server.send({ event, body: text(payload) });
    assert.equal(reply.status, 202, reply.text);
    const record = await server.record(reply.delivery);
    assert.equal(record.success, true, record.error);
    assert.equal(record.event_type, event);
    if ('number' in want)
      assert.equal(record.job_id.split('-')[0], String(want.number));
    if ('action' in want) assert.equal(record.action, want.action);
    const body = readFileSync(join(server.spool, 'done', record.job_id));
    assert.ok(body.includes(text(payload)), 'the body is kept byte for byte');
  });
}

test('the push that the refused ones are made of is accepted', async () => {
  const reply = await server.send({ event: 'push', body: main });
  assert.equal(reply.status, 202, reply.text);
  await server.record(reply.delivery);
});

for (const [title, status, error, body] of refused) {
  test(`refused: ${title}`, async () => {
    const before = server.names('new').length + server.names('done').length;
    const reply = await server.send({ event: 'push', body });
    assert.equal(reply.status, status, reply.text);
    if (error !== '') {
      assert.equal(reply.json?.error, error, reply.text);
      assert.ok(reply.json?.reason, reply.text);
    }
    await server.settled();
    assert.equal(server.names('done').length, before);
  });
}

test('a branch of shell characters is one argument, as it is', async () => {
  const body = text(push(`refs/heads/${shell}-again`));
  const reply = await server.send({ body });
  const record = await server.record(reply.delivery);
  const output = server.steps(record.job_id)
    .filter((line) => line.event === 'output').map((line) => line.text);
  assert.equal(output.join(''), `refs/heads/${shell}-again`);
});
