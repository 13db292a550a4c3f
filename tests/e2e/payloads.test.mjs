// SPDX-License-Identifier: MIT
//
// Every real payload of @octokit/webhooks-examples, compact and pretty, each
// sent twice at once: signed by a signer that is not ours, accepted, run by a
// hook that wants everything, and found in the log as what it is, once.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';

import { sign } from '@octokit/webhooks-methods';

import { each } from './support/process.mjs';
import { startServer } from './support/server.mjs';

const events = createRequire(import.meta.url)(
  '@octokit/webhooks-examples/api.github.com/index.json');

const forms = {
  compact: (payload) => JSON.stringify(payload),
  pretty: (payload) => JSON.stringify(payload, null, 2),
};

/** What must be in the log, worked out without our code. */
function expected(event, payload) {
  return {
    event_type: event,
    action: payload.action ?? '',
    repository_full_name: payload.repository?.full_name ?? '',
    number: payload.pull_request?.number ?? payload.issue?.number ?? 0,
  };
}

function found(record) {
  return {
    event_type: record.event_type,
    action: record.action ?? '',
    repository_full_name: record.repository_full_name ?? '',
    number: Number(record.job_id.split('-')[0]),
  };
}

/** The package has a few payloads twice; a body is accepted only once, so the
 * second gets a byte of white space more. */
function cases() {
  const bodies = new Set();
  const all = [];
  for (const { name, examples } of events) {
    examples.forEach((payload, i) => {
      for (const [form, write] of Object.entries(forms)) {
        let body = write(payload);
        while (bodies.has(body)) body += '\n';
        bodies.add(body);
        all.push({
          title: `${name} ${i} ${form}`,
          event: name, body, delivery: randomUUID(),
          // a ping names its hook, which must be the header's
          headers: payload.hook_id
            ? { 'X-GitHub-Hook-ID': String(payload.hook_id) } : {},
          want: expected(name, payload),
        });
      }
    });
  }
  return all;
}

let server;
before(async () => {
  server = await startServer({
    responders: 2,
    config: 'hooks: [{name: all, command: ["/bin/true"]}]\nconcurrency: 2',
  });
});
after(() => server?.stop());

test('the package has what it is known to have', () => {
  assert.equal(events.length, 58);
  assert.equal(cases().length, 2 * 329);
});

test('every real payload is accepted, run and logged, once', async (t) => {
  const all = cases();
  const wrong = [];

  await each(all, 8, async (one) => {
    const signed = await sign(server.secret, one.body);
    const send = () => server.send({
      event: one.event, body: one.body, delivery: one.delivery, sign: signed,
      headers: one.headers,
    });
    const replies = await Promise.all([send(), send()]);
    const statuses = replies.map((reply) => reply.status).sort();
    if (statuses.join() !== '200,202')
      wrong.push(`${one.title}: ${replies.map((r) => r.status + r.text)}`);
    one.accepted = replies.find((reply) => reply.status === 202);
  });
  assert.deepEqual(wrong, [], 'one 202 and one 200 for each');

  await server.settled(600);
  const byDelivery = new Map();
  for (const record of server.records()) {
    const list = byDelivery.get(record.delivery_id) ?? [];
    byDelivery.set(record.delivery_id, [...list, record]);
  }
  for (const one of all) {
    const records = byDelivery.get(one.delivery) ?? [];
    try {
      assert.equal(records.length, 1, 'number of records');
      assert.deepEqual(found(records[0]), one.want);
      assert.equal(records[0].job_id, one.accepted.json.job_id);
      assert.equal(records[0].success, true, records[0].error);
    } catch (error) {
      wrong.push(`${one.title}: ${error.message}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.equal(byDelivery.size, all.length, 'and nothing else is logged');
  assert.equal(server.names('done').length, all.length);
  assert.deepEqual(server.names('dead').concat(server.names('bad')), []);
  t.diagnostic(`${all.length} bodies, ${2 * all.length} requests`);
});
