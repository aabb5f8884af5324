import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/** An empty folder, and then the packed package installed in it: what a user gets. Gone when the tests of the file end. */
export function installPacked(after) {
  const folder = mkdtempSync(join(tmpdir(), 'buddy-verify-'));
  after(() => rmSync(folder, { recursive: true }));
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', folder];
  const [{ filename, files }] = Object.values(JSON.parse(npm(PACKAGE, pack)));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  npm(folder, ['install', '--offline', '--no-audit', '--no-fund', `./${filename}`]);
  return { folder, files: files.map(({ path }) => path) };
}

/** Has the folder use these packages as they are installed for the tests, so that nothing is fetched. */
export function linkDependencies(folder, names) {
  for (const name of names) symlinkSync(join(PACKAGE, 'node_modules', name), join(folder, 'node_modules', name));
}

function npm(cwd, args) {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
