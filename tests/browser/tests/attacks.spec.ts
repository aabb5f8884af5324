// Another site, or another name of the shop's own site, makes a victim's browser bind the attacker's session.
import type { Page } from '@playwright/test';
import type { Agent, Buddy } from '../harness/buddy.ts';
import { Site } from '../harness/site.ts';
import type { Shop } from '../harness/shop.ts';
import { expect, test as base } from '../harness/test.ts';

const test = base.extend<{ foreign: Site; sibling: Site }>({
  foreign: async ({}, use) => {
    const site = await Site.start('attacker.localhost');
    await use(site);
    await site.stop();
  },
  sibling: async ({}, use) => {
    const site = await Site.start('evil.shop.localhost');
    await use(site);
    await site.stop();
  },
});

/** Every way in which a page can make a browser POST. Each gives what the attacker has learnt of the answer. */
const WAYS = ['fetch no-cors', 'fetch cors', 'form', 'beacon'] as const;
type Way = (typeof WAYS)[number];

/** Begun by the attacker's own server, which no browser's rules bind. */
interface Stolen {
  sessionId: string;
  sessionToken: string;
}

async function begin(buddy: Buddy, agent: Agent): Promise<Stolen> {
  const view = await buddy.call(null, 'POST', '/v1/sessions', { agentId: agent.agentId, identify: false });
  return { sessionId: String(view['sessionId']), sessionToken: String(view['sessionToken']) };
}

/** In the attacker's page, which the victim has opened. */
function strike(page: Page, way: Way, url: string, body: string): Promise<string> {
  return page.evaluate(
    async ([way, url, body]) => {
      const post = { method: 'POST', body, credentials: 'include' } as const;
      if (way === 'fetch no-cors') {
        const answer = await fetch(url, { ...post, mode: 'no-cors' });
        return `${answer.type} ${await answer.text()}`;
      }
      if (way === 'fetch cors') {
        const headers = { 'Content-Type': 'application/json' };
        return fetch(url, { ...post, headers }).then((answer) => answer.text(), String);
      }
      if (way === 'beacon') return String(navigator.sendBeacon(url, new Blob([body], { type: 'text/plain' })));
      // A form of text/plain is sent as `name=value`: the equals sign goes into a member that nobody reads.
      const frame = Object.assign(document.createElement('iframe'), { name: 'answer' });
      const form = Object.assign(document.createElement('form'), {
        method: 'post',
        action: url,
        enctype: 'text/plain',
        target: 'answer',
      });
      const input = Object.assign(document.createElement('input'), { name: `${body.slice(0, -1)},"x":"`, value: '"}' });
      form.append(input);
      document.body.append(frame, form);
      const answered = new Promise((resolve) => frame.addEventListener('load', resolve));
      form.submit();
      await answered;
      try {
        return frame.contentDocument?.body.textContent ?? 'nothing';
      } catch (error) {
        return String(error);
      }
    },
    [way, url, body] as const,
  );
}

interface Attack {
  agent: Agent;
  buddy: Buddy;
  page: Page;
  shop: Shop;
  site: Site;
  way: Way;
}

/** Gives what the attacker's session has become, after he has tried to have it identified. */
async function attack({ agent, buddy, page, shop, site, way }: Attack): Promise<string> {
  const { sessionId, sessionToken } = await begin(buddy, agent);
  await shop.signIn(page.context(), 'ada');
  await page.goto(site.put('/', '<body></body>'));
  const seenBefore = shop.bindRequests.length;
  const learnt = await strike(page, way, shop.sessionUrl, JSON.stringify({ sessionId, agentId: agent.agentId }));
  // A CORS request with JSON is asked for first, and the shop does not allow it; all others arrive.
  await expect.poll(() => shop.bindRequests.length).toBe(seenBefore + 1);
  expect(learnt).not.toMatch(/[0-9a-f]{64}|ticket/);
  const view = await buddy.call(sessionToken, 'POST', `/v1/sessions/${sessionId}/identify?wait=10`, {});
  const known = await buddy.call(agent.key, 'GET', `/v1/sessions/${sessionId}/identity`);
  expect(known['status']).toBe(view['status']);
  expect(known['identity'] === null).toBe(view['status'] !== 'authenticated');
  return String(view['status']);
}

for (const requireTicket of [true, false]) {
  test.describe(requireTicket ? 'a ticket is required' : 'no ticket is required', () => {
    test.use({ callback: { timeoutMs: 3_000, requireTicket } });

    for (const way of WAYS) {
      test(`another site achieves nothing: ${way}`, async ({ agent, buddy, foreign, page, shop }) => {
        expect(await attack({ agent, buddy, page, shop, site: foreign, way })).toBe('anonymous');
        const [request] = shop.bindRequests;
        expect(request?.signedIn, 'its requests come without the cookie').toBe(false);
        expect(request?.status).not.toBe(200);
      });

      test(`a sibling of the shop achieves nothing: ${way}`, async ({ agent, buddy, page, shop, sibling }) => {
        expect(await attack({ agent, buddy, page, shop, site: sibling, way })).toBe('anonymous');
        const [request] = shop.bindRequests;
        expect(request?.status).not.toBe(200);
        // The cookie comes with all but the question whether JSON may be sent.
        expect(request?.signedIn).toBe(way !== 'fetch cors');
      });
    }
  });
}

test.describe('a shop that does not look where a request comes from', () => {
  test.describe('is safe where a ticket is required', () => {
    test.use({ callback: { timeoutMs: 3_000, requireTicket: true } });
    for (const way of ['fetch no-cors', 'form', 'beacon'] as const) {
      test(way, async ({ agent, buddy, page, shop, sibling }) => {
        shop.checksOrigin = false;
        expect(await attack({ agent, buddy, page, shop, site: sibling, way })).toBe('anonymous');
        // It was bound: the attacker only lacks the proof.
        expect(shop.bindRequests.map(({ signedIn, status }) => [signedIn, status])).toEqual([[true, 200]]);
      });
    }
  });

  test.describe('is not where none is, so the attack is a real one', () => {
    test.use({ callback: { timeoutMs: 3_000, requireTicket: false } });
    for (const way of ['fetch no-cors', 'form', 'beacon'] as const) {
      test(way, async ({ agent, buddy, page, shop, sibling }) => {
        shop.checksOrigin = false;
        expect(await attack({ agent, buddy, page, shop, site: sibling, way })).toBe('authenticated');
      });
    }
  });
});
