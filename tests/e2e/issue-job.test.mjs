// SPDX-License-Identifier: MIT
//
// A labelled issue becomes a branch, a command's work and a draft pull
// request: from the signed POST to what the git host and GitHub then have.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { REPOSITORY, TOKEN, startWorld } from './support/issue.mjs';

const STEPS = ['mirror_fetch', 'workspace_ready', 'branch_created',
  'agent_command', 'commit', 'push', 'pull_request_created',
  'workspace_cleaned'];

let world;
before(async () => { world = await startWorld(); });
after(() => world?.stop());

function nothingLeft() {
  assert.deepEqual(world.left('workspaces'), []);
  assert.deepEqual(world.left('scratch'), []);
}

describe('the flow', () => {
  let job;

  test('a labelled issue becomes a draft pull request', async () => {
    job = await world.label(7, { title: 'Say hello' });
    assert.equal(job.record.success, true, JSON.stringify(job.steps, null, 1));
    assert.deepEqual(job.order.filter((s) => s !== 'webhook_routing'), STEPS);
    const [pull] = world.github.pulls;
    assert.equal(pull.draft, true);
    assert.equal(pull.head.ref, 'agent/issue-7');
    assert.equal(pull.base.ref, 'main');
    assert.match(pull.body, /^Fixes #7$/m);
    assert.match(pull.body, /<code>hello\.txt<\/code> \| added \| \+1 -0/);
    assert.match(pull.body, /No test command is configured/);
    assert.deepEqual([...world.github.labels.get(`${REPOSITORY}#${pull.number}`)],
      ['agent']);
    nothingLeft();
  });

  test('the commit says what it is for, and who made it', () => {
    const text = world.host.git(REPOSITORY, 'log', '-1',
      '--format=%an <%ae> %cn%n%B', 'agent/issue-7');
    assert.match(text, /^hookspool <hookspool@localhost> hookspool\nfeat\(issue-7\): Say hello\n\nResolves #7\n\nHookspool-Job: /);
    assert.match(text, new RegExp(`^Hookspool-Job: ${job.id}$`, 'm'));
    assert.equal(world.host.git(REPOSITORY, 'show', 'agent/issue-7:hello.txt'),
      'hello');
  });

  test('every step has a duration and the request\'s ID', () => {
    for (const name of STEPS) {
      const step = job.step(name);
      assert.equal(typeof step.duration_ms, 'number', name);
      assert.equal(step.request_id, job.sent.headers['x-request-id']);
    }
    assert.equal(job.step('agent_command').sandbox ??
      job.step('agent_command').data?.sandbox, 'strict');
  });

  test('a finished issue can be worked on again; its branch and pull ' +
    'request are reused', async () => {
    world.script('work', 'echo again >> hello.txt');
    const again = await world.label(7);
    assert.equal(again.record.success, true);
    assert.equal(world.github.pulls.length, 1);
    assert.match(world.github.pulls[0].body, /\+1 -0/);
    assert.equal(world.host.git(REPOSITORY, 'rev-list', '--count',
      'main..agent/issue-7'), '2');
    assert.match(JSON.stringify(again.step('branch_created')), /reused/);
    assert.match(JSON.stringify(again.step('pull_request_created')),
      /updated/);
  });
});

describe('events that do not start it are ignored, with the reason', () => {
  for (const [why, number, options, reason] of [
    ['another label was added', 20, { label: 'bug', labels: ['bug', 'agent'] },
      'wrong_label'],
    ['opened without the label', 21, { action: 'opened', labels: ['bug'] },
      'not_labeled'],
    ['an action that is not configured', 22, { action: 'closed' },
      'event_not_configured'],
    ['a closed issue', 23, { change: { issue: { number: 23, state: 'closed',
      labels: [] } } }, 'issue_closed'],
    ['an archived repository', 24, { change: { repository: {
      full_name: REPOSITORY, archived: true } } }, 'repository_archived'],
    ['a pull request', 25, { change: { issue: { number: 25, pull_request: {},
      labels: [] } } }, 'is_pull_request'],
  ])
    test(why, async () => {
      const job = await world.label(number, options);
      assert.equal(job.record.success, true);
      assert.match(JSON.stringify(job.step('issue_job')),
        new RegExp(`"ignored":"${reason}"`));
      assert.deepEqual(world.host.has(REPOSITORY, `agent/issue-${number}`),
        false);
    });

  test('opened with the label starts it, and the label event that comes ' +
    'with it names the active job', async () => {
    world.script('work', 'sleep 1; echo a > opened.txt');
    const one = await world.send(26, { action: 'opened' });
    const two = await world.send(26);
    const [first, second] = [await world.job(one), await world.job(two)];
    assert.ok(first.step('push'));
    const step = JSON.stringify(second.step('issue_job'));
    assert.match(step, /already_active/);
    assert.match(step, new RegExp(first.id));
    assert.equal(world.github.pulls.filter((p) =>
      p.head.ref === 'agent/issue-26').length, 1);
  });
});

describe('what the command is given', () => {
  test('the context on standard input and in a file', async () => {
    world.github.comments.push({ id: 1, repository: REPOSITORY, number: 30,
      body: 'by the way', user: { login: 'bob' }, created_at: 'x' });
    world.configure(['  comments: true', '  environment: {COLOUR: "mauve"}']);
    world.script('work', 'cat > stdin.json; cat "$HOOKSPOOL_CONTEXT" > ' +
      'file.json; echo "$COLOUR $HOOKSPOOL_BRANCH $HOOKSPOOL_ROUND" > env');
    const job = await world.label(30, { title: 'a "quoted" $(title)',
      body: 'line\r\nline', labels: ['agent', 'bug'] });
    const show = (name) => world.host.git(REPOSITORY, 'show',
      `agent/issue-30:${name}`);
    const context = JSON.parse(show('stdin.json'));
    assert.deepEqual(JSON.parse(show('file.json')), context);
    assert.equal(context.job_id, job.id);
    assert.equal(context.delivery_id, job.sent.delivery);
    assert.equal(context.repository, REPOSITORY);
    assert.equal(context.branch, 'agent/issue-30');
    assert.equal(context.issue.title, 'a "quoted" $(title)');
    assert.equal(context.issue.body, 'line\r\nline');
    assert.deepEqual(context.issue.labels, ['agent', 'bug']);
    assert.deepEqual(context.issue.comments.map((c) => [c.author, c.body]),
      [['bob', 'by the way']]);
    assert.equal(show('env'), 'mauve agent/issue-30 1');
    assert.match(world.host.git(REPOSITORY, 'log', '-1', '--format=%s',
      'agent/issue-30'), /^fix\(issue-30\): a "quoted" \$\(title\)$/);
  });

  test('a secret of environment-file reaches it, and no log', async () => {
    const secret = 'sk-model-key-5f2e9c';
    const path = `${world.server.dir}/env-file`;
    const { writeFileSync } = await import('node:fs');
    writeFileSync(path, `# keys\nMODEL_KEY=${secret}\n`, { mode: 0o600 });
    world.configure([`  environment-file: ${path}`]);
    world.script('work', 'echo "key $MODEL_KEY"; echo "$MODEL_KEY" | wc -c ' +
      '> size; echo "feat: with $MODEL_KEY" > "$HOOKSPOOL_MESSAGE_FILE"');
    const job = await world.label(31);
    assert.equal(world.host.git(REPOSITORY, 'show', 'agent/issue-31:size'),
      '20');
    assert.doesNotMatch(JSON.stringify(job.steps), new RegExp(secret));
    assert.match(JSON.stringify(job.steps), /key \[redacted\]/);
    assert.doesNotMatch(JSON.stringify(world.github.pulls), new RegExp(secret));
  });

  test('nothing of ours: no token, no spool, no network', async () => {
    world.configure([]);
    world.script('work', `{ env; cat .git/config; ls / /*; grep -rs ghp_ . ` +
      `/proc/*/environ /proc/*/cmdline; ls ${world.server.spool}; ` +
      'ls /sys/class/net; } > all 2>&1; true');
    await world.label(32);
    const all = world.host.git(REPOSITORY, 'show', 'agent/issue-32:all');
    assert.doesNotMatch(all, new RegExp(TOKEN));
    assert.match(all, /spool'?: No such file/);
  });

  test('its own message becomes the commit\'s', async () => {
    world.script('work', 'echo x > x.txt; printf "fix(core)!: own words\\n' +
      '\\nBecause.\\nHookspool-Job: forged\\n" > "$HOOKSPOOL_MESSAGE_FILE"');
    const job = await world.label(33);
    const text = world.host.git(REPOSITORY, 'log', '-1', '--format=%B',
      'agent/issue-33');
    assert.match(text, /^fix\(core\)!: own words\n\nBecause\.\n/);
    assert.doesNotMatch(text, /forged/);
    assert.match(text, new RegExp(`Hookspool-Job: ${job.id}`));
    const pull = world.github.pulls.find((p) => p.head.ref === 'agent/issue-33');
    assert.equal(pull.title, 'fix(core)!: own words');
    assert.match(pull.body, /Because\./);
  });

  test('commits of its own are flattened into one; its .git is not trusted',
    async () => {
      world.script('work', 'git config core.hooksPath hooks; mkdir hooks; ' +
        'echo "#!/bin/sh\nexit 1" > .git/hooks/pre-push; ' +
        'echo 1 > one; git add -A; git commit -qm one; echo 2 > two; ' +
        'git commit -q --allow-empty -m two; rm -rf hooks');
      await world.label(34);
      assert.equal(world.host.git(REPOSITORY, 'rev-list', '--count',
        'main..agent/issue-34'), '1');
      assert.equal(world.host.git(REPOSITORY, 'show', 'agent/issue-34:two'),
        '2');
    });
});

/** A job that must end without a pull request; the issue's one comment. */
async function commented(number, success, options) {
  const job = await world.label(number, options);
  assert.equal(job.record.success, success, JSON.stringify(job.steps));
  assert.equal(world.host.has(REPOSITORY, `agent/issue-${number}`), false);
  const comments = world.github.comments.filter((c) => c.number === number &&
    c.body.includes(`<!-- hookspool:job=${job.id} -->`));
  assert.equal(comments.length, 1);
  nothingLeft();
  assert.equal(job.step('comment_created').event, 'step_completed');
  return { job, body: comments[0].body };
}

describe('ends without a pull request', () => {
  before(() => world.configure([]));

  test('nothing changed: a comment says so', async () => {
    world.script('work', 'echo "It is so already." > "$HOOKSPOOL_MESSAGE_FILE"');
    const { body } = await commented(40, true);
    assert.match(body, /without changing a file/);
    assert.match(body, /It is so already\./);
  });

  test('a failed command: a comment with the end of its output, without ' +
    'secrets, and the job is dead', async () => {
    world.script('work', `echo 'tok ${TOKEN} ghp_${'a'.repeat(36)}'; ` +
      'echo \'three ``` backquotes\'; exit 3');
    const { body } = await commented(41, false);
    assert.match(body, /failed: exit code 3/);
    assert.match(body, /tok \[redacted\] \[redacted\]/);
    assert.match(body, /````text\n/);
  });

  test('a time-out likewise', async () => {
    world.configure(['  timeout: 1s']);
    world.script('work', 'echo begun; sleep 60');
    const { body } = await commented(42, false);
    assert.match(body, /timed out after 1\.0 s/);
    assert.match(body, /begun/);
  });

  for (const [what, number, script, reason] of [
    ['changed nothing', 46, 'true',
      /^the command changed nothing; the issue was not told: comment/],
    ['failed', 47, 'exit 3',
      /^agent_command: exit code 3; the issue was not told: comment/],
  ])
    test(`the comment is refused, the command ${what}: a failed step, and ` +
      'the reason in the record', async () => {
      world.configure([]);
      world.script('work', script);
      world.github.script(`POST /repos/${REPOSITORY}/issues/${number}/comments`,
        Array(3).fill({ status: 403, body: { message: 'Resource not ' +
          'accessible by personal access token' } }));
      const job = await world.label(number);
      assert.equal(job.record.success, false);
      assert.equal(job.step('comment_created').event, 'step_failed');
      assert.match(job.record.error.message, reason);
      assert.equal(job.order.filter((s) => s === 'agent_command').length, 1);
      assert.equal(world.github.comments.some((c) => c.number === number),
        false);
      nothingLeft();
    });

  const guards = [
    ['a workflow', 'mkdir -p .github/workflows; echo a > .github/workflows/x.yml',
      [], /\.github\/workflows\/x\.yml: the path is restricted/],
    ['a key', 'mkdir d; echo a > d/server.key', [], /d\/server\.key/],
    ['an .env', 'echo a > .env.local', [], /\.env\.local/],
    ['restricted-paths of one\'s own', 'echo a > secret.txt',
      ['  restricted-paths: ["secret*"]'], /secret\.txt/],
    ['outside allowed-paths', 'mkdir src; echo a > src/a; echo b > b',
      ['  allowed-paths: ["src/**"]'], /b: the path is outside/],
    ['more than max-files', 'touch a b; echo 1 > a; echo 2 > b',
      ['  max-files: 1'], /2 files changed, at most 1/],
    ['more than max-lines', 'seq 20 > a', ['  max-lines: 10'],
      /20 lines changed, at most 10/],
    ['a nested repository', 'git init -q sub; echo a > sub/a; ' +
      'git -C sub add a; git -C sub commit -qm a', [], /sub: submodules and nested/],
  ];
  guards.forEach(([what, script, config, words], i) =>
    test(`the path guard stops ${what}, and the comment lists it`,
      async () => {
        world.configure(config);
        world.script('work', script);
        const { body } = await commented(50 + i, false);
        assert.match(body, words);
      }));

  test('a push that is refused: the remote\'s words in a comment', async () => {
    const { writeFileSync, rmSync } = await import('node:fs');
    const hook = `${world.host.path(REPOSITORY)}/hooks/update`;
    writeFileSync(hook, '#!/bin/sh\necho no >&2\nexit 1\n', { mode: 0o755 });
    world.configure([]);
    world.script('work', 'echo a > a');
    const { body, job } = await commented(60, false);
    rmSync(hook);
    assert.match(body, /could not be pushed/);
    assert.match(body, /hook declined/);
    assert.equal(job.step('push').event, 'step_failed');
  });

  test('a workspace above job-bytes', async () => {
    world.workspace = ['  job-bytes: 1M'];
    world.configure([]);
    world.script('work', 'head -c 3000000 /dev/zero > big');
    const { body } = await commented(61, false);
    world.workspace = undefined;
    assert.match(body, /workspace takes 3\d+ bytes/);
  });
});

describe('settings', () => {
  const pull = (branch) =>
    world.github.pulls.find((p) => p.head.ref === branch);

  test('test-command: what it says goes back to the command, max-retries ' +
    'times', async () => {
    world.configure([`  test-command: [${world.bin}/check]`,
      '  max-retries: 2']);
    world.script('work', 'echo "$HOOKSPOOL_ROUND" > round; ' +
      'if grep -q "wants three" "$HOOKSPOOL_CONTEXT"; then echo y > told; fi');
    world.script('check', 'echo "wants three"; grep -q 3 round');
    const job = await world.label(70);
    assert.equal(job.order.filter((s) => s === 'agent_command').length, 3);
    assert.equal(job.order.filter((s) => s === 'test_command').length, 3);
    assert.match(pull('agent/issue-70').body, /Passed in round 3/);
    assert.equal(world.host.git(REPOSITORY, 'show', 'agent/issue-70:told'),
      'y');
  });

  test('tests that fail to the end: the draft says so', async () => {
    world.configure([`  test-command: [${world.bin}/check]`,
      '  max-retries: 1']);
    world.script('work', 'echo a > a');
    world.script('check', 'echo "it is wrong"; exit 4');
    const job = await world.label(71);
    assert.equal(job.record.success, true);
    const { body } = pull('agent/issue-71');
    assert.match(body, /\*\*Failed\*\* after 2 rounds: exit code 4/);
    assert.match(body, /it is wrong/);
  });

  test('branch, target-branch, author: odd names too', async () => {
    const target = 'rel/1.x+$(id)&ü';
    world.host.commit(REPOSITORY, target, { 'rel.txt': 'rel\n' }, 'Rel', 'main');
    world.configure([`  target-branch: "${target}"`,
      '  branch: "bot\'s/#{N};$(x)-é"', '  author-name: "Böt [x]"',
      '  author-email: bot@example.org']);
    world.script('work', 'cat rel.txt; echo a > a');
    const job = await world.label(72);
    assert.equal(job.record.success, true, JSON.stringify(job.steps));
    const branch = "bot's/#72;$(x)-é";
    assert.equal(pull(branch).base.ref, target);
    assert.equal(world.host.git(REPOSITORY, 'log', '-1', '--format=%an %ae',
      branch), 'Böt [x] bot@example.org');
    assert.equal(world.host.git(REPOSITORY, 'rev-parse', `${branch}^`),
      world.host.git(REPOSITORY, 'rev-parse', target));
  });

  test('existing-branch: suffix takes the next free name', async () => {
    world.configure(['  existing-branch: suffix']);
    world.script('work', 'date +%N > now');
    await world.label(73);
    await world.label(73);
    const job = await world.label(73);
    assert.equal(job.record.success, true);
    for (const branch of ['agent/issue-73', 'agent/issue-73-2',
      'agent/issue-73-3'])
      assert.ok(pull(branch), branch);
  });

  test('events: only those', async () => {
    world.configure(['  events: opened']);
    const job = await world.label(74);
    assert.match(JSON.stringify(job.step('issue_job')),
      /event_not_configured/);
  });

  test('sandbox, writable, network: limits lets it write there, and says so',
    async () => {
      world.configure(['  sandbox: limits', '  network: true',
        `  writable: [${world.server.dir}]`]);
      world.script('work', `echo out > ${world.server.dir}/written; ` +
        'echo a > a');
      const job = await world.label(75);
      assert.equal(job.record.success, true, JSON.stringify(job.steps));
      assert.match(JSON.stringify(job.step('agent_command')),
        /"sandbox":"limits".*"network":true/);
    });

  test('retries: a failed command is tried again, then succeeds', async () => {
    world.configure(['  retries: 1', '  sandbox: none']);
    world.script('work', `if [ ! -e ${world.server.dir}/tried ]; then ` +
      `touch ${world.server.dir}/tried; exit 1; fi; echo a > a`);
    const sent = await world.send(76);
    const job = await world.job(sent);
    assert.equal(job.record.success, true, JSON.stringify(job.steps));
    assert.equal(world.github.comments.some((c) => c.number === 76), false);
  });
});

describe('two issues of one repository at once', () => {
  test('both work at the same time, each on its own branch and pull request',
    async () => {
      const met = `${world.server.dir}/met`;
      world.configure(['  sandbox: none']);
      // Each goes on only when it has seen the other at work.
      world.script('work', `mkdir -p ${met}; ` +
        'own=${HOOKSPOOL_BRANCH##*-}; echo "$own" > "f$own"; ' +
        `: > ${met}/$own; n=0; until [ -e ${met}/90 ] && [ -e ${met}/91 ]; ` +
        'do sleep 0.05; n=$((n+1)); [ $n -lt 600 ] || exit 9; done; ' +
        'echo both >> README.md');
      const sent = [await world.send(90), await world.send(91)];
      const jobs = [await world.job(sent[0]), await world.job(sent[1])];
      for (const [i, number] of [90, 91].entries()) {
        const branch = `agent/issue-${number}`;
        const show = (format) => world.host.git(REPOSITORY, 'show',
          `--format=${format}`, '--name-only', branch);
        assert.equal(jobs[i].record.success, true,
          JSON.stringify(jobs[i].steps));
        assert.match(show('%B'), new RegExp(`Hookspool-Job: ${jobs[i].id}`));
        assert.equal(show(''), `README.md\nf${number}`);
        const pulls = world.github.pulls.filter((p) => p.head.ref === branch);
        assert.equal(pulls.length, 1);
        assert.match(pulls[0].body, new RegExp(`^Fixes #${number}$`, 'm'));
        assert.doesNotMatch(pulls[0].body,
          new RegExp(`<code>f${181 - number}<`));
      }
      nothingLeft();
    });
});

describe('exactly once', () => {
  before(() => {
    world.configure([]);
    world.script('work', 'date +%N > now');
  });

  test('the answer to a new pull request is lost: still one', async () => {
    world.github.script(`POST /repos/${REPOSITORY}/pulls`, ['cut-after']);
    const job = await world.label(80);
    assert.equal(job.record.success, true);
    assert.equal(world.github.pulls.filter((p) =>
      p.head.ref === 'agent/issue-80').length, 1);
  });

  test('GitHub is down after the push: the next attempt does not work again',
    async () => {
      world.github.script(`GET /repos/${REPOSITORY}/pulls`,
        Array(4).fill({ status: 502 }));
      const job = await world.label(82);
      assert.equal(job.record.success, true, JSON.stringify(job.steps));
      assert.equal(job.order.filter((s) => s === 'agent_command').length, 1);
      assert.equal(job.order.filter((s) => s === 'push').length, 1);
      assert.match(JSON.stringify(job.step('branch_created')),
        /has this job's commit/);
      const pulls = world.github.pulls.filter((p) =>
        p.head.ref === 'agent/issue-82');
      assert.equal(pulls.length, 1);
      assert.match(pulls[0].body, /<code>now<\/code> \| added/);
      nothingLeft();
    });

  test('the answer to a comment is lost: still one', async () => {
    world.github.script(`POST /repos/${REPOSITORY}/issues/81/comments`,
      ['cut-after']);
    world.script('work', 'exit 1');
    await commented(81, false);
  });
});
