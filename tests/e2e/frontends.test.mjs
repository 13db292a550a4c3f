// SPDX-License-Identifier: MIT
//
// The snippets of nginx/ in the real web servers: the same requests get the
// same replies behind each. A web server that is not installed is skipped.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync, chownSync, copyFileSync, existsSync, mkdirSync, mkdtempSync,
  readFileSync, readdirSync, rmSync, writeFileSync,
} from 'node:fs';
import http from 'node:http';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Program, freePort, waitFor } from './support/process.mjs';
import { buildDir, signature } from './support/server.mjs';

const root = new URL('../..', import.meta.url).pathname;
const modules = '/usr/lib/apache2/modules';
const secret = 'a secret for the tests only';
const asRoot = process.getuid() === 0;
const paths = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;

function which(name) {
  return paths.split(':').map((dir) => join(dir, name)).find(existsSync);
}

/** User and group that Apache changes to: it will not serve as root. */
function webUser() {
  if (!asRoot) return userInfo();
  const id = (flag) => Number(execFileSync('id', [flag, 'www-data']));
  return { uid: id('-u'), gid: id('-g') };
}

/** Our snippet with this test's paths in place of the installed ones. */
function snippet(name, dir) {
  return readFileSync(join(root, 'nginx', name), 'utf8')
    .replaceAll('/run/hookspool-fcgi.sock', join(dir, 'fcgi.sock'))
    .replaceAll('/usr/local/sbin', join(dir, 'sbin'))
    .replaceAll('/etc/hookspool/config.yaml', join(dir, 'config.yaml'));
}

function apache(dir, port, loaded, name) {
  const load = loaded.map((module) =>
    `LoadModule ${module}_module ${modules}/mod_${module}.so`);
  return `
ServerRoot "${dir}"
ServerName localhost
Listen 127.0.0.1:${port}
PidFile ${dir}/apache.pid
ErrorLog ${dir}/apache-error.log
Mutex file:${dir} default
${['mpm_event', 'authz_core', 'alias', 'env', 'headers', 'reqtimeout']
    .map((module) => `LoadModule ${module}_module ${modules}/mod_${module}.so`)
    .join('\n')}
${load.join('\n')}
${asRoot ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
${name === 'apache-fcgid.conf' ? `FcgidIPCDir ${dir}/ipc
FcgidProcessTableFile ${dir}/fcgid.shm` : ''}
${name === 'apache-cgi.conf' ? `ScriptSock ${dir}/cgid.sock` : ''}
<VirtualHost *>
${snippet(name, dir)}
</VirtualHost>
`;
}

function nginx(dir, port) {
  return `
daemon off;
${asRoot ? 'user root;' : ''}
worker_processes 1;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx-error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${dir}/body;
  fastcgi_temp_path ${dir}/fastcgi;
  proxy_temp_path ${dir}/proxy;
  uwsgi_temp_path ${dir}/uwsgi;
  scgi_temp_path ${dir}/scgi;
  upstream hookspool { server unix:${dir}/fcgi.sock; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    KNOB
    ${snippet('hookspool.conf', dir)}
  }
}
`;
}

const startNginx = (dir, conf) =>
  [which('nginx'), '-c', conf, '-p', dir, '-e', `${dir}/nginx-error.log`];
const startApache = (dir, conf) =>
  [which('apache2'), '-D', 'FOREGROUND', '-f', conf];

const frontends = [
  {
    name: 'nginx',
    needs: 'nginx',
    conf: (dir, port) => nginx(dir, port).replace('KNOB', ''),
    start: startNginx,
  },
  {
    name: 'nginx, request buffering off',
    needs: 'nginx',
    conf: (dir, port) => nginx(dir, port)
      .replace('KNOB', 'fastcgi_request_buffering off;'),
    start: startNginx,
  },
  {
    name: 'Apache, mod_proxy_fcgi',
    needs: 'apache2',
    conf: (dir, port) =>
      apache(dir, port, ['proxy', 'proxy_fcgi'], 'apache-proxy.conf'),
    start: startApache,
  },
  {
    name: 'Apache, mod_fcgid',
    needs: 'apache2',
    module: 'mod_fcgid.so',
    conf: (dir, port) => apache(dir, port, ['fcgid'], 'apache-fcgid.conf'),
    start: startApache,
    alone: true,
  },
  {
    name: 'Apache, CGI',
    needs: 'apache2',
    conf: (dir, port) => apache(dir, port, ['cgid'], 'apache-cgi.conf'),
    start: startApache,
    alone: true,
  },
  {
    name: 'lighttpd',
    needs: 'lighttpd',
    conf: (dir, port) => `
server.document-root = "${dir}"
server.bind = "127.0.0.1"
server.port = ${port}
server.upload-dirs = ( "${dir}" )
server.errorlog = "${dir}/lighttpd-error.log"
${snippet('lighttpd.conf', dir)}
`,
    start: (dir, conf) => [which('lighttpd'), '-D', '-f', conf],
  },
  {
    name: 'caddy',
    needs: 'caddy',
    conf: (dir, port) => `
{
	admin off
	auto_https off
	storage file_system ${dir}/caddy
}
http://127.0.0.1:${port} {
${snippet('Caddyfile', dir)}
}
`,
    start: (dir, conf) =>
      [which('caddy'), 'run', '--adapter', 'caddyfile', '--config', conf],
  },
];

/** A push of octo/plain of about `size` bytes, different each time. */
function push(size) {
  const body = {
    ref: 'refs/heads/main', before: randomUUID(), after: '0'.repeat(40),
    commits: [], created: false, deleted: false, pusher: { name: '' },
    repository: { full_name: 'octo/plain' }, sender: { login: 'octocat' },
  };
  const bare = JSON.stringify(body).length;
  body.pusher.name = 'a'.repeat(Math.max(0, size - bare));
  return Buffer.from(JSON.stringify(body));
}

class Site {
  constructor(frontend) {
    this.frontend = frontend;
    this.dir = mkdtempSync(join(tmpdir(), 'hookspool-front-'));
    this.programs = [];
  }

  file(name, text, mode = 0o644) {
    writeFileSync(join(this.dir, name), text);
    chmodSync(join(this.dir, name), mode);
    return join(this.dir, name);
  }

  async start() {
    const { dir, frontend } = this;
    const user = webUser();
    chmodSync(dir, 0o755);
    for (const name of ['data', 'sbin', 'ipc', 'caddy'])
      mkdirSync(join(dir, name));
    this.file('config.yaml', [
      `data-directory: ${dir}/data`, `webhook-secret: "${secret}"`,
      'limits: {min-free-bytes: 1M, min-free-inodes: 10}',
      'hooks: [{name: x, events: [push], command: [/bin/true]}]', '',
    ].join('\n'));
    copyFileSync(join(buildDir, 'hookspool-fcgi'),
      join(dir, 'sbin/hookspool-fcgi'));
    if (asRoot) for (const name of ['data', 'ipc', 'config.yaml'])
      chownSync(join(dir, name), user.uid, user.gid);
    if (!frontend.alone) await this.startResponder();
    this.port = await freePort();
    const conf = this.file('web.conf', frontend.conf(dir, this.port));
    this.run('web', frontend.start(dir, conf));
    await waitFor('the web server', () => this.alive() &&
      this.request({ method: 'GET', path: '/' }).then(() => 1, () => 0));
  }

  async startResponder() {
    this.run('responder', [join(this.dir, 'sbin/hookspool-fcgi'),
      '--config', join(this.dir, 'config.yaml'),
      '--listen', join(this.dir, 'fcgi.sock'),
      ...(asRoot ? ['--group', 'www-data'] : [])]);
    await waitFor('the responder', () => this.alive() &&
      existsSync(join(this.dir, 'fcgi.sock')));
  }

  run(name, command) {
    this.programs.push(new Program(name, command, {
      log: join(this.dir, `${name}.log`),
      env: { PATH: paths, HOME: this.dir },
      cwd: this.dir,
    }));
  }

  alive() {
    for (const program of this.programs) {
      if (!program.running)
        throw new Error(`${program.name} ended: ${program.output()}`);
    }
    return 1;
  }

  request({ method = 'POST', path = '/webhook_server', headers = {}, body,
    chunked = false }) {
    return new Promise((resolve, reject) => {
      const request = http.request({
        host: '127.0.0.1', port: this.port, method, path, agent: false,
        timeout: 30000,
        headers: chunked || body === undefined ? headers
          : { 'Content-Length': body.length, ...headers },
      }, (response) => {
        const parts = [];
        response.on('data', (bytes) => parts.push(bytes));
        response.once('end', () => {
          const text = Buffer.concat(parts).toString();
          let json;
          try {
            json = JSON.parse(text);
          } catch {
            // the web server's own page
          }
          resolve({ status: response.statusCode, json, text,
            headers: response.headers });
        });
      });
      request.once('error', reject);
      request.once('timeout', () =>
        request.destroy(new Error('no answer within 30 s')));
      if (chunked) for (let at = 0; at < body.length; at += 5000)
        request.write(body.subarray(at, at + 5000));
      request.end(chunked ? undefined : body);
    });
  }

  post(body, headers = {}, more = {}) {
    return this.request({ body, ...more, headers: {
      'Content-Type': 'application/json',
      'X-GitHub-Event': 'push',
      'X-GitHub-Delivery': randomUUID(),
      'X-GitHub-Hook-ID': '42',
      'X-Hub-Signature-256': signature(secret, body),
      ...headers,
    } });
  }

  jobs() {
    const dir = join(this.dir, 'data/spool/new');
    return existsSync(dir) ? readdirSync(dir).map((name) => join(dir, name))
      : [];
  }

  logs() {
    return readdirSync(this.dir).filter((name) => name.endsWith('.log'))
      .map((name) => readFileSync(join(this.dir, name), 'utf8').slice(-3000))
      .join('\n');
  }

  async stop() {
    for (const program of this.programs.reverse()) await program.stop();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

const MB = 1024 * 1024;
const accepted = { status: 202, word: 'accepted' };
const rows = [
  { why: 'a body of 300 bytes', size: 300, ...accepted },
  { why: 'a body of 21 kB', size: 21000, ...accepted },
  { why: 'a body of 1 MB', size: MB, ...accepted },
  { why: 'a body of 25 MB', size: 25 * MB, ...accepted },
  { why: 'a chunked body', size: 21000, chunked: true, ...accepted },
  { why: 'a chunked body of 1 MB', size: MB, chunked: true, ...accepted },
  { why: 'the other address', size: 300, path: '/webhooks/github',
    ...accepted },
  { why: 'a query that looks like options', size: 300,
    path: '/webhook_server?--config+/etc/passwd', ...accepted },
  { why: 'a Proxy header', size: 300,
    headers: { Proxy: 'http://127.0.0.1:9/' }, ...accepted },
  { why: 'an empty body', size: -1, status: 400, word: 'empty_body' },
  { why: 'no signature', size: 300, status: 401, word: 'missing_signature',
    headers: { 'X-Hub-Signature-256': '' } },
  { why: 'a wrong signature', size: 300, status: 403,
    word: 'invalid_signature',
    headers: { 'X-Hub-Signature-256': `sha256=${'0'.repeat(64)}` } },
  { why: 'no delivery', size: 300, status: 400, word: 'invalid_delivery_id',
    headers: { 'X-GitHub-Delivery': 'x' } },
  { why: 'another type', size: 300, status: 400,
    word: 'unsupported_content_type',
    headers: { 'Content-Type': 'text/plain' } },
];

for (const frontend of frontends) {
  const missing = !which(frontend.needs) ||
    (frontend.module && !existsSync(join(modules, frontend.module)));
  describe(frontend.name, { skip: missing && 'not installed' }, () => {
    let site;

    before(async () => {
      site = new Site(frontend);
      await site.start();
    });
    after(() => site.stop());

    for (const row of rows) {
      test(`${row.why}: ${row.status}`, async () => {
        const body = row.size < 0 ? Buffer.alloc(0) : push(row.size);
        const count = site.jobs().length;
        const reply = await site.post(body, row.headers,
          { path: row.path, chunked: row.chunked });
        const got = reply.json?.error ?? reply.json?.status;
        assert.deepEqual([reply.status, got], [row.status, row.word],
          reply.text + site.logs());
        assert.match(reply.headers['x-request-id'], /^[0-9a-f-]{36}$/);
        assert.equal(site.jobs().length,
          count + (row.status === 202 ? 1 : 0));
      });
    }

    test('more than 26 MB: 413, no job', async () => {
      const body = push(26 * MB + 1);
      const count = site.jobs().length;
      // A web server may close on us while we still send.
      const reply = await site.post(body).catch((error) => error);
      if (!(reply instanceof Error)) assert.equal(reply.status, 413);
      assert.equal(site.jobs().length, count);
    });

    test('the stored body is the sent one', async () => {
      const body = push(21000);
      await site.post(body);
      const found = site.jobs().some((name) =>
        readFileSync(name).includes(body));
      assert.ok(found);
    });

    // Some web servers hand it on and some do not: nobody here wants it.
    test('somebody\'s Authorization is kept nowhere', async () => {
      const body = push(300);
      const reply = await site.post(body,
        { Authorization: 'Bearer somebody-s-own-token' });
      assert.equal(reply.status, 202, reply.text);
      const kept = [...site.jobs().map((name) => readFileSync(name, 'latin1')),
        site.logs()];
      assert.ok(!kept.some((text) => text.includes('somebody-s-own')));
    });

    // The first, the last, or both joined by a comma may arrive.
    test('two signatures: one that is wrong is never enough', async () => {
      const body = push(300);
      const count = site.jobs().length;
      const wrong = `sha256=${'0'.repeat(64)}`;
      const reply = await site.post(body,
        { 'X-Hub-Signature-256': [wrong, signature(secret, body)] });
      assert.ok([400, 403].includes(reply.status), reply.text);
      assert.equal(site.jobs().length, count);
    });

    // lighttpd and caddy give both headers the same name.
    test('a header with underscores changes no event', async () => {
      const body = push(300);
      const reply = await site.post(body, { X_GitHub_Event: 'ping' });
      assert.ok([202, 400].includes(reply.status), reply.text);
      for (const name of site.jobs())
        assert.doesNotMatch(readFileSync(name, 'latin1'), /^Event: ping$/m);
    });

    test('the health check answers', async () => {
      const reply = await site.request(
        { method: 'GET', path: '/webhook_server/healthcheck' });
      assert.equal(reply.status, 200);
      assert.equal(reply.json?.message, 'Alive');
    });

    test('GET of the webhook address: 405', async () => {
      const reply = await site.request({ method: 'GET' });
      assert.equal(reply.status, 405);
      assert.equal(reply.headers.allow, 'POST');
    });
  });
}
