// SPDX-License-Identifier: MIT
//
// The key of a GitHub App of the tests: one a process, on disk while it runs.

import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let made;

/** { id, file, publicKey } */
export function testApp() {
  if (made === undefined) {
    const dir = mkdtempSync(join(tmpdir(), 'hookspool-app-'));
    process.once('exit', () => rmSync(dir, { recursive: true, force: true }));
    const { publicKey, privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
    });
    const file = join(dir, 'app.pem');
    writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }),
      { mode: 0o600 });
    made = { id: 42, file, publicKey };
  }
  return made;
}

/** The lines of configuration that make it ours. */
export function appConfig() {
  const { id, file } = testApp();
  return [`github-app-id: ${id}`, `github-app-key-file: ${file}`];
}
