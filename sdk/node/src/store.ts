import { unixSeconds } from './verify.js';

/** How long a binding lasts: Buddy asks within seconds of the ticket, and a page that waits longer binds again. */
export const BINDING_SECONDS = 600;
/** How many bindings the store in memory holds, at about 200 bytes each, so that no flood of sessions fills the memory. */
export const BINDINGS_MAX = 100_000;

/** Whose session it is. */
export interface BindingStore {
  /** True if the session is now this user's, newly or already; false if it is another's. Must be atomic: the first wins. */
  bind(sessionId: string, userId: string): boolean | Promise<boolean>;
  /** The id of the user who has the session, or null. */
  find(sessionId: string): string | null | Promise<string | null>;
}

/** Bindings in this process's memory. With several processes, use a store that they share. */
export class MemoryStore implements BindingStore {
  readonly #now: () => number;
  // In the order of their making, which is that of their expiry, since no binding is ever extended.
  readonly #bindings = new Map<string, { userId: string; expiresAt: number }>();

  /** `now` gives unix seconds: the system's clock unless given. */
  constructor({ now = unixSeconds }: { now?: (() => number) | undefined } = {}) {
    this.#now = now;
  }

  bind(sessionId: string, userId: string): boolean {
    const now = this.#now();
    const owner = this.#owner(sessionId, now);
    if (owner !== null) return owner === userId;
    this.#bindings.delete(sessionId);
    this.#makeRoom(now);
    this.#bindings.set(sessionId, { userId, expiresAt: now + BINDING_SECONDS });
    return true;
  }

  find(sessionId: string): string | null {
    return this.#owner(sessionId, this.#now());
  }

  #owner(sessionId: string, now: number): string | null {
    const binding = this.#bindings.get(sessionId);
    return binding !== undefined && now < binding.expiresAt ? binding.userId : null;
  }

  #makeRoom(now: number): void {
    for (const [sessionId, { expiresAt }] of this.#bindings) {
      if (now < expiresAt && this.#bindings.size < BINDINGS_MAX) return;
      this.#bindings.delete(sessionId);
    }
  }
}
