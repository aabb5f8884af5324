// The fast way in Node.js: node:http, and undici's request with an agent that keeps connections.
import { createServer } from 'node:http';
import { Agent, request } from 'undici';
import { TIMEOUT, announce, beginSession } from './common.js';

const dispatcher = new Agent({ headersTimeout: TIMEOUT, bodyTimeout: TIMEOUT, connect: { timeout: TIMEOUT } });

async function ask(url, body, headers) {
  const answer = await request(url, { method: 'POST', body, headers, dispatcher });
  if (answer.statusCode !== 200) {
    await answer.body.dump();
    throw new Error(`status ${answer.statusCode}`);
  }
  return answer.body.json();
}

const server = createServer((request, response) => {
  if (request.method !== 'POST' || request.url.split('?')[0] !== '/v1/sessions') {
    response.writeHead(404).end();
    return;
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (part) => (body += part));
  request.on('end', async () => {
    let begin;
    try {
      begin = JSON.parse(body);
    } catch {
      response.writeHead(400).end();
      return;
    }
    const text = JSON.stringify(await beginSession(begin.agentId, ask));
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) })
      .end(text);
  });
});

server.listen(0, '127.0.0.1', () => announce(server.address()));
