// What a screen reader is told, and what moves.
import { Gate } from '../harness/http.ts';
import { expect, test } from '../harness/test.ts';

test('a reply is read out once, when it is whole', async ({ shop, software, widget }) => {
  const pieces = [new Gate(), new Gate()];
  software.answer = async (_heard, replies) => {
    const id = await replies.begin('It left ');
    await pieces[0]!.opened;
    await replies.grow(id, '**yesterday** ');
    await pieces[1]!.opened;
    await replies.grow(id, 'at noon.', true);
  };
  await widget.goto(shop.origin);
  await widget.open();
  const frame = await widget.inside();
  // What is live is found by what it is to a screen reader, not by our names for it.
  await frame.evaluate(() => {
    const live = '[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert], output';
    const said: string[] = ((globalThis as any).said = []);
    for (const region of document.querySelectorAll(live)) {
      new MutationObserver(() => said.push(region.textContent ?? '')).observe(region, {
        subtree: true,
        childList: true,
        characterData: true,
      });
    }
  });
  const said = (): Promise<string[]> => frame.evaluate(() => (globalThis as any).said);
  await widget.say('when?');
  await expect(widget.message('It left')).toBeVisible();
  pieces[0]!.open();
  await expect(widget.message('It left yesterday')).toBeVisible();
  expect(await said()).toEqual([]);
  pieces[1]!.open();
  await expect(widget.message('It left yesterday at noon.')).toBeVisible();
  await expect.poll(async () => (await said()).length).toBe(1);
  expect((await said())[0]).toMatch(/It left .*yesterday.* at noon\./);
  const live = widget.frame.locator('[aria-live]:not([aria-live=off]), [role=log], [role=status], [role=alert]');
  await expect(live).toHaveCount(1);
  await expect(live).toHaveAttribute('aria-live', 'polite');
  await expect(widget.transcript.locator('[aria-live], [role=log], [role=status]')).toHaveCount(0);
});

test('a reply to a closed chat is counted on the launcher, by name too', async ({ shop, software, widget }) => {
  const reply = new Gate();
  software.answer = async (_heard, replies) => {
    await reply.opened;
    await replies.say('Here you are.');
  };
  await widget.goto(shop.origin);
  await widget.open();
  await widget.say('when?');
  await expect.poll(() => widget.told('message')).toHaveLength(1);
  await widget.call('close');
  await expect(widget.panel).toBeHidden();
  reply.open();
  await expect(widget.launcher).toHaveAccessibleName(/Open chat.*1/);
  await expect.poll(() => widget.call('state')).toMatchObject({ unread: 1, open: false });
  await widget.open();
  await expect(widget.launcher).toHaveAccessibleName('Close chat');
});

test('nothing moves for whoever wants it so', async ({ shop, software, widget }) => {
  const reply = new Gate();
  software.answer = () => reply.opened;
  await widget.page.emulateMedia({ reducedMotion: 'reduce' });
  await widget.goto(shop.origin);
  await widget.open();
  await widget.say('when?');
  const dots = widget.frame.getByRole('img', { name: 'A reply is being written' });
  await expect(dots).toBeVisible();
  const frame = await widget.inside();
  const moving = (): Promise<number> =>
    frame.evaluate(() => document.getAnimations().filter(({ playState }) => playState === 'running').length);
  expect(await moving()).toBe(0);
  // And they do for others.
  await widget.page.emulateMedia({ reducedMotion: 'no-preference' });
  await expect.poll(moving).toBeGreaterThan(0);
  reply.open();
});
