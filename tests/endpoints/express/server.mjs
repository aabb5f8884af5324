// Runs the endpoint of identity.mjs for the tests: HTTPS on a free port, one JSON line on stdout per request.
//
// TLS_CERT, TLS_KEY  paths of PEM files             SECRET, OLD_SECRET  the callback secret; a second one that counts too
// USERS              {"sess_…": {"userId": …}, …}   USER_FOR_ALL        {"userId": …}: the user of every other session
// HANG=1             takes every request, never answers
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import express from 'express';
import { identityCallback, isSigned } from './identity.mjs';

const { TLS_CERT, TLS_KEY, SECRET, OLD_SECRET, USERS = '{}', USER_FOR_ALL = 'null', HANG } = process.env;
for (const [name, value] of Object.entries({ TLS_CERT, TLS_KEY, SECRET })) {
  if (!value) throw new Error(`the environment variable ${name} is not set`);
}
const secrets = [SECRET, OLD_SECRET].filter(Boolean);
const users = new Map(Object.entries(JSON.parse(USERS)));
const userForAll = JSON.parse(USER_FOR_ALL);

const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const report = (req, status) =>
  say({
    path: req.originalUrl,
    attempt: req.get('X-Platform-Attempt') ?? null,
    requestId: req.get('X-Platform-Request-Id') ?? null,
    signatureOk: isSigned(secrets, req.body ?? '', req.get('X-Platform-Signature')),
    status,
    headers: req.headers,
  });

const app = express();
if (HANG === '1') {
  app.use(express.text({ type: '*/*' }), (req) => report(req, null));
} else {
  app.use((req, res, next) => {
    res.on('finish', () => report(req, res.statusCode));
    next();
  });
  app.post('/buddy/identity', identityCallback({ secrets, userOf: (id) => users.get(id) ?? userForAll }));
}

const server = createServer({ cert: readFileSync(TLS_CERT), key: readFileSync(TLS_KEY) }, app);
server.listen(0, '127.0.0.1', () => say({ listening: server.address().port }));
