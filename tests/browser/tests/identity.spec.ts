// Who the visitor is, as far as the page and the visitor may know it; and that no failure to find out is in the way.
import { REPLY_TO_GUEST, REPLY_TO_USER } from '../harness/agent.ts';
import { Gate, LOOPBACK, freePort } from '../harness/http.ts';
import type { Manner } from '../harness/shop.ts';
import { expect, test } from '../harness/test.ts';
import { USERS, USER_VALUES } from '../harness/users.ts';
import { GUEST, SIGNED_IN, type Widget } from '../harness/widget.ts';

/** What a visitor must never read: an error of ours, or who he is. */
const UNSEEMLY = /AUTH_|error|fail|timeout|undefined|null|\[object/i;

/** Of what an operator is told of it. */
interface Resolution {
  code: string | null;
  attempts: unknown[];
}

async function expectCalm(widget: Widget): Promise<void> {
  const text = await widget.frame.locator('body').innerText();
  expect(text).not.toMatch(UNSEEMLY);
  for (const value of USER_VALUES) expect(text).not.toContain(value);
}

test('a signed-in user is known to the agent, and to the page only as signed in', async ({
  context,
  shop,
  software,
  widget,
}) => {
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(SIGNED_IN);
  await widget.ask('Where is my order?');
  await expect(widget.message(REPLY_TO_USER)).toBeVisible();
  await expectCalm(widget);
  await widget.expectTold('identity', [{ status: 'authenticated', code: null }]);
  const sessionId = await widget.sessionId();
  const { userId } = USERS.ada;
  expect(software.heard).toEqual([{ sessionId, text: 'Where is my order?', status: 'authenticated', userId }]);
});

test('a visitor who is not signed in is a guest', async ({ shop, software, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(GUEST);
  await widget.ask('When do you open?');
  await expect(widget.message(REPLY_TO_GUEST)).toBeVisible();
  await expectCalm(widget);
  await widget.expectTold('identity', [{ status: 'anonymous', code: null }]);
  expect(software.heard.map(({ status, userId }) => [status, userId])).toEqual([['anonymous', null]]);
});

test('a page that shows the chat begins no session before it is opened', async ({ context, shop, widget }) => {
  const calls: string[] = [];
  context.on('request', (request) => void (request.method() === 'POST' && calls.push(request.url())));
  await widget.goto(shop.origin);
  await expect.poll(() => widget.told('ready')).toHaveLength(1);
  expect(calls).toEqual([]);
  await widget.open();
  await expect.poll(() => calls).toContainEqual(expect.stringMatching(/\/v1\/sessions$/));
});

test.describe('an identity endpoint that fails leaves a guest, and the chat goes on', () => {
  test.use({ callback: { timeoutMs: 300, requireTicket: true } });

  const failures: [name: string, manner: Manner, code: string][] = [
    ['it never answers', 'silent', 'AUTH_CALLBACK_TIMEOUT'],
    ['it answers 500', 'error', 'AUTH_CALLBACK_FAILED'],
    ['its JSON breaks off', 'badJson', 'AUTH_CALLBACK_BAD_RESPONSE'],
  ];
  for (const [name, manner, code] of failures) {
    test(name, async ({ context, shop, widget }) => {
      shop.manner = manner;
      await shop.signIn(context, 'ada');
      await widget.goto(shop.origin);
      await widget.open();
      await expect(widget.state).toHaveText(GUEST);
      await widget.ask('Hello?');
      await expectCalm(widget);
      await widget.expectTold('identity', [{ status: 'anonymous', code }]);
    });
  }
});

test.describe('with an endpoint that cannot be had', () => {
  const timeoutMs = 500;
  test.use({ callback: { timeoutMs, requireTicket: true } });

  for (const down of [true, false]) {
    test(`the first reply waits for ${down ? 'one attempt: down' : 'two attempts: silent'}`, async ({
      agent,
      buddy,
      context,
      shop,
      widget,
    }) => {
      const url = `http://${LOOPBACK}:${await freePort()}/`;
      if (down) {
        await buddy.admin('PUT', `/v1/agents/${agent.agentId}/callback`, { url, timeoutMs, requireTicket: true });
      } else shop.manner = 'silent';
      await shop.signIn(context, 'ada');
      await widget.goto(shop.origin);
      await widget.open();
      await widget.ask('Hello?');
      const code = down ? 'AUTH_CALLBACK_FAILED' : 'AUTH_CALLBACK_TIMEOUT';
      await widget.expectTold('identity', [{ status: 'anonymous', code }]);
      const ofSession = `/v1/sessions/${await widget.sessionId()}/resolutions`;
      const { resolutions } = (await buddy.admin('GET', ofSession)) as { resolutions: Resolution[] };
      // Nothing but a timeout is retried.
      const attempts = down ? 1 : 2;
      expect(resolutions.map((told) => [told.code, told.attempts.length])).toEqual([[code, attempts]]);
    });
  }
});

test('what a fast typist writes before it is known who he is, is answered as his', async ({
  context,
  shop,
  software,
  widget,
}) => {
  const order: string[] = [];
  const asked = new Gate();
  const answer = new Gate();
  shop.beforeIdentity = () => {
    asked.open();
    return answer.opened;
  };
  const { answer: echo } = software;
  software.answer = (heard, replies) => {
    order.push('heard');
    return echo(heard, replies);
  };
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await widget.say('Where is my order?');
  await expect(widget.message('Where is my order?')).toBeVisible();
  await asked.opened;
  // Buddy has the message, and the agent's software has not.
  await expect.poll(() => widget.told('message')).toHaveLength(1);
  await expect(widget.state).toHaveText('');
  order.push('known');
  answer.open();
  await expect(widget.message(REPLY_TO_USER)).toBeVisible();
  expect(order).toEqual(['known', 'heard']);
  expect(software.heard[0]).toMatchObject({ status: 'authenticated', userId: USERS.ada.userId });
});

test('a session URL that fails leaves a guest, and tells the page what to mend', async ({ context, shop, widget }) => {
  widget.expectComplaint(/500|Buddy: .*answered 500/);
  shop.sessionStatus = 500;
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(GUEST);
  await widget.ask('Hello?');
  await expectCalm(widget);
  await expect.poll(() => widget.told('error')).toHaveLength(1);
  const [error] = widget.told('error');
  expect(error).toEqual({ code: 'SESSION_URL_FAILED', message: expect.stringContaining('answered 500') });
});

test('a session URL of another origin is refused, and nothing is sent there', async ({
  buddy,
  context,
  shop,
  widget,
}) => {
  widget.expectComplaint(/data-session-url/);
  const asked: string[] = [];
  context.on('request', (request) => void asked.push(request.url()));
  shop.page.attributes = { 'data-session-url': `${buddy.origin}/elsewhere` };
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(GUEST);
  await widget.ask('Hello?');
  expect(asked.filter((url) => url.includes('elsewhere'))).toEqual([]);
  expect(widget.complaints.join()).toMatch(/data-session-url/);
});

test('a session that the shop’s server began needs no ticket', async ({ agent, buddy, context, shop, widget }) => {
  const begun = await buddy.call(agent.key, 'POST', '/v1/sessions', { agentId: agent.agentId, identify: false });
  shop.page.attributes = {
    'data-session-url': null,
    'data-session-id': String(begun['sessionId']),
    'data-session-token': String(begun['sessionToken']),
  };
  shop.bind(String(begun['sessionId']), 'ada');
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(SIGNED_IN);
  await widget.ask('Hello?');
  expect(await widget.sessionId()).toBe(begun['sessionId']);
});
