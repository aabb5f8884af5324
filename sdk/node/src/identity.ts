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
  type Refusal,
} from './http.js';
import { checkedUser, type User } from './user.js';
import { VerifyError, checkedSecrets, unixSeconds, verify, type Callback } from './verify.js';

export interface IdentityOptions {
  /** All callback secrets that count: one, or two while a rotation is under way. */
  secrets: string | readonly string[];
  /** Who has this session, or null. What it throws is your framework's to answer, with 500. */
  user: (sessionId: string) => User | null | undefined | Promise<User | null | undefined>;
  /** The agent this endpoint serves; any unless given. */
  agentId?: string | null | undefined;
  /** Unix seconds; the system's clock unless given. */
  now?: (() => number) | undefined;
  /** Told each refusal; writes a line to the console unless given. */
  onRefused?: ((refusal: Refusal) => void) | undefined;
}

/**
 * The endpoint that Buddy asks: 200 with the user, 204 for nobody, 401 for a request that is not Buddy's.
 *
 * @throws {VerifyError} `no_secret` or `bad_secret`, at once.
 */
export function identityEndpoint(options: IdentityOptions): (request: PlainRequest) => Promise<PlainResponse> {
  const { user, agentId, now = unixSeconds, onRefused = warn } = options;
  const secrets = checkedSecrets(options.secrets);

  function refuse(status: number, refusal: Refusal): PlainResponse {
    onRefused({ code: refusal.code, message: refusal.message });
    return refused(status, refusal);
  }

  return async (request) => {
    if (request.method !== 'POST') return refuse(405, METHOD_NOT_ALLOWED);
    if (request.body.length > BODY_BYTES_MAX) return refuse(413, TOO_LARGE);
    let callback: Callback;
    try {
      callback = verify(request.body, header(request, 'x-platform-signature'), secrets, { now: now(), agentId });
    } catch (error) {
      if (error instanceof VerifyError) return refuse(401, error);
      throw error;
    }
    const found = await user(callback.sessionId);
    return found == null ? noContent() : json(200, checkedUser(found));
  };
}

function warn({ code, message }: Refusal): void {
  console.warn(`buddy: refused a callback (${code}): ${message}`);
}
