// Each look of the chat: what a machine can tell of it, WCAG 2.2 AA among it, and a picture in artefacts/ for people.
import { AxeBuilder } from '@axe-core/playwright';
import { LOOKS, PHONE, show } from '../harness/looks.ts';
import { expect, test } from '../harness/test.ts';
import type { Widget } from '../harness/widget.ts';

type AxeResults = Awaited<ReturnType<AxeBuilder['analyze']>>;

const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'];

/** A target of two selectors is one in the frame. */
const rulesInFrame = ({ passes }: AxeResults): string[] =>
  passes.filter(({ nodes }) => nodes.some(({ target }) => target.length === 2)).map(({ id }) => id);

async function expectAccessible(widget: Widget): Promise<void> {
  const builder = new AxeBuilder({ page: widget.page }).withTags(TAGS);
  let violations: AxeResults['violations'] = [];
  // On a busy machine it goes on without a frame that it could not get into within a second.
  await expect(async () => {
    const results = await builder.analyze();
    expect(rulesInFrame(results)).toEqual(expect.arrayContaining(['button-name', 'target-size']));
    violations = results.violations;
  }).toPass();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
}

/** It is in the window, and neither the page nor the chat scrolls sideways. */
async function expectInPlace(widget: Widget): Promise<void> {
  const { width, height } = widget.page.viewportSize()!;
  const box = (await widget.iframe.boundingBox())!;
  expect(box.x).toBeGreaterThanOrEqual(0);
  expect(box.y).toBeGreaterThanOrEqual(0);
  expect(box.x + box.width).toBeLessThanOrEqual(width);
  expect(box.y + box.height).toBeLessThanOrEqual(height);
  const sideways = (): boolean => document.documentElement.scrollWidth > document.documentElement.clientWidth;
  expect(await widget.page.evaluate(sideways)).toBe(false);
  expect(await (await widget.inside()).evaluate(sideways)).toBe(false);
}

for (const look of LOOKS) {
  test(`axe finds nothing, and all is in its place: ${look.name}`, async ({ shop, software, widget }) => {
    await show(look, shop, software, widget);
    await widget.page.screenshot({ path: `artefacts/${look.name}.png` });
    await expectInPlace(widget);
    await expectAccessible(widget);
  });
}

test('on a phone it takes the whole screen, and the page behind it rests', async ({ shop, widget }) => {
  await widget.page.setViewportSize(PHONE);
  await widget.goto(shop.origin);
  await widget.open();
  expect(await widget.iframe.boundingBox()).toEqual({ x: 0, y: 0, ...PHONE });
  await expect(widget.page.locator('body')).toHaveAttribute('inert');
  // Smaller text, and iOS zooms in.
  await expect(widget.composer).toHaveCSS('font-size', '16px');
  await widget.frame.getByRole('button', { name: 'Close chat' }).first().click();
  await expect(widget.page.locator('body')).not.toHaveAttribute('inert');
});

test('closed, it covers no more of the page than its button needs', async ({ shop, widget }) => {
  await widget.goto(shop.origin);
  const box = (await widget.iframe.boundingBox())!;
  const button = (await widget.launcher.boundingBox())!;
  expect(button.width).toBeGreaterThanOrEqual(44);
  expect(box.width).toBeLessThanOrEqual(button.width * 1.5);
  expect(box.height).toBeLessThanOrEqual(button.height * 1.5);
});

test('it is where the page begins its lines, or where the page wants it', async ({ shop, widget }) => {
  const atLeft = async (): Promise<boolean> => (await widget.iframe.boundingBox())!.x < 640;
  await widget.goto(shop.origin);
  expect(await atLeft()).toBe(false);
  Object.assign(shop.page, { lang: 'he', dir: 'rtl' });
  await widget.goto(shop.origin);
  expect(await atLeft()).toBe(true);
  Object.assign(shop.page, { lang: 'en', dir: 'ltr', attributes: { 'data-position': 'left' } });
  await widget.goto(shop.origin);
  expect(await atLeft()).toBe(true);
});

test('what is written has its own direction, and an empty line the page’s', async ({ shop, widget }) => {
  Object.assign(shop.page, { lang: 'he', dir: 'rtl' });
  await widget.goto(shop.origin);
  await widget.open();
  await expect(widget.composer).toHaveCSS('direction', 'rtl');
  await widget.composer.fill('Where is my parcel?');
  await expect(widget.composer).toHaveCSS('direction', 'ltr');
  await widget.composer.fill('שלום');
  await expect(widget.composer).toHaveCSS('direction', 'rtl');
});

test('the frame lets the page shine through, in both schemes', async ({ shop, widget }) => {
  for (const colorScheme of ['light', 'dark'] as const) {
    await widget.page.emulateMedia({ colorScheme });
    await widget.goto(shop.origin);
    const used = (element: Element): string => getComputedStyle(element).colorScheme;
    const [inside, outside] = [await widget.frame.locator('html').evaluate(used), await widget.iframe.evaluate(used)];
    expect(outside.split(' ')).toContain(colorScheme);
    expect(inside).toBe(colorScheme);
    await expect(widget.frame.locator('body')).toHaveCSS('background-color', 'rgba(0, 0, 0, 0)');
    // The corner of the frame is the page's own ground.
    const { x, y } = (await widget.iframe.boundingBox())!;
    const at = (left: number, top: number): Promise<Buffer> =>
      widget.page.screenshot({ clip: { x: left, y: top, width: 4, height: 4 } });
    expect((await at(x, y)).equals(await at(x - 40, y))).toBe(true);
  }
});
