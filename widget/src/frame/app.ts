/** The chat: joins the page's wishes, the session, what is said, and what is seen. */
import type { Init, ToFrame, ToPage } from '../protocol';
import type { Link } from './link';
import { Outbox } from './outbox';
import { wait } from './retry';
import type { Message, Server, Session } from './server';
import { Sessions, type Over } from './sessions';
import type { Store } from './store';
import { Listener } from './stream';
import { stringsFor } from './strings';
import { Composer } from './view/composer';
import { Panel } from './view/panel';
import { dress } from './view/theme';
import { Transcript } from './view/transcript';

/** A tab that nobody looks at listens no longer: browsers allow few connections, and the server too. */
const HIDDEN_MS = 60_000;

export interface AppSettings {
  agentId: string;
  init: Init;
  link: Link;
  server: Server;
  store: Store;
}

export class App {
  private open = false;
  private unread = 0;
  /** The page has said how much room there is. */
  private placed = false;
  /** What is up to this was written by whoever was here when it was last asked. */
  private mark = 0;
  private listener: Listener | null = null;
  /** When the newest reply was begun that was told of. */
  private told = '';
  private hiddenTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly strings;
  private readonly transcript: Transcript;
  private readonly composer: Composer;
  private readonly panel: Panel;
  private readonly sessions: Sessions;
  private readonly outbox: Outbox;

  constructor(private readonly settings: AppSettings) {
    const { agentId, init, link, server, store } = settings;
    const { lang, strings } = stringsFor(init.lang || navigator.language);
    this.strings = strings;
    dress({ ...init, lang });
    this.transcript = new Transcript(strings);
    this.composer = new Composer(strings, (text) => this.say(text));
    this.panel = new Panel({
      strings,
      title: init.title ?? strings.title,
      transcript: this.transcript,
      composer: this.composer,
      onToggle: () => this.setOpen(!this.open),
      onClose: () => this.setOpen(false),
    });
    const onError = (code: string, message: string): void => this.tell({ t: 'error', code, message });
    this.sessions = new Sessions({
      agentId,
      server,
      store,
      hasSessionUrl: init.hasSessionUrl,
      given: init.session ?? null,
      bind: (sessionId) => link.bind(sessionId),
      now: () => Date.now(),
      wait,
      events: {
        onChecking: () => this.onChecking(),
        onSession: (session, same) => this.onSession(session, same),
        onStranger: (before) => {
          this.dropUnsent(this.mark);
          // A guest who signs in finds again what he was writing; a user's words are nobody else's.
          if (before.user) this.composer.clear();
        },
        onOver: (why) => this.onOver(why),
        onIdentity: ({ status, code }) => {
          const known = status === 'authenticated' ? status : 'anonymous';
          this.panel.setIdentity(known);
          this.tell({ t: 'identity', status: known, code });
        },
        onError,
      },
    });
    this.outbox = new Outbox(
      server,
      {
        onSent: (item, message) => {
          this.transcript.removeUnsent(item);
          this.transcript.put(message);
          this.transcript.setTyping(true);
          this.tell({ t: 'message', from: 'visitor', messageId: message.messageId });
        },
        onRefused: (item) => this.transcript.markNotTaken(item),
        onOver: (why) => this.over(why),
        onLasting: ({ code, detail }) => onError(code, detail),
      },
      wait,
    );
    this.watchPage();
  }

  start(): void {
    const { link, store } = this.settings;
    link.listen((message) => this.onMessage(message));
    this.tell({ t: 'ready' });
    if (store.get().kept) this.sessions.check();
  }

  private onMessage(message: ToFrame): void {
    switch (message.t) {
      case 'open':
        return this.setOpen(true);
      case 'close':
        return this.setOpen(false);
      case 'toggle':
        return this.setOpen(!this.open);
      case 'identify':
        return this.sessions.check();
      case 'shown':
        return this.onShown();
      case 'reset':
        return this.reset();
      case 'viewport':
        return this.onViewport(message.narrow);
    }
  }

  private onViewport(narrow: boolean): void {
    this.panel.setNarrow(narrow);
    if (this.placed) return;
    this.placed = true;
    // A page further on in the shop: the panel is as it was, but never over a whole phone, and the focus stays.
    if (this.settings.store.get().open && !narrow) this.setOpen(true, false);
  }

  private setOpen(open: boolean, focus = true): void {
    if (open !== this.open) {
      this.open = open;
      this.settings.store.set({ open });
      if (open) this.unread = 0;
      this.showView();
    }
    if (open) {
      this.sessions.ensure();
      this.markSeen();
      this.transcript.follow();
      if (focus) this.composer.focus();
    }
  }

  private showView(): void {
    const focused = document.hasFocus();
    this.panel.show(this.open, this.unread);
    if (!this.open && focused) this.panel.focusLauncher();
    this.tell({ t: 'view', open: this.open, unread: this.unread, focused });
  }

  private say(text: string): void {
    this.transcript.addUnsent(this.outbox.add(text));
    this.sessions.ensure();
  }

  private reset(): void {
    this.dropUnsent(this.outbox.mark);
    this.composer.clear();
    this.sessions.reset();
    if (this.open) this.sessions.ensure();
  }

  private dropUnsent(mark: number): void {
    for (const item of this.outbox.dropUpTo(mark)) this.transcript.removeUnsent(item);
  }

  private onChecking(): void {
    this.mark = this.outbox.mark;
    this.listener?.stop();
    this.outbox.hold();
    this.transcript.conceal(true);
    this.panel.forget();
    this.panel.setIdentity(null);
  }

  private onSession(session: Session, same: boolean): void {
    if (!same) this.forget();
    this.reveal();
    this.tell({ t: 'session', sessionId: session.sessionId });
    if (!same || !this.listener) this.listener = this.listen(session);
    if (this.sessions.checking) return this.onChecking();
    this.outbox.attach(session, (messageId) => this.transcript.has(messageId));
    this.listenIfSeen();
  }

  private onOver(why: Over | 'reset'): void {
    this.outbox.hold();
    this.listener?.stop();
    this.listener = null;
    // What has ended can still be read, until the next message begins another one.
    if (why !== 'ended') this.forget();
    this.reveal();
    this.panel.setIdentity(null);
    this.tell({ t: 'session', sessionId: null });
    if (!this.outbox.empty) this.sessions.ensure();
  }

  private over(why: Over): void {
    const { kept } = this.sessions;
    if (kept) this.sessions.over(kept.sessionId, why);
  }

  private forget(): void {
    this.listener?.stop();
    this.listener = null;
    this.told = '';
    this.transcript.clear();
    this.panel.forget();
    this.panel.setIdentity(null);
    if (this.unread === 0) return;
    this.unread = 0;
    this.showView();
  }

  private listen(session: Session): Listener {
    const open = (lastEventId: string | null, signal: AbortSignal): Promise<Response> =>
      this.settings.server.listen(session, lastEventId, signal);
    return new Listener(
      open,
      {
        onMessage: (message) => {
          if (message.from === 'visitor' && !this.transcript.has(message.messageId) && this.outbox.claim(message))
            return;
          this.transcript.put(message);
          this.onReply(message);
        },
        onAppend: ({ messageId, text, done }) => {
          const message = this.transcript.append(messageId, text, done);
          if (message) this.onReply(message);
        },
        onEnd: (why) => this.sessions.over(session.sessionId, why),
      },
      wait,
    );
  }

  /** A reply is news once it is whole, and once only. */
  private onReply(message: Message): void {
    const { store } = this.settings;
    if (message.from !== 'agent' || !message.done || !isLater(message.createdAt, this.told)) return;
    this.told = message.createdAt;
    if (!isLater(message.createdAt, store.get().seen)) return;
    this.tell({ t: 'message', from: 'agent', messageId: message.messageId });
    if (this.open) {
      this.markSeen();
      return this.panel.announce(`${this.strings.reply}: ${message.text}`);
    }
    this.unread += 1;
    this.showView();
    this.panel.announce(`${this.strings.unread} ${this.unread}`);
  }

  private markSeen(): void {
    if (this.told !== '') this.settings.store.set({ seen: this.told });
  }

  private onShown(): void {
    if (this.sessions.kept) this.sessions.check();
    else this.reveal();
  }

  private reveal(): void {
    this.transcript.conceal(false);
    this.composer.unstash();
  }

  private watchPage(): void {
    // A page that is put aside keeps no connection; when it comes back it is asked who is there.
    addEventListener('pagehide', () => {
      this.listener?.stop();
      this.transcript.conceal(true);
      this.panel.forget();
      this.composer.stash();
    });
    document.addEventListener('visibilitychange', () => {
      clearTimeout(this.hiddenTimer);
      if (document.hidden) this.hiddenTimer = setTimeout(() => this.listener?.stop(), HIDDEN_MS);
      else if (!this.sessions.checking) this.listenIfSeen();
    });
  }

  private listenIfSeen(): void {
    if (!document.hidden) this.listener?.start();
  }

  private tell(message: ToPage): void {
    this.settings.link.send(message);
  }
}

const isLater = (one: string, other: string): boolean => (Date.parse(one) || 0) > (Date.parse(other) || 0);
