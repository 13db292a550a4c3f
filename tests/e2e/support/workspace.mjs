// SPDX-License-Identifier: MIT
//
// A hook that asks for a workspace, for tests of what it then finds there.
//
//   const { run, push, output, nothingLeft } = hookIn(() => world);
//   const job = await run(...push(sha), { script: 'ls' });
//   output(job)

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { REPOSITORY, TOKEN } from './issue.mjs';
import { waitFor } from './process.mjs';

export const SHOW = 'git rev-parse HEAD; git status --porcelain; ls -A | sort; ' +
  'stat -c "mode %a" .';

export function hookIn(getWorld) {
  /** Sends an event to a hook that runs `script` in its workspace. */
  async function run(event, payload, {
    workspace = 'head', script = SHOW, extra = '', settings = [], url,
    token = TOKEN, repository = REPOSITORY, seconds,
  } = {}) {
    const world = getWorld();
    configure({ workspace, script, extra, settings, url, token });
    const body = JSON.stringify({
      repository: { full_name: repository, default_branch: 'main' },
      sender: { login: 'ann' }, mark: randomUUID(), ...payload });
    // until the responders have read the configuration above
    const sent = await waitFor('the hook to be known', async () => {
      const reply = await world.server.send({ event, body });
      return reply.json?.status !== 'ignored' && reply;
    });
    return seconds === 0 ? sent : world.job(sent, seconds);
  }

  function configure({ workspace = 'head', script = SHOW, extra = '',
    settings = [], url, token = TOKEN }) {
    const world = getWorld();
    world.script('hook', script);
    world.server.writeConfig([
      `github-api-url: ${world.github.url}`, `github-tokens: ["${token}"]`,
      'stop-grace: 2s', 'workspace:',
      `  git-url: "${url ?? world.host.url}/{repository}.git"`,
      ...settings.map((line) => `  ${line}`),
      `hooks: [{name: h, command: ["${world.bin}/hook"], ` +
        `workspace: ${workspace}${extra}}]`,
    ].join('\n'));
  }

  const output = (job) => job.step('hook:h').output;
  const ref = (name, repository = REPOSITORY) =>
    getWorld().host.git(repository, 'rev-parse', `${name}^{commit}`);
  const push = (sha, name = 'refs/heads/main', change = {}) =>
    ['push', { ref: name, before: '0'.repeat(40), after: sha,
      pusher: { name: 'ann' }, head_commit: { id: sha }, ...change }];

  function nothingLeft() {
    assert.deepEqual(getWorld().left('workspaces'), []);
    assert.deepEqual(getWorld().left('scratch'), []);
  }

  return { run, configure, output, ref, push, nothingLeft };
}
