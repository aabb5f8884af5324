// What is written first in Node.js: fastify, and the fetch that is built in.
import Fastify from 'fastify';
import { TIMEOUT, announce, beginSession } from './common.js';

async function ask(url, body, headers) {
  const answer = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(TIMEOUT) });
  if (!answer.ok) throw new Error(`status ${answer.status}`);
  return answer.json();
}

const app = Fastify();
const schema = {
  body: { type: 'object', required: ['agentId'], properties: { agentId: { type: 'string' } } },
};
app.post('/v1/sessions', { schema }, (request) => beginSession(request.body.agentId, ask));
await app.listen({ port: 0, host: '127.0.0.1' });
announce(app.server.address());
