// SPDX-License-Identifier: MIT
//
// Everything that is measured side by side: our responder, the bare programs
// that are its limit, and what others run instead; those that a web server
// stands before, behind the same nginx.

import { execFileSync } from 'node:child_process';
import {
  chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';

import {
  Program, descendants, freePort, run, waitFor,
} from '../e2e/support/process.mjs';
import { cpuOf, peakOf, pssOf } from './machine.mjs';

const root = new URL('../..', import.meta.url).pathname;
export const secret = 'a secret for the bench only';

function has(program) {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/**
 * A payload of GitHub's own examples, as a file, with so many bytes more.
 * Without its repository it is for load --keys.
 */
export function payload(dir, event, index,
  { repository = true, bytes = 0 } = {}) {
  const all = createRequire(import.meta.url)('@octokit/webhooks-examples');
  const { examples } = all.find((one) => one.name === event);
  const body = { ...examples[index] };
  if (event === 'ping') body.hook_id = 292430182; // the load's header says so
  if (!repository) delete body.repository;
  if (bytes > 0) body.padding = 'x'.repeat(bytes);
  const file = join(dir,
    `${event}${repository ? '' : '-keys'}${bytes > 0 ? '-large' : ''}.json`);
  writeFileSync(file, JSON.stringify(body));
  return file;
}

export class Bench {
  constructor(dir, build) {
    this.dir = dir;
    this.build = build;
    this.programs = new Map();
    this.ports = {};
    this.sites = [];
    this.missing = new Set();
  }

  bin(name) {
    return join(this.build, name);
  }

  /** bench/fill or bench/probe; what it prints. */
  async tool(name, ...args) {
    const { code, stdout, stderr } = await run([this.bin(`bench/${name}`),
      ...args.map(String)], { seconds: 600 });
    if (code !== 0) throw new Error(`${name} ${args.join(' ')}: ${stderr}`);
    return stdout === '' ? undefined : JSON.parse(stdout);
  }

  /** Whether it is installed; the report tells what is not. */
  installed(program) {
    if (!has(program)) this.missing.add(program);
    return has(program);
  }

  start(name, command, env = {}) {
    const program = new Program(name, command, {
      log: join(this.dir, `${name}.log`),
      env: { ...process.env, ...env },
      cwd: this.dir,
    });
    this.programs.set(name, program);
    return program;
  }

  async stop(name) {
    await this.programs.get(name)?.stop();
    this.programs.delete(name);
  }

  async stopAll() {
    for (const name of [...this.programs.keys()].reverse())
      await this.stop(name);
  }

  /** A hookspool of its own: configuration and data directory NAME. */
  home(name, config = '') {
    const home = join(this.dir, name);
    const file = join(home, 'config.yaml');
    mkdirSync(join(home, 'data'), { recursive: true });
    writeFileSync(file, [
      `data-directory: ${join(home, 'data')}`,
      `webhook-secret: "${secret}"`,
      'limits: {max-queued-files: 10000000, max-queued-bytes: 100G,',
      '  min-free-bytes: 1M, min-free-inodes: 100}',
      config || 'hooks: [{name: all, events: [push, pull_request],' +
        ' command: [/bin/true]}]',
    ].join('\n') + '\n');
    chmodSync(file, 0o600);
    return { home, config: file, spool: join(home, 'data/spool') };
  }

  async startResponder(name, home, options = []) {
    const socket = join(this.dir, `${name}.sock`);
    this.start(name, [this.bin('hookspool-fcgi'), '--config', home.config,
      '--listen', socket, ...options]);
    await waitFor(`${name} to listen`, () => existsSync(socket));
    await this.site(name, `include ${join(this.dir, 'hookspool.conf')};`,
      socket);
  }

  async startBare(name, kind, processes, threads, kept) {
    const socket = join(this.dir, `${name}.sock`);
    const folder = join(this.dir, `${name}-files`);
    if (kind === 'store') mkdirSync(folder);
    this.start(name, [this.bin('bench/bare'), kind, socket, `${processes}`,
      `${threads}`, secret, ...(kind === 'store' ? [folder] : [])]);
    await waitFor(`${name} to listen`, () => existsSync(socket));
    await this.site(name, `location / {
      client_max_body_size 26m;
      client_body_buffer_size 128k;
      fastcgi_pass ${kept ? name : `unix:${socket}`};
      fastcgi_keep_conn ${kept ? 'on' : 'off'};
      fastcgi_param REQUEST_METHOD $request_method;
      fastcgi_param CONTENT_LENGTH $content_length;
    }`, kept ? socket : undefined);
  }

  /** nginx answers by itself: what the load and nginx alone can do. */
  async startNothing(name) {
    await this.site(name, 'location / { return 202; }');
  }

  async startOctokit(name) {
    const port = await freePort();
    this.start(name, ['node', join(root, 'tests/bench/peers/octokit.mjs'),
      `${port}`, secret]);
    await this.proxied(name, port);
  }

  async startFastapi(name) {
    if (!this.installed('uvicorn')) return;
    const port = await freePort();
    this.start(name, ['/usr/bin/python3', '-m', 'uvicorn', '--app-dir',
      join(root, 'tests/bench/peers'), '--host', '127.0.0.1', '--port',
      `${port}`, '--log-level', 'error', '--no-access-log', 'fastapi_app:app'],
    { BENCH_SECRET: secret });
    await this.proxied(name, port);
  }

  /** adnanh/webhook, running a command for each event, without a proxy. */
  async startWebhook(name, command) {
    if (!this.installed('webhook')) return;
    const port = await freePort();
    const hooks = join(this.dir, `${name}-hooks.json`);
    writeFileSync(hooks, JSON.stringify([{
      id: 'github',
      'execute-command': command,
      'trigger-rule': {
        match: {
          type: 'payload-hmac-sha256',
          secret,
          parameter: { source: 'header', name: 'X-Hub-Signature-256' },
        },
      },
    }]));
    this.start(name, ['webhook', '-hooks', hooks, '-ip', '127.0.0.1', '-port',
      `${port}`, '-urlprefix', 'webhooks']);
    this.ports[name] = port;
    await this.reachable(name, port);
  }

  async proxied(name, port) {
    await this.reachable(name, port);
    await this.site(name, `location / {
      client_max_body_size 26m;
      client_body_buffer_size 128k;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_pass http://${name};
    }`, `127.0.0.1:${port}`);
  }

  reachable(name, port) {
    return waitFor(`${name} to listen`, () => new Promise((resolve) => {
      const socket = createConnection(port, '127.0.0.1');
      socket.once('connect', () => resolve(socket.destroy()));
      socket.once('error', () => resolve(false));
    }));
  }

  async site(name, text, upstream) {
    this.ports[name] = await freePort();
    const server = upstream === undefined ? '' : `upstream ${name} {
      server ${upstream.startsWith('/') ? 'unix:' : ''}${upstream};
      keepalive 16;
    }`;
    this.sites.push({ name, server, text });
  }

  /** After all sites are known. */
  async startNginx() {
    const conf = join(this.dir, 'nginx.conf');
    const ours = readFileSync(join(root, 'nginx/hookspool.conf'), 'utf8');
    const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
    // Our snippet, as it is but for the upstream's name.
    const sites = this.sites.map(({ name, server, text }) => `${server}
      server { listen 127.0.0.1:${this.ports[name]} backlog=1024;
      keepalive_requests 10000000; ${text.startsWith('include')
      ? ours.replace('fastcgi_pass hookspool;', `fastcgi_pass ${name};`)
      : text} }`);
    writeFileSync(conf, `daemon off; ${user} worker_processes auto;
      pid ${this.dir}/nginx.pid; error_log ${this.dir}/nginx-error.log;
      events { worker_connections 512; }
      http { access_log off;
        client_body_temp_path ${this.dir}/body;
        fastcgi_temp_path ${this.dir}/fastcgi;
        proxy_temp_path ${this.dir}/proxy;
        uwsgi_temp_path ${this.dir}/uwsgi;
        scgi_temp_path ${this.dir}/scgi;
        ${sites.join('\n')} }`);
    this.start('nginx', ['nginx', '-c', conf, '-p', this.dir, '-e',
      join(this.dir, 'nginx-error.log')]);
    for (const [name, port] of Object.entries(this.ports))
      await this.reachable(name, port);
  }

  /** Until nothing of what the program started lives any more. */
  quiet(name) {
    const { pid } = this.programs.get(name);
    return waitFor(`${name} to be quiet`, () => descendants(pid).length === 0,
      120);
  }

  /** Until nothing waits and nothing runs. */
  settled(home) {
    return waitFor('the queue to empty', () => ['new', 'run', 'retry'].every(
      (state) => readdirSync(join(home.spool, state)).length === 0), 300);
  }

  /**
   * One measurement: what load prints, and the CPU of the server's processes
   * and nginx's, µs a request. Throws if anything but 202 came.
   */
  async load(name, file, options) {
    const args = Object.entries({ secret, port: this.ports[name], ...options })
      .flatMap(([key, value]) => [`--${key}`, `${value}`]);
    const pid = this.programs.get(name)?.pid;
    const front = this.programs.get('nginx').pid;
    const before = pid ? cpuOf(pid) : 0;
    const beforeFront = cpuOf(front);
    const { code, stdout, stderr } = await run(
      [this.bin('bench/load'), ...args, file], { seconds: 700 });
    if (code !== 0) throw new Error(`load ${name}: ${stderr}`);
    const result = JSON.parse(stdout);
    const good = (result.status[202] ?? 0) + (result.status[200] ?? 0);
    if (good !== result.requests)
      throw new Error(`load ${name}: ${stdout}`);
    result.cpu_us = pid ? (cpuOf(pid) - before) / result.requests : 0;
    result.nginx_us = (cpuOf(front) - beforeFront) / result.requests;
    result.pss_mb = pid ? pssOf(pid) : 0;
    result.peak_mb = pid ? peakOf(pid) : 0;
    return result;
  }
}
