// The chat goes on where the visitor goes, and stops where another visitor begins.
import type { BrowserContext } from '@playwright/test';
import { REPLY_TO_GUEST, REPLY_TO_USER } from '../harness/agent.ts';
import { Gate } from '../harness/http.ts';
import type { Shop } from '../harness/shop.ts';
import { expect, test } from '../harness/test.ts';
import { GUEST, SIGNED_IN, type Widget } from '../harness/widget.ts';

/** What the first visitor has written. */
const PRIVATE = 'my parcel is late';
/** A binding lasts ten minutes. */
const OLD_SECONDS = 11 * 60;

/** Ada has asked something. Gives her session. */
async function adaHasAsked({ context, shop, widget }: Stage): Promise<string> {
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask(PRIVATE);
  await expect(widget.state).toHaveText(SIGNED_IN);
  return widget.sessionId();
}

interface Stage {
  context: BrowserContext;
  shop: Shop;
  widget: Widget;
}

/** The visitor after this one has a conversation of his own, and nothing of the one before is in his. */
async function expectStranger(widget: Widget, state: string): Promise<void> {
  await expect(widget.state).toHaveText(state);
  await expect(widget.composer).toBeVisible();
  await widget.ask('hello, I am new');
  const frame = await widget.inside();
  expect(await frame.content()).not.toContain(PRIVATE);
}

/** The shop has forgotten its bindings, and the browser knows how much time has gone by. */
async function bindingsGrowOld({ shop, widget }: Stage): Promise<void> {
  shop.clockAhead = OLD_SECONDS;
  await widget.page.clock.setFixedTime(Date.now() + OLD_SECONDS * 1_000);
}

const boundLast = (shop: Shop): string =>
  (JSON.parse(shop.bindRequests.at(-1)!.body) as { sessionId: string }).sessionId;

test('a reload goes on with the same session and its conversation', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  expect(await widget.decided(() => widget.page.reload())).toBe(before);
  await expect(widget.message(`${REPLY_TO_USER} ${PRIVATE}`)).toBeVisible();
  await widget.ask('and now?');
  expect(await widget.sessionId()).toBe(before);
});

test('a guest’s session goes on after a reload too', async ({ shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('do you ship to Malta?');
  const before = await widget.sessionId();
  expect(await widget.decided(() => widget.page.goto(`${shop.origin}/other`))).toBe(before);
  await expect(widget.message(`${REPLY_TO_GUEST} do you ship to Malta?`)).toBeVisible();
});

test('two tags make one chat', async ({ shop, widget }) => {
  shop.page.tags = 2;
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('one?');
  await expect(widget.iframe).toHaveCount(1);
  const sessionId = await widget.sessionId();
  await widget.expectTold('session', [{ sessionId }]);
  expect(widget.told('ready')).toHaveLength(1);
});

test('the script executed again changes nothing', async ({ buddy, shop, widget, agent }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('one?');
  await addTag(widget, `${buddy.origin}/embed.js`, agent.agentId);
  await expect(widget.iframe).toHaveCount(1);
  await widget.ask('still one?');
  expect(widget.told('ready')).toHaveLength(1);
});

test('a page that changes its route and replaces its body keeps the chat', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  await widget.page.evaluate(() => {
    history.pushState({}, '', '/route/2');
    const body = document.createElement('body');
    body.append(Object.assign(document.createElement('h1'), { textContent: 'Another page' }));
    document.body.replaceWith(body);
  });
  await expect(widget.page.getByRole('heading', { name: 'Another page' })).toBeVisible();
  await expect(widget.message(PRIVATE).first()).toBeVisible();
  await widget.ask('still here?');
  await expect(widget.iframe).toHaveCount(1);
  expect(await widget.sessionId()).toBe(before);
});

test('a page that removes the frame gets it back, with the conversation', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  await widget.decided(() => widget.iframe.evaluate((frame) => frame.remove()));
  await expect(widget.message(`${REPLY_TO_USER} ${PRIVATE}`)).toBeVisible();
  expect(await widget.sessionId()).toBe(before);
});

test('destroy takes everything away, and the script can be loaded again', async ({ agent, buddy, shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.call('destroy');
  await expect(widget.iframe).toHaveCount(0);
  await widget.page.evaluate(() => {
    const page = window as any;
    page.Buddy = page.Buddy || [];
    page.Buddy.push(['open']);
  });
  await addTag(widget, `${buddy.origin}/embed.js`, agent.agentId);
  await expect(widget.panel).toBeVisible();
  await widget.ask('again?');
});

test('what is pushed before the script is there is done once it is', async ({ shop, widget }) => {
  await widget.page.addInitScript(() => {
    if (window === top) (window as any).Buddy.push(['open']);
  });
  await widget.goto(shop.origin);
  await expect(widget.panel).toBeVisible();
  await expect(widget.composer).toBeFocused();
  await expect.poll(() => widget.told('open')).toHaveLength(1);
});

test.describe('another visitor has another session, and no trace of the one before', () => {
  test('signed out, then a reload', async ({ context, shop, widget }) => {
    const before = await adaHasAsked({ context, shop, widget });
    const seen = await widget.watchFor(PRIVATE);
    await shop.signOut(context);
    expect(await widget.decided(() => widget.page.reload())).not.toBe(before);
    await expectStranger(widget, GUEST);
    expect(seen()).toBe(0);
  });

  test('signed in as another, then a reload', async ({ context, shop, software, widget }) => {
    // The shop's answer to whoever asks for another's session.
    widget.expectComplaint(/409/);
    const before = await adaHasAsked({ context, shop, widget });
    const seen = await widget.watchFor(PRIVATE);
    await shop.signIn(context, 'grace');
    const after = await widget.decided(() => widget.page.reload());
    expect(after).not.toBe(before);
    await expectStranger(widget, SIGNED_IN);
    expect(seen()).toBe(0);
    expect(await software.identity(after)).toMatchObject({ identity: { userId: 'user-grace-1906-b7c2' } });
  });

  test('signed in as another, after the binding is forgotten', async ({ context, shop, widget }) => {
    const before = await adaHasAsked({ context, shop, widget });
    const seen = await widget.watchFor(PRIVATE);
    await shop.signIn(context, 'grace');
    await bindingsGrowOld({ context, shop, widget });
    const after = await widget.decided(() => widget.page.reload());
    expect(after).not.toBe(before);
    await expectStranger(widget, SIGNED_IN);
    expect(seen()).toBe(0);
  });

  test('signed out, after the binding is forgotten', async ({ context, shop, widget }) => {
    const before = await adaHasAsked({ context, shop, widget });
    const seen = await widget.watchFor(PRIVATE);
    await shop.signOut(context);
    await bindingsGrowOld({ context, shop, widget });
    expect(await widget.decided(() => widget.page.reload())).not.toBe(before);
    await expectStranger(widget, GUEST);
    expect(seen()).toBe(0);
  });

  test('a guest who signs in, then a reload', async ({ context, shop, software, widget }) => {
    await widget.goto(shop.origin);
    await widget.open();
    await widget.ask(PRIVATE);
    const before = await widget.sessionId();
    await shop.signIn(context, 'ada');
    expect(await widget.decided(() => widget.page.reload())).not.toBe(before);
    await expectStranger(widget, SIGNED_IN);
    // What a guest has written is never answered as hers.
    expect(await software.identity(before)).toMatchObject({ status: 'anonymous', identity: null });
  });

  test('the session URL fails on the reload', async ({ context, shop, widget }) => {
    widget.expectComplaint(/500/);
    const before = await adaHasAsked({ context, shop, widget });
    shop.sessionStatus = 500;
    expect(await widget.decided(() => widget.page.reload())).not.toBe(before);
    await expectStranger(widget, GUEST);
  });
});

test('the same user’s session goes on after the binding is forgotten', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  await bindingsGrowOld({ context, shop, widget });
  expect(await widget.decided(() => widget.page.reload())).toBe(before);
  // It was found out by a second session, as the first one's binding says nothing any more.
  expect(boundLast(shop)).not.toBe(before);
  await expect(widget.message(`${REPLY_TO_USER} ${PRIVATE}`)).toBeVisible();
  // And is known for the next time.
  const proof = boundLast(shop);
  expect(await widget.decided(() => widget.page.reload())).toBe(before);
  expect(boundLast(shop)).toBe(proof);
});

test('Buddy.reset() forgets the conversation and begins another', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  expect(await widget.decided(() => widget.call('reset'))).not.toBe(before);
  await expectStranger(widget, SIGNED_IN);
});

test('Buddy.identify() after a sign-in without a reload begins a new session', async ({ context, shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask(PRIVATE);
  const before = await widget.sessionId();
  await shop.signIn(context, 'ada');
  expect(await widget.decided(() => widget.call('identify'))).not.toBe(before);
  await expectStranger(widget, SIGNED_IN);
});

test('Buddy.identify() shows nothing until it is known who is here', async ({ context, shop, widget }) => {
  const before = await adaHasAsked({ context, shop, widget });
  const ticket = new Gate();
  shop.beforeTicket = () => ticket.opened;
  const decided = widget.decided(() => widget.call('identify'));
  await expect(widget.message(PRIVATE).first()).toBeHidden();
  await expect(widget.state).toHaveText('');
  ticket.open();
  expect(await decided).toBe(before);
  await expect(widget.message(PRIVATE).first()).toBeVisible();
});

test('what is typed while a session is revoked is not lost, and goes to a new one', async ({
  agent,
  buddy,
  context,
  shop,
  widget,
}) => {
  const before = await adaHasAsked({ context, shop, widget });
  await widget.decided(() =>
    buddy
      .call(agent.key, 'POST', '/v1/sessions/revoke', { sessionId: before })
      .then(() => widget.say('are you there?')),
  );
  await expect(widget.message(`${REPLY_TO_USER} are you there?`)).toBeVisible();
  expect(await widget.sessionId()).not.toBe(before);
});

async function addTag(widget: Widget, src: string, agentId: string): Promise<void> {
  await widget.page.evaluate(
    ([src, agentId]) =>
      new Promise((resolve, reject) => {
        const tag = document.createElement('script');
        tag.dataset['agent'] = agentId;
        Object.assign(tag, { src, onload: resolve, onerror: reject });
        document.head.append(tag);
      }),
    [src, agentId] as const,
  );
}
