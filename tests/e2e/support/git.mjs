// SPDX-License-Identifier: MIT
//
// Git over smart HTTP on loopback, credentials required: nginx, fcgiwrap and
// git-http-backend, as a git host is.
//
//   const host = await startGitHost({ tokens: ['ghp_...'] });
//   const sha = await host.create('octo/app', { 'a.txt': 'hello\n' });
//   ... programs clone `${host.url}/octo/app.git` with a token ...
//   host.git('octo/app', 'rev-parse', 'main')
//   await host.stop();
//
// A StallProxy in front of it lets so many bytes of replies through and then
// says nothing more, without closing.

import { execFileSync } from 'node:child_process';
import {
  existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync,
} from 'node:fs';
import net from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';

import { Program, freePort, waitFor } from './process.mjs';

export const gitEnv = {
  ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Ann', GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann', GIT_COMMITTER_EMAIL: 'ann@example.org',
  GIT_TERMINAL_PROMPT: '0',
};

/** Runs git; its standard output without the last newline. */
export function git(cwd, ...args) {
  return execFileSync('git', args, {
    cwd, env: gitEnv, encoding: 'utf8', maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  }).replace(/\n$/, '');
}

export class GitHost {
  constructor(dir, tokens) {
    this.dir = dir;
    this.tokens = tokens;
    this.repos = join(dir, 'repos');
    this.programs = [];
  }

  path(repository) {
    return join(this.repos, `${repository}.git`);
  }

  git(repository, ...args) {
    return git(this.path(repository), ...args);
  }

  /** A repository with one commit of these files on `branch`; its SHA. */
  create(repository, files = { 'README.md': 'hello\n' }, branch = 'main') {
    const path = this.path(repository);
    mkdirSync(path, { recursive: true });
    git(path, 'init', '-q', '--bare', `--initial-branch=${branch}`);
    git(path, 'config', 'http.receivepack', 'true');
    return this.commit(repository, branch, files, 'Begin');
  }

  /** A further commit on `branch`, made from `from` if it is new. */
  commit(repository, branch, files, message = 'Change', from) {
    const tree = mkdtempSync(join(this.dir, 'tree-'));
    git(tree, 'init', '-q', '--initial-branch=work');
    const parent = this.has(repository, from ?? branch)
      ? this.git(repository, 'rev-parse', `refs/heads/${from ?? branch}`)
      : undefined;
    if (parent !== undefined) {
      git(tree, 'fetch', '-q', this.path(repository), parent);
      git(tree, 'reset', '-q', '--hard', parent);
    }
    for (const [name, text] of Object.entries(files)) {
      const file = join(tree, name);
      if (text === null) {
        rmSync(file);
        continue;
      }
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
    }
    git(tree, 'add', '-A');
    git(tree, 'commit', '-q', '--allow-empty', '-m', message);
    git(tree, 'push', '-q', this.path(repository), `HEAD:refs/heads/${branch}`);
    const sha = git(tree, 'rev-parse', 'HEAD');
    rmSync(tree, { recursive: true });
    return sha;
  }

  has(repository, branch) {
    try {
      this.git(repository, 'rev-parse', '-q', '--verify',
        `refs/heads/${branch}`);
      return true;
    } catch {
      return false;
    }
  }

  async start() {
    const socket = join(this.dir, 'fcgiwrap.sock');
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    mkdirSync(this.repos);
    writeFileSync(join(this.dir, 'htpasswd'), this.tokens
      .map((token) => `x-access-token:{PLAIN}${token}\n`).join(''));
    writeFileSync(join(this.dir, 'nginx.conf'), nginxConf(this, socket));
    this.run('fcgiwrap', ['spawn-fcgi', '-n', '-s', socket, '-F', '1', '--',
      '/usr/sbin/fcgiwrap', '-c', '4', '-f']);
    await waitFor('fcgiwrap to listen', () => existsSync(socket));
    this.run('nginx', ['nginx', '-c', join(this.dir, 'nginx.conf'), '-p',
      this.dir, '-e', join(this.dir, 'nginx-error.log')]);
    await waitFor('the git host to answer', () => new Promise((done) => {
      const probe = net.connect(this.port, '127.0.0.1');
      probe.once('connect', () => { probe.destroy(); done(true); });
      probe.once('error', () => done(false));
    }));
  }

  run(name, command) {
    this.programs.push(new Program(name, command,
      { log: join(this.dir, `${name}.log`), env: gitEnv }));
  }

  async stop() {
    for (const program of this.programs.reverse()) await program.stop(10);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

function nginxConf(host, socket) {
  const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
  const temporary = ['client_body', 'fastcgi', 'proxy', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${host.dir}/${name};`).join('\n  ');
  return `
daemon off;
${user}
worker_processes 1;
pid ${host.dir}/nginx.pid;
error_log ${host.dir}/nginx-error.log;
events { worker_connections 256; }
http {
  access_log ${host.dir}/access.log;
  ${temporary}
  server {
    listen 127.0.0.1:${host.port};
    client_max_body_size 0;
    location / {
      auth_basic "git";
      auth_basic_user_file ${host.dir}/htpasswd;
      fastcgi_pass unix:${socket};
      fastcgi_read_timeout 600;
      include /etc/nginx/fastcgi_params;
      fastcgi_param SCRIPT_FILENAME /usr/lib/git-core/git-http-backend;
      fastcgi_param GIT_PROJECT_ROOT ${host.repos};
      fastcgi_param GIT_HTTP_EXPORT_ALL "";
      fastcgi_param PATH_INFO $uri;
      fastcgi_param REMOTE_USER $remote_user;
      fastcgi_param GIT_PROTOCOL $http_git_protocol;
    }
  }
}
`;
}

export async function startGitHost({
  tokens = ['token-one-0123456789'], dir = tmpdir(),
} = {}) {
  const host = new GitHost(mkdtempSync(join(dir, 'hookspool-git-')), tokens);
  await host.start();
  return host;
}

/** Lets `bytes` of replies through, then nothing. */
export class StallProxy {
  constructor(target, bytes) {
    this.left = bytes;
    this.stalled = 0;
    this.sockets = new Set();
    this.server = net.createServer((client) => {
      const far = net.connect(target, '127.0.0.1');
      for (const socket of [client, far]) {
        this.sockets.add(socket);
        socket.on('error', () => {});
        socket.once('close', () => {
          this.sockets.delete(socket);
          client.destroy();
          far.destroy();
        });
      }
      client.on('data', (bytes_) => far.write(bytes_));
      far.on('data', (bytes_) => {
        this.left -= bytes_.length;
        if (this.left > 0) client.write(bytes_);
        else this.stalled++;
      });
    });
  }

  async start() {
    this.port = await freePort();
    await new Promise((done) => {
      this.server.listen(this.port, '127.0.0.1', done);
    });
    this.url = `http://127.0.0.1:${this.port}`;
    return this;
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => { this.server.close(done); });
  }
}
