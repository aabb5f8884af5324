import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { PACKAGE, installPacked, linkDependencies } from './support/install.mjs';

const TSC = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const CONSUMER = fileURLToPath(new URL('consumer/consumer.ts', import.meta.url));
const ENTRIES = ['', '/express', '/fastify', '/next'];

const { folder, files } = installPacked(after);
const typed = installPacked(after).folder;
linkDependencies(typed, ['@types', 'express', 'fastify']);

function run(file, source) {
  writeFileSync(join(folder, file), source);
  return execFileSync(process.execPath, [file], { cwd: folder, encoding: 'utf8' });
}

test('the package has what is to be published, and nothing else', () => {
  for (const file of ['LICENSE', 'README.md', 'CHANGELOG.md', 'package.json']) assert.ok(files.includes(file), file);
  const others = files.filter((file) => !/^dist\/(esm|cjs)\/([a-z-]+\.(js|d\.ts)|package\.json)$/.test(file));
  assert.equal(others.length, 4, others.join(' '));
});

test('it has no dependency, and its version is that of the changelog', () => {
  const { dependencies, peerDependencies, version } = JSON.parse(readFileSync(join(PACKAGE, 'package.json'), 'utf8'));
  assert.deepEqual([dependencies, peerDependencies], [undefined, undefined]);
  assert.match(readFileSync(join(PACKAGE, 'CHANGELOG.md'), 'utf8'), new RegExp(`^## ${version}$`, 'm'));
});

const TICKET = "ticket('0123456789abcdef', 'sess_01hz2v6yqefws8h3k5n7p9r1tv')";
const EXPECTED = '9903ce68b4d4f9ed8792cb057aa6e4ef8f0842e520743b9c5a6b78cd4dc536ba';
const MAKE = "typeof identityEndpoint({ secrets: '0123456789abcdef', user: () => null })";

test('it works by import, where no framework is installed', () => {
  assert.equal(run('a.mjs', `import { ticket } from 'buddy-verify'; console.log(${TICKET});`).trim(), EXPECTED);
  for (const entry of ENTRIES) {
    const source = `import { identityEndpoint } from 'buddy-verify${entry}'; console.log(${MAKE});`;
    assert.equal(run('b.mjs', source), 'function\n');
  }
});

test('it works by require, where no framework is installed', () => {
  assert.equal(run('a.cjs', `const { ticket } = require('buddy-verify'); console.log(${TICKET});`).trim(), EXPECTED);
  for (const entry of ENTRIES) {
    const source = `const { identityEndpoint } = require('buddy-verify${entry}'); console.log(${MAKE});`;
    assert.equal(run('b.cjs', source), 'function\n');
  }
});

test('both ways give the same names', () => {
  const source = `
    import { createRequire } from 'node:module';
    const require = createRequire(import.meta.url);
    for (const entry of ${JSON.stringify(ENTRIES)}) {
      const name = 'buddy-verify' + entry;
      const names = (module) => Object.keys(module).filter((key) => !['default', 'module.exports'].includes(key)).sort();
      console.log(String(names(await import(name))) === String(names(require(name))));
    }`;
  assert.equal(run('c.mjs', source), 'true\n'.repeat(ENTRIES.length));
});

function tsc(file, options) {
  const flags = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--esModuleInterop', '--target', 'ES2022'];
  const { status, stdout } = spawnSync(process.execPath, [TSC, ...flags, ...options, file], {
    cwd: dirname(file),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout);
}

for (const [how, extension, options] of [
  ['an ES module', 'mts', ['--module', 'NodeNext']],
  ['a CommonJS module', 'cts', ['--module', 'NodeNext']],
  ['an older CommonJS project', 'ts', ['--module', 'CommonJS', '--moduleResolution', 'Node10']],
  ['a bundler’s project', 'ts', ['--module', 'ESNext', '--moduleResolution', 'Bundler']],
]) {
  test(`its types serve ${how}`, () => {
    const file = join(typed, `consumer.${extension}`);
    copyFileSync(CONSUMER, file);
    tsc(file, [...options, '--lib', 'ES2022', '--types', 'node']);
  });

  test(`the types of its core need no others, in ${how}`, () => {
    const file = join(folder, `core.${extension}`);
    const source =
      "import { verify, type Callback } from 'buddy-verify';\nexport const c: Callback = verify('', '', '');\n";
    writeFileSync(file, source);
    tsc(file, [...options, '--lib', 'ES2022']);
  });
}
