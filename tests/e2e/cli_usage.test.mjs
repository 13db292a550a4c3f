// SPDX-License-Identifier: MIT
//
// hookspool(1)'s command line: usage, --help and the manual page, completion.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';

import { run } from './support/process.mjs';
import { Spool, program, removeSpools, scratch } from './support/spool.mjs';

const root = new URL('../..', import.meta.url).pathname;

after(removeSpools);

describe('the command line', () => {
  async function help(...args) {
    const { stdout, code } = await run([program, ...args, '--help']);
    assert.equal(code, 0, args.join(' '));
    return stdout;
  }

  test('--help of every level tells of each command and option', async () => {
    const top = await help();
    for (const match of top.matchAll(/^hookspool ([a-z ]+[a-z])/gm)) {
      const command = match[1].split(' ').filter((word) => word !== '');
      const own = await help(...command);
      const wanted = top.slice(match.index).split('\n\t')[0]
        .match(/--[a-z-]+/g) ?? [];
      for (const option of wanted)
        assert.ok(own.includes(option), `${match[1]}: ${option}`);
    }
  });

  test('manual page and --help know the same commands and options',
    async () => {
      const page = readFileSync(join(root, 'docs/hookspool.1'), 'utf8');
      const top = await help();
      const commands = [...top.matchAll(/^hookspool ([a-z ]*[a-z])/gm)]
        .map((match) => match[1]);
      const pageCommands = [...page.matchAll(/^\.It Cm (.*)$/gm)]
        .map((match) => match[1].split(/ (?:Ar|Op|Ns) ?/)[0].trim());
      assert.deepEqual(pageCommands.sort(), commands.sort());
      const options = new Set(top.match(/--[a-z][a-z-]+/g));
      const pageOptions = new Set([...page.matchAll(/Fl -([a-z-]+)/g)]
        .map((match) => `--${match[1]}`));
      assert.deepEqual([...pageOptions].sort(), [...options].sort());
    });

  test('wrong usage is 2 and says what is wrong', async () => {
    for (const args of [[], ['no-such'], ['queue'], ['queue', 'no-such'],
      ['queue', 'show'], ['queue', 'show', 'a', 'b'], ['stats', 'x'],
      ['queue', 'list', '--lim', '3'], ['queue', 'list', '--limit'],
      ['stats', '--json=yes'], ['-x']]) {
      const wrong = await run([program, ...args]);
      assert.equal(wrong.code, 2, args.join(' '));
      assert.equal(wrong.stdout, '', args.join(' '));
      assert.match(wrong.stderr, /^hookspool: ./);
    }
    const version = await run([program, '--version']);
    assert.match(version.stdout, /^hookspool \d+\.\d+/);
  });

  test('global options stand before or behind the command', async () => {
    const spool = new Spool();
    for (const args of [['--json', '--spool', spool.dir, 'queue', 'list'],
      ['queue', '--json', 'list', `--spool=${spool.dir}`],
      ['queue', 'list', '--json', '--spool', spool.dir]]) {
      const list = await run([program, ...args]);
      assert.equal(list.code, 0, list.stderr);
      assert.deepEqual(JSON.parse(list.stdout).jobs, []);
    }
  });

  test('without configuration or spool it says what is missing', async () => {
    const missing = join(scratch, 'nowhere');
    const config = await run([program, '--config', missing, 'stats']);
    assert.equal(config.code, 100);
    assert.match(config.stderr, /nowhere/);
    const spool = await run([program, '--spool', missing, 'stats']);
    assert.ok([100, 111].includes(spool.code), spool.stderr);
    assert.match(spool.stderr, /nowhere/);
  });

  test('bash completes commands, options and job IDs', async () => {
    const spool = new Spool();
    const job = spool.add('new', { delivery:
      'cafe1111-0000-4000-8000-000000000001' });
    const rows = [
      ['que', 'queue'], ['queue re', 'release retry'],
      ['queue list --l', '--limit'], ['queue show 0-c', job.id],
      ['--config x queue li', 'list'],
    ];
    for (const [typed, wanted] of rows) {
      const words = ['hookspool', ...typed.split(' ')];
      const got = await run(['bash', '-c', `
        . "${root}/scripts/completion/hookspool.bash"
        COMP_WORDS=(${words.join(' ')}) COMP_CWORD=${words.length - 1}
        COMP_WORDS[0]=${program}
        _hookspool; echo "\${COMPREPLY[*]}"`],
      { env: { ...process.env, HOOKSPOOL_CONFIG: spool.config } });
      assert.equal(got.stdout.trim().split(/\s+/).sort().join(' '), wanted,
        typed + got.stderr);
    }
  });
});
