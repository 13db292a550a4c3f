// SPDX-License-Identifier: MIT
//
// A full disk, a real one: the spool lies on a tmpfs of a few megabytes.
//
//  1 the responder stops at its floor (limits.min-free-*) with 503, and what
//    is below the floor is enough to settle all that was accepted: the floor
//    is the reserve
//  2 somebody else takes the very last byte or inode while jobs run: nobody is
//    told 2xx, nothing is lost, nothing spins; when space is back everything
//    settles by itself and the responder accepts again
//
// Ends with 77 where no file system may be mounted.

import { spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, readdirSync, rmSync, writeFileSync,
  writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { Program, waitFor } from '../e2e/support/process.mjs';
import { Lab, endAfter, program, stub } from './lab.mjs';

if (process.argv[2] !== 'inside') {
  for (const how of [['-Urm'], ['-m']]) {
    const can = spawnSync('unshare', [...how, 'mount', '-t', 'tmpfs', 'none',
      '/mnt']);
    if (can.status !== 0) continue;
    const run = spawnSync('unshare', [...how, process.execPath,
      process.argv[1], 'inside'], { stdio: 'inherit' });
    process.exit(run.status ?? 1);
  }
  console.log('NOT RUN: no file system may be mounted here (unshare -Urm)');
  process.exit(77);
}

let violations = 0;
let stage = '';
endAfter(270, () => stage);
const wrong = (text) => {
  violations++;
  console.log(`VIOLATION: ${text}`);
};

function mountLab(options, limits) {
  const lab = new Lab('full');
  rmSync(lab.spool, { recursive: true });
  lab.run(['true']);
  spawnSync('mkdir', [lab.spool]);
  const { status, stderr } = spawnSync('mount',
    ['-t', 'tmpfs', '-o', options, 'none', lab.spool]);
  if (status !== 0) throw new Error(String(stderr));
  const text = readFileSync(lab.config, 'utf8');
  writeFileSync(lab.config, text.replace(/^limits: .*$/m, `limits: ${limits}`));
  return lab;
}

function endLab(lab) {
  spawnSync('umount', [lab.spool]);
  lab.end();
}

const post = async (lab, n, length) =>
  (await lab.run(...lab.post(n, length))).stdout.slice(8, 11);

function judgeAll(lab, accepted, title) {
  for (const n of accepted) {
    const states = lab.states(n);
    if (states.join() !== 'done') wrong(`${title}: job ${n} is in [${states}]`);
    if (lab.runs(n) !== 1) wrong(`${title}: job ${n} ran ${lab.runs(n)} times`);
    const records = lab.records().filter((r) =>
      r.job_id === lab.jobs(n)[0]?.id).length;
    if (records !== 1) wrong(`${title}: job ${n} has ${records} records`);
  }
  for (const text of [...lab.torn(), ...lab.left()]) wrong(`${title}: ${text}`);
}

/** Until the floor; then everything accepted is settled below it. */
async function floor(title, options, limits, length) {
  stage = title;
  const lab = mountLab(options, limits);
  const accepted = [];
  let refused = 0;
  for (let n = 1; n < 3000 && refused < 3; n++) {
    const status = await post(lab, n, length);
    if (status === '202') accepted.push(n);
    else if (status === '503') refused++;
    else wrong(`${title}: delivery ${n} was answered ${status}`);
  }
  if (refused === 0 || accepted.length < 5)
    wrong(`${title}: ${accepted.length} accepted, ${refused} refused`);
  const how = await lab.run(lab.drainer(), { seconds: 120 });
  if (how.code !== 0 || /trouble/.test(how.stderr))
    wrong(`${title}: the runner had trouble: ${how.stderr.slice(0, 300)}`);
  judgeAll(lab, accepted, title);
  endLab(lab);
  return accepted.length;
}

/** Takes what is left; returns a function that gives it back. */
function takeAll(dir, what) {
  const made = [];
  if (what === 'bytes') {
    const file = join(dir, '.ballast');
    const fd = openSync(file, 'w');
    for (const size of [65536, 4096]) {
      const bytes = Buffer.alloc(size, 1);
      try {
        while (writeSync(fd, bytes) === size);
      } catch {
        // full
      }
    }
    closeSync(fd);
    made.push(file);
  } else {
    try {
      for (let i = 0; ; i++) {
        const file = join(dir, `.taken${i}`);
        closeSync(openSync(file, 'w'));
        made.push(file);
      }
    } catch {
      // no inode is left
    }
  }
  return () => made.forEach((file) => rmSync(file));
}

function cpuTicks(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return Number(fields[11]) + Number(fields[12]);
}

async function foreign(what) {
  const title = `the last ${what}`;
  stage = title;
  const lab = mountLab('size=4m,nr_inodes=400',
    '{min-free-bytes: 1, min-free-inodes: 1}');
  writeFileSync(join(lab.dir, 'plan'), 'gate');
  const accepted = [1, 2, 3, 4, 5, 6, 7, 8];
  for (const n of accepted)
    if (await post(lab, n, 300) !== '202') wrong(`${title}: no 202 at first`);
  const runner = new Program('runner', [program('spool-runner'), '--config',
    lab.config, '--worker', stub, '--retry-schedule', '100ms'],
  { log: join(lab.dir, 'runner.log') });
  await waitFor('three jobs to run', () => lab.names('run').length === 3);

  const giveBack = takeAll(lab.spool, what);
  const refused = await post(lab, 100, 300);
  if (refused !== '503')
    wrong(`${title}: on a full disk delivery 100 was answered ${refused}`);
  const large = await post(lab, 101, 100000);
  if (large !== '503')
    wrong(`${title}: on a full disk delivery 101 was answered ${large}`);
  const before = cpuTicks(runner.pid);
  writeFileSync(join(lab.dir, 'open'), '');
  await sleep(3000);
  if (!runner.running) wrong(`${title}: the runner ended`);
  else if (cpuTicks(runner.pid) - before > 100)
    wrong(`${title}: the runner spins`);
  for (const n of accepted)
    if (lab.states(n).length !== 1) wrong(`${title}: job ${n} is nowhere`);

  giveBack();
  await waitFor(() => `all to settle; ${runner.output().slice(-1500)}`,
    () => lab.names('done').length === accepted.length &&
      lab.names('tmp').filter((f) => !f.endsWith('.own')).length === 0, 90)
    .catch((error) => wrong(`${title}: ${error.message}`));
  const again = await post(lab, 100, 300);
  if (again !== '202') wrong(`${title}: with space again ${again}`);
  await waitFor('the last job', () => lab.states(100).join() === 'done', 30)
    .catch((error) => wrong(`${title}: ${error.message}`));
  await runner.stop();
  judgeAll(lab, [...accepted, 100], title);
  endLab(lab);
}

const bytes = await floor('floor of bytes', 'size=4m,nr_inodes=4000',
  '{min-free-bytes: 2M, min-free-inodes: 1}', 30000);
const inodes = await floor('floor of inodes', 'size=64m,nr_inodes=500',
  '{min-free-bytes: 1, min-free-inodes: 300}', 300);
await foreign('bytes');
await foreign('inodes');
console.log(`small tmpfs: ${bytes} and ${inodes} jobs accepted before 503, all ` +
  'settled below the floor; the last byte and the last inode taken under ' +
  `8 jobs each; ${violations} violations`);
process.exitCode = violations === 0 ? 0 : 1;
