// A small shop on Express that tells Buddy who its visitors are.
import { randomBytes } from 'node:crypto';
import session from 'cookie-session';
import express from 'express';
import { MemoryStore } from 'buddy-verify';
import { identityEndpoint, sessionEndpoint } from 'buddy-verify/express';
import { usersById, usersByName } from './users.js';

const { BUDDY_SECRET, BUDDY_OLD_SECRET, PORT = '8000' } = process.env;
if (!BUDDY_SECRET) {
  console.error('BUDDY_SECRET is not set: it is the callback secret that Buddy has shown for this agent.');
  process.exit(1);
}
const secrets = [BUDDY_SECRET, BUDDY_OLD_SECRET].filter(Boolean);
const store = new MemoryStore();

const app = express();
// A shop with several processes has one fixed key; with this one, everybody is signed out by a restart.
app.use(session({ name: 'shop', keys: [randomBytes(32).toString('hex')], sameSite: 'lax' }));

// [session]
app.post(
  '/buddy/session',
  sessionEndpoint({
    secret: secrets[0],
    store,
    signedInUser: (req) => req.session.userId,
  }),
);
// [/session]

// [identity]
app.post(
  '/buddy/identity',
  identityEndpoint({
    secrets,
    user: async (sessionId) => usersById.get(await store.find(sessionId)),
  }),
);
// [/identity]

// Below the two: they need the raw body.
app.use(express.urlencoded({ extended: false }));

app.post('/login', (req, res) => {
  const user = usersByName.get(req.body?.user);
  if (user === undefined) return res.sendStatus(400);
  req.session.userId = user.userId;
  return res.sendStatus(204);
});

app.post('/logout', (req, res) => {
  req.session = null;
  res.sendStatus(204);
});

const server = app.listen(Number(PORT), '127.0.0.1', (error) => {
  if (error) throw error;
  console.log(`The shop is at http://127.0.0.1:${server.address().port}`);
});
