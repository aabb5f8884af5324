import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BODY_BYTES_MAX, MemoryStore } from 'buddy-verify';
import { SERVERS } from './support/frameworks.mjs';
import { ask, callback } from './support/http.mjs';
import { IDENTITY, SESSIONS, assertAnswer } from './support/rows.mjs';
import { SECRET, SESSION } from './support/vectors.mjs';

for (const [framework, serve] of Object.entries(SERVERS)) {
  for (const row of IDENTITY.vectors) {
    test(`${framework}, identity: ${row.name}`, async (t) => {
      const refusals = [];
      const port = await serve(t, 'identityEndpoint', {
        secrets: row.secrets,
        agentId: row.agentId,
        now: () => IDENTITY.now,
        user: () => row.user,
        onRefused: ({ code }) => refusals.push(code),
      });
      assertAnswer(row, await ask(port, row));
      if (row.method === 'POST') assert.deepEqual(refusals, row.expect.error ? [row.expect.error] : []);
    });
  }

  for (const row of SESSIONS.vectors) {
    test(`${framework}, session: ${row.name}`, async (t) => {
      const store = new MemoryStore();
      if (row.boundTo !== null) store.bind(SESSIONS.sessionId, row.boundTo);
      const port = await serve(t, 'sessionEndpoint', {
        secret: SESSIONS.secret,
        agentId: row.agentId,
        store,
        signedInUser: async () => row.signedIn,
      });
      assertAnswer(row, await ask(port, row));
      assert.equal(store.find(SESSIONS.sessionId), row.expect.boundTo);
    });
  }

  test(`${framework}: a body that never ends is refused all the same`, async (t) => {
    const port = await serve(t, 'identityEndpoint', { secrets: SECRET, user: () => null, onRefused: () => {} });
    const response = await ask(port, { body: 'x'.repeat(2 * BODY_BYTES_MAX), end: false });
    assert.equal(response.status, 413);
    assert.equal(response.json.error, 'too_large');
  });

  test(`${framework}: a user outside ASCII comes through`, async (t) => {
    const user = { userId: 'Zoë 漢字 🦀', customAttributes: { ключ: '\u2028"\\' } };
    const port = await serve(t, 'identityEndpoint', { secrets: SECRET, user: async () => user });
    const response = await ask(port, callback());
    assert.equal(response.status, 200);
    assert.deepEqual(response.json, user);
  });

  test(`${framework}: the look-up gets the session id`, async (t) => {
    const seen = [];
    const port = await serve(t, 'identityEndpoint', { secrets: SECRET, user: (...args) => void seen.push(args) });
    assert.equal((await ask(port, callback())).status, 204);
    assert.deepEqual(seen, [[SESSION]]);
  });
}
