// Is dist/ what the sources give, and small enough?
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { bundle, root } from './bundle.mjs';

const KIB = 1024;
/** It is loaded by every page of the shop. */
const EMBED_BYTES_MAX = 6 * KIB;
/** With the page around it. */
const FRAME_BYTES_MAX = 50 * KIB;
/** The frame's HTML, which the server makes: with ten allowed origins less than this. */
const HTML_BYTES = KIB;

const files = ['LICENSES.txt', 'embed.js', 'frame.css', 'frame.js'];
const built = mkdtempSync(join(tmpdir(), 'buddy-widget-'));
let wrong = 0;
const complain = (sentence) => {
  console.error(sentence);
  wrong += 1;
};

try {
  await bundle(built);
  if (readdirSync(`${root}dist`).sort().join() !== files.join()) {
    complain(`dist/ must hold ${files.join(', ')} and nothing else.`);
  }
  for (const file of files) {
    if (!readFileSync(join(built, file)).equals(readFileSync(`${root}dist/${file}`))) {
      complain(`dist/${file} is not what the sources give: run \`npm run build\` and commit it.`);
    }
  }
} finally {
  rmSync(built, { recursive: true });
}

const size = (file) => gzipSync(readFileSync(`${root}dist/${file}`), { level: 9 }).length;
const gate = (name, bytes, most) => {
  console.log(`${name}: ${(bytes / KIB).toFixed(1)} KiB of ${most / KIB} (gzip)`);
  if (bytes > most) complain(`${name} is too large: take something out.`);
};
gate('embed.js', size('embed.js'), EMBED_BYTES_MAX);
gate('the frame', HTML_BYTES + size('frame.js') + size('frame.css'), FRAME_BYTES_MAX);
process.exit(wrong === 0 ? 0 : 1);
