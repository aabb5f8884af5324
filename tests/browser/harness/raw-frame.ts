// A frame of a page that came back from the browser's back/forward cache: Playwright knows it no longer, the browser does.
import type { Browser, CDPSession } from '@playwright/test';
import { expect } from '@playwright/test';

interface Answer {
  id: number;
  result?: { result: { value?: unknown }; exceptionDetails?: { text: string } };
}

export class RawFrame {
  private lastId = 0;
  private readonly waiting = new Map<number, (answer: Answer) => void>();

  private constructor(
    private readonly devtools: CDPSession,
    private readonly sessionId: string,
  ) {
    devtools.on('Target.receivedMessageFromTarget', ({ sessionId: from, message }) => {
      if (from !== sessionId) return;
      const answer = JSON.parse(message) as Answer;
      this.waiting.get(answer.id)?.(answer);
    });
  }

  /** The one whose URL begins so. */
  static async find(browser: Browser, url: string): Promise<RawFrame> {
    const devtools = await browser.newBrowserCDPSession();
    let targetId = '';
    await expect(async () => {
      const { targetInfos } = await devtools.send('Target.getTargets');
      const found = targetInfos.filter((target) => target.type === 'iframe' && target.url.startsWith(url));
      expect(found).toHaveLength(1);
      targetId = found[0]!.targetId;
    }).toPass();
    const { sessionId } = await devtools.send('Target.attachToTarget', { targetId, flatten: false });
    return new RawFrame(devtools, sessionId);
  }

  /** The value of an expression in the frame. */
  async evaluate(expression: string): Promise<unknown> {
    const id = ++this.lastId;
    const answered = new Promise<Answer>((resolve) => this.waiting.set(id, resolve));
    const params = { expression, returnByValue: true, awaitPromise: true };
    const message = JSON.stringify({ id, method: 'Runtime.evaluate', params });
    await this.devtools.send('Target.sendMessageToTarget', { sessionId: this.sessionId, message });
    const { result } = await answered;
    if (!result || result.exceptionDetails) throw new Error(`${expression}: ${result?.exceptionDetails?.text}`);
    return result.result.value;
  }
}
