/** Listens to a session: server-sent events over fetch, since an EventSource can send no credential. */
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { isObject } from '../protocol';
import { backoffMs, type Wait } from './retry';
import { Refused, message, type Message } from './server';

/** The server sends a comment every 15 seconds. A stream as silent as this is on a dead connection. */
export const SILENT_MS = 45_000;

export interface Heard {
  onMessage(message: Message): void;
  onAppend(gain: { messageId: string; text: string; done: boolean }): void;
  /** The session is no more. */
  onEnd(reason: 'ended' | 'revoked'): void;
}

export type Open = (lastEventId: string | null, signal: AbortSignal) => Promise<Response>;

export class Listener {
  private lastEventId: string | null = null;
  private running: AbortController | null = null;
  private failures = 0;

  constructor(
    private readonly open: Open,
    private readonly heard: Heard,
    private readonly wait: Wait,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = new AbortController();
    void this.run(this.running.signal);
  }

  /** Started again, it goes on after what it has heard. */
  stop(): void {
    this.running?.abort();
    this.running = null;
  }

  private async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      let least = 0;
      try {
        await this.once(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.gone) {
          this.stop();
          return this.heard.onEnd(error.code === 'SESSION_REVOKED' ? 'revoked' : 'ended');
        }
        least = error instanceof Refused ? (error.retryAfterMs ?? 0) : 0;
      }
      if (signal.aborted) return;
      await this.wait(Math.max(least, backoffMs(this.failures)), signal).catch(() => undefined);
      this.failures += 1;
    }
  }

  private async once(outer: AbortSignal): Promise<void> {
    const inner = new AbortController();
    const abort = (): void => inner.abort();
    outer.addEventListener('abort', abort);
    let silence = setTimeout(abort, SILENT_MS);
    try {
      const answer = await this.open(this.lastEventId, inner.signal);
      const reader = answer.body?.getReader();
      if (!reader) return;
      const decoder = new TextDecoder();
      const parser = createParser({ onEvent: (event) => this.hear(event, outer) });
      for (;;) {
        const { done, value } = await reader.read();
        if (done || outer.aborted) return;
        clearTimeout(silence);
        silence = setTimeout(abort, SILENT_MS);
        this.failures = 0;
        parser.feed(decoder.decode(value, { stream: true }));
      }
    } finally {
      clearTimeout(silence);
      outer.removeEventListener('abort', abort);
      inner.abort();
    }
  }

  private hear({ event, id, data }: EventSourceMessage, signal: AbortSignal): void {
    if (signal.aborted) return;
    const said = parsed(data);
    if (!said) return;
    if (event === 'message') this.heard.onMessage(message(said));
    if (event === 'append') {
      const { messageId, text } = message(said);
      this.heard.onAppend({ messageId, text, done: said['done'] === true });
    }
    if (event === 'end' && (said['reason'] === 'ended' || said['reason'] === 'revoked')) {
      this.stop();
      this.heard.onEnd(said['reason']);
    }
    // After it was dealt with: what broke off in between comes again.
    if (id !== undefined) this.lastEventId = id;
  }
}

function parsed(data: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(data);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
