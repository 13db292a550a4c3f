// SPDX-License-Identifier: MIT
//
// One request has one name everywhere: the X-Request-ID of the reply is in
// the responder's log, the spool file, every step line and the record.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startServer } from './support/server.mjs';

let server;
before(async () => {
  server = await startServer({
    config: 'hooks: [{name: hello, command: ["/bin/echo", "hello"]}]',
  });
});
after(() => server?.stop());

/** Lines of a log that are about this delivery. */
function linesOf(text, delivery) {
  return text.split('\n').filter((line) => line.includes(delivery))
    .map((line) => JSON.parse(line));
}

async function follow(headers) {
  const reply = await server.send({
    event: 'issues',
    body: JSON.stringify({
      action: 'opened', issue: { number: 11 }, mark: randomUUID(),
      repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
    }),
    headers,
  });
  assert.equal(reply.status, 202, reply.text);
  const record = await server.record(reply.delivery);
  return { id: reply.headers['x-request-id'], record, reply };
}

function assertEverywhere({ id, record, reply }) {
  const responder = linesOf(server.program('responder').output(),
    reply.delivery);
  const runner = linesOf(server.program('runner').output(), reply.delivery);
  const steps = server.steps(record.job_id);
  const head = readFileSync(join(server.spool, 'done', record.job_id), 'utf8');

  assert.ok(responder.length > 0, 'the responder logged it');
  assert.ok(steps.length > 0, 'there are steps');
  for (const line of [...responder, ...runner, ...steps, record])
    assert.equal(line.request_id, id, JSON.stringify(line));
  for (const line of steps) {
    assert.equal(line.delivery_id, reply.delivery, JSON.stringify(line));
    assert.equal(line.job_id, record.job_id, JSON.stringify(line));
  }
  assert.match(head, new RegExp(`^Request: ${id}$`, 'm'));
  assert.equal(record.job_id, `11-${reply.delivery}`);
  assert.equal(reply.json.job_id, record.job_id);
}

test('a request without an ID gets one, which is found everywhere',
  async () => {
    const job = await follow({});
    assert.match(job.id, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assertEverywhere(job);
  });

test('a UUID that came with the request is kept', async () => {
  const id = randomUUID();
  const job = await follow({ 'X-Request-ID': id });
  assert.equal(job.id, id);
  assertEverywhere(job);
});

test('anything else is replaced', async () => {
  const job = await follow({ 'X-Request-ID': 'x", "level": "error' });
  assert.match(job.id, /^[0-9a-f-]{36}$/);
  assertEverywhere(job);
});
