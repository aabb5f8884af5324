/** The frame's place in the page: made, sized, kept there while the page changes around it, and taken away. */
import { SURFACE, type Dir, type SchemeSetting } from '../protocol';

/** Above what pages use, below the largest number, which a page may want for itself. */
const Z_INDEX = '2147483000';
/** The launcher, and around it room for its shadow and its focus ring. */
const CLOSED_PX = 80;
const EDGE_PX = 8;
const OPEN_WIDTH_PX = 416;
const OPEN_HEIGHT_PX = 720;
/** Smaller than this the panel takes the whole screen. */
const NARROW = '(max-width: 520px), (max-height: 460px)';
/** A pinched page is not one with a keyboard. */
const PINCHED = 1.01;

export interface HostSettings {
  src: string;
  position: 'right' | 'left';
  scheme: SchemeSetting;
  onNarrow(narrow: boolean): void;
}

export const pageDir = (): Dir =>
  getComputedStyle(document.body ?? document.documentElement).direction === 'rtl' ? 'rtl' : 'ltr';

export class Host {
  readonly frame: HTMLIFrameElement;
  private open = false;
  private shown = false;
  private readonly narrowQuery = matchMedia(NARROW);
  private readonly darkQuery = matchMedia('(prefers-color-scheme: dark)');
  private readonly watcher = new MutationObserver(() => this.attach());
  private inertBody: HTMLElement | null = null;
  private overflowBefore: string | null = null;
  private focusBefore: Element | null = null;

  constructor(private readonly settings: HostSettings) {
    const frame = document.createElement('iframe');
    frame.src = settings.src;
    frame.title = 'Chat';
    frame.setAttribute('sandbox', 'allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox');
    frame.referrerPolicy = 'no-referrer';
    frame.setAttribute('allow', '');
    this.frame = frame;
    this.place();
    this.attach();
    this.narrowQuery.addEventListener('change', this.onNarrow);
    this.darkQuery.addEventListener('change', this.place);
    visualViewport?.addEventListener('resize', this.place);
    visualViewport?.addEventListener('scroll', this.place);
  }

  get narrow(): boolean {
    return this.narrowQuery.matches;
  }

  /** The frame has drawn itself: until then it would be a white box. */
  show(): void {
    this.shown = true;
    this.place();
  }

  setOpen(open: boolean, focused: boolean): void {
    if (open === this.open) return;
    this.open = open;
    this.place();
    if (!open) this.giveFocusBack(focused);
  }

  /** A frame of another origin may take the focus inside only once it has it. */
  focus(): void {
    const active = document.activeElement;
    if (active !== this.frame) this.focusBefore = active;
    this.frame.focus();
  }

  remove(): void {
    this.watcher.disconnect();
    this.narrowQuery.removeEventListener('change', this.onNarrow);
    this.darkQuery.removeEventListener('change', this.place);
    visualViewport?.removeEventListener('resize', this.place);
    visualViewport?.removeEventListener('scroll', this.place);
    this.holdPage(false);
    this.frame.remove();
  }

  /** Beside the body, so that a page that replaces its body does not take the chat with it. */
  private attach(): void {
    const root = document.documentElement;
    if (!root) return;
    if (!this.frame.isConnected) root.append(this.frame);
    this.watcher.disconnect();
    this.watcher.observe(document, { childList: true });
    this.watcher.observe(root, { childList: true });
    this.holdPage(this.open && this.narrow);
  }

  private readonly onNarrow = (): void => {
    this.place();
    this.settings.onNarrow(this.narrow);
  };

  private readonly place = (): void => {
    const { style } = this.frame;
    const scheme = this.settings.scheme === 'auto' ? (this.darkQuery.matches ? 'dark' : 'light') : this.settings.scheme;
    const side = (this.settings.position === 'left') === (pageDir() === 'rtl') ? 'right' : 'left';
    const whole = this.open && this.narrow;
    const rules: Record<string, string> = {
      all: 'initial',
      position: 'fixed',
      border: 'none',
      'z-index': Z_INDEX,
      // Where the frame's and the document's scheme differ, browsers lay an opaque ground under the document.
      'color-scheme': this.settings.scheme === 'auto' ? 'light dark' : scheme,
      visibility: this.shown ? 'visible' : 'hidden',
      ...(whole ? wholeScreen(SURFACE[scheme]) : corner(side, this.open)),
    };
    for (const [name, value] of Object.entries(rules)) style.setProperty(name, value, 'important');
    this.holdPage(whole);
  };

  /** Under a panel that covers all, the page neither scrolls nor takes the focus. */
  private holdPage(hold: boolean): void {
    const { body, documentElement } = document;
    if (this.inertBody && (!hold || this.inertBody !== body)) {
      this.inertBody.inert = false;
      this.inertBody = null;
    }
    if (hold && body && !body.inert) {
      body.inert = true;
      this.inertBody = body;
    }
    if (hold && this.overflowBefore === null) {
      this.overflowBefore = documentElement.style.overflow;
      documentElement.style.overflow = 'hidden';
    } else if (!hold && this.overflowBefore !== null) {
      documentElement.style.overflow = this.overflowBefore;
      this.overflowBefore = null;
    }
  }

  /** To where it was when the page opened the panel, unless it has gone elsewhere since. */
  private giveFocusBack(focused: boolean): void {
    const before = this.focusBefore;
    this.focusBefore = null;
    if (!focused || !before?.isConnected || before === document.body) return;
    (before as HTMLElement).focus?.();
  }
}

function corner(side: 'right' | 'left', open: boolean): Record<string, string> {
  const inset = (edge: string): string => `calc(${EDGE_PX}px + env(safe-area-inset-${edge}, 0px))`;
  return {
    inset: 'auto',
    bottom: inset('bottom'),
    [side]: inset(side),
    width: open ? `min(${OPEN_WIDTH_PX}px, calc(100% - ${2 * EDGE_PX}px))` : `${CLOSED_PX}px`,
    height: open ? `min(${OPEN_HEIGHT_PX}px, calc(100% - ${2 * EDGE_PX}px))` : `${CLOSED_PX}px`,
  };
}

/** The part of the screen that the keyboard leaves; the notch and its like are padding in the panel's own colour. */
function wholeScreen(surface: string): Record<string, string> {
  const seen = visualViewport && visualViewport.scale < PINCHED ? visualViewport : null;
  return {
    inset: '0 auto auto 0',
    ...(seen ? { top: `${seen.offsetTop}px` } : {}),
    width: '100%',
    height: seen ? `${seen.height}px` : '100%',
    'box-sizing': 'border-box',
    padding: ['top', 'right', 'bottom', 'left'].map((edge) => `env(safe-area-inset-${edge}, 0px)`).join(' '),
    background: surface,
  };
}
