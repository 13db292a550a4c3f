// SPDX-License-Identifier: MIT
//
// What the client sends is what GitHub's own descriptions of its APIs allow:
// the statuses' tests hold every call against them; this holds the holder.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { graphqlProblems, restProblems } from './support/described.mjs';

const headers = { 'user-agent': 'x', accept: 'application/vnd.github+json' };
const sha = '0123456789abcdef0123456789abcdef01234567';
const post = (body, more = {}) => ({ method: 'POST',
  path: `/repos/o/r/statuses/${sha}`, headers, body: JSON.stringify(body),
  ...more });

const rest = [
  ['a status', post({ state: 'success', context: 'c' }), 0],
  ['with all members', post({ state: 'error', context: 'c', description: 'd',
    target_url: 'https://x' }), 0],
  ['a state there is not', post({ state: 'done' }), 1],
  ['no state', post({ context: 'c' }), 1],
  ['a member there is not', post({ state: 'success', url: 'x' }), 1],
  ['the list of statuses', { method: 'GET', headers, body: '',
    path: `/repos/o/r/commits/${sha}/statuses?per_page=100` }, 0],
  ['a parameter there is not', { method: 'GET', headers, body: '',
    path: `/repos/o/r/commits/${sha}/statuses?size=100` }, 1],
  ['a path there is not', { method: 'GET', headers, body: '',
    path: '/repos/o/r/stati' }, 1],
  ['a method there is not', post({ state: 'success' }, { method: 'PUT' }), 1],
  ['no User-Agent', post({ state: 'success' },
    { headers: { accept: 'application/json' } }), 1],
  ['an installation token', { method: 'POST', headers, body: '{}',
    path: '/app/installations/4711/access_tokens' }, 0],
];
for (const [why, call, problems] of rest) {
  test(`REST: ${why}`, () =>
    assert.equal(restProblems(call).length, problems,
      restProblems(call).join('\n')));
}

test('GraphQL: a query that fits, and two that do not', () => {
  assert.deepEqual(graphqlProblems(
    'query($o:String!,$n:String!,$p:Int!,$c:String){repository(owner:$o,' +
    'name:$n){pullRequest(number:$p){reviewThreads(first:100,after:$c){' +
    'pageInfo{hasNextPage endCursor} nodes{isResolved isOutdated}}}}}'), []);
  assert.equal(graphqlProblems('query { viewer { nick } }').length, 1);
  assert.equal(graphqlProblems('query { viewer {').length, 1);
});
