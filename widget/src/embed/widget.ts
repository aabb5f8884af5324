/** The chat in this page: joins the page's calls, the frame and the session endpoint. */
import { type ToFrame, type ToPage } from '../protocol';
import { makeApi, type Api, type State } from './api';
import { bind } from './bind';
import { Host, pageDir } from './host';
import { Link } from './link';
import type { Complaint, Options } from './options';

/** A page that loads for longer is not waited for. */
const PAGE_LOAD_MS = 3_000;

export interface WidgetSettings {
  options: Options;
  /** Where Buddy is, with a slash at the end. */
  base: URL;
  /** The page takes its `window.Buddy` back. */
  onDestroyed(): void;
}

const NEW_STATE: State = { ready: false, open: false, sessionId: null, status: null, code: null, unread: 0 };

export function startWidget({ options, base, onDestroyed }: WidgetSettings): {
  api: Api;
  complain: (complaint: Complaint) => void;
} {
  let state = { ...NEW_STATE };
  let host: Host | null = null;
  let link: Link | null = null;
  /** What was asked before the frame was there. */
  let waiting: ToFrame[] = [];
  let destroyed = false;
  const told = new Set<string>();

  const act = (t: 'open' | 'close' | 'toggle' | 'identify' | 'reset'): void => {
    if (destroyed) return;
    begin();
    if (t === 'open' || (t === 'toggle' && !state.open)) host?.focus();
    if (state.ready) link?.send({ t });
    else waiting.push({ t });
  };
  const { api, emit } = makeApi({
    open: () => act('open'),
    close: () => act('close'),
    toggle: () => act('toggle'),
    identify: () => act('identify'),
    reset: () => act('reset'),
    destroy,
    state: () => ({ ...state }),
  });

  /** Once a code in the console, always as an event. */
  function complain({ code, message }: Complaint): void {
    const shown = `Buddy: ${message}`;
    if (!told.has(shown)) {
      told.add(shown);
      if (code === 'SESSION_URL_FAILED') console.warn(shown);
      else console.error(shown);
    }
    emit('error', { code, message });
  }

  function begin(): void {
    if (host || destroyed) return;
    host = new Host({
      src: new URL(`widget/${options.agentId}`, base).href,
      position: options.position,
      scheme: options.scheme,
      onNarrow: (narrow) => link?.send({ t: 'viewport', narrow }),
    });
    link = new Link({ frame: host.frame, origin: base.origin, onLinked, onMessage, onSilence });
    addEventListener('pageshow', onPageShow);
  }

  function onLinked(): void {
    link?.send({
      t: 'init',
      dir: pageDir(),
      lang: document.documentElement.lang,
      scheme: options.scheme,
      position: options.position === 'left' ? 'start' : 'end',
      ...(options.accent === null ? {} : { accent: options.accent }),
      ...(options.title === null ? {} : { title: options.title }),
      hasSessionUrl: options.sessionUrl !== null,
      ...(options.session === null ? {} : { session: options.session }),
    });
    link?.send({ t: 'viewport', narrow: host?.narrow ?? false });
    // Loaded anew, because the page has moved it: as it was.
    if (state.ready && state.open) link?.send({ t: 'open' });
  }

  function onMessage(message: ToPage): void {
    switch (message.t) {
      case 'ready':
        return onReady();
      case 'view':
        return onView(message);
      case 'bind':
        return void onBind(message.bindId, message.sessionId);
      case 'session':
        state = { ...state, sessionId: message.sessionId, status: null, code: null };
        return emit('session', { sessionId: message.sessionId });
      case 'identity':
        state = { ...state, status: message.status, code: message.code };
        return emit('identity', { status: message.status, code: message.code });
      case 'message':
        return emit('message', { from: message.from, messageId: message.messageId });
      case 'error':
        return complain({ code: message.code, message: message.message });
    }
  }

  function onReady(): void {
    const first = !state.ready;
    state = { ...state, ready: true };
    host?.show();
    // What is hidden takes no focus, so not before now.
    if (waiting.some(({ t }) => t === 'open' || t === 'toggle')) host?.focus();
    for (const message of waiting.splice(0)) link?.send(message);
    if (first) emit('ready', undefined);
  }

  function onView({ open, unread, focused }: Extract<ToPage, { t: 'view' }>): void {
    const changed = open !== state.open;
    state = { ...state, open, unread };
    host?.setOpen(open, focused);
    if (changed) emit(open ? 'open' : 'close', undefined);
  }

  async function onBind(bindId: number, sessionId: string): Promise<void> {
    if (options.sessionUrl === null) return link?.send({ t: 'bound', bindId, outcome: 'failed' });
    const { bound, complaint } = await bind(
      { fetch: fetch.bind(window), document },
      options.sessionUrl,
      options.agentId,
      sessionId,
    );
    link?.send({ t: 'bound', bindId, ...bound });
    if (complaint !== undefined) complain({ code: 'SESSION_URL_FAILED', message: complaint });
  }

  function onSilence(): void {
    complain({
      code: 'FRAME_NOT_LOADED',
      message:
        `the chat's frame did not load. Add this page's origin (${location.origin}) to the agent's allowedOrigins, ` +
        `check data-agent, and allow ${base.origin} in the frame-src of the page's Content-Security-Policy.`,
    });
  }

  function onPageShow(event: PageTransitionEvent): void {
    if (event.persisted) link?.send({ t: 'shown' });
  }

  function destroy(): void {
    if (destroyed) return;
    destroyed = true;
    removeEventListener('pageshow', onPageShow);
    removeEventListener('load', begin);
    link?.close();
    host?.remove();
    state = { ...NEW_STATE };
    waiting = [];
    onDestroyed();
  }

  // The page's own load comes first: a frame would hold it up.
  if (document.readyState === 'complete') begin();
  else {
    addEventListener('load', begin, { once: true });
    setTimeout(begin, PAGE_LOAD_MS);
  }
  return { api, complain };
}
