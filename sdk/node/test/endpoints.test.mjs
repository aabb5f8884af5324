import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryStore, identityEndpoint, sessionEndpoint } from 'buddy-verify';
import * as forExpress from 'buddy-verify/express';
import * as forFastify from 'buddy-verify/fastify';
import * as forNext from 'buddy-verify/next';
import { callback } from './support/http.mjs';
import { AGENT, SECRET, SESSION } from './support/vectors.mjs';

function plain({ method, headers, body }) {
  return { method, headers, body: Buffer.from(body) };
}

/** What the endpoint answers for this user. */
async function answerFor(user) {
  const response = await identityEndpoint({ secrets: SECRET, user: () => user })(plain(callback()));
  return { status: response.status, json: response.body && JSON.parse(response.body) };
}

function claim(headers = {}) {
  const sent = { 'content-type': 'application/json', ...headers };
  return plain({ method: 'POST', headers: sent, body: JSON.stringify({ sessionId: SESSION, agentId: AGENT }) });
}

const GOOD_USERS = {
  'an integer': [{ userId: 42 }, { userId: 42 }],
  'a negative integer': [{ userId: -1 }, { userId: -1 }],
  'a bigint': [{ userId: 2n ** 64n }, { userId: '18446744073709551616' }],
  'spaces and capitals': [{ userId: ' Ada ' }, { userId: ' Ada ' }],
  '256 characters outside the basic plane': [{ userId: '🦀'.repeat(256) }, { userId: '🦀'.repeat(256) }],
  'null members': [{ userId: 'a', email: null, role: undefined, customAttributes: null }, { userId: 'a' }],
  'longest members': [
    { userId: 'a', email: 'e'.repeat(320), role: 'r'.repeat(128), customAttributes: {} },
    { userId: 'a', email: 'e'.repeat(320), role: 'r'.repeat(128), customAttributes: {} },
  ],
  'members that Buddy does not know': [{ userId: 'a', passwordHash: 'x' }, { userId: 'a' }],
};

for (const [name, [user, json]] of Object.entries(GOOD_USERS)) {
  test(`a good user: ${name}`, async () => assert.deepEqual(await answerFor(user), { status: 200, json }));
}

const BAD_USERS = {
  'a bare id': ['ada', /a user is an object/],
  'a list': [[{ userId: 'a' }], /a user is an object/],
  false: [false, /a user is an object/],
  'no userId': [{}, /userId is neither/],
  'a null userId': [{ userId: null }, /userId is neither/],
  'a boolean userId': [{ userId: true }, /userId is neither/],
  'an empty userId': [{ userId: '' }, /userId is blank/],
  'a blank userId': [{ userId: ' \u00a0\u3000' }, /userId is blank/],
  'a line end in the userId': [{ userId: 'ada\n' }, /userId has a control character/],
  'a C1 control in the userId': [{ userId: 'a\u0085b' }, /userId has a control character/],
  'a userId too long': [{ userId: 'a'.repeat(257) }, /userId is not text of at most 256/],
  'half of a surrogate pair': [{ userId: '\ud83e' }, /userId is not text/],
  'a fraction': [{ userId: 4.2 }, /userId is a number but no safe integer/],
  'an integer that lost digits': [{ userId: 2 ** 53 }, /userId is a number but no safe integer/],
  NaN: [{ userId: NaN }, /userId is a number but no safe integer/],
  'a bigint of too many digits': [{ userId: 10n ** 256n }, /userId is not text of at most 256/],
  'an email too long': [{ userId: 'a', email: 'e'.repeat(321) }, /email is not a string of at most 320/],
  'an email that is no text': [{ userId: 'a', email: 1 }, /email is not a string/],
  'a role too long': [{ userId: 'a', role: 'r'.repeat(129) }, /role is not a string of at most 128/],
  'a list of attributes': [{ userId: 'a', customAttributes: [] }, /customAttributes is not an object/],
  'attributes that are text': [{ userId: 'a', customAttributes: '{}' }, /customAttributes is not an object/],
};

for (const [name, [user, message]] of Object.entries(BAD_USERS)) {
  test(`a bad user is thrown, and named: ${name}`, async () => {
    await assert.rejects(answerFor(user), (error) => error instanceof TypeError && message.test(error.message));
  });
}

test('nobody is 204, as null and as undefined', async () => {
  for (const nobody of [null, undefined]) assert.deepEqual(await answerFor(nobody), { status: 204, json: '' });
});

test('what the functions throw is thrown on', async () => {
  const fault = new Error('the database is down');
  const down = () => Promise.reject(fault);
  await assert.rejects(identityEndpoint({ secrets: SECRET, user: down })(plain(callback())), fault);
  const store = { bind: down, find: down };
  await assert.rejects(sessionEndpoint({ secret: SECRET, store, signedInUser: () => 'ada' })(claim()), fault);
  await assert.rejects(sessionEndpoint({ secret: SECRET, store, signedInUser: down })(claim()), fault);
});

test('secrets are checked when an endpoint is made, in every framework', () => {
  const user = () => null;
  const store = new MemoryStore();
  const signedInUser = () => null;
  for (const make of [{ identityEndpoint, sessionEndpoint }, forExpress, forFastify, forNext]) {
    for (const [secret, code] of [
      [undefined, 'no_secret'],
      ['', 'bad_secret'],
      ['fifteen-letters', 'bad_secret'],
      [`${SECRET}\n`, 'bad_secret'],
    ]) {
      assert.throws(() => make.identityEndpoint({ secrets: secret, user }), { code });
      assert.throws(() => make.sessionEndpoint({ secret, store, signedInUser }), { code });
    }
    assert.throws(() => make.identityEndpoint({ secrets: [], user }), { code: 'no_secret' });
    assert.throws(() => make.identityEndpoint({ secrets: [SECRET, ''], user }), { code: 'bad_secret' });
  }
});

test('secrets that change after the endpoint was made do not change it', async () => {
  const secrets = [SECRET];
  const endpoint = identityEndpoint({ secrets, user: () => null });
  secrets.pop();
  assert.equal((await endpoint(plain(callback()))).status, 204);
});

test('a refusal is one line in the log, with its code and neither secret nor body', async (t) => {
  const warn = t.mock.method(console, 'warn', () => {});
  const endpoint = identityEndpoint({ secrets: SECRET, user: () => null });
  await endpoint(plain(callback({ secret: 'another-secret-of-this-test' })));
  assert.equal(warn.mock.callCount(), 1);
  const [line, ...rest] = warn.mock.calls[0].arguments;
  assert.match(line, /^buddy: refused a callback \(no_match\): the signature does not match: [^\n]*$/);
  assert.doesNotMatch(line, /bcs_|sess_/);
  assert.deepEqual(rest, []);
});

test('405 says which method is allowed', async () => {
  const endpoint = identityEndpoint({ secrets: SECRET, user: () => null, onRefused: () => {} });
  const { status, headers } = await endpoint({ method: 'GET', headers: {}, body: new Uint8Array() });
  assert.equal(status, 405);
  assert.equal(headers.Allow, 'POST');
});

test('header names count in any case, and several values are joined', async () => {
  const endpoint = sessionEndpoint({ secret: SECRET, store: new MemoryStore(), signedInUser: () => 'ada' });
  assert.equal((await endpoint(claim({ 'SEC-Fetch-SITE': 'cross-site' }))).status, 403);
  assert.equal((await endpoint(claim({ 'sec-fetch-site': ['same-origin', 'cross-site'] }))).status, 403);
  assert.equal((await endpoint(claim({ origin: 'https://SHOP.example', host: 'Shop.Example' }))).status, 200);
  assert.equal((await endpoint(claim({ origin: 'https://shop.example' }))).status, 403);
});

test('a signed-in user that is no text is thrown: a binding to it would be another user’s', async () => {
  for (const id of [1815, true, '', {}]) {
    const endpoint = sessionEndpoint({ secret: SECRET, store: new MemoryStore(), signedInUser: () => id });
    await assert.rejects(endpoint(claim()), /signedInUser/);
  }
});

test('a store that says anything but true gives no ticket', async () => {
  for (const said of [false, undefined, 'OK', 1]) {
    const store = { bind: async () => said, find: async () => null };
    const { status } = await sessionEndpoint({ secret: SECRET, store, signedInUser: () => 'ada' })(claim());
    assert.equal(status, 409);
  }
});
