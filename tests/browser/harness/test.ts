// What a test is given: a server for each worker, and for itself an agent, its software, a shop and a page with the chat.
import { test as base, expect } from '@playwright/test';
import { AgentSoftware } from './agent.ts';
import { Buddy, type Agent, type CallbackSettings } from './buddy.ts';
import { Shop } from './shop.ts';
import { Widget } from './widget.ts';

interface Options {
  /** Of the agent's callback. */
  callback: Omit<CallbackSettings, 'url'>;
}

interface Parts {
  shop: Shop;
  agent: Agent;
  software: AgentSoftware;
  /** In the shop's page, which is not opened yet. */
  widget: Widget;
}

export const test = base.extend<Options & Parts, { buddy: Buddy }>({
  callback: [{ timeoutMs: 3_000, requireTicket: true }, { option: true }],

  buddy: [
    async ({}, use) => {
      const buddy = await Buddy.start();
      await use(buddy);
      await buddy.stop();
    },
    { scope: 'worker' },
  ],

  shop: async ({ buddy }, use) => {
    const shop = await Shop.start(buddy);
    await use(shop);
    await shop.stop();
  },

  agent: async ({ buddy, shop, callback }, use) => {
    const agent = await buddy.makeAgent([shop.origin], { url: shop.identityUrl, ...callback });
    shop.serve(agent);
    await use(agent);
  },

  software: async ({ buddy, agent }, use) => {
    const software = await AgentSoftware.start(buddy, agent);
    await use(software);
    await software.stop();
  },

  widget: async ({ page, software }, use) => {
    // Every page has somebody who answers.
    void software;
    const widget = await Widget.on(page);
    await use(widget);
    expect(widget.unexpected, 'nothing in red or yellow in the console, and no policy violated').toEqual([]);
  },
});

export { expect };
