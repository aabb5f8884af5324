// The browser never gets a user's data: not in what goes over the wire, not between frames, not in what is kept or shown.
import { createHash } from 'node:crypto';
import type { BrowserContext, Page } from '@playwright/test';
import { Proxy } from '../harness/proxy.ts';
import { expect, test } from '../harness/test.ts';
import { USERS, USER_VALUES } from '../harness/users.ts';
import { SIGNED_IN, Widget } from '../harness/widget.ts';

/** All that there is of a page and its frames, by where it was found. */
type Found = { wire: string; messages: string; kept: string; shown: string };

/** A value as it is, and as it could be hidden in something else. */
function forms(value: string): string[] {
  const hashes = ['md5', 'sha1', 'sha256'].flatMap((name) => {
    const hash = createHash(name).update(value);
    return [hash.copy().digest('hex'), hash.digest('base64').replace(/=+$/, '')];
  });
  // What base64 makes of it at each of the three places where it can begin; the ends depend on what is around it.
  const base64 = [0, 1, 2].map((pad) => {
    const text = Buffer.from(' '.repeat(pad) + value).toString('base64');
    return text.slice(pad === 0 ? 0 : 4, -4);
  });
  return [value, encodeURIComponent(value), Buffer.from(value).toString('hex'), ...base64, ...hashes];
}

const FORBIDDEN = [...new Set(USER_VALUES.flatMap(forms))].filter((form) => form.length >= 6);

/** Each message that a window or a port is given, in every frame. */
async function recordMessages(context: BrowserContext): Promise<string[]> {
  const messages: string[] = [];
  await context.exposeBinding('tellMessage', (_source, text: string) => void messages.push(text));
  await context.addInitScript(() => {
    const tell = (data: unknown): void => (window as any).tellMessage(JSON.stringify(data) ?? 'undefined');
    addEventListener('message', ({ data }) => tell(data), true);
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (this: MessagePort, ...args: any[]) {
      tell(args[0]);
      return (postMessage as any).apply(this, args);
    };
  });
  return messages;
}

/** Of every frame. */
async function gather(page: Page, of: () => unknown): Promise<string> {
  const all = await Promise.all(page.frames().map((frame) => frame.evaluate(of)));
  return JSON.stringify(all);
}

async function keptBy(page: Page): Promise<string> {
  const inFrames = await gather(page, async () => ({
    local: { ...localStorage },
    session: { ...sessionStorage },
    cookie: document.cookie,
    databases: await indexedDB.databases(),
    caches: await caches.keys(),
    name: window.name,
    address: location.href,
    title: document.title,
  }));
  return inFrames + JSON.stringify(await page.context().storageState({ indexedDB: true }));
}

test('no trace of the user is anywhere in the browser', async ({ browser, buddy, shop, software, agent }) => {
  const proxy = await Proxy.start();
  const context = await browser.newContext({ proxy: proxy.settings });
  const messages = await recordMessages(context);
  const page = await context.newPage();
  const widget = await Widget.on(page);
  const logged: string[] = [];
  page.on('console', (message) => void logged.push(message.text()));

  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(SIGNED_IN);
  await widget.ask('first question');
  await page.reload();
  await expect(widget.message('You wrote: first question')).toBeVisible();
  await widget.ask('second question');
  await widget.sessionId();
  await shop.signIn(context, 'grace');
  await widget.decided(() => widget.call('identify'));
  await widget.ask('third question');
  // The agent knew both, so there was something to leak.
  expect(new Set(software.heard.map(({ userId }) => userId))).toEqual(new Set([USERS.ada.userId, USERS.grace.userId]));

  const found: Found = {
    wire: proxy.exchanges.map(({ text }) => text).join('\n'),
    messages: messages.join('\n'),
    kept: await keptBy(page),
    shown:
      (await gather(page, () => document.documentElement.outerHTML)) + JSON.stringify(widget.events) + logged.join(),
  };
  // Each of these looks where it says: what is to be there is found.
  const sessionId = await widget.sessionId();
  expect(found.wire).toContain('You wrote: second question');
  expect(found.wire).toMatch(/"ticket":"[0-9a-f]{64}"/);
  expect(found.messages).toContain(sessionId);
  expect(found.kept).toContain(sessionId);
  expect(found.shown).toContain('third question');
  for (const [where, text] of Object.entries(found)) {
    expect(
      FORBIDDEN.filter((form) => text.includes(form)),
      where,
    ).toEqual([]);
  }
  // What was written is nowhere kept either, and the page around the chat is told nothing of it.
  expect(found.kept).not.toContain('question');
  expect(found.messages).not.toContain('question');

  expect(proxy.strangers).toEqual([]);
  const origins = new Set(proxy.exchanges.map(({ url }) => new URL(url).origin));
  expect([...origins].sort()).toEqual([buddy.origin, shop.origin].sort());
  // Neither learns from an address who is where: a credential or a text is never in one.
  for (const { url } of proxy.exchanges) expect(url).not.toMatch(/bst_|question|referrer/);
  expect(found.wire).not.toContain(agent.key);
  expect(found.wire).not.toContain(agent.secret);
  await context.close();
  await proxy.stop();
});

test('what is looked for is found where it is', () => {
  const [value] = USER_VALUES;
  const hidden = [
    `a${value}b`,
    Buffer.from(`{"sub":"${value}"}`).toString('base64'),
    createHash('sha256').update(value!).digest('hex'),
  ];
  for (const text of hidden)
    expect(
      FORBIDDEN.some((form) => text.includes(form)),
      text,
    ).toBe(true);
});

test('Buddy learns nothing of the page’s address, and sets no cookie', async ({ buddy, context, shop, widget }) => {
  const sent: Record<string, string>[] = [];
  context.on('request', async (request) => {
    if (request.url().startsWith(buddy.origin)) sent.push(await request.allHeaders());
  });
  await widget.goto(`${shop.origin}/orders/private-order?key=private-key`);
  await widget.open();
  await widget.ask('hello');
  expect(sent.length).toBeGreaterThan(4);
  for (const headers of sent) expect(JSON.stringify(headers)).not.toContain('private-');
  expect(await context.cookies()).toEqual([]);
});
