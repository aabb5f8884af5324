// The chat in each look that it has, as the tests of its accessibility and its pictures go through them.
import type { Page } from '@playwright/test';
import { expect } from '@playwright/test';
import type { AgentSoftware } from './agent.ts';
import type { Shop } from './shop.ts';
import type { Widget } from './widget.ts';

export const PHONE = { width: 390, height: 844 };

const REPLY = `Your parcel left us **yesterday**. It usually takes:

1. two days in the country
2. five days abroad

See [delivery](https://shop.example/delivery), or write \`status\`.

> Parcels are handed over to a neighbour only if you say so.`;

const ARABIC_REPLY = 'غادر طردك مستودعنا **أمس**. يستغرق التوصيل عادةً يومين. رقم الشحنة `AB-1234`.';

export interface Look {
  name: string;
  before(page: Page, shop: Shop): Promise<void>;
  /** From the closed chat on. */
  act(widget: Widget): Promise<void>;
}

const nothing = (): Promise<void> => Promise.resolve();

function answerWith(software: AgentSoftware, text: string): void {
  software.answer = (_heard, replies) => replies.say(text);
}

async function converse(widget: Widget, question: string, sign: string): Promise<void> {
  await widget.open();
  await widget.say(question);
  await expect(widget.message(sign).last()).toBeVisible();
  await expect(widget.state).not.toHaveText('');
}

const talk = (widget: Widget): Promise<void> => converse(widget, 'Where is my parcel?', 'Your parcel left us');

export const LOOKS: Look[] = [
  { name: 'closed', before: nothing, act: nothing },
  { name: 'empty', before: nothing, act: (widget) => widget.open() },
  { name: 'conversation', before: nothing, act: talk },
  { name: 'dark', before: (page) => page.emulateMedia({ colorScheme: 'dark' }), act: talk },
  { name: 'phone', before: (page) => page.setViewportSize(PHONE), act: talk },
  {
    name: 'accent',
    before: async (_page, shop) => void (shop.page.attributes = { 'data-accent': '#ffd400', 'data-title': 'Ask us' }),
    act: talk,
  },
  { name: 'contrast', before: (page) => page.emulateMedia({ forcedColors: 'active' }), act: talk },
  {
    name: 'arabic',
    before: async (_page, shop) => void Object.assign(shop.page, { lang: 'ar', dir: 'rtl' }),
    act: (widget) => converse(widget, 'أين طردي؟', 'غادر طردك'),
  },
];

/** Goes to the shop and has the chat look so. */
export async function show(look: Look, shop: Shop, software: AgentSoftware, widget: Widget): Promise<void> {
  answerWith(software, look.name === 'arabic' ? ARABIC_REPLY : REPLY);
  await shop.signIn(widget.page.context(), 'ada');
  await look.before(widget.page, shop);
  await widget.goto(shop.origin);
  await look.act(widget);
}
