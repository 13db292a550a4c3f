// SPDX-License-Identifier: MIT
//
// Everything that an issue job meets: a whole hookspool, a git host that
// wants credentials, a GitHub, and a shell script as the command that works.
//
//   const world = await startWorld({ script: 'echo hi > new.txt' });
//   const job = await world.label(7, { title: 'Say hi' });
//   job.record, job.steps, job.step('push')
//   await world.stop();

import {
  chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';

import { assertDescribed } from './described.mjs';
import { startGitHost } from './git.mjs';
import { startGitHub } from './github.mjs';
import { startServer } from './server.mjs';

export const TOKEN = 'ghp_0123456789abcdefABCDEF0123456789abcd';
export const REPOSITORY = 'octo/app';

export const issuePayload = (number, {
  action = 'labeled', title = 'Say hello', body = 'Please.',
  labels = ['agent'], label = 'agent', repository = REPOSITORY,
  defaultBranch = 'main', change = {},
} = {}) => ({
  action,
  ...(action === 'labeled' ? { label: { name: label } } : {}),
  issue: { number, title, body, state: 'open', user: { login: 'ann' },
    html_url: `https://github.com/${repository}/issues/${number}`,
    labels: labels.map((name) => ({ name })) },
  repository: { full_name: repository, name: repository.split('/')[1],
    default_branch: defaultBranch, owner: { login: repository.split('/')[0] } },
  sender: { login: 'ann' }, mark: randomUUID(), ...change,
});

class World {
  get bin() {
    return join(this.server.dir, 'bin');
  }

  script(name, text) {
    mkdirSync(this.bin, { recursive: true });
    const path = join(this.bin, name);
    writeFileSync(path, `#!/bin/sh\n${text}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  configure(lines) {
    const { server, host, github } = this;
    server.writeConfig([
      `github-api-url: ${github.url}`,
      `github-tokens: ["${TOKEN}"]`,
      'stop-grace: 2s',
      `repositories: {app: {name: ${REPOSITORY}}}`,
      ...this.workspaceLines(this.gitUrl ?? host.url),
      'issue-job:',
      '  label: agent',
      `  command: [${join(this.bin, 'work')}]`,
      `  readable: [${this.bin}]`,
      ...lines,
    ].join('\n'));
  }

  workspaceLines(url) {
    return ['workspace:', `  git-url: "${url}/{repository}.git"`,
      ...(this.workspace ?? [])];
  }

  /** Sends an `issues` event; the settled job. */
  async label(number, options = {}) {
    const sent = await this.send(number, options);
    return this.job(sent);
  }

  send(number, options = {}) {
    return this.server.send({ event: 'issues',
      body: JSON.stringify(issuePayload(number, options)) });
  }

  async job(sent, seconds = 60) {
    if (sent.status !== 202) throw new Error(`${sent.status} ${sent.text}`);
    const record = await this.server.record(sent.delivery, seconds);
    const steps = this.server.steps(record.job_id);
    return { id: record.job_id, sent, record, steps,
      step: (name) => steps.findLast((line) => line.step === name &&
        /^step_(completed|failed)$/.test(line.event)),
      order: steps.filter((line) => /^step_(completed|failed)$/.test(line.event))
        .map((line) => line.step) };
  }

  /** What is in a folder of the data directory, lock files included; not the
   * empty directories that commands use again. */
  left(folder) {
    const path = join(this.server.data, folder);
    const kept = (name) => folder === 'scratch' && /^\d+$/.test(name) &&
      readdirSync(join(path, name)).length === 0;
    return existsSync(path) ? readdirSync(path).filter((one) => !kept(one)) : [];
  }

  async stop() {
    await this.server.stop();
    await this.github.stop();
    await this.host.stop();
    assertDescribed(this.github.calls);
  }
}

export async function startWorld({
  script = 'echo hello > hello.txt', config = [], files, tokens = [TOKEN],
  workspace, ...options
} = {}) {
  const world = new World();
  world.workspace = workspace;
  world.host = await startGitHost({ tokens });
  world.github = await startGitHub({ tokens: [TOKEN] });
  world.host.create(REPOSITORY, files);
  world.server = await startServer({ runner: false, ...options });
  world.script('work', script);
  world.configure(config);
  world.server.startRunner();
  return world;
}
