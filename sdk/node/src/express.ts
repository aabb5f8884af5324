import type { Request, RequestHandler, Response } from 'express';
import type { PlainRequest, PlainResponse } from './http.js';
import { identityEndpoint as plainIdentityEndpoint, type IdentityOptions } from './identity.js';
import { readRawBody } from './raw-body.js';
import { sessionEndpointOf, type SessionOptions } from './session.js';

export type { IdentityOptions, SessionOptions };

const CONSUMED =
  'buddy: a body parser has read the body before this handler, which needs the raw bytes. ' +
  "Put this route's app.post(…) above app.use(express.json()), or have the parser keep the bytes: " +
  'express.json({ verify: (req, res, bytes) => { req.rawBody = bytes; } })';

/**
 * The identity endpoint, for `app.post(path, …)`.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function identityEndpoint(options: IdentityOptions): RequestHandler {
  return handler(plainIdentityEndpoint(options));
}

/**
 * The session endpoint, for `app.post(path, …)`, after the middleware that knows who is signed in.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function sessionEndpoint(options: SessionOptions<Request>): RequestHandler {
  return handler(sessionEndpointOf(options, (request: ExpressRequest) => request.original));
}

interface ExpressRequest extends PlainRequest {
  original: Request;
}

function handler(answer: (request: ExpressRequest) => Promise<PlainResponse>): RequestHandler {
  return (req, res, next) => {
    rawBody(req)
      .then((body) => answer({ method: req.method, headers: req.headers, body, original: req }))
      .then((response) => send(res, response))
      .catch(next);
  };
}

/** The bytes that a parser has kept (`rawBody`), those of express.raw(), or the stream's. */
async function rawBody(req: Request): Promise<Uint8Array> {
  for (const kept of [(req as { rawBody?: unknown }).rawBody, req.body as unknown]) {
    if (kept instanceof Uint8Array) return kept;
  }
  return readRawBody(req, CONSUMED);
}

function send(res: Response, { status, headers, body }: PlainResponse): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  res.end(body);
}
