// SPDX-License-Identifier: MIT
//
// The GitHub client, one call a process, against a GitHub of the tests.

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { startGitHub } from './github.mjs';
import { buildDir } from './server.mjs';

const run = promisify(execFile);
const program = join(buildDir, 'test/program/github_call');
export const one = 'token-one-0123456789';
export const two = 'token-two-0123456789';

/** fn({ github, call, dir, config }) with a far end and a client. */
export async function withClient(options, fn) {
  const github = await startGitHub({
    ...options, tokens: options.tokens ?? [one],
  });
  const dir = mkdtempSync(join(tmpdir(), 'hookspool-github-'));
  const config = join(dir, 'config.yaml');
  writeFileSync(config, [
    `data-directory: ${dir}`,
    'webhook-secret: "nothing is received here"',
    `github-api-url: ${options.url?.(github) ?? github.url}`,
    ...(options.tokens === null ? []
      : [`github-tokens: [${(options.tokens ?? [one]).join(', ')}]`]),
    ...(options.config ?? []),
  ].join('\n') + '\n', { mode: 0o600 });
  const call = async (args, env = {}) => {
    const started = Date.now();
    const { stdout } = await run(program, [config, 'o/r', ...args], {
      env: { ...process.env, ...env }, timeout: 120e3,
    });
    return { ...JSON.parse(stdout), ms: Date.now() - started };
  };
  try {
    await fn({ github, call, dir, config });
  } finally {
    await github.stop();
    rmSync(dir, { recursive: true, force: true });
  }
}
