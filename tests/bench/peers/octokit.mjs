// SPDX-License-Identifier: MIT
//
// What a Node user would run: @octokit/webhooks with a handler that does
// nothing. Answers from memory.   node octokit.mjs PORT SECRET

import { createServer } from 'node:http';
import { Webhooks, createNodeMiddleware } from '@octokit/webhooks';

const [port, secret] = process.argv.slice(2);
const webhooks = new Webhooks({ secret });
webhooks.onAny(() => {});
createServer(createNodeMiddleware(webhooks, { path: '/webhooks/github' }))
  .listen(Number(port), '127.0.0.1');
