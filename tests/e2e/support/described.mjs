// SPDX-License-Identifier: MIT
//
// Holds requests against GitHub's own description of its APIs.
//
//   assertDescribed(github.calls);   every call of a GitHub of the tests
//   restProblems(call)               ['unknown member "x"', ...]
//   graphqlProblems(query)           ['Cannot query field ...', ...]

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

import Ajv from 'ajv';
import { buildSchema, parse, validate } from 'graphql';

const modules = new URL('../../node_modules/@octokit/', import.meta.url);
const load = (name) => readFileSync(new URL(name, modules), 'utf8');
const ajv = new Ajv({ strict: false, validateFormats: false });
let rest;
let graphql;

function restDescription() {
  rest ??= JSON.parse(load('openapi/generated/api.github.com.json'));
  return rest;
}

/** A copy without $ref; those that refer to themselves end as {}. */
function resolve(node, above = []) {
  if (Array.isArray(node)) return node.map((one) => resolve(one, above));
  if (node === null || typeof node !== 'object') return node;
  if (typeof node.$ref === 'string') {
    if (above.includes(node.$ref)) return {};
    const target = node.$ref.slice(2).split('/').reduce((at, part) =>
      at[part.replaceAll('~1', '/').replaceAll('~0', '~')], restDescription());
    return resolve(target, [...above, node.$ref]);
  }
  return Object.fromEntries(Object.entries(node)
    .map(([key, value]) => [key, resolve(value, above)]));
}

/** The described path that fits with the fewest variables. */
function findPath(path) {
  const parts = path.split('/');
  const fits = Object.keys(restDescription().paths).filter((one) => {
    const its = one.split('/');
    return its.length === parts.length && its.every((part, i) =>
      part === parts[i] || (/^\{.+\}$/.test(part) && parts[i] !== ''));
  });
  return fits.sort((a, b) => a.split('{').length - b.split('{').length)[0];
}

function bodyProblems(operation, body) {
  const content = operation.requestBody?.content?.['application/json'];
  const problems = [];
  if (content === undefined) {
    return body === '' || body === '{}' ? [] : ['takes no body'];
  }
  const schema = content.schema;
  const value = JSON.parse(body === '' ? 'null' : body);
  if (value === null && !operation.requestBody.required) return [];
  const check = ajv.compile(schema);
  if (!check(value)) problems.push(ajv.errorsText(check.errors));
  const known = schema.properties ?? {};
  for (const key of Object.keys(value ?? {}))
    if (!(key in known) && schema.oneOf === undefined &&
        schema.anyOf === undefined)
      problems.push(`unknown member "${key}"`);
  return problems;
}

export function restProblems({ method, path, headers, body }) {
  const url = new URL(path, 'http://x');
  const found = findPath(url.pathname);
  const item = restDescription().paths[found];
  const operation = resolve(item?.[method.toLowerCase()]);
  if (operation === undefined) return [`${method} ${url.pathname}: no such`];
  const parameters = [...(operation.parameters ?? []),
    ...resolve(item.parameters ?? [])];
  const problems = bodyProblems(operation, body);
  for (const name of url.searchParams.keys())
    if (!parameters.some((one) => one.in === 'query' && one.name === name))
      problems.push(`unknown parameter "${name}"`);
  for (const one of parameters)
    if (one.in === 'query' && one.required && !url.searchParams.has(one.name))
      problems.push(`lacks parameter "${one.name}"`);
  if (!headers['user-agent']) problems.push('lacks User-Agent');
  if (!/^application\/(vnd\.github\+)?json/.test(headers.accept ?? ''))
    problems.push(`Accept is ${headers.accept}`);
  return problems.map((text) => `${method} ${path}: ${text}`);
}

export function graphqlProblems(query) {
  graphql ??= buildSchema(load('graphql-schema/schema.graphql'),
    { assumeValidSDL: true });
  try {
    return validate(graphql, parse(query)).map((error) => error.message);
  } catch (error) {
    return [error.message];
  }
}

export function assertDescribed(calls) {
  const problems = calls.flatMap((call) => (call.path.endsWith('/graphql')
    ? graphqlProblems(JSON.parse(call.body).query) : restProblems(call)));
  assert.deepEqual(problems, []);
}
