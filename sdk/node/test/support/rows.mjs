import assert from 'node:assert/strict';
import { vectors } from './vectors.mjs';

export const IDENTITY = vectors('identity_endpoint.json', { vectors: 18 });
export const SESSIONS = vectors('session_endpoint.json', { vectors: 44 });

/** Asserts what holds for every answer, and the members that a row expects. */
export function assertAnswer({ method, expect }, response) {
  for (const name of Object.keys(response.headers)) assert.doesNotMatch(name, /^access-control-/);
  if (method !== 'POST') {
    // A router may know POST alone.
    assert.ok([404, 405].includes(response.status), `status ${response.status}`);
    return;
  }
  assert.equal(response.status, expect.status);
  assert.equal(response.headers['cache-control'], 'no-store');
  if (expect.status === 204) assert.equal(response.text, '');
  else assert.match(response.headers['content-type'], /^application\/json(;|$)/);
  if (expect.json) assert.deepEqual(response.json, expect.json);
  if (expect.ticket) assert.deepEqual(response.json, { ticket: expect.ticket });
  if (expect.error) {
    assert.deepEqual(Object.keys(response.json), ['error', 'message']);
    assert.equal(response.json.error, expect.error);
  }
}
