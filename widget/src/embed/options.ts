/** The tag's attributes. A wrong one is said in the console and left out; only without an agent is there no chat. */
import type { GivenSession, SchemeSetting } from '../protocol';

export interface Options {
  agentId: string;
  /** Same origin as the page. */
  sessionUrl: string | null;
  session: GivenSession | null;
  title: string | null;
  accent: string | null;
  scheme: SchemeSetting;
  /** As in a text from left to right; mirrored where the page is. */
  position: 'right' | 'left';
}

export interface Complaint {
  code: string;
  message: string;
}

const AGENT = /^agt_[0-9a-z]{26}$/;
const SESSION = /^sess_[0-9a-z]{26}$/;
const TOKEN = /^bst_[0-9A-Za-z]{43}$/;
const COLOUR = /^#[0-9a-f]{6}$/i;
/** More does not fit into the panel's head. */
const TITLE_CHARS_MAX = 60;

/** `origin` is not always that of `baseURI`: a page may have a <base>. */
export interface Page {
  origin: string;
  baseURI: string;
}

const wrong = (message: string): Complaint => ({ code: 'WRONG_ATTRIBUTE', message });

/** The options, or null without an agent; and what is wrong, a sentence each. */
export function readOptions(tag: HTMLElement, page: Page): { options: Options | null; wrong: Complaint[] } {
  const complaints: Complaint[] = [];
  const read = (name: string, good: (value: string) => boolean, must: string): string | null => {
    const value = tag.getAttribute(name)?.trim();
    if (value === undefined) return null;
    if (good(value)) return value;
    complaints.push(wrong(`${name} must be ${must}.`));
    return null;
  };
  const agentId = read('data-agent', (v) => AGENT.test(v), 'the id of your agent, agt_… with 26 characters');
  if (agentId === null && !tag.hasAttribute('data-agent')) {
    complaints.push(wrong('data-agent is missing: set it to the id of your agent, agt_….'));
  }
  const sessionUrl = readSessionUrl(tag, page, complaints);
  const session = readSession(read);
  if (session === undefined) {
    complaints.push(wrong('data-session-id and data-session-token go together: set both, or neither.'));
  }
  const title = read(
    'data-title',
    (v) => v.length > 0 && v.length <= TITLE_CHARS_MAX,
    `1 to ${TITLE_CHARS_MAX} characters`,
  );
  const accent = read('data-accent', (v) => COLOUR.test(v), 'a colour as #rrggbb');
  const scheme = read('data-color-scheme', (v) => /^(auto|light|dark)$/.test(v), 'auto, light or dark');
  const position = read('data-position', (v) => /^(right|left)$/.test(v), 'right or left');
  if (agentId === null) return { options: null, wrong: complaints };
  const options: Options = {
    agentId,
    sessionUrl,
    session: session ?? null,
    title,
    accent,
    scheme: (scheme ?? 'auto') as SchemeSetting,
    position: position === 'left' ? 'left' : 'right',
  };
  return { options, wrong: complaints };
}

function readSessionUrl(tag: HTMLElement, page: Page, complaints: Complaint[]): string | null {
  const value = tag.getAttribute('data-session-url');
  if (value === null) return null;
  // Another origin would get neither the user's cookie nor, by its own rules, give a ticket.
  try {
    const url = new URL(value, page.baseURI);
    if (value.trim() !== '' && url.origin === page.origin) return url.href;
  } catch {
    // Said below.
  }
  complaints.push({
    code: 'SESSION_URL_REFUSED',
    message: `data-session-url must be an address of this page's own origin, such as /buddy/session, and is "${value}".`,
  });
  return null;
}

type Read = (name: string, good: (value: string) => boolean, must: string) => string | null;

/** Null where the page gives none, undefined where it gives half of one. */
function readSession(read: Read): GivenSession | null | undefined {
  const sessionId = read('data-session-id', (v) => SESSION.test(v), 'the id of a session, sess_… with 26 characters');
  const sessionToken = read('data-session-token', (v) => TOKEN.test(v), "that session's token, bst_…");
  if (sessionId !== null && sessionToken !== null) return { sessionId, sessionToken };
  return sessionId === null && sessionToken === null ? null : undefined;
}
