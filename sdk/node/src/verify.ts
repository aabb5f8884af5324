import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { isObject, parseJson } from './json.js';

/** How far a request's timestamp may be from this machine's clock: a replay is refused after this, and clocks differ. */
export const TOLERANCE_SECONDS = 300;

/** Visible ASCII, 16 to 256 of it: what Buddy takes. An empty secret, from an unset variable, would let anybody sign. */
const SECRET = /^[\x21-\x7e]{16,256}$/;
const SESSION_ID = /^sess_[0-9a-z]{26}$/;
/** SHA-256 in hexadecimal. */
const SIGNATURE_CHARS = 64;
/** Keeps a ticket from ever being the signature of a callback, or the other way round. */
const TICKET_PREFIX = 'buddy-ticket-v1:';

const SENTENCES = {
  no_secret: 'no secret is configured here: set the callback secret that belongs to the agent',
  bad_secret:
    'a configured secret is not 16 to 256 visible ASCII characters: look for an unset variable, a space or a line end',
  missing_header: 'the header X-Platform-Signature is missing: not from Buddy, or a proxy dropped it',
  wrong_length:
    'the header X-Platform-Signature is not 64 characters long: it is bare hex, with no prefix and no second value',
  not_hex: 'the header X-Platform-Signature is not lower-case hex',
  no_match:
    "the signature does not match: check that the body is the raw one, byte for byte, and the secret this agent's",
  body_not_json: 'the body is rightly signed but is not JSON: not a callback',
  body_incomplete: 'the body lacks sessionId, agentId or timestamp, or one is of the wrong type: not a callback',
  bad_session_id: 'a session id is sess_ and 26 characters of 0-9 and a-z',
  stale: 'the timestamp is more than 300 seconds from now: an old request sent again, or this clock is wrong',
  wrong_agent: 'the callback is of another agent than the one this endpoint serves',
} as const;

/** A stable name of a refusal, the same in every language's package. */
export type VerifyErrorCode = keyof typeof SENTENCES;

/** Why a request is not taken for Buddy's. Answer 401; the message says what to look at. */
export class VerifyError extends Error {
  readonly code: VerifyErrorCode;

  constructor(code: VerifyErrorCode) {
    super(SENTENCES[code]);
    this.name = 'VerifyError';
    this.code = code;
  }
}

/** A request that is Buddy's: it asks who the user of this session is. */
export interface Callback {
  /** `sess_` and 26 characters of `[0-9a-z]`. */
  sessionId: string;
  /** The agent whose session it is. */
  agentId: string;
  /** When the request was made, in unix seconds. */
  timestamp: number;
}

export interface VerifyOptions {
  /** The time in unix seconds; the system's clock unless given. */
  now?: number | undefined;
  /** The agent this endpoint serves; any unless given. */
  agentId?: string | null | undefined;
}

/**
 * Verifies a callback. `body` is the raw body, before any parsing; `signatureHeader` the value of `X-Platform-Signature`;
 * `secrets` all that count: one, or two while a rotation is under way.
 *
 * @throws {VerifyError} for the first fault found.
 */
export function verify(
  body: Uint8Array | string,
  signatureHeader: string | null | undefined,
  secrets: string | readonly string[],
  options: VerifyOptions = {},
): Callback {
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw new TypeError('buddy: verify takes the raw body, as bytes or text; this one has been parsed');
  }
  const { now = unixSeconds(), agentId } = options;
  const keys = checkedSecrets(secrets);
  const presented = decoded(signatureHeader);
  if (!anySigns(keys, body, presented)) throw new VerifyError('no_match');
  const callback = read(body);
  if (!isSessionId(callback.sessionId)) throw new VerifyError('bad_session_id');
  if (Math.abs(now - callback.timestamp) > TOLERANCE_SECONDS) throw new VerifyError('stale');
  if (agentId != null && callback.agentId !== agentId) throw new VerifyError('wrong_agent');
  return callback;
}

/**
 * The ticket for a session: proof to Buddy, through the user's own page, that you have noted whose session it is.
 *
 * @throws {VerifyError} `bad_session_id`: answer 400, for the id comes from a browser; `no_secret`, `bad_secret`.
 */
export function ticket(secret: string, sessionId: string): string {
  const [key] = checkedSecrets(secret);
  if (!isSessionId(sessionId)) throw new VerifyError('bad_session_id');
  return hmac(key, TICKET_PREFIX + sessionId).toString('hex');
}

/** A copy of the secrets, one at least and each of a form that Buddy takes. */
export function checkedSecrets(secrets: string | readonly string[]): [string, ...string[]] {
  // Without types, an unset variable comes here as undefined.
  const all = typeof secrets === 'string' ? [secrets] : [...(secrets ?? [])];
  const [first, ...rest] = all;
  if (all.length === 0) throw new VerifyError('no_secret');
  if (!isSecret(first) || !rest.every(isSecret)) throw new VerifyError('bad_secret');
  return [first, ...rest];
}

export function isSessionId(text: string): boolean {
  return SESSION_ID.test(text);
}

/** This machine's clock. */
export function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function isSecret(secret: unknown): secret is string {
  return typeof secret === 'string' && SECRET.test(secret);
}

function decoded(signature: string | null | undefined): Buffer {
  if (signature == null) throw new VerifyError('missing_header');
  if (signature.length !== SIGNATURE_CHARS) throw new VerifyError('wrong_length');
  // One spelling for one signature: whoever keys on the header's text sees no second one.
  if (!/^[0-9a-f]*$/.test(signature)) throw new VerifyError('not_hex');
  return Buffer.from(signature, 'hex');
}

/** Goes through all secrets whatever the first says, so that time tells nothing about which one matched. */
function anySigns(secrets: readonly string[], body: Uint8Array | string, presented: Buffer): boolean {
  let found = false;
  for (const secret of secrets) found = timingSafeEqual(hmac(secret, body), presented) || found;
  return found;
}

function hmac(secret: string, message: Uint8Array | string): Buffer {
  return createHmac('sha256', secret).update(message).digest();
}

/** Members that are not known are passed over: a later version may add some. */
function read(body: Uint8Array | string): Callback {
  const value = parseJson(body);
  if (value === undefined) throw new VerifyError('body_not_json');
  if (!isObject(value)) throw new VerifyError('body_incomplete');
  const { sessionId, agentId, timestamp } = value;
  if (typeof sessionId !== 'string' || typeof agentId !== 'string' || !isInteger(timestamp)) {
    throw new VerifyError('body_incomplete');
  }
  return { sessionId, agentId, timestamp };
}

function isInteger(value: unknown): value is number {
  return Number.isInteger(value);
}
