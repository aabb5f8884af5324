/** Buddy's API as the visitor may call it. One call is one request; who calls it again is in `retry.ts`. */
import { isObject, type GivenSession } from '../protocol';

export type Session = GivenSession;
export type SessionStatus = 'created' | 'pending' | 'authenticated' | 'anonymous' | 'revoked';

export interface SessionView {
  sessionId: string;
  status: SessionStatus;
  /** Why nobody is identified: `AUTH_…`, or null. */
  code: string | null;
}

export interface Message {
  messageId: string;
  from: 'visitor' | 'agent';
  text: string;
  done: boolean;
  createdAt: string;
}

/** An answer that is not 2xx; status 0 where there was none. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfterMs: number | null,
  ) {
    super(`${status} ${code}`);
  }

  /** The session is no more: ended, revoked, or its agent deleted. */
  get gone(): boolean {
    return this.status === 401 || this.status === 404 || this.code === 'SESSION_REVOKED';
  }

  /** The same request may be answered well later. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

/** Longer than the server's own limits; without it a request on a dead connection would hang for minutes. */
const ANSWER_MS = 20_000;
/** The server's longest `?wait=`. */
const WAIT_SECONDS = 30;
const PAGE_OF_MESSAGES = 200;

export class Server {
  constructor(
    /** Buddy's, with a slash at the end. */
    private readonly base: URL,
    private readonly fetch: typeof globalThis.fetch,
  ) {}

  async begin(agentId: string, signal: AbortSignal): Promise<Session> {
    const body = { agentId, identify: false };
    const view = await this.json('POST', 'v1/sessions', { body, signal });
    return { sessionId: text(view, 'sessionId'), sessionToken: text(view, 'sessionToken') };
  }

  /** Answers once the session is settled, or after a while as it is. */
  async identify(session: Session, ticket: string | null, signal: AbortSignal): Promise<SessionView> {
    const body = ticket === null ? {} : { ticket };
    const path = `${of(session)}/identify?wait=${WAIT_SECONDS}`;
    return sessionView(await this.json('POST', path, { body, signal, session, waitSeconds: WAIT_SECONDS }));
  }

  /** Whether both sessions are of one user, who is known. */
  async sameUser(session: Session, other: Session, signal: AbortSignal): Promise<boolean> {
    const body = { sessionId: other.sessionId, sessionToken: other.sessionToken };
    return (await this.json('POST', `${of(session)}/same-user`, { body, signal, session }))['sameUser'] === true;
  }

  async say(session: Session, words: string, signal: AbortSignal): Promise<Message> {
    return message(await this.json('POST', `${of(session)}/messages`, { body: { text: words }, signal, session }));
  }

  /** All messages, oldest first. */
  async messages(session: Session, signal: AbortSignal): Promise<Message[]> {
    const all: Message[] = [];
    let cursor: string | null = null;
    do {
      const from: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`;
      const page = await this.json('GET', `${of(session)}/messages?limit=${PAGE_OF_MESSAGES}${from}`, {
        signal,
        session,
      });
      const listed = page['messages'];
      if (Array.isArray(listed)) all.push(...listed.filter(isObject).map(message));
      cursor = typeof page['nextCursor'] === 'string' ? page['nextCursor'] : null;
    } while (cursor !== null);
    return all;
  }

  /** The session's events, as they come; resumed after `lastEventId`. */
  async listen(session: Session, lastEventId: string | null, signal: AbortSignal): Promise<Response> {
    const headers: Record<string, string> = { Accept: 'text/event-stream', ...credential(session) };
    if (lastEventId !== null) headers['Last-Event-ID'] = lastEventId;
    return this.request(`${of(session)}/messages/stream`, { headers, signal });
  }

  private async json(method: 'GET' | 'POST', path: string, call: Call): Promise<Record<string, unknown>> {
    const headers: Record<string, string> = call.session ? credential(call.session) : {};
    if (call.body) headers['Content-Type'] = 'application/json';
    const limit = AbortSignal.timeout(ANSWER_MS + (call.waitSeconds ?? 0) * 1_000);
    const both = anyOf(call.signal, limit);
    try {
      const answer = await this.request(path, {
        method,
        headers,
        signal: both.signal,
        ...(call.body ? { body: JSON.stringify(call.body) } : {}),
      });
      const body: unknown = await answer.json().catch(() => null);
      call.signal.throwIfAborted();
      if (!isObject(body)) throw new Refused(0, 'NO_ANSWER', 'The answer was cut off, or is not of Buddy.', null);
      return body;
    } finally {
      both.release();
    }
  }

  private async request(path: string, init: RequestInit & { signal: AbortSignal }): Promise<Response> {
    let answer: Response;
    try {
      answer = await this.fetch(new URL(path, this.base), {
        ...init,
        credentials: 'omit',
        cache: 'no-store',
        referrerPolicy: 'no-referrer',
      });
    } catch (error) {
      if (error instanceof Error && error.name === 'AbortError' && init.signal.aborted) throw error;
      throw new Refused(0, 'NO_ANSWER', 'Buddy could not be reached.', null);
    }
    if (answer.ok) return answer;
    const problem: unknown = await answer.json().catch(() => null);
    const { code, detail } = isObject(problem) ? problem : {};
    throw new Refused(
      answer.status,
      typeof code === 'string' ? code : `HTTP_${answer.status}`,
      typeof detail === 'string' ? detail : '',
      retryAfter(answer.headers.get('Retry-After')),
    );
  }
}

interface Call {
  body?: Record<string, unknown>;
  session?: Session;
  signal: AbortSignal;
  waitSeconds?: number;
}

const of = ({ sessionId }: Session): string => `v1/sessions/${sessionId}`;
const credential = ({ sessionToken }: Session): Record<string, string> => ({ Authorization: `Bearer ${sessionToken}` });

const text = (from: Record<string, unknown>, name: string): string => {
  const value = from[name];
  return typeof value === 'string' ? value : '';
};

function sessionView(from: Record<string, unknown>): SessionView {
  const { error } = from;
  return {
    sessionId: text(from, 'sessionId'),
    status: text(from, 'status') as SessionStatus,
    code: isObject(error) && typeof error['code'] === 'string' ? error['code'] : null,
  };
}

export function message(from: Record<string, unknown>): Message {
  return {
    messageId: text(from, 'messageId'),
    from: from['from'] === 'visitor' ? 'visitor' : 'agent',
    text: text(from, 'text'),
    done: from['done'] === true,
    createdAt: text(from, 'createdAt'),
  };
}

function retryAfter(value: string | null): number | null {
  const seconds = Number(value);
  return value !== null && Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}

/** `AbortSignal.any`, which is younger than the browsers that this is for. */
function anyOf(...signals: AbortSignal[]): { signal: AbortSignal; release: () => void } {
  const either = new AbortController();
  const abort = (event: Event): void => either.abort((event.target as AbortSignal).reason);
  for (const signal of signals) {
    if (signal.aborted) either.abort(signal.reason);
    signal.addEventListener('abort', abort);
  }
  return {
    signal: either.signal,
    release: () => signals.forEach((signal) => signal.removeEventListener('abort', abort)),
  };
}
