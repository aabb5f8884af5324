/** `/widget/{agentId}`: the frame. It draws nothing before an allowed page has given it a port. */
import { App } from './app';
import { link } from './link';
import { Server } from './server';
import { Store } from './store';

async function start(): Promise<void> {
  const { agent = '', origins = '' } = document.body.dataset;
  // Opened by itself it is no chat: there is nobody to say what it is to be.
  if (parent === window) return;
  const port = await link(origins.split(' ').filter(Boolean));
  port.listen((message) => {
    if (message.t !== 'init') return;
    new App({
      agentId: agent,
      init: message,
      link: port,
      server: new Server(new URL('..', location.href), fetch.bind(window)),
      store: new Store(agent, () => sessionStorage),
    }).start();
  });
}

void start();
