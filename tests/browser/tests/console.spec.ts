// The console as an operator uses it: each screen in each scheme and on a phone, by keyboard, and without a script.
import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from '@playwright/test';
import { ADMIN_TOKEN, type Buddy } from '../harness/buddy.ts';
import { LOOPBACK, listen, type Listening } from '../harness/http.ts';
import { expect, test as base } from '../harness/test.ts';

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

type Answer = 'user' | 'nobody' | 'refused' | 'unnamed' | 'silent';

/** An agent with an endpoint that answers as it is told. */
class History {
  answer: Answer = 'user';
  agentId = '';
  /** The latest session that each answer was given to. */
  readonly sessions = new Map<Answer, string>();

  private constructor(
    private readonly buddy: Buddy,
    private readonly endpoint: Listening,
  ) {}

  static async make(buddy: Buddy): Promise<History> {
    const endpoint = await listen((request, response) => {
      request.resume();
      const { answer } = history;
      if (answer === 'silent') return;
      response.statusCode = { user: 200, unnamed: 200, nobody: 204, refused: 401 }[answer];
      const body = { user: { userId: '1815', role: 'customer' }, unnamed: { user_id: '1815' } }[answer as string];
      response.end(body ? JSON.stringify(body) : undefined);
    });
    const history = new History(buddy, endpoint);
    const url = `http://${LOOPBACK}:${endpoint.port}/buddy/identity`;
    const agent = await buddy.makeAgent(['https://shop.example'], { url, timeoutMs: 200, requireTicket: false });
    history.agentId = agent.agentId;
    for (const answer of ['user', 'user', 'nobody', 'refused', 'unnamed', 'silent', 'user'] as const) {
      await history.visit(answer);
    }
    return history;
  }

  async visit(answer: Answer): Promise<string> {
    this.answer = answer;
    const begun = await this.buddy.call(null, 'POST', '/v1/sessions?wait=30', { agentId: this.agentId });
    const sessionId = String(begun['sessionId']);
    this.sessions.set(answer, sessionId);
    return sessionId;
  }

  async stop(): Promise<void> {
    await this.endpoint.close();
  }

  get path(): string {
    return `/console/agents/${this.agentId}`;
  }
}

const test = base.extend<object, { history: History }>({
  history: [
    async ({ buddy }, use) => {
      const history = await History.make(buddy);
      await use(history);
      await history.stop();
    },
    { scope: 'worker' },
  ],
});

async function signIn(page: Page, buddy: Buddy): Promise<void> {
  await page.goto(`${buddy.origin}/console`);
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Agents' })).toBeVisible();
}

async function expectSound(page: Page): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).withTags(TAGS).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  const sideways = (): boolean => document.documentElement.scrollWidth > document.documentElement.clientWidth;
  expect(await page.evaluate(sideways), 'the page scrolls sideways').toBe(false);
}

/** What the browser complains about, policies that were violated among it. */
function complaints(page: Page): string[] {
  const all: string[] = [];
  page.on('console', (message) => void (message.type() === 'error' && all.push(message.text())));
  page.on('pageerror', (error) => all.push(error.message));
  return all;
}

const LOOKS = [
  { look: 'light', colorScheme: 'light', width: 1280 },
  { look: 'dark', colorScheme: 'dark', width: 1280 },
  { look: 'phone', colorScheme: 'light', width: 390 },
] as const;

const SCREENS = [
  '',
  '/live',
  '/resolutions',
  '/callback',
  '/callback/delete',
  '/keys',
  '/install',
  '/check',
  '/settings',
  '/delete',
];

for (const { look, colorScheme, width } of LOOKS) {
  test(`axe finds nothing on any screen: ${look}`, async ({ page, buddy, history }) => {
    test.slow();
    const complained = complaints(page);
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    await page.goto(`${buddy.origin}/console/sign-in`);
    await expectSound(page);
    await signIn(page, buddy);
    await expectSound(page);
    for (const screen of SCREENS) {
      await page.goto(`${buddy.origin}${history.path}${screen}`);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expectSound(page);
    }
    await page.goto(`${buddy.origin}/console/search?q=nothing`);
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await expectSound(page);
    await page.goto(`${buddy.origin}/console/audit`);
    await expect(page.getByRole('heading', { level: 1, name: 'Audit log' })).toBeVisible();
    await expectSound(page);
    for (const answer of ['user', 'refused', 'silent'] as const) {
      await page.goto(`${buddy.origin}/console/sessions/${history.sessions.get(answer)}`);
      await expect(page.getByRole('heading', { name: 'Where the time went' })).toBeVisible();
      await expectSound(page);
    }
    await page.goto(`${buddy.origin}/console/agents/new`);
    await page.getByLabel('name').fill(' ');
    await page.getByRole('button', { name: 'Make the agent' }).click();
    await expect(page.getByRole('alert')).toContainText('name: must be');
    await expectSound(page);
    // That a form was refused is a status, which the browser notes.
    expect(complained.filter((text) => !text.includes('422'))).toEqual([]);
  });
}

test('from the start page in three steps, by keyboard, to why a session is anonymous', async ({
  page,
  buddy,
  history,
}) => {
  await signIn(page, buddy);
  await page.getByLabel('Session id').focus();
  await page.keyboard.type(history.sessions.get('refused')!);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: 'Why is this session anonymous?' })).toBeVisible();
  await expect(page.getByText('The endpoint answered 401.')).toBeVisible();
  await expect(page.getByRole('link', { name: 'AUTH_CALLBACK_FAILED' })).toHaveAttribute(
    'href',
    '/e/AUTH_CALLBACK_FAILED',
  );
});

test('the first stop of the keyboard leads past the head of the page, and every stop is seen', async ({
  page,
  buddy,
  history,
}) => {
  await signIn(page, buddy);
  await page.goto(`${buddy.origin}${history.path}/callback`);
  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to the content' })).toBeFocused();
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await expect(page.getByRole('main').getByRole('link', { name: 'Agents' })).toBeFocused();
  for (let stop = 0; stop < 15; stop++) {
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement!).outlineStyle);
    expect(outline, `stop ${stop}`).not.toBe('none');
    await page.keyboard.press('Tab');
  }
});

test('the live list goes on by itself, and stands still while it is paused', async ({ page, buddy, history }) => {
  const complained = complaints(page);
  await signIn(page, buddy);
  await page.goto(`${buddy.origin}${history.path}/live`);
  await expect(page.getByRole('status')).toHaveText('listening');
  await expect(page.locator('#live-show')).toBeHidden();
  const first = page.locator('tbody tr').first();
  const known = await history.visit('unnamed');
  await expect(first).toContainText(known);
  await expect(first).toContainText('no_user_id');
  await page.getByRole('button', { name: 'Pause' }).click();
  const held = await history.visit('user');
  await expect(page.getByRole('button', { name: 'Show 1 new' })).toBeVisible();
  await expect(first).toContainText(known);
  await page.getByRole('button', { name: 'Show 1 new' }).click();
  await expect(first).toContainText(held);
  await expect(page.locator('tbody tr').filter({ hasText: held })).toHaveCount(1);
  expect(complained).toEqual([]);
});

test('the live list stands still while somebody reads further down', async ({ page, buddy, history }) => {
  await signIn(page, buddy);
  await page.setViewportSize({ width: 1280, height: 300 });
  await page.goto(`${buddy.origin}${history.path}/live`);
  await expect(page.getByRole('status')).toHaveText('listening');
  await page.locator('tbody tr').last().scrollIntoViewIfNeeded();
  const first = page.locator('tbody tr').first();
  const before = await first.innerText();
  const held = await history.visit('nobody');
  await expect(page.locator('#live-show')).toHaveText('Show 1 new');
  expect(await first.innerText()).toBe(before);
  await page.evaluate(() => scrollTo(0, 0));
  await expect(first).toContainText(held);
});

async function withoutScript(browser: Browser): Promise<Page> {
  return (await browser.newContext({ javaScriptEnabled: false })).newPage();
}

test('all but the live list works without a script', async ({ browser, buddy, history }) => {
  const page = await withoutScript(browser);
  await page.goto(`${buddy.origin}${history.path}/keys`);
  await page.getByLabel('Admin token').fill(ADMIN_TOKEN);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(/\/keys$/);
  await page.getByRole('textbox', { name: 'label' }).fill('chat server');
  await page.getByRole('button', { name: 'Make a key' }).click();
  await expect(page.getByLabel('key', { exact: true })).toHaveValue(/^bpk_/);
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await page.getByRole('link', { name: 'Remove the key chat server' }).click();
  await page.getByRole('button', { name: 'Remove the key' }).click();
  await expect(page.getByText('There is none.').or(page.getByRole('cell').first())).toBeVisible();
  await page.goto(`${buddy.origin}/console/sessions/${history.sessions.get('silent')}`);
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByRole('heading', { name: 'Tried again' })).toBeVisible();
  await page.goto(`${buddy.origin}${history.path}/live`);
  // Not of `noscript` itself, whose text Playwright passes over.
  const without = page.locator('noscript p');
  await expect(without).toContainText('This list needs JavaScript');
  await expect(without).toBeVisible();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.context().close();
});

test('a link of another site leads in, and a form of it does nothing', async ({ page, buddy, history }) => {
  await signIn(page, buddy);
  const path = `${buddy.origin}${history.path}`;
  const evil = await listen((_, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<a href="${path}">look</a><form method="post" action="${path}/delete"><button>win</button></form>`);
  });
  const elsewhere = `http://evil.localhost:${evil.port}/`;
  await page.goto(elsewhere);
  await page.getByRole('link', { name: 'look' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Shop' })).toBeVisible();
  await page.goto(elsewhere);
  await page.getByRole('button', { name: 'win' }).click();
  await expect(page.getByText('was not sent by a page of the console')).toBeVisible();
  await page.goto(path);
  await expect(page.getByRole('heading', { level: 1, name: 'Shop' })).toBeVisible();
  await evil.close();
});
