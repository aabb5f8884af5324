/** When a session begins, whose it is, and when it is over. One thing at a time; `reset` ends all that is under way. */
import type { Bound } from '../protocol';
import { untilAnswered, type Wait } from './retry';
import { Refused, type Server, type Session, type SessionView } from './server';
import type { Store } from './store';
import { whose, type Begun, type Effects, type Kept, type Verdict } from './whose';

export type Over = 'full' | 'ended' | 'revoked';

export interface SessionEvents {
  /** It is about to be found out whose the session is: until `onSession` nothing of it is shown, and nothing sent. */
  onChecking(): void;
  /** This is the visitor's session now: again the one from before, or another one. */
  onSession(session: Session, same: boolean): void;
  /** Another visitor than before is here. Comes before `onSession`. */
  onStranger(before: Kept): void;
  /** There is none now. */
  onOver(why: Over | 'reset'): void;
  onIdentity(view: SessionView): void;
  onError(code: string, message: string): void;
}

export interface SessionSettings {
  agentId: string;
  server: Pick<Server, 'begin' | 'identify' | 'sameUser'>;
  store: Store;
  events: SessionEvents;
  hasSessionUrl: boolean;
  given: Session | null;
  bind(sessionId: string): Promise<Bound>;
  now(): number;
  wait: Wait;
}

export class Sessions {
  private abort = new AbortController();
  private tail: Promise<void> = Promise.resolve();
  private checksWaiting = 0;
  private deciding = false;
  private starting = false;
  /** Used once: another page load brings another. */
  private given: Session | null;

  constructor(private readonly settings: SessionSettings) {
    this.given = settings.given;
  }

  /** It is not sure whose the session is. */
  get checking(): boolean {
    return this.deciding || this.checksWaiting > 0;
  }

  get kept(): Kept | null {
    return this.settings.store.get().kept;
  }

  /** Begins a session, if there is none. */
  ensure(): void {
    if (this.kept || this.starting) return;
    this.starting = true;
    this.run(
      async (signal) => {
        if (!this.kept) await this.start(signal, this.takeGiven());
      },
      () => (this.starting = false),
    );
  }

  /** Finds out whether it is still the same visitor; begins a session where there is none. */
  check(): void {
    if (!this.kept && !this.starting) return this.ensure();
    this.checksWaiting += 1;
    this.settings.events.onChecking();
    this.run(
      (signal) => this.checkNow(signal),
      () => (this.deciding = false),
    );
  }

  /** Drops the session and all that is under way. */
  reset(): void {
    this.abort.abort();
    this.abort = new AbortController();
    this.tail = Promise.resolve();
    this.checksWaiting = 0;
    this.deciding = false;
    this.starting = false;
    this.given = null;
    this.drop('reset');
  }

  /** The session takes no more. */
  over(sessionId: string, why: Over): void {
    if (this.kept?.sessionId === sessionId) this.drop(why);
  }

  private drop(why: Over | 'reset'): void {
    this.settings.store.set({ kept: null, seen: '' });
    this.settings.events.onOver(why);
  }

  /** `end` is not for a job that a reset has forgotten. */
  private run(job: (signal: AbortSignal) => Promise<void>, end: () => void): void {
    const { signal } = this.abort;
    this.tail = this.tail.then(async () => {
      const failure: unknown = await job(signal).catch((error: unknown) => error);
      if (signal.aborted) return;
      end();
      if (failure !== undefined) this.failed(failure);
    });
  }

  private failed(error: unknown): void {
    if (error instanceof Refused && error.gone && this.kept) {
      return this.drop(error.code === 'SESSION_REVOKED' ? 'revoked' : 'ended');
    }
    console.error('Buddy:', error);
  }

  private async checkNow(signal: AbortSignal): Promise<void> {
    this.checksWaiting -= 1;
    const { kept } = this;
    if (!kept) return this.start(signal, this.takeGiven());
    this.deciding = true;
    const { hasSessionUrl } = this.settings;
    const page = { hasSessionUrl, given: this.takeGiven()?.session ?? null };
    let verdict: Verdict;
    try {
      verdict = await whose(kept, page, this.effects(signal));
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof Refused)) throw error;
      // One of the two is no more: nothing is known.
      verdict = { same: false };
    }
    this.deciding = false;
    // Asked again meanwhile, and so not sure yet.
    if (verdict.same && this.checksWaiting > 0) return this.keep({ ...kept, proof: verdict.proof });
    if (!verdict.same) {
      this.settings.events.onStranger(kept);
      return this.start(signal, verdict.begun);
    }
    this.keep({ ...kept, proof: verdict.proof });
    this.settings.events.onSession(kept, true);
    this.settled(await this.identify(kept, verdict.ticket ?? null, signal));
  }

  private async start(signal: AbortSignal, begun?: Begun): Promise<void> {
    const session = begun?.session ?? (await this.begin(signal));
    const at = begun?.boundAt ?? this.settings.now();
    const { sessionId } = session;
    this.settings.store.set({ seen: '' });
    this.keep({ ...session, user: false, proof: { sessionId, at } });
    // Before it is known whose it is: the server hands nothing over until then.
    this.settings.events.onSession(session, false);
    const bound = begun ? begun.bound : this.settings.hasSessionUrl ? await this.bind(sessionId, signal) : null;
    const ticket = bound?.outcome === 'ticket' ? bound.ticket : null;
    if (ticket !== null) this.keep({ ...session, user: true, proof: { sessionId, at } });
    this.settled(begun?.view ?? (await this.identify(session, ticket, signal)));
  }

  private settled(view: SessionView): void {
    const { kept } = this;
    if (!kept || kept.sessionId !== view.sessionId) return;
    if (view.status === 'revoked') return this.drop('revoked');
    if (view.status === 'authenticated' && !kept.user) this.keep({ ...kept, user: true });
    this.settings.events.onIdentity(view);
  }

  private takeGiven(): Begun | undefined {
    const { given } = this;
    this.given = null;
    // When the page's server has bound it is not known, so its proof is never young.
    return given ? { session: given, bound: null, boundAt: 0 } : undefined;
  }

  private keep({ sessionId, sessionToken, user, proof }: Kept): void {
    this.settings.store.set({ kept: { sessionId, sessionToken, user, proof } });
  }

  private effects(signal: AbortSignal): Effects {
    return {
      now: () => this.settings.now(),
      bind: (sessionId) => this.bind(sessionId, signal),
      begin: () => this.begin(signal),
      identify: (session, ticket) => this.identify(session, ticket, signal),
      sameUser: (session, other) =>
        this.patiently(
          signal,
          () => this.settings.server.sameUser(session, other, signal),
          ({ passing }) => !passing,
        ),
    };
  }

  private async bind(sessionId: string, signal: AbortSignal): Promise<Bound> {
    const bound = await this.settings.bind(sessionId);
    signal.throwIfAborted();
    return bound;
  }

  private begin(signal: AbortSignal): Promise<Session> {
    const { agentId, server } = this.settings;
    // Not found is the agent here, which may come back.
    return this.patiently(
      signal,
      () => server.begin(agentId, signal),
      () => false,
    );
  }

  /** Until it is settled. */
  private async identify(session: Session, ticket: string | null, signal: AbortSignal): Promise<SessionView> {
    const isFinal = (refused: Refused): boolean => refused.gone || refused.code === 'INVALID_TICKET';
    for (let use = ticket; ;) {
      try {
        const ask = (): Promise<SessionView> => this.settings.server.identify(session, use, signal);
        const view = await this.patiently(signal, ask, isFinal);
        if (view.status !== 'created' && view.status !== 'pending') return view;
      } catch (error) {
        if (!(error instanceof Refused) || error.code !== 'INVALID_TICKET' || use === null) throw error;
        this.settings.events.onError(error.code, `${error.detail} Is the session endpoint's secret the agent's?`);
        use = null;
      }
    }
  }

  private patiently<T>(
    signal: AbortSignal,
    ask: () => Promise<T>,
    isFinal?: (refused: Refused) => boolean,
  ): Promise<T> {
    const onLasting = ({ code, detail }: Refused): void => this.settings.events.onError(code, detail);
    return untilAnswered(ask, { wait: this.settings.wait, signal, onLasting }, isFinal);
  }
}
