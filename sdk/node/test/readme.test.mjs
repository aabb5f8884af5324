import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { createClient } from 'redis';
import { BINDING_SECONDS, ticket } from 'buddy-verify';
import { ask, callback } from './support/http.mjs';
import { PACKAGE, installPacked, linkDependencies } from './support/install.mjs';
import { AGENT, SECRET, SESSION } from './support/vectors.mjs';

const { folder } = installPacked(after);
linkDependencies(folder, ['express', 'cookie-session']);

/** The listing of the README that has this line; written down as a file, it is what a reader has. */
function listing(line, file) {
  const readme = readFileSync(join(PACKAGE, 'README.md'), 'utf8');
  const found = [...readme.matchAll(/^```js\n(.*?)^```$/gms)]
    .map(([, code]) => code)
    .find((code) => code.includes(line));
  assert.ok(found, `the README has no listing with ${line}`);
  return { code: found, path: join(folder, file) };
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server that ends with the test, once it has said this. */
async function start(t, command, args, options, said) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child, 'spawn');
  t.after(async () => {
    if (child.exitCode !== null) return;
    child.kill();
    await once(child, 'exit');
  });
  for await (const line of createInterface(child.stdout)) {
    if (line.includes(said)) return void child.stdout.resume();
  }
  assert.fail(`${command} has ended without saying: ${said}`);
}

test('the endpoint of the README runs as it stands there, and has at most 25 lines', async (t) => {
  const { code, path } = listing('app.listen(8000', 'server.mjs');
  assert.ok(code.split('\n').length <= 26);
  const port = await freePort();
  writeFileSync(path, code.replaceAll('8000', port));
  const env = { ...process.env, BUDDY_SECRET: SECRET };
  await start(t, process.execPath, ['server.mjs'], { cwd: folder, env }, `http://127.0.0.1:${port}`);

  const identity = (request) => ask(port, { ...request, path: '/buddy/identity' });
  const bind = (headers) => {
    const sent = { 'Content-Type': 'application/json', ...headers };
    const body = JSON.stringify({ sessionId: SESSION, agentId: AGENT });
    return ask(port, { path: '/buddy/session', headers: sent, body });
  };
  assert.equal((await identity(callback())).status, 204);
  assert.equal((await identity(callback({ secret: 'another-secret-of-this-test' }))).json.error, 'no_match');
  assert.equal((await bind({})).status, 204);
  const login = await ask(port, { path: '/login' });
  const Cookie = login.headers['set-cookie'].map((cookie) => cookie.split(';')[0]).join('; ');
  assert.deepEqual((await bind({ Cookie })).json, { ticket: ticket(SECRET, SESSION) });
  assert.equal((await identity(callback())).json.userId, 'ada-1815');
});

test('the endpoint of the README does not start without a secret, and says why', () => {
  const { code, path } = listing('app.listen(8000', 'server-without.mjs');
  writeFileSync(path, code);
  const { BUDDY_SECRET, ...env } = process.env;
  const { status, stderr } = spawnSync(process.execPath, [path], { cwd: folder, env, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /VerifyError: no secret is configured here/);
});

test('the store of the README keeps its word on a real Redis', async (t) => {
  const { error } = spawnSync('redis-server', ['--version']);
  assert.equal(error, undefined, 'redis-server is missing: install it (on Debian: apt-get install redis-server)');
  const port = await freePort();
  const args = ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'];
  await start(t, 'redis-server', args, { cwd: folder }, 'Ready to accept connections');
  const { code, path } = listing('// redis-store.mjs', 'redis-store.mjs');
  writeFileSync(path, code);
  const { redisStore } = await import(pathToFileURL(path));
  const client = await createClient({ url: `redis://127.0.0.1:${port}` }).connect();
  try {
    await bindOnRedis(client, redisStore(client));
  } finally {
    await client.close();
  }
});

async function bindOnRedis(client, store) {
  assert.equal(await store.find(SESSION), null);
  const all = await Promise.all(['ada', 'grace', 'ada', 'joan'].map((user) => store.bind(SESSION, user)));
  assert.deepEqual(all, [true, false, true, false]);
  assert.equal(await store.find(SESSION), 'ada');

  const key = `buddy:session:${SESSION}`;
  const left = await client.ttl(key);
  assert.ok(left > BINDING_SECONDS - 60 && left <= BINDING_SECONDS, `${left} seconds`);
  await client.expire(key, 100);
  assert.equal(await store.bind(SESSION, 'ada'), true);
  assert.ok((await client.ttl(key)) <= 100, 'the same user again does not extend it');
  await client.del(key);
  assert.equal(await store.bind(SESSION, 'grace'), true);
}
