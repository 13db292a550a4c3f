// SPDX-License-Identifier: MIT
//
// How the client speaks to GitHub: TLS, HTTP/2, compression, sizes, and as
// whom, from the configuration.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { startGitHub } from './support/github.mjs';
import { one, withClient } from './support/github_client.mjs';
import { Program, freePort, waitFor } from './support/process.mjs';

const get = ['token', 'GET', '/thing'];

/** fn(nginx's https URL of the far end, the file with its certificate). */
async function behindTls({ github, dir }, fn) {
  const port = await freePort();
  const cert = join(dir, 'tls.crt');
  const key = join(dir, 'tls.key');
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes',
    '-days', '2', '-subj', '/CN=127.0.0.1', '-addext',
    'subjectAltName=IP:127.0.0.1', '-keyout', key, '-out', cert],
  { stdio: 'ignore' });
  const log = join(dir, 'access.log');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${dir}/${name};`).join('\n');
  writeFileSync(join(dir, 'nginx.conf'), `daemon off;
${process.getuid() === 0 ? 'user root;' : ''}
worker_processes 1; pid ${dir}/nginx.pid; error_log ${dir}/error.log;
events { worker_connections 64; }
http { ${temporary}
  log_format p '$server_protocol'; access_log ${log} p;
  server { listen 127.0.0.1:${port} ssl http2;
    ssl_certificate ${cert}; ssl_certificate_key ${key};
    location / { proxy_pass ${github.url}; } } }
`);
  const nginx = new Program('nginx', ['nginx', '-c', join(dir, 'nginx.conf'),
    '-p', dir, '-e', join(dir, 'error.log')], { log: join(dir, 'nginx.log') });
  const { existsSync, readFileSync } = await import('node:fs');
  try {
    await waitFor('nginx to listen', () => existsSync(join(dir, 'nginx.pid')) &&
      existsSync(log));
    await fn(`https://127.0.0.1:${port}`, cert,
      () => readFileSync(log, 'utf8').trim().split('\n'));
  } finally {
    await nginx.stop();
  }
}

/** The same call with these lines of configuration in place of others. */
function rewrite(config, text) {
  writeFileSync(config, text.join('\n') + '\n', { mode: 0o600 });
}

describe('the way to GitHub', { concurrency: 4 }, () => {
  test('TLS with the certificates of ca-file, HTTP/2, one connection', () =>
    withClient({}, async (t) => behindTls(t, async (url, cert, protocols) => {
      rewrite(t.config, [`data-directory: ${t.dir}`, 'webhook-secret: "none here"',
        `github-api-url: ${url}`, `github-tokens: [${one}]`,
        `ca-file: ${cert}`]);
      assert.equal((await t.call(get, { REPEAT: '3' })).status, 200);
      assert.deepEqual(await waitFor('three lines', () =>
        protocols().length === 3 && protocols()),
      ['HTTP/2.0', 'HTTP/2.0', 'HTTP/2.0']);
    })));

  test('a certificate nobody vouches for: no request, try again', () =>
    withClient({}, async (t) => behindTls(t, async (url) => {
      rewrite(t.config, [`data-directory: ${t.dir}`, 'webhook-secret: "none here"',
        `github-api-url: ${url}`, `github-tokens: [${one}]`]);
      const got = await t.call(get);
      assert.equal(got.rc, -1);
      assert.equal(got.class, 1);
      assert.match(got.error, /[Cc]ertificate|SSL/);
      assert.equal(t.github.calls.length, 0);
    })));

  test('http to another machine is not spoken', () =>
    withClient({ url: () => 'http://192.0.2.1' }, async ({ call }) => {
      const got = await call(get);
      assert.equal(got.rc, -1);
      assert.match(got.error, /only https is spoken/);
      // a try that is not answered takes 5 s, and there would be four
      assert.ok(got.ms < 15000, 'it was tried');
    }));

  for (const host of ['192.0.2.1', '127.example.org', '127.0.0.1.example.org',
    'localhost.example.org']) {
    test(`a redirect to http://${host} is not followed`, () =>
      withClient({}, async ({ github, call }) => {
        github.script('GET /thing', [{ status: 301,
          headers: { Location: `http://${host}/thing` } }]);
        assert.match((await call(get)).error, /only https is spoken/);
      }));
  }

  test('a page of another host is read without the token', () =>
    withClient({}, async ({ call }) => {
      const other = await startGitHub();
      try {
        await call(['token', 'GET', `${other.url}/thing`]);
        assert.equal(other.calls.length, 1);
        assert.equal(other.calls[0].headers.authorization, undefined);
      } finally {
        await other.stop();
      }
    }));

  test('what only reads shares a connection; each write has its own', () =>
    withClient({}, async ({ github, call }) => {
      let connections = 0;
      github.server.on('connection', () => { connections++; });
      await call(get, { REPEAT: '5' });
      assert.equal(connections, 1);
      await call(['token', 'POST', '/thing', '{}'], { REPEAT: '2' });
      assert.equal(connections, 3);
    }));

  test('a compressed reply is unpacked', () =>
    withClient({}, async ({ github, call }) => {
      github.script('GET /thing', [{ raw: gzipSync('{"packed":true}'),
        headers: { 'Content-Encoding': 'gzip' } }]);
      assert.equal((await call(get)).body, '{"packed":true}');
      assert.match(github.calls[0].headers['accept-encoding'], /gzip/);
    }));

  test('a reply larger than 16 MB is no answer', () =>
    withClient({}, async ({ github, call }) => {
      github.script('GET /thing', Array(4).fill({
        raw: Buffer.alloc(17 * 1024 * 1024, 'x') }));
      const got = await call(get);
      assert.equal(got.rc, -1);
      assert.equal(got.class, 1);
    }));

  test('a small reply that unpacks to 100 MB is no answer', () =>
    withClient({}, async ({ github, call }) => {
      github.script('GET /thing', Array(4).fill({
        raw: gzipSync(Buffer.alloc(100 * 1024 * 1024)),
        headers: { 'Content-Encoding': 'gzip' } }));
      assert.equal((await call(get)).rc, -1);
    }));

  test('tokens from github-tokens-file', () => withClient({ tokens: null },
    async (t) => {
      const file = join(t.dir, 'token');
      writeFileSync(file, `${one}\n`, { mode: 0o600 });
      rewrite(t.config, [`data-directory: ${t.dir}`, 'webhook-secret: "none here"',
        `github-api-url: ${t.github.url}`, `github-tokens-file: ${file}`]);
      assert.equal((await t.call(get)).status, 200);
    }));

  test('github-graphql-url, and where it is worked out', () =>
    withClient({}, async (t) => {
      const base = [`data-directory: ${t.dir}`, 'webhook-secret: "none here"',
        `github-tokens: [${one}]`];
      const ask = async (...more) => {
        t.github.calls.length = 0;
        rewrite(t.config, [...base, ...more]);
        await t.call(['graphql', 'query { viewer { login } }']);
        return t.github.calls[0].path;
      };
      const url = t.github.url;
      assert.equal(await ask(`github-api-url: ${url}`), '/graphql');
      assert.equal(await ask(`github-api-url: ${url}/api/v3`), '/api/graphql');
      assert.equal(await ask(`github-api-url: ${url}/api/v3`,
        `github-graphql-url: ${url}/other`), '/other');
    }));

  test('the App\'s key from github-app-key-file; statuses go as the App where ' +
    'there is no token', () => {
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
    });
    return withClient({ publicKey, tokens: null }, async (t) => {
      const file = join(t.dir, 'app.pem');
      writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }),
        { mode: 0o600 });
      rewrite(t.config, [`data-directory: ${t.dir}`, 'webhook-secret: "none here"',
        `github-api-url: ${t.github.url}`, 'github-app-id: 42',
        `github-app-key-file: ${file}`]);
      assert.equal((await t.call(['any', 'GET', '/thing'])).status, 200);
      assert.match(t.github.calls.at(-1).headers.authorization,
        /^Bearer ghs_installation/);
    });
  });

  test('with a token, calls that anybody may make cost the token', () =>
    withClient({}, async ({ github, call }) => {
      await call(['any', 'GET', '/thing']);
      assert.equal(github.calls[0].headers.authorization, `Bearer ${one}`);
    }));
});
