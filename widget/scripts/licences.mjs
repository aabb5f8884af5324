// The licences of what is bundled ask to be told wherever it is copied.
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The text of LICENSES.txt: every package that is in `inputs`, files as esbuild names them, with its notice. */
export async function notices(inputs) {
  const names = new Set(inputs.map((file) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1]).filter(Boolean));
  const byText = new Map();
  for (const name of [...names].sort()) {
    const files = await readdir(`${root}node_modules/${name}`);
    const file = files.find((one) => /^licen[cs]e/i.test(one));
    if (!file) throw new Error(`${name} has no licence file: say in scripts/licences.mjs what its licence asks for.`);
    const text = readFileSync(`${root}node_modules/${name}/${file}`, 'utf8').replaceAll('\r\n', '\n').trim();
    byText.set(text, [...(byText.get(text) ?? []), name]);
  }
  const parts = [...byText].map(([text, packages]) => `${packages.join(', ')}\n\n${text}\n`);
  return `The chat's frame has in it, beside Buddy's own code:\n\n${parts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
