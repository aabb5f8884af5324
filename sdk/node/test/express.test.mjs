import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { MemoryStore } from 'buddy-verify';
import { identityEndpoint, sessionEndpoint } from 'buddy-verify/express';
import { EXPRESS } from './support/frameworks.mjs';
import { ask, callback, listen, signed } from './support/http.mjs';
import { AGENT, SECRET, SESSION } from './support/vectors.mjs';

const ADA = { userId: 'ada-1815' };
const KEEP = { verify: (req, res, bytes) => void (req.rawBody = bytes) };

/** An app with this before the identity endpoint; what reaches its error handler is in `faults`. */
async function appWith(t, express, before, options = {}) {
  const faults = [];
  const app = express();
  app.use(before);
  app.post('/', identityEndpoint({ secrets: SECRET, user: () => ADA, onRefused: () => {}, ...options }));
  app.use((error, req, res, next) => {
    faults.push(error);
    res.status(500).json({ error: 'fault' });
  });
  return { faults, port: await listen(t, createServer(app)) };
}

for (const [name, express] of Object.entries(EXPRESS)) {
  for (const [parser, before] of [
    ['express.json()', express.json()],
    ['express.json({ type: "*/*" })', express.json({ type: '*/*' })],
    ['express.text({ type: "*/*" })', express.text({ type: '*/*' })],
  ]) {
    test(`${name}: after ${parser} it fails loudly, and says what to change`, async (t) => {
      const { faults, port } = await appWith(t, express, before);
      assert.equal((await ask(port, callback())).status, 500);
      assert.equal(faults.length, 1);
      assert.match(faults[0].message, /a body parser has read the body before.*above app\.use\(express\.json\(\)\)/);
    });
  }

  for (const [parser, before] of [
    ['express.json() that keeps the bytes', express.json(KEEP)],
    ['express.raw({ type: "*/*" })', express.raw({ type: '*/*' })],
    ['express.urlencoded(), which passes over JSON', express.urlencoded({ extended: true })],
  ]) {
    test(`${name}: after ${parser} it works`, async (t) => {
      const { port } = await appWith(t, express, before);
      const response = await ask(port, callback());
      assert.equal(response.status, 200);
      assert.deepEqual(response.json, ADA);
      assert.equal((await ask(port, callback({ secret: 'another-secret-of-this-test' }))).status, 401);
    });
  }

  test(`${name}: kept bytes count, and not what they would be when written again`, async (t) => {
    const { port } = await appWith(t, express, express.json(KEEP));
    const spaced = callback().body.replaceAll(':', ' : ');
    assert.equal((await ask(port, signed(spaced))).status, 200);
  });

  test(`${name}: kept bytes over 16 KiB are refused too`, async (t) => {
    const { port } = await appWith(t, express, express.json(KEEP));
    assert.equal((await ask(port, signed(callback().body + ' '.repeat(16 * 1024)))).status, 413);
  });

  test(`${name}: express.json() below the route is no hindrance`, async (t) => {
    const app = express();
    app.post('/', identityEndpoint({ secrets: SECRET, user: () => ADA }));
    app.use(express.json());
    app.post('/echo', (req, res) => res.json(req.body));
    const port = await listen(t, createServer(app));
    assert.equal((await ask(port, callback())).status, 200);
    const echo = await ask(port, { path: '/echo', headers: { 'Content-Type': 'application/json' }, body: '{"a":1}' });
    assert.deepEqual(echo.json, { a: 1 });
  });

  test(`${name}: an empty body whose bytes were kept is refused as any other`, async (t) => {
    const { port } = await appWith(t, express, express.json(KEEP));
    assert.equal((await ask(port, { headers: { 'Content-Type': 'application/json' } })).status, 401);
  });

  test(`${name}: what the user function throws, and a bad user, go to the app's error handler`, async (t) => {
    const fault = new Error('the database is down');
    for (const [user, expected] of [
      [() => Promise.reject(fault), /^the database is down$/],
      [() => ({ userId: '' }), /userId is blank/],
    ]) {
      const { faults, port } = await appWith(t, express, (req, res, next) => next(), { user });
      assert.equal((await ask(port, callback())).status, 500);
      assert.match(faults[0].message, expected);
    }
  });

  test(`${name}: signedInUser gets the request, as the middleware before has left it`, async (t) => {
    const store = new MemoryStore();
    const app = express();
    app.use((req, res, next) => {
      req.user = { id: `user of ${req.get('Cookie')}` };
      next();
    });
    app.post('/', sessionEndpoint({ secret: SECRET, store, signedInUser: (req) => req.user.id }));
    const port = await listen(t, createServer(app));
    const headers = { 'Content-Type': 'application/json', Cookie: 'sid=1' };
    await ask(port, { headers, body: JSON.stringify({ sessionId: SESSION, agentId: AGENT }) });
    assert.equal(store.find(SESSION), 'user of sid=1');
  });
}
