// `buddy demo`: each button shows its code, and that the chat goes on.
import type { FrameLocator, Locator, Page } from '@playwright/test';
import { Demo } from '../harness/demo.ts';
import { expect, test as base } from '../harness/test.ts';

/** What the demo's shop knows of its two users. */
const USER_DATA = /ada@shop\.example|grace@shop\.example|"1815"|"1906"|"gold"|"silver"/;

class Stage {
  private readonly shop: FrameLocator;
  readonly chat: FrameLocator;
  readonly verdict: Locator;
  readonly identity: Locator;
  readonly seen: Locator;

  constructor(readonly page: Page) {
    this.shop = page.frameLocator('#shop');
    this.chat = this.shop.frameLocator('iframe[title="Chat"]');
    this.verdict = page.locator('#verdict');
    this.identity = page.locator('#identity');
    this.seen = page.locator('#seen');
  }

  press(name: string): Promise<void> {
    return this.page.getByRole('button', { name, exact: true }).click();
  }

  /** The visitor writes, and is answered. */
  async expectChat(state: string): Promise<void> {
    await expect(this.chat.locator('.state')).toHaveText(state);
    const replies = this.chat.locator('.row.agent');
    const before = await replies.count();
    const composer = this.chat.getByRole('textbox');
    await composer.fill('When do you open?');
    await composer.press('Enter');
    await expect(this.chat.locator('.row.visitor').last()).toContainText('When do you open?');
    await expect.poll(() => replies.count()).toBeGreaterThan(before);
    await expect(this.seen).toContainText(/User data in .*\s*none/);
  }
}

const test = base.extend<{ stage: Stage }, { demo: Demo }>({
  demo: [
    async ({}, use) => {
      const demo = await Demo.start();
      await use(demo);
      expect(await demo.stop(), 'it ends cleanly').toBe(0);
    },
    { scope: 'worker' },
  ],
  stage: async ({ demo, page }, use) => {
    const complaints: string[] = [];
    page.on('console', (message) => void (message.type() === 'error' && complaints.push(message.text())));
    page.on('pageerror', (error) => void complaints.push(error.message));
    await page.goto(demo.url);
    const stage = new Stage(page);
    await expect(stage.verdict).toContainText('The agent knows who this is');
    await use(stage);
    // That other site's requests are refused is what its page shows.
    expect(complaints.filter((text) => !/CORS|Failed to load resource/.test(text))).toEqual([]);
  },
});

// The endpoint of the demo is one for all.
test.describe.configure({ mode: 'serial' });

test('Ada is signed in, and her page holds nothing of her', async ({ demo, page, stage }) => {
  const bodies: Promise<string>[] = [];
  page.on('response', (response) => {
    const url = response.url();
    // What the stage itself is told is the presenter's view, and a stream has no end: what comes by it is shown.
    if (url.startsWith(demo.url) || url.endsWith('/stream')) return;
    bodies.push(response.text().catch(() => ''));
  });
  await page.reload();
  await expect(stage.verdict).toContainText('The agent knows who this is');
  await stage.expectChat('Signed in');
  await expect(stage.identity).toContainText('ada@shop.example');
  const all = await Promise.all(bodies);
  expect(all.length).toBeGreaterThan(5);
  expect(all.join('\n')).toContain('data-agent');
  expect(all.join('\n')).not.toMatch(USER_DATA);
  expect(await stage.chat.locator('html').innerHTML()).not.toMatch(USER_DATA);
  await page.setViewportSize({ width: 1440, height: 900 });
  await page.screenshot({ path: 'artefacts/demo.png' });
});

test('Grace, and then nobody', async ({ stage }) => {
  await stage.press('Switch to Grace');
  await expect(stage.identity).toContainText('grace@shop.example');
  await expect(stage.verdict).toContainText('The agent knows who this is');
  await stage.expectChat('Signed in');
  await stage.press('Sign out');
  await expect(stage.verdict).toContainText('A guest: nobody is signed in');
  await stage.expectChat("You're chatting as a guest");
  await stage.press('Ada');
  await expect(stage.identity).toContainText('ada@shop.example');
});

const FAILURES = {
  Slow: 'AUTH_CALLBACK_TIMEOUT',
  Down: 'AUTH_CALLBACK_FAILED',
  '500': 'AUTH_CALLBACK_FAILED',
  'Bad JSON': 'AUTH_CALLBACK_BAD_RESPONSE',
};
for (const [button, code] of Object.entries(FAILURES)) {
  test(`${button}: ${code}, and the chat goes on`, async ({ page, stage }) => {
    await stage.press(button);
    await expect(stage.verdict).toContainText(code);
    await stage.expectChat("You're chatting as a guest");
    const [help] = await Promise.all([
      page.context().waitForEvent('page'),
      page.getByRole('link', { name: code }).click(),
    ]);
    await expect(help.locator('body')).toContainText(code);
    await stage.press('Healthy');
    await expect(stage.verdict).toContainText('The agent knows who this is');
    await stage.expectChat('Signed in');
  });
}

/** In which the attacker's page has the victim's browser ask the shop. */
const WAYS = 3;

test('Attack: refused in each way, and the attacker’s session is nobody’s', async ({ page, stage }) => {
  await stage.press('Attack');
  await expect(page.locator('#attack-title')).toHaveText('Mallory’s session is anonymous');
  const refused = page.locator('#attack-steps .refused');
  await expect(refused.filter({ hasText: 'the shop' }).first()).toBeVisible();
  expect(await refused.count()).toBeGreaterThanOrEqual(WAYS);
  await stage.press('Attack');
  await stage.expectChat('Signed in');
});
