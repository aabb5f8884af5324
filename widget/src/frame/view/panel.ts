/** The launcher, and the panel that it opens. */
import type { Status } from '../../protocol';
import type { Strings } from '../strings';
import type { Composer } from './composer';
import { CHAT, CROSS, DOWN, el, icon } from './dom';
import type { Transcript } from './transcript';

/** A screen reader is told the beginning of a reply; all of it is in the conversation. */
const ANNOUNCED_CHARS_MAX = 400;
const BADGE_MAX = 9;

export interface PanelSettings {
  strings: Strings;
  title: string;
  transcript: Transcript;
  composer: Composer;
  onToggle(): void;
  onClose(): void;
}

export class Panel {
  private readonly panel: HTMLElement;
  private readonly launcher: HTMLButtonElement;
  private readonly badge = el('span', { class: 'badge', 'aria-hidden': 'true' });
  private readonly state = el('p', { class: 'state' });
  private readonly region = el('div', { class: 'quiet', 'aria-live': 'polite' });

  constructor(private readonly settings: PanelSettings) {
    const { strings, title, transcript, composer } = settings;
    const close = el('button', { class: 'close', type: 'button', 'aria-label': strings.close }, icon(CROSS));
    close.addEventListener('click', settings.onClose);
    const head = el(
      'header',
      {},
      el('div', { class: 'heading' }, el('h1', { id: 'title', dir: 'auto' }, title), this.state),
      close,
    );
    this.panel = el(
      'div',
      { class: 'panel', id: 'panel', role: 'dialog', 'aria-labelledby': 'title' },
      head,
      transcript.element,
      composer.element,
    );
    this.panel.hidden = true;
    this.launcher = el(
      'button',
      { class: 'launcher', type: 'button', 'aria-controls': 'panel' },
      icon(CHAT),
      icon(DOWN),
      this.badge,
    );
    this.launcher.addEventListener('click', settings.onToggle);
    this.show(false, 0);
    document.body.append(this.panel, this.launcher, this.region);
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && !event.isComposing && !this.panel.hidden) settings.onClose();
    });
  }

  show(open: boolean, unread: number): void {
    const { strings } = this.settings;
    this.panel.hidden = !open;
    document.documentElement.classList.toggle('open', open);
    this.launcher.setAttribute('aria-expanded', String(open));
    const label = open ? strings.close : strings.open;
    this.launcher.setAttribute('aria-label', unread > 0 ? `${label}. ${strings.unread} ${unread}` : label);
    this.badge.hidden = unread === 0;
    this.badge.textContent = unread > BADGE_MAX ? `${BADGE_MAX}+` : String(unread);
  }

  setNarrow(narrow: boolean): void {
    document.documentElement.classList.toggle('narrow', narrow);
  }

  /** Only whether somebody is known: never who, and never why not. */
  setIdentity(status: Status | null): void {
    const { strings } = this.settings;
    this.state.textContent = status === null ? '' : status === 'authenticated' ? strings.signedIn : strings.guest;
    this.state.className = status === null ? 'state' : `state ${status}`;
  }

  focusLauncher(): void {
    this.launcher.focus({ preventScroll: true });
  }

  announce(text: string): void {
    this.region.textContent = text.length > ANNOUNCED_CHARS_MAX ? `${text.slice(0, ANNOUNCED_CHARS_MAX)}…` : text;
  }

  /** What was said aloud must not be found there by the next visitor. */
  forget(): void {
    this.region.textContent = '';
  }
}
