import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import express5 from 'express';
import express4 from 'express4';
import fastify5 from 'fastify';
import fastify4 from 'fastify4';
import * as forExpress from 'buddy-verify/express';
import * as forFastify from 'buddy-verify/fastify';
import * as forNext from 'buddy-verify/next';
import { listen } from './http.mjs';

export const EXPRESS = { 'Express 5': express5, 'Express 4': express4 };
export const FASTIFY = { 'Fastify 5': fastify5, 'Fastify 4': fastify4 };

function serveExpress(express) {
  return (t, endpoint, options) => {
    const app = express();
    app.all('/', forExpress[endpoint](options));
    return listen(t, createServer(app));
  };
}

function serveFastify(fastify) {
  return async (t, endpoint, options) => {
    const app = fastify({ forceCloseConnections: true });
    app.register(forFastify[endpoint](options), { prefix: '/' });
    await app.listen({ port: 0, host: '127.0.0.1' });
    t.after(() => app.close());
    return app.server.address().port;
  };
}

/** Serves a handler of web requests over node:http, as the servers for them do. */
export function webServer(handler) {
  return createServer(async (req, res) => {
    const body = Readable.toWeb(req);
    const request = new Request('http://localhost/', {
      method: req.method,
      headers: req.headers,
      body,
      duplex: 'half',
    });
    const response = await handler(request);
    res.writeHead(response.status, Object.fromEntries(response.headers));
    res.end(Buffer.from(await response.arrayBuffer()));
  });
}

function serveWeb(t, endpoint, options) {
  return listen(t, webServer(forNext[endpoint](options)));
}

/** Each serves one endpoint on the path / and gives the port. */
export const SERVERS = {
  ...Object.fromEntries(Object.entries(EXPRESS).map(([name, express]) => [name, serveExpress(express)])),
  ...Object.fromEntries(Object.entries(FASTIFY).map(([name, fastify]) => [name, serveFastify(fastify)])),
  'web requests': serveWeb,
};
