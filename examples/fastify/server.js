// A small shop on Fastify that tells Buddy who its visitors are.
import { randomBytes } from 'node:crypto';
import cookie from '@fastify/cookie';
import formbody from '@fastify/formbody';
import session from '@fastify/session';
import Fastify from 'fastify';
import { MemoryStore } from 'buddy-verify';
import { identityEndpoint, sessionEndpoint } from 'buddy-verify/fastify';
import { usersById, usersByName } from './users.js';

const { BUDDY_SECRET, BUDDY_OLD_SECRET, PORT = '8000' } = process.env;
if (!BUDDY_SECRET) {
  console.error('BUDDY_SECRET is not set: it is the callback secret that Buddy has shown for this agent.');
  process.exit(1);
}
const secrets = [BUDDY_SECRET, BUDDY_OLD_SECRET].filter(Boolean);
const store = new MemoryStore();

const app = Fastify();
app.register(formbody);
app.register(cookie);
// A shop with several processes has one fixed key and a store they share; with these, a restart signs everybody out.
app.register(session, {
  secret: randomBytes(32).toString('hex'),
  saveUninitialized: false,
  cookie: { secure: 'auto', sameSite: 'lax' },
});

// [session]
app.register(
  sessionEndpoint({
    secret: secrets[0],
    store,
    signedInUser: (request) => request.session.userId,
  }),
  { prefix: '/buddy/session' },
);
// [/session]

// [identity]
app.register(
  identityEndpoint({
    secrets,
    user: async (sessionId) => usersById.get(await store.find(sessionId)),
  }),
  { prefix: '/buddy/identity' },
);
// [/identity]

app.post('/login', async (request, reply) => {
  const user = usersByName.get(request.body?.user);
  if (user === undefined) return reply.code(400).send();
  await request.session.regenerate();
  request.session.userId = user.userId;
  return reply.code(204).send();
});

app.post('/logout', async (request, reply) => {
  await request.session.destroy();
  return reply.code(204).send();
});

await app.listen({ port: Number(PORT), host: '127.0.0.1' });
console.log(`The shop is at http://127.0.0.1:${app.server.address().port}`);
