// SPDX-License-Identifier: MIT
//
// The check runs of the GitHub of the tests: only an App writes them, and one
// that is completed does not begin again.

function writer(github, call) {
  const { app } = github.tokens.get(github.tokenOf(call));
  if (app === undefined) {
    return { refusal: { status: 403, body: {
      message: 'You must authenticate via a GitHub App.' } } };
  }
  if (!github.mayWriteChecks) {
    return { refusal: { status: 403, body: {
      message: 'Resource not accessible by integration' } } };
  }
  return { app };
}

function invalid(run) {
  const completed = run.status === 'completed';
  if (completed !== (run.conclusion !== null)) return 'conclusion';
  if ([...(run.output?.title ?? '')].length > 255) return 'title';
  if ([...(run.output?.summary ?? '')].length > 65535) return 'summary';
  return undefined;
}

function addRun(github, [, repository], call) {
  const { app, refusal } = writer(github, call);
  if (refusal) return refusal;
  const run = { repository, id: github.nextId++, app: { id: app },
    conclusion: null, external_id: '', details_url: null, changes: [],
    ...JSON.parse(call.body) };
  if (invalid(run)) return { status: 422, body: { message: invalid(run) } };
  run.changes.push(run.conclusion ?? run.status);
  github.checkRuns.push(run);
  return { status: 201, body: run };
}

function changeRun(github, [, repository, id], call) {
  const { app, refusal } = writer(github, call);
  if (refusal) return refusal;
  const run = github.checkRuns.find((one) => one.id === Number(id) &&
    one.repository === repository && one.app.id === app);
  if (run === undefined) return { status: 404, body: { message: 'Not Found' } };
  const next = { ...run, ...JSON.parse(call.body) };
  if (invalid(next) ||
      (run.status === 'completed' && next.status !== 'completed')) {
    return { status: 422, body: { message: 'Validation Failed' } };
  }
  Object.assign(run, next);
  run.changes.push(run.conclusion ?? run.status);
  return { body: run };
}

function listRuns(github, [, repository, sha], call) {
  const query = new URL(call.path, github.url).searchParams;
  const size = Number(query.get('per_page') ?? 30);
  const page = Number(query.get('page') ?? 1);
  const wanted = { name: query.get('check_name'), app: query.get('app_id') };
  const all = github.checks(repository, sha).filter((run) =>
    (wanted.name === null || run.name === wanted.name) &&
    (wanted.app === null || run.app.id === Number(wanted.app)));
  query.set('page', page + 1);
  const next = `${github.url}${call.path.split('?')[0]}?${query}`;
  return { body: { total_count: all.length,
    check_runs: all.slice((page - 1) * size, page * size) },
  headers: page * size < all.length ? { Link: `<${next}>; rel="next"` } : {} };
}

export const checkRunRoutes = [
  ['POST', /^\/repos\/([^/]+\/[^/]+)\/check-runs$/, addRun],
  ['PATCH', /^\/repos\/([^/]+\/[^/]+)\/check-runs\/(\d+)$/, changeRun],
  ['GET', /^\/repos\/([^/]+\/[^/]+)\/commits\/([0-9a-f]+)\/check-runs$/,
    listRuns],
];
