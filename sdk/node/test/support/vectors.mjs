import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const FOLDER = process.env.BUDDY_VECTORS ?? fileURLToPath(new URL('../../../../spec/vectors', import.meta.url));

export const SECRET = 'bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx';
export const SESSION = 'sess_01hz2v6yqefws8h3k5n7p9r1tv';
export const AGENT = 'agt_01hz2v6yqdfqr9c2d4e6f8g0hj';

/** A file of vectors, which must have at least so many rows in each of these lists. */
export function vectors(file, minimums) {
  const content = JSON.parse(readFileSync(join(FOLDER, file), 'utf8'));
  for (const [list, minimum] of Object.entries(minimums)) {
    assert.ok(content[list].length >= minimum, `${file} has ${content[list].length} ${list}, not ${minimum} or more`);
  }
  return content;
}
