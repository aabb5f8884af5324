import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore } from 'buddy-verify';
import { identityEndpoint, sessionEndpoint } from 'buddy-verify/fastify';
import { FASTIFY } from './support/frameworks.mjs';
import { ask, callback } from './support/http.mjs';
import { AGENT, SECRET, SESSION } from './support/vectors.mjs';

const ADA = { userId: 'ada-1815' };
const JSON_TYPE = { 'Content-Type': 'application/json' };

/** An app that `prepare` has set up, with the identity endpoint on /buddy and a route of its own on /echo. */
async function appWith(t, fastify, prepare, options = {}) {
  const faults = [];
  const app = fastify({ forceCloseConnections: true });
  app.setErrorHandler((error, request, reply) => {
    faults.push(error);
    return reply.code(500).send({ error: 'fault' });
  });
  prepare(app);
  app.register(identityEndpoint({ secrets: SECRET, user: () => ADA, onRefused: () => {}, ...options }), {
    prefix: '/buddy',
  });
  app.post('/echo', async (request) => ({ type: typeof request.body, body: request.body }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  t.after(() => app.close());
  return { faults, port: app.server.address().port };
}

function asText(app, type) {
  app.addContentTypeParser(type, { parseAs: 'string' }, (request, body, done) => done(null, body));
}

for (const [name, fastify] of Object.entries(FASTIFY)) {
  for (const [parsers, prepare, echo] of [
    ['Fastify’s own parsers', () => {}, { type: 'object', body: { a: 1 } }],
    ['a JSON parser of the app', (app) => asText(app, 'application/json'), { type: 'string', body: '{"a":1}' }],
    [
      'a parser for all',
      (app) => (app.removeAllContentTypeParsers(), asText(app, '*')),
      { type: 'string', body: '{"a":1}' },
    ],
  ]) {
    test(`${name}: with ${parsers} it works, and the app's other routes keep theirs`, async (t) => {
      const { port } = await appWith(t, fastify, prepare);
      const response = await ask(port, { ...callback(), path: '/buddy' });
      assert.equal(response.status, 200);
      assert.deepEqual(response.json, ADA);
      assert.deepEqual((await ask(port, { path: '/echo', headers: JSON_TYPE, body: '{"a":1}' })).json, echo);
    });
  }

  test(`${name}: after a hook that has read the body it fails loudly, and says what to change`, async (t) => {
    const { faults, port } = await appWith(t, fastify, (app) => {
      app.addHook('onRequest', async (request) => void (await request.raw.toArray()));
    });
    assert.equal((await ask(port, { ...callback(), path: '/buddy' })).status, 500);
    assert.match(faults[0].message, /a hook or a middleware has read the body.*pass over this path/);
  });

  test(`${name}: without a prefix it does not start, and says how to give one`, async () => {
    const app = fastify();
    app.register(identityEndpoint({ secrets: SECRET, user: () => ADA }));
    await assert.rejects(async () => app.ready(), /its prefix: app\.register\(/);
  });

  test(`${name}: it is served under the prefix of the scope it is registered in`, async (t) => {
    const { port } = await appWith(t, fastify, (app) => {
      app.register(
        async (shop) => shop.register(identityEndpoint({ secrets: SECRET, user: () => null }), { prefix: '/identity' }),
        { prefix: '/shop' },
      );
    });
    assert.equal((await ask(port, { ...callback(), path: '/shop/identity' })).status, 204);
  });

  test(`${name}: what the user function throws, and a bad user, go to the app's error handler`, async (t) => {
    const fault = new Error('the database is down');
    for (const [user, expected] of [
      [() => Promise.reject(fault), /^the database is down$/],
      [() => ({ userId: '' }), /userId is blank/],
    ]) {
      const { faults, port } = await appWith(t, fastify, () => {}, { user });
      assert.equal((await ask(port, { ...callback(), path: '/buddy' })).status, 500);
      assert.match(faults[0].message, expected);
    }
  });

  test(`${name}: signedInUser gets the request, as the hooks before have left it`, async (t) => {
    const store = new MemoryStore();
    const { port } = await appWith(t, fastify, (app) => {
      app.decorateRequest('shopUser', null);
      app.addHook('onRequest', async (request) => void (request.shopUser = `user of ${request.headers.cookie}`));
      app.register(sessionEndpoint({ secret: SECRET, store, signedInUser: (request) => request.shopUser }), {
        prefix: '/session',
      });
    });
    const body = JSON.stringify({ sessionId: SESSION, agentId: AGENT });
    await ask(port, { path: '/session', headers: { ...JSON_TYPE, Cookie: 'sid=1' }, body });
    assert.equal(store.find(SESSION), 'user of sid=1');
  });
}
