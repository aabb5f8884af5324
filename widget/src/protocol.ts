/** What the page's script and the frame say to each other. The first two messages go by window, all others by the port. */

export const VERSION = 1;

/** From the frame, to whoever embeds it: it says nothing. */
export interface Hello {
  buddy: 'hello';
  v: typeof VERSION;
}

/** The page's answer, with the port. */
export interface PortOffer {
  buddy: 'port';
  v: typeof VERSION;
}

export type Dir = 'ltr' | 'rtl';
export type Scheme = 'light' | 'dark';
export type SchemeSetting = 'auto' | Scheme;

/** A session that the page's own server began. */
export interface GivenSession {
  sessionId: string;
  sessionToken: string;
}

export interface Init {
  t: 'init';
  dir: Dir;
  lang: string;
  scheme: SchemeSetting;
  /** On which side of the page, by its direction. */
  position: 'start' | 'end';
  accent?: string;
  title?: string;
  hasSessionUrl: boolean;
  session?: GivenSession;
}

/** What the business's session endpoint said of a session. */
export type Bound =
  { outcome: 'ticket'; ticket: string } | { outcome: 'nobody' } | { outcome: 'taken' } | { outcome: 'failed' };

export type ToFrame =
  | Init
  | { t: 'open' }
  | { t: 'close' }
  | { t: 'toggle' }
  | { t: 'identify' }
  | { t: 'reset' }
  | { t: 'viewport'; narrow: boolean }
  | { t: 'shown' }
  | ({ t: 'bound'; bindId: number } & Bound);

export type Status = 'authenticated' | 'anonymous';

export type ToPage =
  | { t: 'ready' }
  /** `focused`: the focus is in the frame, which only the frame knows for sure. */
  | { t: 'view'; open: boolean; unread: number; focused: boolean }
  | { t: 'bind'; bindId: number; sessionId: string }
  | { t: 'session'; sessionId: string | null }
  | { t: 'identity'; status: Status; code: string | null }
  | { t: 'message'; from: 'visitor' | 'agent'; messageId: string }
  | { t: 'error'; code: string; message: string };

/** The panel's ground. The page's script shows it too, around the frame, where a phone's screen has a notch. */
export const SURFACE: Record<Scheme, string> = { light: '#ffffff', dark: '#17191e' };

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
