// SPDX-License-Identifier: MIT
//
// A limit of GitHub's that lasts longer than a worker may wait: the job goes
// back to the queue, and comes back when GitHub said.

import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';

import { startWorld } from './support/issue.mjs';
import { waitFor } from './support/process.mjs';

const inSeconds = (seconds) => Math.floor(Date.now() / 1000) + seconds;

// why, GitHub's headers, and when (Unix time) the job may come back
const limits = [
  ['the reset of an exhausted limit', () => {
    const at = inSeconds(900);
    return [{ 'X-RateLimit-Remaining': '0', 'X-RateLimit-Reset': `${at}` },
      at];
  }],
  ['Retry-After', () => [{ 'Retry-After': '700' }, inSeconds(700)]],
];

describe('try again at', { concurrency: 2 }, () => {
  for (const [why, make] of limits) {
    test(why, async () => {
      const world = await startWorld();
      try {
        const [headers, at] = make();
        world.github.script('POST /repos/octo/app/pulls',
          [{ status: 403, headers, body: { message: 'API rate limit' } }]);
        const began = Date.now();
        const sent = await world.send(7);
        assert.equal(sent.status, 202);
        const [name] = await waitFor('the job in retry/', () => {
          world.server.alive('runner');
          const names = world.server.names('retry');
          return names.length > 0 && names;
        });
        const late = Math.ceil((Date.now() - began) / 1000);
        assert.equal(name, `${sent.json.job_id}.1`);
        const due = statSync(join(world.server.spool, 'retry', name)).mtimeMs;
        // never before; Retry-After counts from when it was told
        assert.ok(due >= at * 1000 && due <= (at + late + 2) * 1000,
          `due ${due / 1000 - at} s after ${at}`);
        assert.equal(world.github.count('POST /repos/octo/app/pulls'), 1);
        // the line is written once the file has moved
        const settled = await waitFor('the step log to say when', () =>
          world.server.steps(sent.json.job_id)
            .findLast(({ not_before: time }) => time !== undefined));
        assert.equal(Date.parse(settled.not_before), Math.round(due));
      } finally {
        await world.stop();
      }
    });
  }
});
