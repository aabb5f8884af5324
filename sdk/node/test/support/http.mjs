import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { AGENT, SECRET, SESSION } from './vectors.mjs';

/** Sends exactly these headers, and Host and Content-Length where they are not given; the JSON of the answer beside it. */
export async function ask(port, { method = 'POST', path = '/', headers = {}, body = '', end = true }) {
  const length = Buffer.byteLength(body);
  const sent = { Host: `127.0.0.1:${port}`, ...(end && { 'Content-Length': length }), ...headers };
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers: sent, setHost: false, agent: false });
  if (end) outgoing.end(body);
  else outgoing.write(body);
  const [response] = await once(outgoing, 'response');
  const chunks = await response.toArray();
  outgoing.destroy();
  const text = Buffer.concat(chunks).toString();
  const isJson = response.headers['content-type']?.startsWith('application/json') ?? false;
  return { status: response.statusCode, headers: response.headers, text, json: isJson ? JSON.parse(text) : undefined };
}

/** A callback for SESSION, made now. */
export function callback({ secret = SECRET, sessionId = SESSION } = {}) {
  const body = JSON.stringify({ sessionId, agentId: AGENT, timestamp: Math.floor(Date.now() / 1000) });
  return signed(body, secret);
}

export function signed(body, secret = SECRET) {
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  return { method: 'POST', headers: { 'Content-Type': 'application/json', 'X-Platform-Signature': signature }, body };
}

/** Serves on a free port of the loopback until the test ends. */
export async function listen(t, server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return server.address().port;
}
