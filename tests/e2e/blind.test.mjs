// SPDX-License-Identifier: MIT
//
// The kernel gives a user 128 inotify instances and then no more. Without one
// the runner still notices jobs, by looking.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';

import { plainDir, startServer } from './support/server.mjs';

test('without inotify a job is noticed within seconds', async (t) => {
  const server = await startServer({
    build: plainDir,
    runner: false,
    config: 'hooks: [{name: all, command: ["/bin/true"]}]',
  });
  t.after(() => server.stop());
  server.start('runner', ['strace', '-D', '-qq', '-o', '/dev/null', '-e',
    'trace=inotify_init1', '-e', 'inject=inotify_init1:error=EMFILE',
    join(server.build, 'spool-runner'), '--config', server.config]);

  for (let i = 0; i < 3; i++) {
    const reply = await server.send({
      body: JSON.stringify({
        ref: 'refs/heads/main', before: '0'.repeat(40), after: 'a'.repeat(40),
        repository: { full_name: 'octo/app' }, i,
      }),
    });
    assert.equal(reply.status, 202, reply.text);
    await server.record(reply.delivery, 10);
  }
  assert.match(server.program('runner').output(), /looking every second/);
});
