// SPDX-License-Identifier: MIT
//
// What becomes of mirrors over time: many fetches, and the first one.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { git } from './support/git.mjs';
import { REPOSITORY, startWorld } from './support/issue.mjs';
import { waitFor } from './support/process.mjs';
import { hookIn } from './support/workspace.mjs';

if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const { run, configure, output, push, nothingLeft } = hookIn(() => world);

const mirror = (name = '', repository = REPOSITORY) =>
  join(world.server.data, 'mirrors', repository, name);
const packs = (generation) => readdirSync(mirror(
  `${generation}/objects/pack`)).filter((name) => name.endsWith('.pack'));

/** As many packs as so many fetches would have brought. */
function addPacks(generation, count) {
  const path = mirror(generation);
  for (let i = 0; i < count; i++) {
    const blob = execFileSync('git', ['hash-object', '-w', '--stdin'],
      { cwd: path, input: `filler ${i}\n`, encoding: 'utf8' });
    execFileSync('git', ['pack-objects', '-q', 'objects/pack/pack'],
      { cwd: path, input: blob, stdio: ['pipe', 'ignore', 'inherit'] });
  }
  git(path, 'prune-packed');
}

const pull = (number, sha) => {
  world.host.git(REPOSITORY, 'update-ref', `refs/pull/${number}/head`, sha);
  return ['pull_request', { action: 'opened', number, pull_request: { number,
    head: { sha, ref: 'x' }, base: { ref: 'main' } } }];
};

describe('many fetches', () => {
  test('a mirror of many packs becomes one of one; a workspace that leans ' +
    'on the old one keeps it until it is done', async () => {
    const first = world.host.git(REPOSITORY, 'rev-parse', 'main');
    await run(...push(first));
    addPacks('g1.git', 55);
    const go = `${world.bin}/go`;
    const open = await run(...pull(1, first), { seconds: 0, script:
      `touch "${world.bin}/open"; until [ -e "${go}" ]; do sleep 0.05; done; ` +
      'git fsck --connectivity-only 2>&1 | grep -v dangling; ' +
      'git log --format=%H; cat .git/objects/info/alternates' });
    await waitFor('the workspace', () => existsSync(`${world.bin}/open`));
    const second = world.host.commit(REPOSITORY, 'main', { 'b.txt': 'b\n' });
    const job = await run(...pull(2, second), { script: 'cat b.txt' });
    assert.equal(output(job), 'b\n');
    assert.match(JSON.stringify(job.steps), /its packs are one again/);
    assert.ok(existsSync(mirror('g1.git')), 'somebody leans on it');
    assert.equal(packs('g2.git').length, 1);
    assert.equal(git(mirror('g2.git'), 'rev-parse', 'refs/pull/2/head'),
      second);
    assert.equal(existsSync(mirror('packing')), false);

    // New work has the new one, and nothing is asked of the remote for it.
    const again = await run(...pull(3, second), { script:
      'cat .git/objects/info/alternates' });
    assert.equal(again.step('mirror_fetch').mirror, 'has the commit');
    assert.match(output(again), /g2\.git/);

    writeFileSync(go, '');
    const done = await world.job(open);
    assert.equal(done.record.success, true, JSON.stringify(done.steps));
    assert.match(output(done), new RegExp(`^${first}\n.*g1\\.git`));
    nothingLeft();
    const third = world.host.commit(REPOSITORY, 'main', { 'c.txt': 'c\n' });
    await configure({});
    const last = await run(...pull(4, third), { script: 'ls' });
    assert.match(output(last), /c\.txt/);
    assert.equal(existsSync(mirror('g1.git')), false, 'nobody leans on it');
    assert.equal(packs('g2.git').length, 2);
  });

  test('a mirror with few packs stays', () => {
    assert.deepEqual(readdirSync(mirror()).filter((n) => n.endsWith('.git')),
      ['g2.git']);
  });
});
