// The chat without a mouse.
import { expect, test } from '../harness/test.ts';
import type { Widget } from '../harness/widget.ts';

/** The focus comes to this; between the processes of page and frame it is on its way for a moment. */
const expectFocus = (widget: Widget, name: string): Promise<void> =>
  expect.poll(() => focusedName(widget), 'the focus').toBe(name);

/** Each of these gets the focus in turn, one Tab after another. */
async function expectTabs(widget: Widget, names: string[]): Promise<void> {
  for (const name of names) {
    await widget.page.keyboard.press('Tab');
    await expectFocus(widget, name);
  }
}

/** The accessible name of what has the focus. */
async function focusedName(widget: Widget): Promise<string> {
  const inPage = await widget.page.evaluate(() => document.activeElement?.tagName);
  if (inPage !== 'IFRAME') return `page: ${inPage}`;
  const frame = await widget.inside();
  return frame.evaluate(
    () => document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.tagName ?? '',
  );
}

test('it is opened, written in, read and closed by keys alone', async ({ shop, widget }) => {
  const { keyboard } = widget.page;
  await widget.goto(shop.origin);
  await expectTabs(widget, ['page: A', 'Open chat']);
  await expect(widget.launcher).toHaveAttribute('aria-expanded', 'false');
  await keyboard.press('Enter');
  await expect(widget.launcher).toHaveAttribute('aria-expanded', 'true');
  await expect(widget.composer).toBeFocused();
  await keyboard.type('first line');
  await keyboard.press('Shift+Enter');
  await keyboard.type('second line');
  await expect(widget.composer).toHaveValue('first line\nsecond line');
  await keyboard.press('Enter');
  await expect(widget.composer).toHaveValue('');
  await expect(widget.composer).toBeFocused();
  await expect(widget.message('first line').first()).toContainText('first line\nsecond line', { useInnerText: true });
  await expect(widget.message('You wrote: first line')).toBeVisible();
  await keyboard.press('Escape');
  await expect(widget.panel).toBeHidden();
  await expect(widget.launcher).toBeFocused();
  await keyboard.press('Space');
  await expect(widget.composer).toBeFocused();
  await keyboard.press('Escape');
  await expect(widget.launcher).toBeFocused();
});

test('the focus goes through the panel in the order of reading, and out of it', async ({ shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  await widget.ask('hello');
  const order = ['Close chat', 'Conversation', 'Write a message', 'Send', 'Close chat'];
  await widget.page.keyboard.press('Escape');
  await expectFocus(widget, 'Open chat');
  await widget.page.keyboard.press('Shift+Tab');
  await expectFocus(widget, 'page: A');
  await widget.launcher.click();
  await expect(widget.composer).toBeFocused();
  await expectFocus(widget, order[2]!);
  await widget.page.keyboard.press('Shift+Tab');
  await expectFocus(widget, order[1]!);
  await widget.page.keyboard.press('Shift+Tab');
  await expectFocus(widget, order[0]!);
  await expectTabs(widget, order.slice(1));
  // No trap: the next one is not the chat's. The last step, since no script of a frame brings the focus back from there.
  await widget.page.keyboard.press('Tab');
  await expect(widget.frame.locator(':focus')).toHaveCount(0);
});

test('Enter that ends a word of an input method does not send it', async ({ shop, widget }) => {
  await widget.goto(shop.origin);
  await widget.open();
  const devtools = await widget.page.context().newCDPSession(await widget.inside());
  await devtools.send('Input.imeSetComposition', { text: 'にほん', selectionStart: 3, selectionEnd: 3 });
  await expect(widget.composer).toHaveValue('にほん');
  await widget.composer.dispatchEvent('keydown', { key: 'Enter', isComposing: true });
  await expect(widget.composer).toHaveValue('にほん');
  await devtools.send('Input.insertText', { text: '日本' });
  await expect(widget.composer).toHaveValue('日本');
  await widget.page.keyboard.press('Enter');
  await expect(widget.message('You wrote: 日本')).toBeVisible();
});

for (const colorScheme of ['light', 'dark'] as const) {
  test(`the focus is seen: ${colorScheme}`, async ({ shop, widget }) => {
    await widget.page.emulateMedia({ colorScheme });
    await widget.goto(shop.origin);
    await expectTabs(widget, ['page: A', 'Open chat']);
    await expectRing(widget, '.launcher');
    await widget.page.keyboard.press('Enter');
    await expect(widget.composer).toBeFocused();
    await widget.ask('hello');
    for (const name of ['Conversation', 'Close chat']) {
      await widget.page.keyboard.press('Shift+Tab');
      await expectFocus(widget, name);
      await expectRing(widget, ':focus');
    }
    await expectTabs(widget, ['Conversation', 'Write a message', 'Send']);
    await expectRing(widget, '.send');
  });
}

/** WCAG 2.2, 2.4.13: as thick as two pixels. */
const RING_PX = 2;

/** What has the focus has an outline, or something else of its look has changed with it. */
async function expectRing(widget: Widget, selector: string): Promise<void> {
  const outline = await widget.frame.locator(selector).evaluate((element) => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return { style: outlineStyle, width: parseFloat(outlineWidth) };
  });
  expect(outline.style).not.toBe('none');
  expect(outline.width).toBeGreaterThanOrEqual(RING_PX);
}
