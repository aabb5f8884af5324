/** The conversation: messages in their order, what is unsent below them, and the dots while a reply is awaited. */
import { renderMarkdown } from '../markdown';
import type { Item } from '../outbox';
import type { Message } from '../server';
import type { Strings } from '../strings';
import { el } from './dom';

/** Soon enough to say it, late enough not to flicker. */
const SENDING_MS = 1_000;
const NOT_SENT_MS = 10_000;
/** A reply that has not begun by then may not come. */
const TYPING_MS = 30_000;
/** Drawing a growing reply takes at most a fifth of the time. */
const PAUSE = 4;
/** This near to its end the reader follows along. */
const AT_END_PX = 48;

interface Shown {
  message: Message;
  at: number;
  row: HTMLElement;
  body: HTMLElement;
}

interface Pending {
  row: HTMLElement;
  note: HTMLElement;
  timers: ReturnType<typeof setTimeout>[];
}

export class Transcript {
  readonly element: HTMLElement;
  private readonly rows = el('ul', { class: 'rows', role: 'list' });
  private readonly unsent = el('ul', { class: 'rows', role: 'list' });
  private readonly hello: HTMLElement;
  private readonly dots: HTMLElement;
  private readonly shown = new Map<string, Shown>();
  private readonly pending = new Map<number, Pending>();
  private readonly stale = new Set<Shown>();
  private redrawing = false;
  private pauseMs = 0;
  private typingTimer: ReturnType<typeof setTimeout> | undefined;
  /** The reader has not scrolled away. */
  private following = true;

  constructor(private readonly strings: Strings) {
    this.hello = el('p', { class: 'hello', dir: 'auto' }, strings.hello);
    this.dots = el('p', { class: 'dots', role: 'img', 'aria-label': strings.typing }, el('i'), el('i'), el('i'));
    this.element = el(
      'div',
      { class: 'transcript', tabindex: '0', role: 'group', 'aria-label': strings.conversation },
      this.hello,
      this.rows,
      this.unsent,
      this.dots,
    );
    this.dots.hidden = true;
    this.element.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.element;
      this.following = scrollHeight - scrollTop - clientHeight < AT_END_PX;
    });
    // The keyboard of a phone, and a composer that grows, leave less room.
    new ResizeObserver(() => this.follow()).observe(this.element);
  }

  has(messageId: string): boolean {
    return this.shown.has(messageId);
  }

  /** In place of what was had under its id. Gives the message as it is now. */
  put(message: Message): void {
    const known = this.shown.get(message.messageId);
    if (known) {
      known.message = message;
      return this.redraw(known);
    }
    const body = el('div', { class: 'body', dir: 'auto' });
    const row = this.row(message.from, body);
    const shown: Shown = { message, at: Date.parse(message.createdAt) || 0, row, body };
    const after = [...this.shown.values()].filter((other) => other.at > shown.at).sort((a, b) => a.at - b.at)[0];
    this.shown.set(message.messageId, shown);
    this.rows.insertBefore(row, after?.row ?? null);
    this.draw(shown);
    if (message.from === 'agent') this.setTyping(false);
    this.changed();
  }

  /** The message with its gain, or null where there is none of this id. */
  append(messageId: string, text: string, done: boolean): Message | null {
    const shown = this.shown.get(messageId);
    if (!shown) return null;
    shown.message = { ...shown.message, text: shown.message.text + text, done };
    this.redraw(shown);
    return shown.message;
  }

  addUnsent({ key, text }: Item): void {
    const note = el('p', { class: 'note' });
    const row = this.row('visitor', el('div', { class: 'body', dir: 'auto' }, text));
    row.append(note);
    const say = (words: string, ms: number): ReturnType<typeof setTimeout> =>
      setTimeout(() => {
        note.textContent = words;
        this.follow();
      }, ms);
    const timers = [say(this.strings.sending, SENDING_MS), say(this.strings.notSent, NOT_SENT_MS)];
    this.pending.set(key, { row, note, timers });
    this.unsent.append(row);
    this.following = true;
    this.changed();
  }

  /** It was sent, or is no longer to be. */
  removeUnsent({ key }: Item): void {
    const pending = this.pending.get(key);
    this.pending.delete(key);
    pending?.timers.forEach(clearTimeout);
    pending?.row.remove();
    this.changed();
  }

  markNotTaken({ key }: Item): void {
    const pending = this.pending.get(key);
    pending?.timers.forEach(clearTimeout);
    if (pending) pending.note.textContent = this.strings.notTaken;
  }

  /** The messages go; what is unsent stays. */
  clear(): void {
    this.shown.clear();
    this.stale.clear();
    this.rows.replaceChildren();
    this.setTyping(false);
    this.following = true;
    this.changed();
  }

  /** What there is now is hidden from everybody, until it is known whose it is; what is written from now on is not. */
  conceal(hide: boolean): void {
    this.rows.hidden = hide;
    for (const { row } of this.pending.values()) row.hidden = hide;
    this.changed();
  }

  setTyping(on: boolean): void {
    clearTimeout(this.typingTimer);
    this.dots.hidden = !on;
    if (on) this.typingTimer = setTimeout(() => this.setTyping(false), TYPING_MS);
    this.follow();
  }

  /** To the newest, unless the reader has scrolled away from it. */
  follow(): void {
    if (this.following) this.element.scrollTop = this.element.scrollHeight;
  }

  private row(from: Message['from'], body: HTMLElement): HTMLElement {
    const who = from === 'visitor' ? this.strings.you : this.strings.reply;
    return el('li', { class: `row ${from}` }, el('span', { class: 'quiet' }, `${who}: `), body);
  }

  private changed(): void {
    this.hello.hidden = this.rows.hidden || this.shown.size + this.pending.size > 0;
    this.follow();
  }

  /** At most once a frame, however fast a reply grows; less often when it is so long that drawing it takes its time. */
  private redraw(shown: Shown): void {
    this.stale.add(shown);
    if (this.redrawing) return;
    this.redrawing = true;
    setTimeout(() => requestAnimationFrame(() => this.drawStale()), this.pauseMs);
  }

  private drawStale(): void {
    this.redrawing = false;
    const before = performance.now();
    for (const one of this.stale) this.draw(one);
    this.stale.clear();
    this.follow();
    this.pauseMs = (performance.now() - before) * PAUSE;
  }

  private draw({ message, body }: Shown): void {
    if (message.from === 'agent') return body.replaceChildren(...renderMarkdown(message.text));
    body.textContent = message.text;
  }
}
