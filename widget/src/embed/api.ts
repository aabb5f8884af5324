/** `window.Buddy`: what the page may ask for and be told. What was pushed before the script was here is done now. */
import type { Status } from '../protocol';

export interface State {
  ready: boolean;
  open: boolean;
  sessionId: string | null;
  status: Status | null;
  code: string | null;
  unread: number;
}

export interface Events {
  ready: undefined;
  open: undefined;
  close: undefined;
  session: { sessionId: string | null };
  identity: { status: Status; code: string | null };
  message: { from: 'visitor' | 'agent'; messageId: string };
  error: { code: string; message: string };
}

export type EventName = keyof Events;
type Listener = (data?: unknown) => void;

const EVENTS: readonly string[] = ['ready', 'open', 'close', 'session', 'identity', 'message', 'error'];
const CALLS: readonly string[] = ['open', 'close', 'toggle', 'identify', 'reset', 'destroy', 'on', 'off', 'state'];

/** What the calls do. */
export interface Acts {
  open(): void;
  close(): void;
  toggle(): void;
  identify(): void;
  reset(): void;
  destroy(): void;
  state(): State;
}

export interface Api extends Acts {
  /** The function that it gives takes the listener away again. */
  on(event: string, listener: unknown): () => void;
  off(event: string, listener: unknown): void;
  /** `push(['open'])`: the same as `open()`, and works before the script is loaded too. */
  push(...calls: unknown[]): number;
}

export function makeApi(acts: Acts): { api: Api; emit: <E extends EventName>(event: E, data: Events[E]) => void } {
  const listeners = new Map<string, Set<Listener>>();
  const tell = (listener: Listener, data: unknown): void => {
    try {
      listener(data);
    } catch (error) {
      // The page sees its own mistake, and its other listeners are told all the same.
      console.error('Buddy: a listener of this page has thrown.', error);
    }
  };

  const api: Api = {
    ...acts,
    on(event, listener) {
      if (!EVENTS.includes(event) || typeof listener !== 'function') {
        console.error(`Buddy: on() takes one of ${EVENTS.join(', ')}, and a function.`);
        return () => undefined;
      }
      const known = listeners.get(event) ?? new Set();
      listeners.set(event, known.add(listener as Listener));
      // Whoever comes late has not missed it.
      if (event === 'ready' && acts.state().ready) {
        queueMicrotask(() => known.has(listener as Listener) && tell(listener as Listener, undefined));
      }
      return () => api.off(event, listener);
    },
    off(event, listener) {
      listeners.get(event)?.delete(listener as Listener);
    },
    push(...calls) {
      for (const call of calls) {
        const [name, ...args] = Array.isArray(call) ? (call as unknown[]) : [call];
        if (typeof name === 'string' && CALLS.includes(name)) {
          (api as unknown as Record<string, (...args: unknown[]) => void>)[name]?.(...args);
        } else {
          console.error(`Buddy: push() takes a list that begins with one of ${CALLS.join(', ')}.`);
        }
      }
      return 0;
    },
  };

  return {
    api,
    emit(event, data) {
      for (const listener of [...(listeners.get(event) ?? [])]) tell(listener, data);
    },
  };
}
