// Installs and builds the app of test/next.test.mjs: a real Next.js is the only one that does what Next.js does.
import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const app = fileURLToPath(new URL('../test/next-app', import.meta.url));

function run(command, ...args) {
  const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
  const { status, stdout, error } = spawnSync(command, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] });
  if (status === 0) return;
  process.stderr.write(error === undefined ? stdout : `${error.message}\n`);
  process.exit(1);
}

function changedAt(file) {
  return statSync(`${app}/${file}`, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

if (changedAt('node_modules/.package-lock.json') < changedAt('package-lock.json')) {
  run('npm', 'ci', '--no-audit', '--no-fund');
}
run(process.execPath, 'node_modules/next/dist/bin/next', 'build');
