/** `/embed.js`: the one tag in the page. Nothing here throws into the page. */
import { readOptions, type Complaint } from './options';
import { startWidget } from './widget';

/** Set while a chat is in this page: a second tag, or the same one run again, does nothing. */
const RUNNING = Symbol.for('buddy.chat');

type Page = Window & { Buddy?: unknown; [RUNNING]?: boolean };

/** A module has no current script, nor has one that a loader has evaluated. */
function findTag(): HTMLScriptElement | null {
  const current = document.currentScript;
  if (current instanceof HTMLScriptElement && current.src) return current;
  return document.querySelector<HTMLScriptElement>('script[data-agent][src]');
}

function start(page: Page): void {
  if (page[RUNNING]) return;
  const tag = findTag();
  if (!tag) return console.error('Buddy: load the chat by a script tag with src and data-agent.');
  const queue = page.Buddy;
  if (queue !== undefined && !Array.isArray(queue)) {
    return console.error('Buddy: this page uses window.Buddy for something else; the chat needs that name.');
  }
  const { options, wrong } = readOptions(tag, { origin: location.origin, baseURI: document.baseURI });
  if (!options) return wrong.forEach(({ message }: Complaint) => console.error(`Buddy: ${message}`));
  page[RUNNING] = true;
  const { api, complain } = startWidget({
    options,
    base: new URL('.', tag.src),
    onDestroyed: () => {
      page[RUNNING] = false;
      if (page.Buddy === api) page.Buddy = [];
    },
  });
  page.Buddy = api;
  if (Array.isArray(queue)) api.push(...(queue as unknown[]));
  // After the queue, whose listeners hear it.
  wrong.forEach(complain);
}

try {
  start(window as unknown as Page);
} catch (error) {
  console.error('Buddy: the chat could not start.', error);
}
