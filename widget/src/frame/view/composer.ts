/** Where the visitor writes. What does not fit is not lost, only not sent. */
import type { Strings } from '../strings';
import { el, icon, UP } from './dom';

/** The server's bound, in characters as it counts them. */
export const TEXT_CHARS_MAX = 8_000;
const COUNT_FROM = 7_500;
/** Then it scrolls. */
const HEIGHT_MAX_PX = 132;

export class Composer {
  readonly element: HTMLElement;
  private readonly area: HTMLTextAreaElement;
  private readonly count = el('p', { class: 'count', id: 'count' });
  private readonly send: HTMLButtonElement;
  private stashed = '';

  constructor(
    private readonly strings: Strings,
    private readonly onSend: (text: string) => void,
  ) {
    this.area = el('textarea', {
      rows: '1',
      dir: 'auto',
      placeholder: strings.placeholder,
      'aria-label': strings.placeholder,
      'aria-describedby': 'count',
      enterkeyhint: 'send',
      autocomplete: 'off',
    });
    this.send = el(
      'button',
      { class: 'send', type: 'button', 'aria-label': strings.send, title: strings.send },
      icon(UP),
    );
    // Not a form: the frame's sandbox lets none be submitted, not even to a script.
    this.element = el('div', { class: 'composer' }, this.count, this.area, this.send);
    this.send.addEventListener('click', () => this.submit());
    this.area.addEventListener('input', () => this.changed());
    this.area.addEventListener('keydown', (event) => {
      // 229: some browsers say so of the Enter that ends a word of an input method.
      const composing = event.isComposing || event.keyCode === 229;
      if (event.key !== 'Enter' || event.shiftKey || composing) return;
      event.preventDefault();
      this.submit();
    });
    // The frame grows only after it was opened, and lines break elsewhere then.
    new ResizeObserver(() => this.fit()).observe(this.area);
    this.changed();
  }

  focus(): void {
    this.area.focus({ preventScroll: true });
  }

  clear(): void {
    this.stashed = '';
    this.area.value = '';
    this.changed();
  }

  /** Takes away what is written, until it is known who is here. */
  stash(): void {
    const written = this.area.value || this.stashed;
    this.clear();
    this.stashed = written;
  }

  /** Puts it back, unless something else was written meanwhile. */
  unstash(): void {
    this.area.value ||= this.stashed;
    this.stashed = '';
    this.changed();
  }

  private fit(): void {
    const { style } = this.area;
    style.height = 'auto';
    if (this.area.scrollHeight > 0) style.height = `${Math.min(this.area.scrollHeight, HEIGHT_MAX_PX)}px`;
  }

  private get text(): string {
    return sendable(this.area.value);
  }

  private changed(): void {
    const length = [...this.text].length;
    const left = TEXT_CHARS_MAX - length;
    this.count.hidden = length < COUNT_FROM;
    this.count.textContent = left >= 0 ? `${this.strings.left} ${left}` : `${this.strings.over} ${-left}`;
    this.count.classList.toggle('over', left < 0);
    this.area.setAttribute('aria-invalid', String(left < 0));
    // Not `disabled`, which takes the focus away from whoever is on it.
    this.send.setAttribute('aria-disabled', String(length === 0 || left < 0));
    this.fit();
  }

  private submit(): void {
    const { text } = this;
    this.focus();
    if (text === '' || [...text].length > TEXT_CHARS_MAX) return;
    this.area.value = '';
    this.changed();
    this.onSend(text);
  }
}

/** Without what the server takes in no text, such as the control characters of a pasted terminal. */
export function sendable(text: string): string {
  return text
    .replace(/\r\n?/g, '\n')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '')
    .trim();
}
