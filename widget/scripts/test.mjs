// Bundles each test for Node.js, which reads no TypeScript, and runs them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import { alias, root } from './bundle.mjs';

const out = `${root}node_modules/.cache/test`;
rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const tests = readdirSync(`${root}test`).filter((name) => name.endsWith('.test.ts'));
await build({
  absWorkingDir: root,
  entryPoints: tests.map((name) => `test/${name}`),
  outdir: out,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['happy-dom'],
  alias,
  sourcemap: 'inline',
});
const files = tests.map((name) => `${out}/${name.replace(/\.ts$/, '.mjs')}`);
const { status } = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...process.argv.slice(2), ...files], {
  stdio: 'inherit',
});
process.exit(status ?? 1);
