// SPDX-License-Identifier: MIT
//
// Mirrors and workspaces on real git over smart HTTP with credentials: what a
// hook that asks for a workspace gets, and what is left after each failure.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  existsSync, mkdirSync, readdirSync, truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { StallProxy, git } from './support/git.mjs';
import { REPOSITORY, startWorld } from './support/issue.mjs';
import { descendants, waitFor } from './support/process.mjs';
import { SHOW, hookIn } from './support/workspace.mjs';

// Tens of thousands of files come and go: in memory where that can be.
if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm';

let world;
before(async () => {
  world = await startWorld({ files: { 'a.txt': 'a\n', 'd/b.txt': 'b\n' } });
});
after(() => world?.stop());

const { run, configure, output, ref, push, nothingLeft } =
  hookIn(() => world);

describe('a hook with a workspace', () => {
  test('head: a clean checkout of exactly the pushed commit, private, and ' +
    'removed', async () => {
    const sha = ref('main');
    const later = world.host.commit(REPOSITORY, 'main', { 'later.txt': 'x' });
    const job = await run(...push(sha));
    assert.equal(output(job), `${sha}\n.git\na.txt\nd\nmode 700\n`);
    assert.equal(job.step('mirror_fetch').mirror, 'new');
    assert.equal(job.step('workspace_ready').sha, sha);
    assert.deepEqual(job.order, ['webhook_routing', 'mirror_fetch',
      'workspace_ready', 'hook:h', 'workspace_cleaned']);
    const again = await run(...push(later));
    assert.match(output(again), new RegExp(`^${later}\n`));
    assert.equal(again.step('mirror_fetch').mirror, 'has the commit');
    nothingLeft();
  });

  test('the command knows where it is', async () => {
    const job = await run(...push(ref('main')), { script:
      'pwd; echo $HOOKSPOOL_WORKSPACE $HOOKSPOOL_WORKSPACE_SHA' });
    const path = join(world.server.data, 'workspaces', job.id);
    assert.equal(output(job), `${path}\n${path} ${ref('main')}\n`);
  });

  test('strict: git works there, the mirror cannot be written', async () => {
    const job = await run(...push(ref('main')), {
      extra: `, sandbox: strict, readable: [${world.bin}]`,
      script: 'git log --oneline | wc -l; ' +
        'touch "$(cat .git/objects/info/alternates)/x" 2>&1; ' +
        `ls ${world.server.config} 2>&1; true` });
    assert.equal(job.record.success, true, JSON.stringify(job.steps));
    assert.match(output(job), /^2\n/);
    assert.match(output(job), /Read-only file system/);
    assert.match(output(job), /config.yaml'?: No such file/);
  });

  test('head of a pull request from a fork', async () => {
    const sha = world.host.commit(REPOSITORY, 'tmp', { 'fork.txt': 'f' },
      'Fork', 'main');
    world.host.git(REPOSITORY, 'update-ref', 'refs/pull/9/head', sha);
    world.host.git(REPOSITORY, 'branch', '-D', 'tmp');
    const job = await run('pull_request', { action: 'opened', number: 9,
      pull_request: { number: 9, head: { sha, ref: 'x' },
        base: { ref: 'main' } } });
    assert.match(output(job), new RegExp(`^${sha}\n`));
  });

  test('merge: the merge commit of exactly this head', async () => {
    const head = ref('refs/pull/9/head');
    const base = ref('main');
    const tree = world.host.git(REPOSITORY, 'rev-parse', `${head}^{tree}`);
    const merge = world.host.git(REPOSITORY, 'commit-tree', tree, '-p', base,
      '-p', head, '-m', 'Merge');
    world.host.git(REPOSITORY, 'update-ref', 'refs/pull/9/merge', merge);
    const job = await run('pull_request', { action: 'opened', number: 9,
      pull_request: { number: 9, head: { sha: head, ref: 'x' },
        base: { ref: 'main' } } }, { workspace: 'merge' });
    assert.match(output(job), new RegExp(`^${merge}\n`));
  });

  test('tag: an annotated one is its commit', async () => {
    const sha = ref('main');
    world.host.git(REPOSITORY, 'tag', '-a', '-m', 'v', 'v1.0', sha);
    const tag = world.host.git(REPOSITORY, 'rev-parse', 'v1.0');
    const job = await run(...push(tag, 'refs/tags/v1.0',
      { head_commit: { id: sha } }), { workspace: 'tag' });
    assert.match(output(job), new RegExp(`^${sha}\n`));
  });

  test('default-branch, whatever the event', async () => {
    const sha = world.host.commit(REPOSITORY, 'main', { 'new.txt': 'n' });
    const job = await run('star', { action: 'created', starred_at: null },
      { workspace: 'default-branch' });
    assert.match(output(job), new RegExp(`^${sha}\n`));
  });

  test('a branch that was deleted gives nothing to check out', async () => {
    const job = await run('push', { ref: 'refs/heads/x', deleted: true,
      before: ref('main'), after: '0'.repeat(40), pusher: { name: 'a' } });
    assert.equal(job.record.success, true);
    assert.equal(job.step('hook:h').ignored, 'the ref was deleted');
  });

  test('an event without a commit fails for good', async () => {
    const job = await run('star', { action: 'created', starred_at: null });
    assert.equal(job.record.success, false);
    assert.match(JSON.stringify(job.step('hook:h')), /the event has no commit/);
  });

  test('odd branch names', async () => {
    const name = 'wild/ü $(id);\'"&|<x>-{a}#%41';
    const sha = world.host.commit(REPOSITORY, name.replace(/ /g, ''),
      { 'odd.txt': '1' }, 'Odd', 'main');
    const job = await run(...push(sha, `refs/heads/${name.replace(/ /g, '')}`));
    assert.match(output(job), new RegExp(`^${sha}\n`));
  });

  test('hostile contents: hooks and links do nothing, LFS pointers are ' +
    'counted', async () => {
    const repository = 'octo/odd';
    world.host.create(repository, { '.gitattributes':
      '*.bin filter=lfs diff=lfs merge=lfs -text\n',
    'big.bin': 'version https://git-lfs.github.com/spec/v1\n',
    'post-checkout': '#!/bin/sh\ntouch /tmp/hookspool-was-run\n' });
    const job = await run(...push(ref('main', repository)), { repository,
      script: 'cat big.bin' });
    assert.equal(job.step('workspace_ready').lfs_pointers, 1);
    assert.match(output(job), /^version https/);
    assert.equal(existsSync('/tmp/hookspool-was-run'), false);
  });
});

/** The worker whose hook runs now. */
const workerOfCommand = () => descendants(world.server.program('runner').pid)
  .find(({ name }) => name === 'hook').ppid;

describe('failures leave nothing behind', () => {
  test('a wrong token: refused at once, and it is in no log', async () => {
    const repository = 'octo/private';
    world.host.create(repository);
    const job = await run(...push(ref('main', repository)), { repository,
      token: 'ghp_wrongwrongwrongwrongwrongwrongwrong1' });
    assert.equal(job.record.success, false);
    assert.match(job.step('mirror_fetch').error.message,
      /the remote refused the token/);
    assert.doesNotMatch(JSON.stringify(job.steps), /ghp_wrong/);
    assert.doesNotMatch(JSON.stringify(readdirSync(join(world.server.data,
      'mirrors/octo/private'))), /building/);
    nothingLeft();
  });

  /** A repository whose pack is some megabytes that do not compress. */
  function large(repository, megabytes = 8) {
    world.host.create(repository);
    const files = {};
    for (let i = 0; i < megabytes; i++)
      files[`r${i}`] = Buffer.from(Array.from({ length: 1 << 18 }, () =>
        Math.random() * 2 ** 32 >>> 0).flatMap((n) => [n & 255, n >> 8 & 255,
        n >> 16 & 255, n >>> 24]));
    return world.host.commit(repository, 'main', files);
  }

  test('git-timeout: a server that stalls in mid-pack; then it answers',
    async () => {
      const sha = large('octo/stall', 2);
      const proxy = await new StallProxy(world.host.port, 700000).start();
      const sent = await run(...push(sha), { repository: 'octo/stall',
        url: proxy.url, settings: ['git-timeout: 2s'], seconds: 0 });
      const id = sent.json.job_id;
      await waitFor('the time-out', () => world.server.steps(id).some((s) =>
        s.step === 'mirror_fetch' && s.event === 'step_failed'));
      assert.match(world.server.steps(id).find((s) =>
        s.event === 'step_failed').error.message, /not finished after 2 s/);
      assert.ok(proxy.stalled > 0);
      await configure({});
      const job = await world.job(sent);
      assert.equal(job.record.success, true);
      assert.match(output(job), new RegExp(`^${sha}\n`));
      await proxy.stop();
      nothingLeft();
    });

  test('kill -9 in mid-clone: the next attempt does it all', async () => {
    const sha = large('octo/killed', 2);
    const proxy = await new StallProxy(world.host.port, 700000).start();
    const sent = await run(...push(sha), { repository: 'octo/killed',
      url: proxy.url, seconds: 0 });
    await waitFor('the stall', () => proxy.stalled > 0);
    // A worker, and the process of its own that fetches.
    const all = descendants(world.server.program('runner').pid);
    const fetching = all.find(({ name, ppid }) => name === 'job-worker' &&
      all.some((one) => one.pid === ppid && one.name === 'job-worker'));
    await configure({});
    process.kill(fetching.ppid, 'SIGKILL');
    await waitFor('the child to go with it', () =>
      !descendants(world.server.program('runner').pid).some(({ pid }) =>
        pid === fetching.pid));
    const job = await world.job(sent);
    assert.equal(job.record.success, true);
    assert.match(output(job), new RegExp(`^${sha}\n`));
    await proxy.stop();
    const mirror = join(world.server.data, 'mirrors/octo/killed');
    assert.deepEqual(readdirSync(mirror).sort(),
      ['fetch.lock', 'g1.git', 'g1.lease']);
    nothingLeft();
  });

  test('kill -9 while the command runs: the workspace is swept by the next ' +
    'worker', async () => {
    const sent = await run(...push(ref('main')), { seconds: 0,
      script: `touch "${world.bin}/runs"; sleep 60` });
    await waitFor('the command', () => existsSync(`${world.bin}/runs`));
    const id = sent.json.job_id;
    assert.ok(world.left('workspaces').includes(id));
    await configure({ script: 'true' });
    process.kill(workerOfCommand(), 'SIGKILL');
    await world.job(sent);
    nothingLeft();
  });

  test('scratch folders of jobs that are gone are swept by the next ' +
    'worker, one in use stays', async () => {
    const sent = await run(...push(ref('main')), { seconds: 0,
      script: `touch "$HOME/used" "${world.bin}/lost"; sleep 600` });
    await waitFor('the command', () => existsSync(`${world.bin}/lost`));
    const scratch = join(world.server.data, 'scratch');
    // Of a job whose file went with its worker, as in a power cut.
    mkdirSync(join(scratch, '0-gone', 'd'), { recursive: true });
    world.host.git(REPOSITORY, 'update-ref', 'refs/pull/12/head', ref('main'));
    const other = await run('pull_request', { action: 'opened', number: 12,
      pull_request: { number: 12, head: { sha: ref('main'), ref: 'x' },
        base: { ref: 'main' } } }, { script: 'true', seconds: 20 });
    assert.match(JSON.stringify(other.steps),
      /scratch: 1 left by jobs that are gone, removed/);
    assert.deepEqual(world.left('scratch'), ['0']);
    process.kill(workerOfCommand(), 'SIGKILL');
    const job = await world.job(sent);
    assert.equal(job.record.success, true);
    nothingLeft();
  });

  test('a full disk: tried again when there is room', async (t) => {
    const mirror = join(world.server.data, 'mirrors/octo/full');
    const sha = large('octo/full', 3);
    mkdirSync(mirror, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1M', 'none', mirror],
        { stdio: 'ignore' });
    } catch {
      t.skip('no file system can be mounted here');
      return;
    }
    try {
      const sent = await run(...push(sha), { repository: 'octo/full',
        seconds: 0 });
      const failed = () => world.server.steps(sent.json.job_id).find((line) =>
        line.step === 'mirror_fetch' && line.event === 'step_failed');
      await waitFor('the fetch to fail', failed);
      assert.match(JSON.stringify(failed().error), /No space/);
      assert.deepEqual(readdirSync(mirror), ['fetch.lock']);
      nothingLeft();
      execFileSync('mount', ['-o', 'remount,size=64M', mirror]);
      const job = await world.job(sent);
      assert.equal(job.record.success, true);
    } finally {
      execFileSync('umount', [mirror]);
    }
  });

  test('job-bytes: a checkout that is too large', async () => {
    const job = await run(...push(ref('main', 'octo/killed')), {
      repository: 'octo/killed', settings: ['job-bytes: 1M'] });
    assert.match(job.step('workspace_ready').error.message,
      /workspace.job-bytes allows \(1048576\)/);
    nothingLeft();
  });

  test('job-bytes: a command that fills the disk is ended while it runs',
    async () => {
      const job = await run(...push(ref('main')), { script:
        'mkdir .git/x; head -c 30000000 /dev/zero > .git/x/big; sleep 600',
      settings: ['job-bytes: 4M'] });
      const step = job.step('hook:h');
      assert.equal(job.record.success, false);
      assert.match(step.error.message,
        /^the workspace takes \d+ bytes, workspace\.job-bytes allows 4194304$/);
      assert.ok(step.workspace_bytes > 4194304);
      assert.ok(step.command_ms < 60000, 'not its end');
      nothingLeft();
    });

  test('mirror-bytes: a fetch that is too large is ended; unused mirrors go',
    async () => {
      const sha = large('octo/huge', 3);
      const job = await run(...push(sha), { repository: 'octo/huge',
        settings: ['mirror-bytes: 1M'] });
      assert.match(job.step('mirror_fetch').error.message,
        /more than 1048576 bytes \(workspace.mirror-bytes\)/);
      const has = (name) => existsSync(join(world.server.data, 'mirrors/octo',
        name, 'g1.git'));
      assert.equal(has('huge'), false);
      const next = world.host.commit(REPOSITORY, 'main', { z: 'z' });
      const kept = await run(...push(next),
        { settings: ['mirror-bytes: 3M'] });
      assert.equal(kept.record.success, true);
      assert.equal(has('stall') && has('killed'), false);
      assert.ok(has('app'));
    });

  test('a broken mirror is rebuilt, once, and the step says so', async () => {
    const mirror = join(world.server.data, 'mirrors/octo/app');
    const pack = join(mirror, 'g1.git/objects/pack');
    for (const name of readdirSync(pack).filter((n) => n.endsWith('.pack')))
      truncateSync(join(pack, name), 40);
    const sha = ref('main');
    const job = await run(...push(sha));
    assert.equal(job.record.success, true, JSON.stringify(job.steps));
    assert.match(JSON.stringify(job.steps), /was broken, rebuilt/);
    assert.match(output(job), new RegExp(`^${sha}\n`));
    assert.ok(existsSync(join(mirror, 'g2.git')));
    const again = await run(...push(sha));
    assert.equal(again.step('mirror_fetch').mirror, 'has the commit');
    nothingLeft();
  });

  test('two jobs on one repository at once: one mirror, two checkouts, ' +
    'neither waits for the other', async () => {
    const repository = 'octo/twice';
    const one = world.host.create(repository, { 'one.txt': '1\n' });
    const two = world.host.commit(repository, 'other', { 'two.txt': '2\n' });
    // Each goes on only when it has seen the other in its own workspace.
    const mine = `${world.bin}/met-$HOOKSPOOL_WORKSPACE_SHA`;
    await configure({ script: `echo mine > own; : > "${mine}"; n=0; ` +
      `until [ -e "${world.bin}/met-${one}" ] && ` +
      `[ -e "${world.bin}/met-${two}" ]; do sleep 0.05; n=$((n+1)); ` +
      '[ $n -lt 600 ] || exit 9; done; git rev-parse HEAD; ls; ' +
      'git status --porcelain; git log --format=%H' });
    for (const [sha, number] of [[one, 1], [two, 2]])
      world.host.git(repository, 'update-ref', `refs/pull/${number}/head`, sha);
    const jobs = await Promise.all([[one, 'main', 1], [two, 'other', 2]]
      .map(async ([sha, name, number]) => world.job(await world.server.send({
        event: 'pull_request', body: JSON.stringify({ action: 'opened', number,
          repository: { full_name: repository }, sender: { login: 'ann' },
          pull_request: { number, head: { sha, ref: name },
            base: { ref: 'main' } } }) }))));
    assert.deepEqual(jobs.map((job) => job.record.success), [true, true],
      JSON.stringify(jobs.map((job) => job.steps)));
    assert.equal(output(jobs[0]), `${one}\none.txt\nown\n?? own\n${one}\n`);
    assert.equal(output(jobs[1]), `${two}\nown\ntwo.txt\n?? own\n${two}\n`);
    // Both asked for the mirror; the second found what the first had made.
    assert.deepEqual(readdirSync(join(world.server.data, 'mirrors/octo/twice'))
      .filter((name) => name.endsWith('.git')), ['g1.git']);
    nothingLeft();
  });

  test('50,000 files', async () => {
    const repository = 'octo/many';
    world.host.create(repository);
    const blob = world.host.git(repository, 'rev-parse', 'main:README.md');
    const path = world.host.path(repository);
    const lines = [];
    for (let i = 0; i < 50000; i++)
      lines.push(`100644 blob ${blob}\td${i % 100}/f${i}`);
    const env = { ...process.env, GIT_INDEX_FILE: join(path, 'many.index'),
      GIT_AUTHOR_NAME: 'a', GIT_AUTHOR_EMAIL: 'a', GIT_COMMITTER_NAME: 'a',
      GIT_COMMITTER_EMAIL: 'a' };
    const plumb = (args, input) => execFileSync('git', args, { cwd: path, env,
      input, encoding: 'utf8' }).trim();
    plumb(['update-index', '--add', '--index-info'],
      lines.map((l) => l.replace(' blob', '')).join('\n') + '\n');
    const sha = plumb(['commit-tree', plumb(['write-tree']), '-m', 'Many']);
    git(path, 'update-ref', 'refs/heads/many', sha);
    const job = await run(...push(sha, 'refs/heads/many'), { repository,
      script: 'git ls-files | wc -l; git status --porcelain | wc -l',
      seconds: 300 });
    assert.equal(output(job), '50000\n0\n');
    nothingLeft();
  });
});
