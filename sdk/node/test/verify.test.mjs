import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TOLERANCE_SECONDS, VerifyError, ticket, verify } from 'buddy-verify';
import { callback } from './support/http.mjs';
import { AGENT, SECRET, SESSION, vectors } from './support/vectors.mjs';

const OTHER_SECRET = 'another-secret-of-this-test';
const BODY_CODES = ['body_not_json', 'body_incomplete', 'bad_session_id', 'stale'];

function codeOf(action) {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof VerifyError, String(error));
    return error.code;
  }
  return undefined;
}

for (const { name, secret, body, signature } of vectors('signature.json', { vectors: 22 }).vectors) {
  test(`signature: ${name}`, () => {
    for (const raw of [body, Buffer.from(body)]) {
      const now = 1717000000;
      const code = codeOf(() => verify(raw, signature, [OTHER_SECRET, secret], { now }));
      // That one is signed does not make it a callback.
      assert.ok(code === undefined || BODY_CODES.includes(code), code);
      assert.equal(
        codeOf(() => verify(raw, signature, OTHER_SECRET, { now })),
        'no_match',
      );
    }
  });
}

const { toleranceSeconds, vectors: requests } = vectors('verify.json', { vectors: 50 });

for (const { name, secrets, agentId, now, body, signature, expect } of requests) {
  test(`verify: ${name}`, () => {
    for (const raw of [body, Buffer.from(body), new TextEncoder().encode(body)]) {
      if (expect.error)
        assert.equal(
          codeOf(() => verify(raw, signature, secrets, { now, agentId })),
          expect.error,
        );
      else assert.deepEqual(verify(raw, signature, secrets, { now, agentId }), expect);
    }
  });
}

test('the tolerance is that of the vectors', () => {
  assert.equal(TOLERANCE_SECONDS, toleranceSeconds);
});

const tickets = vectors('ticket.json', { vectors: 6, refusedSessionIds: 17 });

for (const { name, secret, sessionId, ticket: expected } of tickets.vectors) {
  test(`ticket: ${name}`, () => assert.equal(ticket(secret, sessionId), expected));
}

for (const sessionId of tickets.refusedSessionIds) {
  test(`no ticket for ${JSON.stringify(sessionId)}`, () => {
    assert.equal(
      codeOf(() => ticket(SECRET, sessionId)),
      'bad_session_id',
    );
  });
}

test('no ticket with a secret that was not set', () => {
  assert.equal(
    codeOf(() => ticket('', SESSION)),
    'bad_secret',
  );
  assert.equal(
    codeOf(() => ticket(undefined, SESSION)),
    'no_secret',
  );
});

test('one secret may be given without a list, and the clock is the system’s', () => {
  const { body, headers } = callback();
  const { sessionId, agentId } = verify(body, headers['X-Platform-Signature'], SECRET);
  assert.deepEqual({ sessionId, agentId }, { sessionId: SESSION, agentId: AGENT });
});

test('a header that was not sent is missing, whatever the framework calls that', () => {
  for (const nothing of [undefined, null]) {
    assert.equal(
      codeOf(() => verify('{}', nothing, SECRET)),
      'missing_header',
    );
  }
});

test('secrets from variables that are not set are refused', () => {
  assert.equal(
    codeOf(() => verify('{}', 'x', undefined)),
    'no_secret',
  );
  assert.equal(
    codeOf(() => verify('{}', 'x', [undefined])),
    'bad_secret',
  );
  assert.equal(
    codeOf(() => verify('{}', 'x', [SECRET, undefined])),
    'bad_secret',
  );
});

test('a body that was parsed before is refused with a sentence', () => {
  assert.throws(() => verify({ sessionId: SESSION }, 'x', SECRET), /raw body/);
});

test('a body that is not UTF-8, or begins with a byte order mark, is no JSON', async () => {
  const { createHmac } = await import('node:crypto');
  for (const body of [Buffer.from([0x22, 0xff, 0x22]), Buffer.from('\ufeff{}')]) {
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    assert.equal(
      codeOf(() => verify(body, signature, SECRET)),
      'body_not_json',
    );
  }
});

test('an error has a code and a sentence, and none of the secret', () => {
  const error = new VerifyError('no_match');
  assert.equal(error.name, 'VerifyError');
  assert.equal(
    error.message,
    "the signature does not match: check that the body is the raw one, byte for byte, and the secret this agent's",
  );
});
