// SPDX-License-Identifier: MIT
//
// What strangers put into commits: what of it comes out in a workspace, and
// what is refused.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';

import { startWorld } from './support/issue.mjs';
import { hookIn } from './support/workspace.mjs';

if (existsSync('/dev/shm')) process.env.TMPDIR = '/dev/shm';

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

const { run, output, push, nothingLeft } = hookIn(() => world);

/** A tree object, byte for byte as given: git itself would refuse some. */
function tree(path, entries) {
  const input = Buffer.concat(entries.flatMap(([mode, name, sha]) =>
    [Buffer.from(`${mode} ${name}\0`), Buffer.from(sha, 'hex')]));
  return execFileSync('git', ['hash-object', '-t', 'tree', '-w', '--stdin',
    '--literally'], { cwd: path, input, encoding: 'utf8' }).trim();
}

describe('what a commit holds', () => {
  const repository = 'octo/hostile';
  let path;
  let blob;
  before(() => {
    world.host.create(repository);
    path = world.host.path(repository);
    blob = world.host.git(repository, 'rev-parse', 'main:README.md');
  });
  const put = (text) => execFileSync('git', ['hash-object', '-w', '--stdin'],
    { cwd: path, input: text, encoding: 'utf8' }).trim();
  const commit = (entries) => {
    const sha = world.host.git(repository, 'commit-tree', tree(path, entries),
      '-m', 'x');
    world.host.git(repository, 'update-ref', 'refs/heads/main', sha);
    return sha;
  };
  const check = (entries, options) =>
    run(...push(commit(entries)), { repository, ...options });

  for (const [what, entries, words, settings] of [
    ['a file ".."', () => [['100644', '..', blob]], /may not be: \.\./],
    ['a folder ".git"', () => [['40000', '.git',
      tree(path, [['100644', 'config', blob]])]], /may not be: \.git/],
    ['a folder ".GIT", inside', () => [['40000', 'd', tree(path, [['40000',
      '.GIT', tree(path, [['100644', 'config', blob]])]])]],
    /may not be: d\/\.GIT/],
    ['a name with a slash', () => [['100644', '../../x', blob]],
      /may not be: \.\.\/\.\.\/x/],
    ['a link and a folder of one name', () => [['120000', 'a', put('/tmp')],
      ['40000', 'a', tree(path, [['100644', 'hookspool-out', blob]])]],
    /File exists/],
    ['a file twice', () => [['100644', 'a', blob], ['100644', 'a', blob]],
      /File exists/],
    ['folders inside each other without end', () => {
      let sha = tree(path, [['100644', 'f', blob]]);
      for (let i = 0; i < 200; i++) sha = tree(path, [['40000', 'd', sha]]);
      return [['40000', 'd', sha]];
    }, /more than 128 directories/],
    ['a tree that unpacks to ten thousand million files', () => {
      let sha = tree(path, [['100644', 'f', blob]]);
      const ten = '0123456789'.split('');
      for (let i = 0; i < 10; i++)
        sha = tree(path, ten.map((n) => ['40000', n, sha]));
      return [['40000', 'd', sha]];
    }, /more than workspace\.job-bytes allows/, ['job-bytes: 20M']],
    ['some kilobytes that unpack to many', () =>
      [['100644', 'zeros', put(Buffer.alloc(40 << 20))]],
    /more than workspace\.job-bytes allows/, ['job-bytes: 20M']],
  ])
    test(`refused: ${what}`, async () => {
      const job = await check(entries(), { settings });
      assert.equal(job.record.success, false);
      assert.match(job.step('workspace_ready').error.message, words);
      assert.doesNotMatch(JSON.stringify(job.steps), /built anew/);
      assert.equal(existsSync('/tmp/hookspool-out'), false);
      nothingLeft();
    });

  test('programs, links, submodules, odd names and empty files come out as ' +
    'git would have them', async () => {
    const job = await check([
      ['100644', '"\n\\ü', blob], ['100755', 'do', put('#!/bin/sh\n')],
      ['100644', 'empty', put('')], ['120000', 'link', put('do')],
      ['160000', 'module', '1'.repeat(40)],
      ['100664', 'old-mode', blob],
    ], { script: 'git status --porcelain; git ls-files -s | cut -c1-6; ' +
      'stat -c "%A %s %N" do empty link module old-mode | cut -c1-40; ls -A ' +
      'module' });
    assert.match(output(job), new RegExp('^' + ['100644', '100755', '100644',
      '120000', '160000', '100644', "-rwxr-xr-x 10 'do'",
      "-rw-r--r-- 0 'empty'", "lrwxrwxrwx 2 'link' -> 'do'",
      "drwxr-xr-x \\d+ 'module'", "-rw-r--r-- 6 'old-mode'", '$']
      .join('\n')));
  });

  for (const [attributes, want] of [['* text eol=crlf', 'hello\r\n'],
    ['*.md ident', 'hello\n'], ['* text=auto eol=lf', 'hello\n'],
    ['*.md filter=lfs', 'hello\n']])
    test(`attributes: ${attributes}`, async () => {
      const job = await check([
        ['100644', '.gitattributes', put(`${attributes}\n`)],
        ['100644', 'README.md', put('hello\n')],
      ], { script: 'cat README.md; git status --porcelain' });
      assert.equal(output(job), want);
    });
});
