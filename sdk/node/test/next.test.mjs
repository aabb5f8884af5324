import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { BODY_BYTES_MAX, MemoryStore } from 'buddy-verify';
import { identityEndpoint, sessionEndpoint } from 'buddy-verify/next';
import { ask, callback } from './support/http.mjs';
import { IDENTITY, SESSIONS, assertAnswer } from './support/rows.mjs';
import { AGENT, SECRET, SESSION } from './support/vectors.mjs';

const READY_MS_MAX = 60_000;

let server;
let port;

/** Starts the app of test/next-app, which takes the settings of each request from its header X-Row. */
before(
  async () => {
    const app = fileURLToPath(new URL('next-app', import.meta.url));
    const args = ['node_modules/next/dist/bin/next', 'start', '-H', '127.0.0.1', '-p', '0'];
    const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
    server = spawn(process.execPath, args, { cwd: app, env, stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface(server.stdout)) {
      port ??= /http:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (line.includes('Ready')) break;
    }
    assert.ok(port, 'next start has ended without saying its port');
    server.stdout.resume();
  },
  { timeout: READY_MS_MAX },
);

after(async () => {
  if (server.exitCode !== null) return;
  server.kill();
  await once(server, 'exit');
});

for (const row of IDENTITY.vectors) {
  test(`Next.js, identity: ${row.name}`, async () => {
    const { secrets, agentId, user } = row;
    const headers = { ...row.headers, 'X-Row': JSON.stringify({ secrets, agentId, user, now: IDENTITY.now }) };
    assertAnswer(row, await ask(port, { ...row, path: '/identity', headers }));
  });
}

for (const row of SESSIONS.vectors) {
  test(`Next.js, session: ${row.name}`, async () => {
    const { secret, sessionId } = SESSIONS;
    const { agentId, signedIn, boundTo } = row;
    const settings = { secret, sessionId, agentId, signedIn, boundTo };
    const headers = { ...row.headers, 'X-Row': JSON.stringify(settings) };
    const response = await ask(port, { ...row, path: '/session', headers });
    assertAnswer(row, response);
    // Next.js answers another method itself, so that no handler says whose the session is.
    if (row.method === 'POST') assert.equal(JSON.parse(response.headers['x-bound-to']), row.expect.boundTo);
  });
}

test('Next.js: a body that never ends is refused all the same', async () => {
  const headers = { 'X-Row': JSON.stringify({ secrets: [SECRET], user: null }) };
  const body = 'x'.repeat(2 * BODY_BYTES_MAX);
  const response = await ask(port, { path: '/identity', headers, body, end: false });
  assert.equal(response.status, 413);
});

test('Next.js: what the user function throws is answered with 500', async () => {
  const bad = callback();
  const row = { secrets: [SECRET], now: Math.floor(Date.now() / 1000), user: { userId: '' } };
  const headers = { ...bad.headers, 'X-Row': JSON.stringify(row) };
  assert.equal((await ask(port, { ...bad, path: '/identity', headers })).status, 500);
});

test('a request whose body has been read before is an error that says what to change', async () => {
  const endpoint = identityEndpoint({ secrets: SECRET, user: () => null });
  const request = new Request('http://localhost/', callback());
  await request.text();
  await assert.rejects(endpoint(request), /request\.clone\(\)/);
  const cloned = new Request('http://localhost/', callback());
  await cloned.clone().text();
  assert.equal((await endpoint(cloned)).status, 204);
});

test('signedInUser gets the request', async () => {
  const store = new MemoryStore();
  const signedInUser = (request) => `user of ${request.headers.get('X-User')}`;
  const endpoint = sessionEndpoint({ secret: SECRET, store, signedInUser });
  const headers = { 'Content-Type': 'application/json', 'X-User': '1' };
  const body = JSON.stringify({ sessionId: SESSION, agentId: AGENT });
  await endpoint(new Request('http://localhost/', { method: 'POST', headers, body }));
  assert.equal(store.find(SESSION), 'user of 1');
});

test('while next build loads the routes, secrets need not be there', async (t) => {
  process.env.NEXT_PHASE = 'phase-production-build';
  t.after(() => delete process.env.NEXT_PHASE);
  const endpoint = identityEndpoint({ secrets: undefined, user: () => null });
  delete process.env.NEXT_PHASE;
  await assert.rejects(endpoint(new Request('http://localhost/', callback())), { code: 'no_secret' });
});
