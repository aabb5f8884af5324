import type { IncomingMessage } from 'node:http';
import type { FastifyPluginAsync, FastifyRequest } from 'fastify';
import type { PlainRequest, PlainResponse } from './http.js';
import { identityEndpoint as plainIdentityEndpoint, type IdentityOptions } from './identity.js';
import { readRawBody } from './raw-body.js';
import { sessionEndpointOf, type SessionOptions } from './session.js';

export type { IdentityOptions, SessionOptions };

const CONSUMED =
  'buddy: a hook or a middleware has read the body before this route, which needs the raw bytes. ' +
  'Have it pass over this path, or register this plugin outside the scope of that hook';
const NO_PREFIX =
  "buddy: this plugin's path is its prefix: app.register(identityEndpoint(…), { prefix: '/buddy/identity' })";

/**
 * The identity endpoint, for `app.register(…, { prefix: path })`. The content type parsers of the app stay as they are.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function identityEndpoint(options: IdentityOptions): FastifyPluginAsync {
  return plugin(plainIdentityEndpoint(options));
}

/**
 * The session endpoint, for `app.register(…, { prefix: path })`, after the plugin that knows who is signed in.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function sessionEndpoint(options: SessionOptions<FastifyRequest>): FastifyPluginAsync {
  return plugin(sessionEndpointOf(options, (request: FastifyPlainRequest) => request.original));
}

interface FastifyPlainRequest extends PlainRequest {
  original: FastifyRequest;
}

function plugin(answer: (request: FastifyPlainRequest) => Promise<PlainResponse>): FastifyPluginAsync {
  return async (app) => {
    if (app.prefix === '') throw new Error(NO_PREFIX);
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('*', (_request: FastifyRequest, payload: IncomingMessage) =>
      readRawBody(payload, CONSUMED),
    );
    app.post('', async (request, reply) => {
      // Without a content type and a body no parser is asked.
      const body = request.body instanceof Uint8Array ? request.body : new Uint8Array();
      const response = await answer({ method: request.method, headers: request.headers, body, original: request });
      return reply.code(response.status).headers(response.headers).send(response.body);
    });
  };
}
