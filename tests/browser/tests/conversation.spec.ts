// What is written arrives, once and in its order, and what is answered is shown as it grows.
import { Gate } from '../harness/http.ts';
import { expect, test } from '../harness/test.ts';

/** After which the visitor is told that a message is not sent yet. */
const NOT_SENT_MS = 10_000;

test('a click on Send sends', async ({ shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.composer.fill('by mouse');
  await widget.frame.getByRole('button', { name: 'Send' }).click();
  await expect(widget.message('You wrote: by mouse')).toBeVisible();
  await expect(widget.composer).toHaveValue('');
});

test('a reply is shown as it grows', async ({ shop, software, widget }) => {
  const more = new Gate();
  software.answer = async (_heard, replies) => {
    const id = await replies.begin('One, ');
    await more.opened;
    await replies.grow(id, 'two, ');
    await replies.grow(id, 'three.', true);
  };
  await widget.goto(shop.origin);
  await widget.open();
  await widget.say('count');
  await expect(widget.message(/One, ?$/)).toBeVisible();
  more.open();
  await expect(widget.message('One, two, three.')).toBeVisible();
  await expect(widget.transcript.getByRole('listitem')).toHaveCount(2);
});

test('what is written while Buddy cannot be reached is kept, and sent when it can', async ({
  context,
  shop,
  software,
  widget,
}) => {
  // What the browser says of a request that failed.
  widget.expectComplaint(/ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
  await widget.page.clock.install();
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('before');
  await context.setOffline(true);
  await widget.say('one');
  await widget.say('two');
  await expect(widget.message('Sending…').first()).toBeVisible();
  await widget.page.clock.fastForward(NOT_SENT_MS);
  await expect(widget.message('Not sent yet').first()).toBeVisible();
  await context.setOffline(false);
  await expect(widget.message('You wrote: one')).toBeVisible();
  await expect(widget.message('You wrote: two')).toBeVisible();
  await expect(widget.message('Not sent yet')).toHaveCount(0);
  expect(software.heard.map(({ text }) => text)).toEqual(['before', 'one', 'two']);
});

test('a text too long is not sent and not lost', async ({ shop, software, widget }) => {
  const CHARS_MAX = 8_000;
  software.answer = ({ text }, replies) => replies.say(`${text.length} characters`);
  await widget.goto(shop.origin);
  await widget.open();
  const tooLong = 'x'.repeat(CHARS_MAX + 1);
  await widget.composer.fill(tooLong);
  await expect(widget.frame.getByText('Characters too many: 1')).toBeVisible();
  await widget.composer.press('Enter');
  await expect(widget.composer).toHaveValue(tooLong);
  await widget.composer.press('Backspace');
  await widget.composer.press('Enter');
  await expect(widget.composer).toHaveValue('');
  await expect(widget.message(`${CHARS_MAX} characters`)).toBeVisible();
});
