// What the two scripts and the style sheet are made from, and how.
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { notices } from './licences.mjs';

export const root = fileURLToPath(new URL('..', import.meta.url));

// Browsers of the last three years or so: nothing is translated for older ones.
const target = ['chrome115', 'firefox115', 'safari16.4'];

/** The package would decode an entity by innerHTML in a browser, which the frame's policy forbids. */
export const alias = { 'decode-named-character-reference': './src/frame/entities.ts' };

/** Writes embed.js, frame.js, frame.css and the licences of what is in them into `outdir`. */
export async function bundle(outdir) {
  const common = {
    absWorkingDir: root,
    bundle: true,
    minify: true,
    // All are in LICENSES.txt.
    legalComments: 'none',
    charset: 'utf8',
    target,
    outdir,
    metafile: true,
    logLevel: 'warning',
  };
  const results = [
    await build({ ...common, entryPoints: { embed: 'src/embed/main.ts' }, format: 'iife' }),
    await build({ ...common, entryPoints: { frame: 'src/frame/main.ts' }, format: 'esm', alias }),
    await build({ ...common, entryPoints: { frame: 'src/frame/frame.css' } }),
  ];
  writeFileSync(
    `${outdir}/LICENSES.txt`,
    await notices(results.flatMap(({ metafile }) => Object.keys(metafile.inputs))),
  );
}
