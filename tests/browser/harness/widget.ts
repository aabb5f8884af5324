// The chat as its visitor sees it, and what the page around it is told.
import { expect, type ConsoleMessage, type Frame, type FrameLocator, type Locator, type Page } from '@playwright/test';

export type PageEvent = [name: string, data: Record<string, unknown> | null];

const EVENTS = ['ready', 'open', 'close', 'session', 'identity', 'message', 'error'];
export const SIGNED_IN = 'Signed in';
export const GUEST = "You're chatting as a guest";

export class Widget {
  readonly frame: FrameLocator;
  readonly iframe: Locator;
  readonly launcher: Locator;
  readonly panel: Locator;
  readonly composer: Locator;
  readonly state: Locator;
  readonly transcript: Locator;
  /** All that `Buddy.on` has told any page of this tab, in order. */
  readonly events: PageEvent[] = [];
  /** What a developer would see in red or yellow, and each violated policy, of any frame. */
  readonly complaints: string[] = [];
  private readonly expected: RegExp[] = [];

  private constructor(readonly page: Page) {
    this.iframe = page.locator('iframe[title="Chat"]');
    this.frame = page.frameLocator('iframe[title="Chat"]');
    this.launcher = this.frame.locator('button[aria-expanded]');
    this.panel = this.frame.getByRole('dialog');
    this.composer = this.frame.getByRole('textbox');
    this.state = this.frame.locator('.state');
    this.transcript = this.frame.locator('.transcript');
  }

  static async on(page: Page): Promise<Widget> {
    const widget = new Widget(page);
    page.on('pageerror', (error) => widget.complain(`thrown: ${error.stack ?? error.message}`));
    page.on('console', (message) => widget.onConsole(message));
    await page.exposeBinding('tellTest', (_source, kind: string, name: string, data: PageEvent[1]) => {
      if (kind === 'event') widget.events.push([name, data]);
      else widget.complain(`policy: ${name}`);
    });
    await page.addInitScript((names) => {
      const { tellTest } = window as unknown as { tellTest: (kind: string, name: string, data?: unknown) => void };
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
        tellTest('policy', `${violatedDirective} ${blockedURI} in ${location.href}`),
      );
      if (window !== top) return;
      const page = window as unknown as { Buddy: unknown[] };
      page.Buddy = page.Buddy || [];
      for (const name of names) {
        page.Buddy.push(['on', name, (data?: unknown) => tellTest('event', name, data ?? null)]);
      }
    }, EVENTS);
    return widget;
  }

  /** A complaint that the test is about. */
  expectComplaint(pattern: RegExp): void {
    this.expected.push(pattern);
  }

  /** Those that no test has expected. */
  get unexpected(): string[] {
    return this.complaints.filter((complaint) => !this.expected.some((pattern) => pattern.test(complaint)));
  }

  async goto(url: string): Promise<void> {
    await this.page.goto(url);
    await expect(this.launcher).toBeVisible();
  }

  async open(): Promise<void> {
    await this.launcher.click();
    await expect(this.composer).toBeFocused();
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** A message of the conversation that holds this text. */
  message(text: string | RegExp): Locator {
    return this.transcript.getByRole('listitem').filter({ hasText: text });
  }

  /** Says it, and waits for the reply. */
  async ask(text: string): Promise<void> {
    await this.say(text);
    await expect(this.message(`You wrote: ${text}`)).toBeVisible();
  }

  /** The data of each event of this name, so far. */
  told(name: string): PageEvent[1][] {
    return this.events.filter(([event]) => event === name).map(([, data]) => data);
  }

  /** What the page is told by this name comes to this; it may learn it after the frame shows it. */
  async expectTold(name: string, data: unknown[]): Promise<void> {
    await expect.poll(() => this.told(name), `told: ${name}`).toEqual(data);
  }

  /** A call of `window.Buddy`, as the page's own script makes it. */
  call(name: string): Promise<unknown> {
    return this.page.evaluate((call) => (window as any).Buddy[call](), name);
  }

  /**
   * The session, once the page has been told of it and of its visitor. The frame is a process of its own: it may show
   * what the page does not know yet.
   */
  async sessionId(): Promise<string> {
    let sessionId: string | null = null;
    const known = async (): Promise<boolean> => {
      const state = (await this.call('state')) as { sessionId: string | null; status: string | null };
      ({ sessionId } = state);
      return sessionId !== null && state.status !== null;
    };
    await expect.poll(known, 'the page knows its session, and whether its visitor is known').toBe(true);
    return sessionId!;
  }

  /** Does something that makes the chat look anew who is here, waits until it knows, and gives the session. */
  async decided(act: () => Promise<unknown>): Promise<string> {
    const before = this.told('identity').length;
    await act();
    await expect.poll(() => this.told('identity').length).toBeGreaterThan(before);
    return this.sessionId();
  }

  /** From the next page on: how often this text was in the frame, be it for a moment. */
  async watchFor(text: string): Promise<() => number> {
    await this.page.addInitScript((words) => {
      if (window === top) return;
      const { tellTest } = window as unknown as { tellTest: (kind: string, name: string) => void };
      new MutationObserver(() => {
        if (document.documentElement.textContent?.includes(words)) tellTest('event', `seen ${words}`);
      }).observe(document, { subtree: true, childList: true, characterData: true });
    }, text);
    return () => this.told(`seen ${text}`).length;
  }

  /** The frame's document itself. */
  async inside(): Promise<Frame> {
    const handle = await this.iframe.elementHandle();
    const frame = await handle?.contentFrame();
    if (!frame) throw new Error('the frame is not there');
    return frame;
  }

  private onConsole(message: ConsoleMessage): void {
    if (['error', 'warning'].includes(message.type())) this.complain(`console: ${message.text()}`);
  }

  private complain(text: string): void {
    this.complaints.push(text);
  }
}
