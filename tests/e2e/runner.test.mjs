// SPDX-License-Identifier: MIT
//
// The runner with a worker that does as it is told: outcomes, order, time,
// requests, and what is no job.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { withBench } from './support/bench.mjs';

const outcomes = [
  ['exit 0 is done', 'exit 0', 'done', 'succeeded'],
  ['exit 100 is dead', 'exit 100', 'dead', 'failed'],
];

for (const [why, body, state, outcome] of outcomes) {
  test(why, () => withBench({}, async (bench) => {
    const id = bench.add(body);
    bench.run();
    const record = await bench.settled(id);
    assert.equal(bench.find(id).state, state);
    assert.equal(record.state, outcome);
  }));
}
