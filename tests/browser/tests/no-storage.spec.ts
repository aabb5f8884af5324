// A browser that lets the frame keep nothing: there even to look at `sessionStorage` throws.
import { argsWithoutStorage, executablePath } from '../harness/browser.ts';
import { expect, test } from '../harness/test.ts';
import { SIGNED_IN } from '../harness/widget.ts';

test.use({ launchOptions: { executablePath, args: argsWithoutStorage } });

test('where the frame may store nothing the chat works, and a reload begins anew', async ({
  context,
  shop,
  widget,
}) => {
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  const frame = await widget.inside();
  await expect(frame.evaluate(() => sessionStorage.length)).rejects.toThrow(/SecurityError/);
  await widget.open();
  await expect(widget.state).toHaveText(SIGNED_IN);
  await widget.ask('hello');
  const before = await widget.sessionId();
  await widget.page.reload();
  expect(await widget.decided(() => widget.open())).not.toBe(before);
  await widget.ask('hello again');
  await expect(widget.message('You wrote: hello again')).toBeVisible();
  await expect(widget.message(/You wrote: hello$/)).toHaveCount(0);
});
