// SPDX-License-Identifier: MIT
//
// A whole server that reports commit statuses, or with `app` check runs, to a
// GitHub of the tests.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { appConfig, testApp } from './app.mjs';
import { assertDescribed } from './described.mjs';
import { sha, startGitHub, token } from './github.mjs';
import { waitFor } from './process.mjs';
import { startServer } from './server.mjs';

export { sha, token };

/** fn({ github, server, push }) with a whole server that reports there. */
export async function withReports(options, fn) {
  const github = await startGitHub({ tokens: [token],
    ...(options.app ? { publicKey: testApp().publicKey } : {}),
    ...options.github });
  const server = await startServer({ config: [
    `github-api-url: ${github.url}`,
    ...(options.token === false ? [] : [`github-tokens: [${token}]`]),
    ...(options.app ? appConfig() : []),
    'public-url: https://ci.example.org',
    'repositories: {app: {name: octo/app}}',
    ...(options.config ?? []),
    `hooks: [{name: work, command: ${
      JSON.stringify(options.command ?? ['/bin/true'])}, timeout: ${
      options.timeout ?? '60s'}}]`,
  ].join('\n') }).catch(async (error) => {
    await github.stop();
    throw error;
  });
  const push = async (commit, more = {}) => {
    const reply = await server.send({ event: 'push', body: JSON.stringify({
      ref: 'refs/heads/main', before: '0'.repeat(40), after: commit,
      repository: { full_name: 'octo/app' }, sender: { login: 'ann' },
      mark: randomUUID(), ...more,
    }) });
    assert.equal(reply.status, 202, reply.text);
    return reply;
  };
  try {
    await fn({ github, server, push });
    assertDescribed(github.calls);
  } finally {
    await server.stop().finally(() => github.stop());
  }
}

export function reportOf(server, jobId) {
  const file = join(server.spool, 'out', jobId);
  if (!existsSync(file)) return {};
  return Object.fromEntries(readFileSync(file, 'utf8').trim().split('\n')
    .map((line) => line.split(/: (.*)/s).slice(0, 2)));
}

export function finished(server, jobId, seconds = 60) {
  return waitFor(`the report of ${jobId}`, () => {
    const report = reportOf(server, jobId);
    return ['success', 'failure', 'error'].includes(report.State) &&
      report.Result !== 'waiting' ? report : undefined;
  }, seconds);
}
