// SPDX-License-Identifier: MIT
//
// A whole hookspool in a temporary directory: nginx on a free loopback port,
// responders behind it, one runner.
//
//   const server = await startServer({ config: 'hooks: ...' });
//   const reply = await server.send({ event: 'ping', body: '{...}' });
//   const record = await server.record(reply.delivery);
//   await server.stop();
//
// stop() ends all programs and throws if one of them ended badly, which a
// sanitizer's report does; the directory is removed unless KEEP=1.

import { createHmac, randomUUID } from 'node:crypto';
import {
  chmodSync, existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync,
  readdirSync, rmSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';

import { Program, freePort, waitFor } from './process.mjs';

export const buildDir = resolve(process.env.HOOKSPOOL_BUILD ?? 'build');
export const plainDir = resolve(process.env.HOOKSPOOL_PLAIN ?? buildDir);

const root = new URL('../../..', import.meta.url).pathname;

/** The value of X-Hub-Signature-256. */
export function signature(secret, body) {
  return `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
}

export class Server {
  constructor(dir, options) {
    this.dir = dir;
    this.build = options.build ?? buildDir;
    this.secret = options.secret ?? 'a secret for the tests only';
    this.connections = options.connections ?? 256;
    this.data = join(dir, 'data');
    this.spool = join(this.data, 'spool');
    this.config = join(dir, 'config.yaml');
    this.socket = join(dir, 'fcgi.sock');
    this.programs = new Map();
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
    this.recordsRead = { files: new Map(), all: [] };
  }

  /** Writes config.yaml: what every server has, then the test's own text. */
  writeConfig(text = '') {
    writeFileSync(this.config, [
      `data-directory: ${this.data}`,
      `webhook-secret: "${this.secret}"`,
      'limits: {min-free-bytes: 1M, min-free-inodes: 100}',
      text,
    ].join('\n') + '\n');
    chmodSync(this.config, 0o600);
  }

  program(name) {
    return this.programs.get(name);
  }

  start(name, command) {
    const program = new Program(name, command, {
      log: join(this.dir, `${name}.log`),
      env: { ...process.env, HOOKSPOOL_CONFIG: this.config },
      cwd: this.dir,
    });
    this.programs.set(name, program);
    return program;
  }

  async startResponder(name = 'responder') {
    const socket = join(this.dir, `${name}.sock`);
    rmSync(socket, { force: true });
    this.start(name, [join(this.build, 'hookspool-fcgi'),
      '--config', this.config, '--listen', socket]);
    await waitFor(`${name} to listen`, () => this.alive(name) &&
      existsSync(socket));
  }

  startRunner(name = 'runner', ...options) {
    return this.start(name, [join(this.build, 'spool-runner'),
      '--config', this.config, ...options]);
  }

  /** 1, or an error that shows what the program said. */
  alive(name) {
    const program = this.program(name);
    if (program.running) return 1;
    throw new Error(`${name} ended: ${JSON.stringify(program.how)}\n` +
      program.output().slice(-3000));
  }

  async startNginx(responders) {
    this.port = await freePort();
    this.url = `http://127.0.0.1:${this.port}`;
    const conf = join(this.dir, 'nginx.conf');
    writeFileSync(conf, nginxConf(this, responders));
    this.start('nginx', ['nginx', '-c', conf, '-p', this.dir, '-e',
      join(this.dir, 'nginx-error.log')]);
    await waitFor('nginx to answer', () => this.alive('nginx') &&
      this.request('GET', '/').then(() => 1, () => 0));
  }

  /** Any request: {status, headers, text, json}. Rejects if cut off. */
  request(method, path, { headers = {}, body } = {}) {
    return new Promise((fulfil, reject) => {
      const request = http.request(this.url + path, {
        method, headers, agent: this.agent, timeout: 60000,
      }, (response) => {
        const chunks = [];
        response.on('data', (bytes) => chunks.push(bytes));
        response.once('error', reject);
        response.once('end', () => {
          const text = Buffer.concat(chunks).toString();
          let json;
          try {
            json = JSON.parse(text);
          } catch {
            json = undefined;
          }
          fulfil({
            status: response.statusCode, headers: response.headers, text, json,
          });
        });
      });
      request.once('timeout', () =>
        request.destroy(new Error('no answer within 60 s')));
      request.once('error', reject);
      request.end(body);
    });
  }

  /** A webhook as GitHub sends it; the reply also tells the delivery. */
  async send({
    event = 'push', body = '{}', delivery = randomUUID(),
    secret = this.secret, headers = {}, type = 'application/json',
    path = '/webhooks/github', sign,
  } = {}) {
    const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body);
    const reply = await this.request('POST', path, {
      headers: {
        'Content-Type': type,
        'Content-Length': bytes.length,
        'User-Agent': 'GitHub-Hookshot/0000000',
        'X-GitHub-Event': event,
        'X-GitHub-Delivery': delivery,
        'X-GitHub-Hook-ID': '292430182',
        'X-Hub-Signature-256': sign ?? signature(secret, bytes),
        ...headers,
      },
      body: bytes,
    });
    return { ...reply, delivery };
  }

  /** All records so far, of all days. Reads only what is new. */
  records() {
    const log = join(this.spool, 'log');
    const { files, all } = this.recordsRead;
    if (!existsSync(log)) return all;
    for (const name of readdirSync(log).sort()) {
      if (!/^webhooks_\d{4}-\d\d-\d\d\.json$/.test(name)) continue;
      const text = readFileSync(join(log, name), 'utf8');
      let from = files.get(name) ?? 0;
      for (let end; (end = text.indexOf('\n', from)) !== -1; from = end + 1)
        all.push(JSON.parse(text.slice(from, end)));
      files.set(name, from);
    }
    return all;
  }

  /** The record of a delivery, waited for. */
  record(delivery, seconds = 60) {
    return waitFor(`the record of ${delivery}`, () => {
      this.alive('runner');
      return this.records().find((one) => one.delivery_id === delivery);
    }, seconds);
  }

  /** Names in one of the spool's directories. */
  names(state) {
    try {
      return readdirSync(join(this.spool, state));
    } catch {
      return [];
    }
  }

  /** Until nothing waits, nothing runs, and all that is settled has its record:
   * a job's second name, its slot's, goes last. */
  settled(seconds = 120) {
    const unfinished = (state) => this.names(state).filter((name) =>
      (lstatSync(join(this.spool, state, name),
        { throwIfNoEntry: false })?.nlink ?? 0) > 1);
    const busy = () => [
      ...['new', 'run', 'retry'].map((state) => [state, this.names(state)]),
      ...['done', 'dead'].map((state) => [state, unfinished(state)]),
    ].map(([state, names]) => [state, names.length])
      .filter(([, count]) => count > 0);
    return waitFor(() => `the queue to empty: ${busy()}`, () => {
      this.alive('runner');
      return busy().length === 0;
    }, seconds);
  }

  /** The steps of a job so far. */
  steps(jobId) {
    const file = join(this.spool, 'log/jobs', `${jobId}.jsonl`);
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8').split('\n').filter((line) => line)
      .map((line) => JSON.parse(line));
  }

  async stop() {
    this.agent.destroy();
    const bad = [];
    const order = [...this.programs.keys()].sort((a, b) =>
      (a === 'nginx' ? 0 : 1) - (b === 'nginx' ? 0 : 1));
    for (const name of order) {
      const program = this.program(name);
      if (program.expectedToEnd) continue;
      const { code, signal, error } = await program.stop();
      if (code !== 0 && signal !== 'SIGTERM')
        bad.push(`${name}: ${error ?? `exit ${code} ${signal ?? ''}`}\n` +
          program.output().slice(-4000));
    }
    if (!process.env.KEEP) rmSync(this.dir, { recursive: true, force: true });
    if (bad.length > 0) throw new Error(`ended badly: ${bad.join('\n')}`);
  }
}

/** nginx by itself: our site in an http block that needs no root. */
function nginxConf(server, responders) {
  const sockets = responders
    .map((name) => `server unix:${join(server.dir, `${name}.sock`)} max_fails=0;`)
    .join(' ');
  const user = userInfo().uid === 0 ? `user ${userInfo().username};` : '';
  const site = readFileSync(join(root, 'nginx/hookspool.conf'), 'utf8');
  return `
daemon off;
${user}
worker_processes 1;
pid ${server.dir}/nginx.pid;
error_log ${server.dir}/nginx-error.log;
events { worker_connections ${server.connections}; }
http {
  access_log off;
  client_body_temp_path ${server.dir}/body;
  fastcgi_temp_path ${server.dir}/fastcgi;
  proxy_temp_path ${server.dir}/proxy;
  uwsgi_temp_path ${server.dir}/uwsgi;
  scgi_temp_path ${server.dir}/scgi;
  upstream hookspool { ${sockets} keepalive 8; }
  server {
    listen 127.0.0.1:${server.port};
${site}
  }
}
`;
}

/**
 * Options: config (YAML text, or a function of the server that gives it),
 * responders (how many, 1), runner (started unless false), build, secret,
 * connections (that nginx takes at once, both sides counted, 256).
 */
export async function startServer(options = {}) {
  const dir = mkdtempSync(join(tmpdir(), 'hookspool-e2e-'));
  const server = new Server(dir, options);
  mkdirSync(server.data);
  const { config = '' } = options;
  server.writeConfig(typeof config === 'function' ? config(server) : config);
  const count = options.responders ?? 1;
  const names = Array.from({ length: count }, (_, i) =>
    i === 0 ? 'responder' : `responder${i + 1}`);
  try {
    for (const name of names) await server.startResponder(name);
    if (options.runner !== false) server.startRunner();
    await server.startNginx(names);
  } catch (error) {
    await server.stop().catch(() => {});
    throw error;
  }
  return server;
}
