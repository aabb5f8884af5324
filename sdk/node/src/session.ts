import {
  BODY_BYTES_MAX,
  METHOD_NOT_ALLOWED,
  TOO_LARGE,
  header,
  json,
  noContent,
  refused,
  type PlainRequest,
  type PlainResponse,
} from './http.js';
import { isObject, parseJson } from './json.js';
import type { BindingStore } from './store.js';
import { checkedSecrets, isSessionId, ticket } from './verify.js';

type SignedInUser = string | null | undefined;

/** `Request` is your framework's. */
export interface SessionOptions<Request> {
  /** The callback secret; while a rotation is under way, the current one. */
  secret: string;
  store: BindingStore;
  /** The id of the user whose cookie came with the request, or null. What it throws is answered with 500. */
  signedInUser: (request: Request) => SignedInUser | Promise<SignedInUser>;
  /** The agent this endpoint serves; any unless given. */
  agentId?: string | null | undefined;
}

/**
 * The endpoint that your own page asks for a ticket: 200 with it, 204 when nobody is signed in, or a refusal.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function sessionEndpoint(
  options: SessionOptions<PlainRequest>,
): (request: PlainRequest) => Promise<PlainResponse> {
  return sessionEndpointOf(options, (request) => request);
}

/** The endpoint of a framework, whose requests carry its own, for `signedInUser` to look at. */
export function sessionEndpointOf<Request, Carrier extends PlainRequest>(
  options: SessionOptions<Request>,
  original: (request: Carrier) => Request,
): (request: Carrier) => Promise<PlainResponse> {
  const { store, signedInUser, agentId } = options;
  const [secret] = checkedSecrets(options.secret);

  return async (request) => {
    const claim = claimedSession(request, agentId);
    if (typeof claim !== 'string') return claim;
    const userId = await signedInUser(original(request));
    if (userId == null) return noContent();
    if (typeof userId !== 'string' || userId === '') {
      throw new TypeError('buddy: signedInUser gave neither null nor the id of a user as a string');
    }
    // Whoever lured a user into binding his own session, and then asks himself, would be taken for that user.
    if ((await store.bind(claim, userId)) !== true) {
      return refused(409, { code: 'session_taken', message: 'another user has this session: start a new one' });
    }
    return json(200, { ticket: ticket(secret, claim) });
  };
}

/** The session id, or the refusal, which is the first in the order that every language's package keeps. */
function claimedSession(request: PlainRequest, agentId: string | null | undefined): string | PlainResponse {
  if (request.method !== 'POST') return refused(405, METHOD_NOT_ALLOWED);
  if (!isSameOrigin(request)) {
    return refused(403, { code: 'cross_site', message: 'the request is from a page of another origin than this one' });
  }
  if (!isJson(header(request, 'content-type'))) {
    return refused(415, { code: 'unsupported_media_type', message: 'the Content-Type is not application/json' });
  }
  if (request.body.length > BODY_BYTES_MAX) return refused(413, TOO_LARGE);
  const value = parseJson(request.body);
  if (value === undefined) return refused(400, { code: 'body_not_json', message: 'the body is not JSON' });
  const { sessionId, agentId: claimedAgent } = isObject(value) ? value : {};
  if (typeof sessionId !== 'string' || typeof claimedAgent !== 'string') {
    return refused(400, { code: 'body_incomplete', message: 'the body lacks sessionId or agentId, or one is no text' });
  }
  if (!isSessionId(sessionId)) {
    return refused(400, { code: 'bad_session_id', message: 'a session id is sess_ and 26 characters of 0-9 and a-z' });
  }
  if (agentId != null && claimedAgent !== agentId) {
    return refused(400, { code: 'wrong_agent', message: 'the session is of another agent than this endpoint serves' });
  }
  return sessionId;
}

/** By what no page can forge. Host is a proxy's to change, so it counts only where the browser does not say it itself. */
function isSameOrigin(request: PlainRequest): boolean {
  const site = header(request, 'sec-fetch-site');
  if (site !== undefined) return site === 'same-origin';
  const origin = header(request, 'origin');
  if (origin === undefined) return true;
  const host = /^https?:\/\/(.+)$/.exec(origin)?.[1];
  return host !== undefined && host.toLowerCase() === header(request, 'host')?.toLowerCase();
}

function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';')[0]?.trim().toLowerCase() === 'application/json';
}
