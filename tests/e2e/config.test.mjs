// SPDX-License-Identifier: MIT
//
// hookspool config and hookspool setup, as an operator runs them; the JSON
// Schema held against an independent validator.

import assert from 'node:assert/strict';
import {
  chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, describe, test } from 'node:test';

import Ajv from 'ajv';
import { parse } from 'yaml';

import { run } from './support/process.mjs';

const build = resolve(process.env.HOOKSPOOL_BUILD ?? 'build');
const plain = resolve(process.env.HOOKSPOOL_PLAIN ?? build);
const program = join(build, 'hookspool');
const root = new URL('../..', import.meta.url).pathname;
const examples = join(root, 'tests/data/config');
const dir = mkdtempSync(join(tmpdir(), 'hookspool-config-'));

after(() => rmSync(dir, { recursive: true }));

const hookspool = (...args) => run([program, ...args]);

function file(name, text, mode = 0o600) {
  const path = join(dir, name);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}

describe('config check', () => {
  test('a good file is good', async () => {
    const { code, stdout } = await hookspool('config', 'check',
      file('config.yaml', 'log-level: INFO\n'));
    assert.equal(code, 0);
    assert.equal(stdout, `${join(dir, 'config.yaml')}: good\n`);
  });

  test('every mistake is told with its line, and the exit status is 1',
    async () => {
      const path = file('config.yaml',
        'concurrency: 0\nport: 5000\nlog-levl: INFO\n');
      const { code, stdout } = await hookspool('config', 'check', path);
      assert.equal(code, 1);
      assert.deepEqual(stdout.split('\n').slice(0, 2), [
        'config.yaml:1: concurrency: expected a value from 1 to 1024, got 0',
        'config.yaml:3: log-levl: unknown key; did you mean log-level?',
      ]);
      assert.match(stdout, /^config.yaml:2: port: warning: has no effect/m);
      assert.match(stdout, /: 2 errors\n$/);
    });

  test('--json tells the same to programs', async () => {
    const path = file('config.yaml', 'port: 5000\nconcurrency: 0\n');
    const { code, stdout } = await hookspool('config', 'check', '--json',
      path);
    assert.equal(code, 1);
    const [answer] = JSON.parse(stdout);
    assert.equal(answer.file, path);
    assert.equal(answer.errors.length, 1);
    assert.equal(answer.warnings.length, 1);
  });

  test('a file that is not there is a mistake', async () => {
    const { code, stdout } = await hookspool('config', 'check', '/nowhere');
    assert.equal(code, 1);
    assert.match(stdout, /^\/nowhere: No such file or directory$/m);
  });

  test('the usual file is checked where none is named', async () => {
    const path = file('config.yaml', 'nonsense\n');
    const { code, stdout } = await hookspool('config', 'check',
      '--config', path);
    assert.equal(code, 1);
    assert.match(stdout, /^config.yaml:1:1: expected a mapping/);
  });

  test('planned keys are listed as not in effect yet', async () => {
    const path = file('config.yaml', 'ai-features:\n' +
      '  ai-provider: claude\n  ai-model: x\n');
    const { code, stdout } = await hookspool('config', 'check', path);
    assert.equal(code, 0);
    assert.match(stdout,
      /^config.yaml:1: ai-features: warning: not in effect yet$/m);
  });

  test("a repository's own file is checked with its own rules", async () => {
    const path = file('local.yaml', 'pre-commit: true\nhooks: []\n');
    const { code, stdout } = await hookspool('config', 'check', '--local',
      path);
    assert.equal(code, 1);
    assert.match(stdout, /yaml:2: hooks: may be set in config.yaml only$/m);
  });

  for (const [mode, who] of [[0o640, 'its group'], [0o604, 'everybody']]) {
    test(`secrets that ${who} can read are warned of`, async () => {
      const secret = file('secret', 'a-secret-of-some-length\n', mode);
      const config = file('config.yaml',
        `webhook-secret: a-secret\nwebhook-secret-file: ${secret}\n`, mode);
      const { code, stdout } = await hookspool('config', 'check', config);
      assert.equal(code, 0);
      assert.ok(stdout.includes('config.yaml:1: webhook-secret: warning: ' +
        `this file holds secrets and is open to ${who} ` +
        `(mode 0${mode.toString(8)}); make it 0600`), stdout);
      assert.ok(stdout.includes('config.yaml:2: webhook-secret-file: ' +
        `warning: the secret's file is open to ${who}`), stdout);
    });
  }

  test('a configuration without secrets may be open', async () => {
    const path = file('config.yaml', 'log-level: INFO\n', 0o644);
    const { stdout } = await hookspool('config', 'check', path);
    assert.match(stdout, /: good\n$/);
  });
});

describe('config show', () => {
  const SENTINEL = 'sentinel-that-nobody-may-see';

  test('values come with their origin', async () => {
    const path = file('config.yaml', 'log-level: ERROR\nrepositories:\n' +
      '  a:\n    name: o/a\n    minimum-lgtm: 2\n');
    const local = file('local.yaml', 'conventional-title: "feat"\n');
    const { code, stdout } = await hookspool('config', 'show', '--config',
      path, '--repo', 'o/a', '--local', local, '--origin');
    assert.equal(code, 0);
    for (const line of [
      'log-level: "ERROR"  # config.yaml:1',
      'minimum-lgtm: 2  # config.yaml:5',
      'conventional-title: "feat"  # .github-webhook-server.yaml:1',
      'concurrency: 4  # default',
      'public-url: ~  # not set',
    ])
      assert.ok(stdout.split('\n').includes(line), `${line}\n${stdout}`);
  });

  test('without --origin it is YAML', async () => {
    const path = file('config.yaml', 'log-level: ERROR\nhooks:\n' +
      '  - {name: a, command: [echo, "x: y"], timeout: 5}\n');
    const { stdout } = await hookspool('config', 'show', '--config', path);
    const shown = parse(stdout);
    assert.equal(shown['log-level'], 'ERROR');
    assert.deepEqual(shown.hooks,
      [{ name: 'a', command: ['echo', 'x: y'], timeout: 5 }]);
  });

  test('no secret is printed, in no form', async () => {
    const secret = file('secret', `${SENTINEL}\n`);
    const path = file('config.yaml', [
      `webhook-secret: ${SENTINEL}`, `webhook-secrets: [${SENTINEL}-2]`,
      `webhook-secret-file: ${secret}`, `github-tokens: [${SENTINEL}-3]`,
      `docker: {username: ${SENTINEL}, password: ${SENTINEL}}`,
      'repositories:', '  a:', '    name: o/a',
      `    webhook-secret: ${SENTINEL}-4`,
      `    pypi: {token: ${SENTINEL}}`,
      `    slack-webhook-url: https://example.org/${SENTINEL}`,
      `    container: {username: ${SENTINEL}, password: ${SENTINEL},`,
      '                repository: q.io/x}',
    ].join('\n'));
    for (const options of [[], ['--origin'], ['--json'], ['--repo', 'o/a'],
      ['--repo', 'o/a', '--json', '--origin']]) {
      const { code, stdout, stderr } = await hookspool('config', 'show',
        '--config', path, ...options);
      assert.equal(code, 0);
      assert.ok(!(stdout + stderr).includes(SENTINEL), options.join(' '));
    }
    const { stdout } = await hookspool('config', 'show', '--config', path,
      '--repo', 'o/a');
    assert.match(stdout, /^webhook-secret: \(set\)$/m);
    assert.match(stdout, /^webhook-secrets: ~$/m);
    assert.match(stdout, /^github-tokens: \(set\)$/m);
    assert.match(stdout, /^pypi.token: \(set\)$/m);
  });

  test('--json is one document', async () => {
    const path = file('config.yaml', 'concurrency: 7\n');
    const { stdout } = await hookspool('config', 'show', '--config', path,
      '--json', '--origin');
    assert.deepEqual(JSON.parse(stdout).concurrency,
      { value: 7, origin: 'config.yaml:1' });
  });

  test('an unknown repository is said to be one', async () => {
    const path = file('config.yaml', 'log-level: INFO\n');
    const { code, stderr } = await hookspool('config', 'show', '--config',
      path, '--repo', 'o/b');
    assert.equal(code, 1);
    assert.match(stderr, /no repository o\/b/);
  });
});

describe('config schema', async () => {
  const ajv = new Ajv({ strict: true, allowUnionTypes: true });
  const schema = async (...args) =>
    JSON.parse((await hookspool('config', 'schema', ...args)).stdout);
  const whole = ajv.compile(await schema());
  const local = ajv.compile(await schema('--local'));
  const read = (text) => parse(text, { version: '1.1' }) ?? {};

  for (const name of readdirSync(examples)) {
    test(`${name} is valid`, () => {
      const check = name === 'repository.yaml' ? local : whole;
      check(read(readFileSync(join(examples, name), 'utf8')));
      assert.deepEqual(check.errors, null);
    });
  }

  test('the example of the documentation is valid', () => {
    whole(read(readFileSync(join(root, 'docs/examples/config.yaml'),
      'utf8')));
    assert.deepEqual(whole.errors, null);
  });

  test('so is all that is commented out in it', async () => {
    const text = readFileSync(join(root, 'docs/examples/config.yaml'), 'utf8')
      .replace(/^( *)# (?=( *- )?( *[a-zA-Z_-]+): ?(\S|$))/gm, '$1');
    whole(read(text));
    assert.deepEqual(whole.errors, null);
    const { stdout } = await hookspool('config', 'check', '--json',
      file('example.yaml', text));
    const [{ errors }] = JSON.parse(stdout);
    assert.ok(errors.length > 2);
    assert.deepEqual(errors.filter((line) =>
      !line.endsWith(': No such file or directory')), []);
    assert.ok(Object.keys(read(text)).length > 20);
  });

  for (const text of [
    'log-levl: INFO', 'log-level: LOUD', 'concurrency: 0',
    'job-timeout: 1w', 'hooks: {a: b}', 'hooks: [{name: a}]',
    'hooks: [{name: a, command: [x], stdin: no-way}]',
    'hooks: [{name: a, command: [x], match: {xor: []}}]',
    'repositories: {a: {}}', 'repositories: {a: {name: short}}',
    'repositories: {a: {name: o/a, tox: [main]}}',
    'repositories: {a: {name: o/a, concurrency: 2}}',
    'labels: {enabled-labels: [lgtm]}', 'allow-ips: [{}]',
    'container: {dockerfile: ../x}', 'container: {dockerfile: /x}',
  ])
    test(`refuses ${text}`, () => assert.equal(whole(read(text)), false));

  for (const text of ['hooks: []', 'webhook-secret: x', 'name: o/a'])
    test(`of a repository's file refuses ${text}`, () =>
      assert.equal(local(read(text)), false));
});

describe('setup init', () => {
  const init = (output, ...options) => hookspool('setup', 'init',
    '--repository', 'my-org/my-repo', '--data-directory', '/srv/hookspool',
    '--output', join(dir, output), ...options);

  test('writes a file that is good, private and has a new secret',
    async () => {
      const secrets = new Set();
      for (const name of ['one.yaml', 'two.yaml']) {
        const { code, stdout, stderr } = await init(name);
        assert.equal(code, 0, stderr);
        const path = join(dir, name);
        assert.equal(statSync(path).mode & 0o777, 0o600);
        const config = parse(readFileSync(path, 'utf8'));
        assert.equal(config['data-directory'], '/srv/hookspool');
        assert.equal(config.repositories['my-repo'].name,
          'my-org/my-repo');
        assert.match(config['webhook-secret'], /^[0-9a-f]{64}$/);
        assert.ok(!stdout.includes(config['webhook-secret']));
        secrets.add(config['webhook-secret']);
        const check = await hookspool('config', 'check', path);
        assert.equal(check.stdout, `${path}: good\n`);
      }
      assert.equal(secrets.size, 2);
    });

  test('never writes over a file, unless told to', async () => {
    const path = file('there.yaml', 'mine\n', 0o644);
    const refused = await init('there.yaml');
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /is there already/);
    assert.equal(readFileSync(path, 'utf8'), 'mine\n');
    assert.equal((await init('there.yaml', '--force')).code, 0);
    assert.match(readFileSync(path, 'utf8'), /^webhook-secret: /m);
    assert.equal(statSync(path).mode & 0o777, 0o600);
  });

  test('asks on a terminal, and again after a bad answer', async () => {
    const output = join(dir, 'asked.yaml');
    const answers = `short\nmy-org/asked\n\n${output}\n`;
    const { code, stdout } = await run(['bash', '-c',
      `printf '${answers.replaceAll('\n', '\\n')}' | ` +
      `script -qec '${program} setup init' /dev/null`]);
    assert.equal(code, 0, stdout);
    assert.match(stdout, /expected owner\/repository/);
    const config = parse(readFileSync(output, 'utf8'));
    assert.equal(config.repositories.asked.name, 'my-org/asked');
    assert.equal(config['data-directory'], '/var/lib/hookspool');
  });

  test('says what it lacks where it cannot ask', async () => {
    const { code, stderr } = await hookspool('setup', 'init');
    assert.equal(code, 2);
    assert.match(stderr, /--repository/);
  });
});

test('500 repositories are read and checked in a moment', async (t) => {
  const block = (i) => `  repo${i}:
    name: my-org/repo${i}
    webhook-secret: secret-number-${i}
    log-level: DEBUG
    pre-commit: true
    tox: {main: all, dev: "unit,lint"}
    conventional-title: "feat,fix"
    minimum-lgtm: 1
    protected-branches: {main: {include-runs: [tox, lint]}, dev: []}
    container: {username: u${i}, password: p-p-p-${i}, repository: q.io/r}
`;
  const path = file('large.yaml', 'repositories:\n' +
    Array.from({ length: 500 }, (_, i) => block(i)).join(''));
  /* Processor time: what else the machine does is not the file's fault. */
  const times = [];
  for (let i = 0; i < 7; i++) {
    const { code, stderr } = await run(['bash', '-c',
      'TIMEFORMAT="%U %S"; time "$0" config check "$1" >/dev/null',
      join(plain, 'hookspool'), path]);
    assert.equal(code, 0, stderr);
    const [user, system] = stderr.trim().split(/\s+/).slice(-2).map(Number);
    times.push((user + system) * 1000);
  }
  const best = Math.min(...times);
  t.diagnostic(`${best.toFixed(1)} ms, the start of the program included`);
  assert.ok(best < 20, `${times.join(', ')} ms`);
});
