// Who may embed the chat, and who may speak to it.
import type { Page } from '@playwright/test';
import { Site } from '../harness/site.ts';
import { expect, test as base } from '../harness/test.ts';
import { Widget } from '../harness/widget.ts';

/** When the page's script gives up waiting for the frame. */
const HELLO_MS = 10_000;

const test = base.extend<{ attacker: Site }>({
  attacker: async ({}, use) => {
    const attacker = await Site.start('attacker.localhost');
    await use(attacker);
    await attacker.stop();
  },
});

test('a page of another origin cannot frame the chat', async ({ agent, attacker, buddy, page }) => {
  const asked: string[] = [];
  page.on('request', (request) => void asked.push(request.url()));
  const refusal = page.waitForEvent('console', (message) => /frame-ancestors/.test(message.text()));
  const url = `${buddy.origin}/widget/${agent.agentId}`;
  await page.goto(attacker.put('/', `<iframe src="${url}"></iframe>`));
  await refusal;
  expect(asked).toContain(url);
  // The document was thrown away before anything of it ran.
  expect(asked.filter((one) => one.includes('/widget/assets/'))).toEqual([]);
  await expect(page.frameLocator('iframe').getByRole('button', { name: 'Open chat' })).toHaveCount(0);
});

test('the tag on a page that is not allowed shows nothing, and says what to do', async ({
  agent,
  attacker,
  buddy,
  page,
}) => {
  await page.clock.install();
  const widget = await Widget.on(page);
  const tag = `<script src="${buddy.origin}/embed.js" data-agent="${agent.agentId}" async></script>`;
  const refusal = page.waitForEvent('console', (message) => /frame-ancestors/.test(message.text()));
  await page.goto(attacker.put('/', tag));
  await refusal;
  await page.clock.runFor(HELLO_MS);
  await expect.poll(() => widget.told('error')).toHaveLength(1);
  const [error] = widget.told('error');
  expect(error).toEqual({ code: 'FRAME_NOT_LOADED', message: expect.stringContaining(attacker.origin) });
  expect(error?.['message']).toContain('allowedOrigins');
  expect(widget.complaints.filter((one) => one.startsWith('console: Buddy:'))).toHaveLength(1);
  await expect(widget.iframe).toBeHidden();
});

test('the frame opened as a page of its own is no chat', async ({ agent, buddy, page }) => {
  const calls: string[] = [];
  page.on('request', (request) => void (request.method() === 'POST' && calls.push(request.url())));
  await page.goto(`${buddy.origin}/widget/${agent.agentId}`);
  await page.evaluate(() => {
    const { port2 } = new MessageChannel();
    window.postMessage({ buddy: 'port', v: 1 }, '*', [port2]);
  });
  await expect(page.locator('body > *')).toHaveCount(0);
  expect(calls).toEqual([]);
});

/** What the attacker's script does in a window from which the shop's page, and the chat in it, can be reached. */
const SPAM = `<script>
  const heard = window.heard = [];
  let rounds = window.rounds = 0;
  addEventListener('message', ({ data, origin }) => heard.push({ data, origin }));
  function spam(shop) {
    const session = 'SESSION';
    for (let i = 0; i < shop.length; i += 1) {
      const frame = shop[i];
      if (frame === window) continue;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => heard.push({ data });
      frame.postMessage({ buddy: 'port', v: 1 }, '*', [port2]);
      port1.postMessage({ t: 'init', dir: 'ltr', lang: 'en', scheme: 'auto', hasSessionUrl: true });
      port1.postMessage({ t: 'open' });
      for (const t of ['open', 'reset', 'identify']) frame.postMessage({ t }, '*');
      frame.postMessage({ t: 'bound', bindId: 1, outcome: 'nobody' }, '*');
    }
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => heard.push({ data });
    shop.postMessage({ buddy: 'hello', v: 1 }, '*', [port2]);
    port1.postMessage({ t: 'bind', bindId: 9, sessionId: session });
    shop.postMessage({ t: 'bind', bindId: 9, sessionId: session }, '*');
    shop.postMessage({ t: 'session', sessionId: session }, '*');
    shop.postMessage({ t: 'error', code: 'FAKE', message: 'fake' }, '*');
    window.rounds = rounds += 1;
  }
  const target = TARGET;
  setInterval(() => spam(target), 5);
</script>`;

const FOREIGN_SESSION = 'sess_01jz0000000000000000000000';
/** Enough for the attacker to be there before, while and after the frame gets its port. */
const ROUNDS = 200;
const spam = (target: string): string => SPAM.replace('SESSION', FOREIGN_SESSION).replace('TARGET', target);

/** What the attacker's window has heard: all but a greeting that says nothing. */
async function heardBy(window: Pick<Page, 'evaluate' | 'waitForFunction'>): Promise<unknown[]> {
  await window.waitForFunction((rounds) => (globalThis as any).rounds > rounds, ROUNDS);
  const heard = await window.evaluate(() => (globalThis as any).heard as { data: unknown }[]);
  return heard.filter(({ data }) => JSON.stringify(data) !== '{"buddy":"hello","v":1}');
}

test('another site’s frame in the same page cannot speak to the chat, nor for it', async ({
  attacker,
  context,
  shop,
  widget,
}) => {
  shop.page.frames = [attacker.origin];
  shop.page.body = `<iframe src="${attacker.put('/ad', spam('parent'))}"></iframe>`;
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await expect(widget.panel).toBeHidden();
  await widget.open();
  await widget.ask('hello');
  const before = await widget.sessionId();
  const ad = widget.page.frames().find((frame) => frame.url().startsWith(attacker.origin))!;
  expect(await heardBy(ad)).toEqual([]);
  await widget.ask('still here?');
  expect(await widget.sessionId()).toBe(before);
  expect(shop.bindRequests.filter(({ body }) => body.includes(FOREIGN_SESSION))).toEqual([]);
  expect(widget.told('error')).toEqual([]);
  expect(widget.told('session')).toHaveLength(1);
});

test('another site that opens the shop’s page cannot speak to the chat, nor for it', async ({
  attacker,
  context,
  page,
  shop,
  software,
}) => {
  void software;
  await shop.signIn(context, 'ada');
  await page.goto(attacker.put('/', ''));
  const opened = context.waitForEvent('page');
  await page.evaluate((url) => void ((globalThis as any).shop = window.open(url)), `${shop.origin}/opened`);
  await page.addScriptTag({ content: spam('shop').replace(/<\/?script>/g, '') });
  const widget = await Widget.on(await opened);
  await expect(widget.launcher).toBeVisible();
  await expect(widget.panel).toBeHidden();
  await widget.open();
  await widget.ask('hello');
  expect(await heardBy(page)).toEqual([]);
  await widget.ask('still here?');
  expect(shop.bindRequests.filter(({ body }) => body.includes(FOREIGN_SESSION))).toEqual([]);
  expect(widget.unexpected).toEqual([]);
});
