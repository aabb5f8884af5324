// Compiled, never run: what a consumer in TypeScript writes, and what must not compile.
import express from 'express';
import Fastify from 'fastify';
import {
  BODY_BYTES_MAX,
  MemoryStore,
  VerifyError,
  identityEndpoint,
  sessionEndpoint,
  ticket,
  verify,
  type BindingStore,
  type Callback,
  type PlainResponse,
  type User,
  type VerifyErrorCode,
} from 'buddy-verify';
import * as forExpress from 'buddy-verify/express';
import * as forFastify from 'buddy-verify/fastify';
import * as forNext from 'buddy-verify/next';

interface Plan {
  plan: string;
}

const secret: string = 'a-secret-of-the-consumer';
const store: BindingStore = new MemoryStore({ now: () => 0 });
const plan: Plan = { plan: 'gold' };

async function user(sessionId: string): Promise<User | null> {
  const userId = await store.find(sessionId);
  return userId === null ? null : { userId, email: undefined, customAttributes: plan };
}

const callback: Callback = verify(Buffer.from('{}'), null, [secret] as const, { now: 1, agentId: undefined });
verify('{}', undefined, secret);
const code: VerifyErrorCode = new VerifyError('stale').code;
const proof: string = ticket(secret, callback.sessionId);
const settings = {
  secrets: secret,
  user,
  onRefused: (refusal: { code: string; message: string }) => console.log(refusal),
};
const answer: Promise<PlainResponse> = identityEndpoint(settings)({
  method: 'POST',
  headers: { 'x-platform-signature': ['a', 'b'], host: undefined },
  body: new Uint8Array(BODY_BYTES_MAX),
});
sessionEndpoint({ secret, store, signedInUser: (request) => request.method });

const app = express();
app.post('/buddy/identity', forExpress.identityEndpoint(settings));
app.post('/buddy/session', forExpress.sessionEndpoint({ secret, store, signedInUser: (req) => req.get('x-user') }));

const fastify = Fastify();
fastify.register(forFastify.identityEndpoint(settings), { prefix: '/buddy/identity' });
const signedInUser = async (request: { id: string }) => request.id;
fastify.register(forFastify.sessionEndpoint({ secret, store, signedInUser }), { prefix: '/buddy/session' });

export const POST: (request: Request) => Promise<Response> = forNext.identityEndpoint({ secrets: [secret], user });
forNext.sessionEndpoint({ secret, store, signedInUser: (request) => request.headers.get('x-user') });

// @ts-expect-error: a user has an id
identityEndpoint({ secrets: secret, user: () => ({ email: 'ada@shop.example' }) });
// @ts-expect-error: a variable of the environment may not be set
identityEndpoint({ secrets: process.env['BUDDY_SECRET'], user });
// @ts-expect-error: the id of a user is a string
sessionEndpoint({ secret, store, signedInUser: () => 1815 });
// @ts-expect-error: a body that was parsed is no raw body
verify({ sessionId: 'x' }, null, secret);

export { answer, code, proof };
