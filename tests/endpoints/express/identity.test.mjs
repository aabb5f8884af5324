import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { test } from 'node:test';
import express from 'express';
import { identityCallback, isRecent, isSigned } from './identity.mjs';

const read = (file) => JSON.parse(readFileSync(new URL(`../../../spec/vectors/${file}`, import.meta.url)));
const SIGNATURE_FAULTS = ['missing_header', 'wrong_length', 'not_hex', 'no_match'];

test('every published signature is taken, and with another secret none is', () => {
  for (const { name, secret, body, signature } of read('signature.json').vectors) {
    assert.ok(isSigned([secret], body, signature), name);
    assert.ok(isSigned(['another-secret-00', secret], body, signature), name);
    assert.ok(!isSigned(['another-secret-00'], body, signature), name);
  }
});

test('requests are taken and refused as the vectors say', () => {
  for (const { name, secrets, now, body, signature, expect } of read('verify.json').vectors) {
    if (['no_secret', 'bad_secret'].includes(expect.error)) continue; // of settings, not of requests
    const signed = isSigned(secrets, body, signature ?? undefined);
    assert.equal(signed, !SIGNATURE_FAULTS.includes(expect.error), name);
    if (!expect.error || expect.error === 'stale') {
      assert.equal(isRecent(JSON.parse(body).timestamp, now), !expect.error, name);
    }
  }
  assert.ok(!isRecent(undefined));
});

test('over HTTP: the user, 204 for a session nobody is bound to, 401 for a forgery and for an old request', async (t) => {
  const secret = 'a-secret-for-this-test';
  const ada = { userId: '42', customAttributes: { plan: 'gold' } };
  const app = express();
  app.post('/', identityCallback({ secrets: [secret], userOf: (id) => (id === 'sess_ada' ? ada : undefined) }));
  const server = createServer(app);
  await new Promise((bound) => server.listen(0, '127.0.0.1', bound));
  t.after(() => server.close());

  const ask = (body, key = secret) =>
    fetch(`http://127.0.0.1:${server.address().port}/`, {
      method: 'POST',
      headers: {
        'Content-Type': 'application/json',
        'X-Platform-Signature': createHmac('sha256', key).update(body).digest('hex'),
      },
      body,
    });
  const callback = (sessionId, timestamp = Math.floor(Date.now() / 1000)) => JSON.stringify({ sessionId, timestamp });

  const found = await ask(callback('sess_ada'));
  assert.equal(found.status, 200);
  assert.deepEqual(await found.json(), ada);
  assert.equal((await ask(callback('sess_other'))).status, 204);
  assert.equal((await ask(callback('sess_ada'), 'another-secret')).status, 401);
  assert.equal((await ask(callback('sess_ada', 1717000000))).status, 401);
});
