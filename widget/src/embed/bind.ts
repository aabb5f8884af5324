/** Asks the business's own server, with the visitor's own cookie, to bind a session, and learns the ticket. */
import { isObject, type Bound } from '../protocol';

/** The chat does not wait longer to learn whose session it is. */
export const BIND_MS = 2_000;

const TICKET = /^[0-9a-f]{64}$/;

export interface BindResult {
  bound: Bound;
  /** What to mend at the session URL, where it failed. */
  complaint?: string;
}

/** What binding needs of the page. */
export interface BindPage {
  fetch: typeof fetch;
  document: Pick<Document, 'cookie' | 'querySelector'>;
}

/** The header by which the page's framework knows its own page's requests: Laravel and Rails, Angular and Spring, Django. */
export function csrfHeader(document: BindPage['document']): Record<string, string> {
  const meta = document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content;
  if (meta) return { 'X-CSRF-Token': meta };
  // Laravel's and Angular's cookie is URL-encoded, Django's has nothing to decode.
  const xsrf = cookie(document, 'XSRF-TOKEN');
  if (xsrf) return { 'X-XSRF-TOKEN': decoded(xsrf) };
  const django = cookie(document, 'csrftoken');
  return django ? { 'X-CSRFToken': django } : {};
}

function cookie(document: BindPage['document'], name: string): string | undefined {
  let all = '';
  try {
    all = document.cookie;
  } catch {
    // A sandboxed page has none.
  }
  const pair = all.split(/;\s*/).find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

export async function bind(page: BindPage, url: string, agentId: string, sessionId: string): Promise<BindResult> {
  const failed = (why: string): BindResult => ({
    bound: { outcome: 'failed' },
    complaint: `${url} ${why} It must answer 200 with {"ticket":"…"}, 204 when nobody is signed in, or 409 when the session is another user's.`,
  });
  let answer: Response;
  try {
    answer = await page.fetch(url, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json', ...csrfHeader(page.document) },
      body: JSON.stringify({ sessionId, agentId }),
      credentials: 'same-origin',
      redirect: 'error',
      cache: 'no-store',
      signal: AbortSignal.timeout(BIND_MS),
    });
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    return failed(
      late
        ? `did not answer within ${BIND_MS / 1_000} seconds.`
        : "could not be reached, or redirects, or the page’s Content-Security-Policy lacks connect-src 'self'.",
    );
  }
  if (answer.status === 204) return { bound: { outcome: 'nobody' } };
  if (answer.status === 409) return { bound: { outcome: 'taken' } };
  if (answer.status !== 200) return failed(`answered ${answer.status}.`);
  // The body is still under the same time limit.
  const body: unknown = await answer.json().catch(() => null);
  const ticket = isObject(body) ? body['ticket'] : undefined;
  if (typeof ticket !== 'string' || !TICKET.test(ticket))
    return failed('answered 200 without a ticket of 64 hex digits.');
  return { bound: { outcome: 'ticket', ticket } };
}
