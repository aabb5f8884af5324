/** What the visitor has written and the server has not yet: sent one by one, kept until it was taken. */
import { backoffMs, type Wait } from './retry';
import { Refused, type Message, type Server, type Session } from './server';

export interface Item {
  /** Of this frame, not of the server. */
  key: number;
  text: string;
}

export interface OutboxEvents {
  /** The server has it. */
  onSent(item: Item, message: Message): void;
  /** The server will never take it. */
  onRefused(item: Item): void;
  /** The session takes no more: full, ended or revoked. What is unsent stays. */
  onOver(why: 'full' | 'ended' | 'revoked'): void;
  onLasting(refused: Refused): void;
}

export class Outbox {
  private items: Item[] = [];
  private nextKey = 1;
  private session: Session | null = null;
  private running: AbortController | null = null;
  /** The first one is on its way, or was and may have arrived. */
  private inDoubt = false;

  constructor(
    private readonly server: Pick<Server, 'say' | 'messages'>,
    private readonly events: OutboxEvents,
    private readonly wait: Wait,
  ) {}

  get empty(): boolean {
    return this.items.length === 0;
  }

  /** The last key given: what is up to it was written by whoever was here until now. */
  get mark(): number {
    return this.nextKey - 1;
  }

  add(text: string): Item {
    const item = { key: this.nextKey, text };
    this.nextKey += 1;
    this.items.push(item);
    this.pump();
    return item;
  }

  /** Sends to this session from now on. */
  attach(session: Session, isKnown: (messageId: string) => boolean): void {
    if (this.session?.sessionId !== session.sessionId) this.inDoubt = false;
    this.session = session;
    this.isKnown = isKnown;
    this.pump();
  }

  /** Sends nothing until the next `attach`. */
  hold(): void {
    this.running?.abort();
    this.running = null;
    this.session = null;
  }

  /** Forgets what was written up to this key. */
  dropUpTo(mark: number): Item[] {
    const dropped = this.items.filter(({ key }) => key <= mark);
    this.items = this.items.filter(({ key }) => key > mark);
    if (dropped.length > 0) this.inDoubt = false;
    return dropped;
  }

  /** The stream tells of a visitor's message: is it the one that is on its way? Then it has arrived. */
  claim(message: Message): boolean {
    const [first] = this.items;
    if (!this.inDoubt || !first || first.text !== message.text) return false;
    this.sent(first, message);
    return true;
  }

  private isKnown: (messageId: string) => boolean = () => false;

  private pump(): void {
    if (this.running || !this.session || this.items.length === 0) return;
    const running = new AbortController();
    this.running = running;
    void this.run(this.session, running.signal).finally(() => {
      if (this.running === running) this.running = null;
    });
  }

  private async run(session: Session, signal: AbortSignal): Promise<void> {
    let failures = 0;
    for (let item = this.items[0]; item && !signal.aborted; item = this.items[0]) {
      try {
        const message = (await this.arrived(session, item, signal)) ?? (await this.say(session, item, signal));
        failures = 0;
        if (this.items[0] === item) this.sent(item, message);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof Refused)) throw error;
        if (error.status !== 0 && error.status < 500) this.inDoubt = false;
        if (!this.goesOn(item, error)) return;
        if (!error.passing && !error.gone) continue;
        await this.wait(Math.max(error.retryAfterMs ?? 0, backoffMs(failures)), signal).catch(() => undefined);
        failures += 1;
      }
    }
    // Before anything else runs, so that what is added next is not waited for by nobody.
    if (this.running?.signal === signal) this.running = null;
  }

  private async say(session: Session, item: Item, signal: AbortSignal): Promise<Message> {
    this.inDoubt = true;
    return this.server.say(session, item.text, signal);
  }

  /** A request without an answer may have done its work all the same; to ask is better than to say it twice. */
  private async arrived(session: Session, item: Item, signal: AbortSignal): Promise<Message | undefined> {
    if (!this.inDoubt) return undefined;
    const all = await this.server.messages(session, signal);
    return all.find(
      ({ from, messageId, text }) => from === 'visitor' && text === item.text && !this.isKnown(messageId),
    );
  }

  /** Whether there is more to do in this session. */
  private goesOn(item: Item, refused: Refused): boolean {
    const over =
      refused.code === 'CONVERSATION_FULL' ? 'full' : refused.code === 'SESSION_REVOKED' ? 'revoked' : 'ended';
    if (refused.gone || over === 'full') {
      this.hold();
      this.events.onOver(over);
      return false;
    }
    if (refused.passing) return true;
    this.events.onLasting(refused);
    this.items = this.items.filter((other) => other !== item);
    this.events.onRefused(item);
    return true;
  }

  private sent(item: Item, message: Message): void {
    this.inDoubt = false;
    this.items = this.items.filter((other) => other !== item);
    this.events.onSent(item, message);
  }
}
