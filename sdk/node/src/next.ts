import { Buffer } from 'node:buffer';
import { BODY_BYTES_MAX, type PlainRequest, type PlainResponse } from './http.js';
import { identityEndpoint as plainIdentityEndpoint, type IdentityOptions } from './identity.js';
import { sessionEndpointOf, type SessionOptions } from './session.js';

export type { IdentityOptions, SessionOptions };

/** A route handler: of Next.js, or of any server with web requests and `node:crypto`. */
export type RouteHandler = (request: Request) => Promise<Response>;

const CONSUMED =
  'buddy: the body has been read before this handler, which needs the raw bytes. Hand over the request untouched, ' +
  'or give whoever reads it first request.clone()';

/**
 * The identity endpoint: `export const POST = identityEndpoint(…)`.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once; but not while `next build` runs.
 */
export function identityEndpoint(options: IdentityOptions): RouteHandler {
  return routeHandler(() => plainIdentityEndpoint(options));
}

/**
 * The session endpoint: `export const POST = sessionEndpoint(…)`.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once; but not while `next build` runs.
 */
export function sessionEndpoint(options: SessionOptions<Request>): RouteHandler {
  return routeHandler(() => sessionEndpointOf(options, (request: WebRequest) => request.original));
}

interface WebRequest extends PlainRequest {
  original: Request;
}

function routeHandler(make: () => (request: WebRequest) => Promise<PlainResponse>): RouteHandler {
  // `next build` loads every route, on a machine that need not have the secrets; the server loads it again.
  const answer = process.env.NEXT_PHASE === 'phase-production-build' ? undefined : make();
  return async (request) => {
    const { method } = request;
    const headers = Object.fromEntries(request.headers);
    const body = await rawBody(request);
    const response = await (answer ?? make())({ method, headers, body, original: request });
    // A 204 with a body, even an empty one, is an error to the constructor.
    return new Response(response.body || null, { status: response.status, headers: response.headers });
  };
}

/** The raw body, or of one that is too large its beginning, one chunk past BODY_BYTES_MAX. */
async function rawBody(request: Request): Promise<Uint8Array> {
  if (request.bodyUsed) throw new Error(CONSUMED);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = request.body?.getReader();
  while (reader !== undefined && length <= BODY_BYTES_MAX) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  // Not awaited: it is the client's sending that it would wait for.
  if (length > BODY_BYTES_MAX) void reader?.cancel().catch(() => undefined);
  return Buffer.concat(chunks);
}
