// A page that the browser has put aside and shows again as it was: who is there now is asked first.
import type { Browser, BrowserContext } from '@playwright/test';
import { REPLY_TO_GUEST, REPLY_TO_USER } from '../harness/agent.ts';
import { args, executablePath } from '../harness/browser.ts';
import type { Buddy } from '../harness/buddy.ts';
import { RawFrame } from '../harness/raw-frame.ts';
import type { Shop } from '../harness/shop.ts';
import { expect, test } from '../harness/test.ts';
import { GUEST, SIGNED_IN, type Widget } from '../harness/widget.ts';

test.use({ launchOptions: { executablePath, args, ignoreDefaultArgs: ['--disable-back-forward-cache'] } });

const PRIVATE = 'my parcel is late';

/** Ada asks something and goes on to a page without the chat. Gives her session. */
async function askAndLeave(context: BrowserContext, shop: Shop, widget: Widget): Promise<string> {
  await widget.page.addInitScript((words) => {
    const window_ = window as any;
    addEventListener('pageshow', ({ persisted }) => {
      window_.wasHere = persisted;
      if (!persisted) return;
      // What is on the screen, picture by picture.
      const look = (): void => {
        window_.pictures = (window_.pictures ?? 0) + 1;
        // The text of what is not rendered is not in it.
        if (document.body.innerText.includes(words)) {
          window_.seen ??= [...document.querySelectorAll<HTMLElement>('body *')]
            .filter((element) => element.checkVisibility() && element.innerText?.includes(words))
            .map((element) => element.className);
        }
        requestAnimationFrame(look);
      };
      look();
    });
  }, PRIVATE);
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask(PRIVATE);
  const sessionId = await widget.sessionId();
  shop.page.tags = 0;
  await widget.page.goto(`${shop.origin}/next`);
  return sessionId;
}

/** Goes back, to the very page that was left, and gives its chat. */
async function back(browser: Browser, buddy: Buddy, widget: Widget): Promise<RawFrame> {
  // A page that was never unloaded is not loaded.
  await widget.page.goBack({ waitUntil: 'commit' });
  await expect.poll(() => widget.page.evaluate(() => (window as any).wasHere)).toBe(true);
  return RawFrame.find(browser, `${buddy.origin}/widget/`);
}

const shown = (frame: RawFrame): Promise<unknown> => frame.evaluate('document.body.innerText');

const say = (frame: RawFrame, text: string): Promise<unknown> =>
  frame.evaluate(`{
    const area = document.querySelector('textarea');
    area.value = '${text}';
    area.dispatchEvent(new Event('input'));
    area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
  }`);

test('the same user goes on', async ({ browser, buddy, context, shop, widget }) => {
  const before = await askAndLeave(context, shop, widget);
  const frame = await back(browser, buddy, widget);
  await expect.poll(() => shown(frame)).toContain(`${REPLY_TO_USER} ${PRIVATE}`);
  await expect.poll(() => shown(frame)).toContain(SIGNED_IN);
  await say(frame, 'and now?');
  await expect.poll(() => shown(frame)).toContain(`${REPLY_TO_USER} and now?`);
  expect(await widget.sessionId()).toBe(before);
  expect(shop.bindRequests.map(({ status }) => status)).toEqual([200, 200]);
});

test('after a sign-out nothing of the user is shown, not for a moment', async ({
  browser,
  buddy,
  context,
  shop,
  widget,
}) => {
  const before = await askAndLeave(context, shop, widget);
  await shop.signOut(context);
  const frame = await back(browser, buddy, widget);
  await expect.poll(() => shown(frame)).toContain(GUEST);
  await say(frame, 'hello, I am new');
  await expect.poll(() => shown(frame)).toContain(`${REPLY_TO_GUEST} hello, I am new`);
  expect(await widget.sessionId()).not.toBe(before);
  expect(await frame.evaluate('document.documentElement.outerHTML')).not.toContain(PRIVATE);
  expect(await frame.evaluate('pictures')).toBeGreaterThan(0);
  expect(await frame.evaluate('window.seen ?? []')).toEqual([]);
});
