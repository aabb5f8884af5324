// The strictest page and the strictest browser: the chat works there, and breaks none of their rules.
import { Site } from '../harness/site.ts';
import { expect, test as base } from '../harness/test.ts';
import { GUEST, SIGNED_IN } from '../harness/widget.ts';

const test = base.extend<{ prober: Site }>({
  prober: async ({}, use) => {
    const prober = await Site.start('prober.localhost');
    await use(prober);
    await prober.stop();
  },
});

// Every test of this project runs on a page with that policy; here it is made sure that it is one.
test('a page that allows Buddy’s script and frame, and its own style and calls, needs to allow no more', async ({
  buddy,
  context,
  shop,
  widget,
}) => {
  await shop.signIn(context, 'ada');
  const page = await widget.page.goto(shop.origin);
  expect(page?.headers()['content-security-policy']).toBe(
    `default-src 'none'; script-src ${buddy.origin}; frame-src ${buddy.origin}; connect-src 'self'; style-src 'self'`,
  );
  await widget.open();
  await widget.ask('hello');
  await expect(widget.state).toHaveText(SIGNED_IN);
  await widget.page.emulateMedia({ colorScheme: 'dark' });
  await widget.page.setViewportSize({ width: 390, height: 844 });
  await expect(widget.composer).toBeVisible();
  await widget.call('close');
  await expect(widget.panel).toBeHidden();
  // The policy is in force, and a violation of it is noticed.
  widget.expectComplaint(/style-src|inline style|Content Security Policy/);
  await widget.page.evaluate(() => document.body.setAttribute('style', 'color: red'));
  await expect.poll(() => widget.complaints.join()).toMatch(/policy: style-src-attr inline/);
});

test('the frame’s own policy forbids markup from text, and its reply is shown without', async ({
  shop,
  software,
  widget,
}) => {
  software.answer = (_heard, replies) =>
    replies.say(
      '<img src=x onerror=alert(1)> **strong** [bad](javascript:alert(1)) [good](https://shop.example/a) ![pic](https://shop.example/p.png)',
    );
  await widget.goto(shop.origin);
  await widget.open();
  await widget.say('hello');
  const reply = widget.message('strong');
  await expect(reply).toContainText('<img src=x onerror=alert(1)>');
  await expect(reply.locator('img')).toHaveCount(0);
  await expect(reply.locator('strong')).toHaveText('strong');
  const link = reply.getByRole('link');
  await expect(link).toHaveCount(1);
  await expect(link).toHaveAttribute('href', 'https://shop.example/a');
  await expect(link).toHaveAttribute('target', '_blank');
  await expect(link).toHaveAttribute('rel', /noopener noreferrer/);
  const frame = await widget.inside();
  await expect(frame.evaluate(() => (document.createElement('p').innerHTML = '<b>'))).rejects.toThrow(/TrustedHTML/);
  widget.expectComplaint(/TrustedHTML|require-trusted-types-for/);
});

test('with third-party cookies blocked all works, a reload too', async ({ context, prober, shop, widget }) => {
  shop.page.frames = [prober.origin];
  shop.page.body = `<iframe src="${prober.put('/', '')}" hidden></iframe>`;
  await shop.signIn(context, 'ada');
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('hello');
  const before = await widget.sessionId();
  expect(await widget.decided(() => widget.page.reload())).toBe(before);
  await expect(widget.message('You wrote: hello')).toBeVisible();
  // They are blocked indeed: another site's frame in this page can set none, and as a page of its own it can.
  const setCookie = (): string => {
    document.cookie = 'probe=1; SameSite=None; Secure';
    return document.cookie;
  };
  const frame = context
    .pages()[0]!
    .frames()
    .find((one) => one.url().startsWith(prober.origin))!;
  expect(await frame.evaluate(setCookie)).toBe('');
  const page = await context.newPage();
  await page.goto(prober.origin);
  expect(await page.evaluate(setCookie)).toBe('probe=1');
});

test('a tag with wrong attributes says so in the console, and never breaks the page', async ({ shop, widget }) => {
  widget.expectComplaint(/^console: Buddy: data-/);
  shop.page.attributes = { 'data-accent': 'red', 'data-color-scheme': 'sepia', 'data-position': 'top' };
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.state).toHaveText(GUEST);
  await expect
    .poll(() => widget.complaints)
    .toEqual([
      expect.stringContaining('data-accent must be'),
      expect.stringContaining('data-color-scheme must be'),
      expect.stringContaining('data-position must be'),
    ]);
});
