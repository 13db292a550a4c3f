// SPDX-License-Identifier: MIT
//
// What a user does with the house itself: the demo, installing, uninstalling.

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { run } from './support/process.mjs';
import { plainDir } from './support/server.mjs';

const root = new URL('../..', import.meta.url).pathname;

function filesBelow(dir) {
  return readdirSync(dir, { recursive: true })
    .filter((name) => statSync(join(dir, name)).isFile()).sort();
}

test('the demo ends well and leaves nothing behind', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'hookspool-house-'));
  try {
    const demo = await run([join(root, 'scripts/demo')], {
      env: { ...process.env, HOOKSPOOL_BUILD: plainDir, ONCE: '1',
        TMPDIR: scratch },
      seconds: 120,
    });
    assert.equal(demo.code, 0, demo.stdout + demo.stderr);
    assert.match(demo.stdout, /Every event ended as it should/);
    assert.match(demo.stdout, /hello\.txt/);
    assert.doesNotMatch(demo.stdout, /\x1b/, 'no colour without a terminal');
    assert.deepEqual(readdirSync(scratch), []);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});

test('what is installed is taken away again', async () => {
  const scratch = mkdtempSync(join(tmpdir(), 'hookspool-house-'));
  const script = join(root, 'scripts/install');
  const env = { ...process.env, B: plainDir, PREFIX: '/usr', DESTDIR: scratch };
  try {
    const put = await run([script], { env });
    assert.equal(put.code, 0, put.stderr);
    const files = filesBelow(scratch);
    for (const name of ['usr/bin/hookspool', 'usr/sbin/hookspool-fcgi',
      'usr/sbin/job-worker', 'usr/sbin/spool-runner',
      'usr/lib/systemd/system/spool-runner.service',
      'usr/share/hookspool/nginx/hookspool.conf',
      'usr/share/man/man1/hookspool.1', 'usr/share/man/man5/config.5',
      'usr/share/man/man5/spool.5',
      'usr/share/man/man8/hookspool-fcgi.8'])
      assert.ok(files.includes(name), `${name} in ${files}`);

    const help = await run([join(scratch, 'usr/bin/hookspool'), '--version']);
    assert.equal(help.code, 0);
    const taken = await run([script, '--remove'], { env });
    assert.equal(taken.code, 0, taken.stderr);
    assert.deepEqual(filesBelow(scratch), []);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
});
