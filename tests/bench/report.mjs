// SPDX-License-Identifier: MIT
//
// What was measured, for people: lines of text, and the tables of
// docs/performance.md. A judged line is [what, value, '>=' or '<=', limit];
// its value is undefined where it was not measured.

const number = (value) => typeof value !== 'number' ? `${value}`
  : Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3);

/** {a: {b: 1}} as indented lines. */
export function figureLines(value, depth) {
  const pad = '  '.repeat(depth);
  return Object.entries(value).flatMap(([key, one]) => {
    if (one === null || typeof one !== 'object' || Array.isArray(one)) {
      const text = Array.isArray(one) ? one.join(' ') : number(one);
      return [`${pad}${key}: ${text}`];
    }
    const flat = Object.values(one).every((each) => typeof each !== 'object' ||
      Array.isArray(each));
    const text = Object.entries(one).map(([name, each]) =>
      `${name} ${Array.isArray(each) ? `(${each.join(' ')})` : number(each)}`);
    return flat ? [`${pad}${key}: ${text.join('  ')}`]
      : [`${pad}${key}`, ...figureLines(one, depth + 1)];
  });
}

const isMeasured = ([, value]) => value !== undefined && !Number.isNaN(value);

const holds = ([, value, relation, limit]) =>
  relation === '>=' ? value >= limit : value <= limit;

export function verdict(line) {
  const [what, value, relation, limit] = line;
  if (!isMeasured(line)) return `  -       ${what}: not measured`;
  return `  ${holds(line) ? 'holds ' : 'MISSED'}  ${what}: ${number(value)} ` +
    `(${relation} ${limit})`;
}

/** Each line that is missed, and where it is written why. */
export function missedLines(sections) {
  const all = Object.entries(sections).flatMap(([name, { judged }]) =>
    judged.filter((line) => isMeasured(line) && !holds(line))
      .map(([what, value, relation, limit]) => `  ${name}: ${what}: ` +
        `${number(value)} instead of ${relation} ${limit}`));
  return all.length === 0 ? ['', 'No line is missed.']
    : ['', 'Missed; the profiles that say why are in docs/performance.md, ' +
      '"Why the missed ones are missed":', ...all];
}

const row = (cells) => `| ${cells.join(' | ')} |`;

const STORES = {
  'bare-store': 'one flushed file each',
  hookspool: 'one flushed file each, no copies',
};
const contestants = {
  'nginx-alone': 'nginx alone',
  bare: 'libfcgi alone',
  'bare-hmac': 'libfcgi + HMAC',
  'bare-hmac-kept': 'the same, connections kept',
  'bare-store': 'the same, storing each',
  hookspool: '**hookspool-fcgi**',
  octokit: 'Node, `@octokit/webhooks`',
  fastapi: 'FastAPI, one process',
  adnanh: 'adnanh/webhook (no proxy)',
};

function acceptTable(results) {
  const heads = ['', 'accepts/s', 'p50 / p99 ms', 'CPU \u00b5s', 'memory MB',
    'stores'];
  return [row(heads), row(heads.map(() => '---')),
    ...Object.entries(contestants).filter(([name]) => results[name])
      .map(([name, text]) => [text, results[name], STORES[name] ?? 'nothing'])
      .map(([text, one, stores]) => row([text, Math.round(one.rate),
        `${number(one.p50)} / ${number(one.p99)}`, Math.round(one.cpu_us),
        number(one.pss_mb), stores]))];
}

/** In the form in which docs/performance.md has them. */
export function tables(sections) {
  const accepted = sections.accept?.['push, 16 connections'];
  const judged = Object.values(sections).flatMap((one) => one.judged)
    .map((line) => row([line[0], isMeasured(line) ? number(line[1]) : '-',
      `${line[2] === '>=' ? '\u2265' : '\u2264'} ${line[3]}`,
      !isMeasured(line) ? '' : holds(line) ? 'holds' : 'missed']));
  return [...(accepted ? [...acceptTable(accepted), ''] : []),
    row(['line', 'figure', 'wanted', '']), row(['---', '---', '---', '---']),
    ...judged].join('\n') + '\n';
}
