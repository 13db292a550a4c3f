// SPDX-License-Identifier: MIT
//
// GitHub, played on loopback: commit statuses, check runs, rate-limit headers,
// Apps, and every fault that a network or GitHub can show.
//
//   const github = await startGitHub();
//   github.script('POST /repos/o/r/statuses/', [{ status: 502 }, 'cut']);
//   ... programs call github.url ...
//   github.calls                     [{ method, path, at, headers, body }]
//   github.statuses('o/r', sha)      newest first, as the API lists them
//   github.checks('o/r', sha)        newest first; the first one is shown
//   await github.stop();
//
// A script answers the calls whose "METHOD path" begins with its key, one
// entry a call, before the ordinary behaviour goes on:
//
//   { status, headers, body }   that reply; nothing is done. `raw`: bytes
//   { done: true, ... }         the same, but the request is carried out
//   'cut'                       the connection ends before the request is read
//   'cut-after'                 carried out, then the connection ends
//   'stall'                     never answers
//   'pass'                      ordinary behaviour

import { createHash, createVerify } from 'node:crypto';
import http from 'node:http';

import { checkRunRoutes } from './check_runs.mjs';

/** The one that tests look for where it must not be. */
export const token = 'ghp_sentinel0123456789abcdefABCDEF012345';

export function sha(text) {
  return createHash('sha1').update(text).digest('hex');
}

export class GitHub {
  constructor({ tokens = ['token-one-0123456789'], publicKey,
    installed = true, mayWriteChecks = true } = {}) {
    this.tokens = new Map(tokens.map((token) =>
      [token, { limit: 5000, remaining: 5000 }]));
    this.publicKey = publicKey;
    this.installed = installed;
    this.mayWriteChecks = mayWriteChecks;
    this.checkRuns = [];
    this.calls = [];
    this.scripts = [];
    this.stored = new Map();
    this.pulls = [];
    this.comments = [];
    this.labels = new Map();
    this.sockets = new Set();
    this.nextId = 1;
    this.down = false;
    this.server = http.createServer((request, reply) =>
      this.take(request, reply));
    this.server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.once('close', () => this.sockets.delete(socket));
      if (this.down) socket.destroy();
    });
  }

  script(start, entries) {
    this.scripts.push({ start, entries: [...entries] });
  }

  count(start) {
    return this.calls.filter((call) =>
      `${call.method} ${call.path}`.startsWith(start)).length;
  }

  statuses(repository, sha) {
    return this.stored.get(`${repository}/${sha}`) ?? [];
  }

  checks(repository, sha) {
    return this.checkRuns.filter((run) => run.repository === repository &&
      run.head_sha === sha).sort((a, b) => b.id - a.id);
  }

  take(request, reply) {
    const chunks = [];
    request.on('data', (bytes) => chunks.push(bytes));
    request.once('end', () => {
      const body = Buffer.concat(chunks).toString();
      const call = {
        method: request.method, path: request.url, at: Date.now(),
        headers: request.headers, body,
      };
      this.calls.push(call);
      this.answer(call, reply);
    });
  }

  nextEntry(call) {
    const name = `${call.method} ${call.path}`;
    const script = this.scripts.find((s) =>
      name.startsWith(s.start) && s.entries.length > 0);
    return script?.entries.shift() ?? 'pass';
  }

  answer(call, reply) {
    const entry = this.nextEntry(call);
    if (entry === 'stall') return;
    if (entry === 'cut') {
      reply.socket.destroy();
      return;
    }
    const usual = entry === 'pass' || entry === 'cut-after' || entry.done
      ? this.behave(call) : undefined;
    if (entry === 'cut-after') {
      reply.socket.destroy();
      return;
    }
    this.write(reply, call, entry === 'pass' ? usual : { ...usual, ...entry });
  }

  write(reply, call, { status = 200, headers = {}, body = {}, raw }) {
    const text = raw ?? (typeof body === 'string' ? body : JSON.stringify(body));
    const token = this.tokens.get(this.tokenOf(call));
    const limits = token === undefined ? {} : {
      'X-RateLimit-Limit': token.limit,
      'X-RateLimit-Remaining': token.remaining,
      'X-RateLimit-Reset': Math.floor(Date.now() / 1000) + 3600,
      'X-RateLimit-Resource': call.path === '/graphql' ? 'graphql' : 'core',
    };
    reply.writeHead(status, {
      'Content-Type': 'application/json; charset=utf-8',
      'X-GitHub-Request-Id': `FAKE:${this.nextId++}`, ...limits, ...headers,
    });
    reply.end(status === 304 ? undefined : text);
  }

  tokenOf(call) {
    return /^Bearer (.+)$/.exec(call.headers.authorization ?? '')?.[1] ?? '';
  }

  behave(call) {
    if (call.path.startsWith('/app') || call.path.endsWith('/installation')) {
      return this.behaveAsApp(call);
    }
    const token = this.tokens.get(this.tokenOf(call));
    if (token === undefined) {
      return { status: 401, body: { message: 'Bad credentials' } };
    }
    const path = call.path.split('?')[0];
    for (const [method, pattern, act] of routes) {
      const match = pattern.exec(path);
      if (method === call.method && match !== null) {
        const result = act(this, match, call);
        const etag = this.etagOf(call, result);
        if (etag !== undefined && call.headers['if-none-match'] === etag) {
          return { status: 304, headers: { ETag: etag } };
        }
        token.remaining--;
        return etag === undefined ? result
          : { ...result, headers: { ...result.headers, ETag: etag } };
      }
    }
    token.remaining--;
    return { status: 404, body: { message: 'Not Found' } };
  }

  etagOf(call, result) {
    if (call.method !== 'GET' || (result.status ?? 200) !== 200) {
      return undefined;
    }
    const text = JSON.stringify(result.body);
    return `"${createHash('sha256').update(text).digest('hex')}"`;
  }

  behaveAsApp(call) {
    const jwt = this.tokenOf(call).split('.');
    const signed = jwt.length === 3 && this.publicKey !== undefined &&
      createVerify('RSA-SHA256').update(`${jwt[0]}.${jwt[1]}`)
        .verify(this.publicKey, jwt[2], 'base64url');
    const claims = signed ? JSON.parse(Buffer.from(jwt[1], 'base64url')) : {};
    const now = Date.now() / 1000;
    if (!signed || claims.exp <= now || claims.exp > now + 600 ||
        claims.iat > now) {
      return { status: 401, body: { message: 'A JSON web token could not be decoded' } };
    }
    if (!this.installed) return { status: 404, body: { message: 'Not Found' } };
    if (call.method === 'GET') {
      return { body: { id: 4711, app_id: Number(claims.iss) } };
    }
    const token = `ghs_installation${this.nextId++}0123456789abcdef`;
    this.tokens.set(token, { limit: 5000, remaining: 5000,
      app: Number(claims.iss) });
    return {
      status: 201,
      body: {
        token, expires_at: new Date(Date.now() + 3600e3).toISOString(),
      },
    };
  }

  async stop() {
    for (const socket of this.sockets) socket.destroy();
    await new Promise((done) => { this.server.close(done); });
  }
}

function addStatus(github, [, repository, sha], call) {
  const { state, context, description, target_url: url } =
    JSON.parse(call.body);
  const key = `${repository}/${sha}`;
  const status = {
    id: github.nextId++, state, context, description, target_url: url ?? null,
    created_at: new Date().toISOString(),
  };
  github.stored.set(key, [status, ...github.statuses(repository, sha)]);
  return { status: 201, body: status };
}

function listStatuses(github, [, repository, sha], call) {
  const query = new URL(call.path, github.url).searchParams;
  const size = Number(query.get('per_page') ?? 30);
  const page = Number(query.get('page') ?? 1);
  const all = github.statuses(repository, sha);
  const body = all.slice((page - 1) * size, page * size);
  const next = `${github.url}/repos/${repository}/commits/${sha}/statuses` +
    `?per_page=${size}&page=${page + 1}`;
  return {
    body, headers: page * size < all.length ? {
      Link: `<${next}>; rel="next", <${next}>; rel="last"`,
    } : {},
  };
}

/** Pull requests, comments and labels, as far as an issue job needs them. */
function addPull(github, [, repository], call) {
  const { title, head, base, body, draft = false } = JSON.parse(call.body);
  if (github.pulls.some((p) => p.repository === repository &&
      p.state === 'open' && p.head.ref === head && p.base.ref === base)) {
    return { status: 422, body: { message: 'Validation Failed', errors: [
      { message: `A pull request already exists for ${head}.` }] } };
  }
  const number = 100 + github.pulls.length;
  const pull = { repository, number, title, body, draft, state: 'open',
    head: { ref: head, repo: { full_name: repository } },
    base: { ref: base, repo: { full_name: repository } },
    html_url: `${github.url}/${repository}/pull/${number}` };
  github.pulls.push(pull);
  return { status: 201, body: pull };
}

function listPulls(github, [, repository], call) {
  const query = new URL(call.path, github.url).searchParams;
  const head = query.get('head')?.split(':').slice(1).join(':');
  return { body: github.pulls.filter((p) => p.repository === repository &&
    p.state === (query.get('state') ?? 'open') &&
    (head === undefined || p.head.ref === head)) };
}

function changePull(github, [, repository, number], call) {
  const pull = github.pulls.find((p) => p.repository === repository &&
    p.number === Number(number));
  if (pull === undefined) return { status: 404, body: { message: 'Not Found' } };
  Object.assign(pull, JSON.parse(call.body));
  return { body: pull };
}

function addComment(github, [, repository, number], call) {
  const comment = { id: github.nextId++, repository, number: Number(number),
    body: JSON.parse(call.body).body, user: { login: 'hookspool[bot]' },
    created_at: new Date().toISOString() };
  github.comments.push(comment);
  return { status: 201, body: comment };
}

function listComments(github, [, repository, number], call) {
  const query = new URL(call.path, github.url).searchParams;
  const size = Number(query.get('per_page') ?? 30);
  const page = Number(query.get('page') ?? 1);
  const all = github.comments.filter((c) => c.repository === repository &&
    c.number === Number(number));
  const next = `${github.url}/repos/${repository}/issues/${number}/comments` +
    `?per_page=${size}&page=${page + 1}`;
  return { body: all.slice((page - 1) * size, page * size),
    headers: page * size < all.length ? { Link: `<${next}>; rel="next"` } : {} };
}

function changeComment(github, [, , id], call) {
  const comment = github.comments.find((c) => c.id === Number(id));
  if (comment === undefined) {
    return { status: 404, body: { message: 'Not Found' } };
  }
  comment.body = JSON.parse(call.body).body;
  return { body: comment };
}

function addLabels(github, [, repository, number], call) {
  const key = `${repository}#${number}`;
  const all = new Set([...(github.labels.get(key) ?? []),
    ...JSON.parse(call.body).labels]);
  github.labels.set(key, all);
  return { body: [...all].map((name) => ({ name })) };
}

const routes = [
  ...checkRunRoutes,
  ['POST', /^\/repos\/([^/]+\/[^/]+)\/pulls$/, addPull],
  ['GET', /^\/repos\/([^/]+\/[^/]+)\/pulls$/, listPulls],
  ['PATCH', /^\/repos\/([^/]+\/[^/]+)\/pulls\/(\d+)$/, changePull],
  ['POST', /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)\/comments$/, addComment],
  ['GET', /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)\/comments$/, listComments],
  ['PATCH', /^\/repos\/([^/]+\/[^/]+)\/issues\/comments\/(\d+)$/,
    changeComment],
  ['POST', /^\/repos\/([^/]+\/[^/]+)\/issues\/(\d+)\/labels$/, addLabels],
  ['POST', /^\/repos\/([^/]+\/[^/]+)\/statuses\/([0-9a-f]+)$/, addStatus],
  ['GET', /^\/repos\/([^/]+\/[^/]+)\/commits\/([0-9a-f]+)\/statuses$/,
    listStatuses],
  ['GET', /^\/thing$/, () => ({ body: { thing: 'happened' } })],
  ['GET', /^\/nothing$/, () => ({ body: { thing: 'not' } })],
  ['POST', /^\/thing$/, () => ({ status: 201, body: { made: true } })],
  ['POST', /^\/graphql$/, () => ({ body: { data: { ok: true } } })],
];

export async function startGitHub(options) {
  const github = new GitHub(options);
  await new Promise((done) => {
    github.server.listen(0, '127.0.0.1', done);
  });
  github.url = `http://127.0.0.1:${github.server.address().port}`;
  return github;
}
