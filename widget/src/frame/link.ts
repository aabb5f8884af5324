/** The port to the page. Only a page of an origin that the agent allows gives one. */
import { VERSION, isObject, type Bound, type Hello, type ToFrame, type ToPage } from '../protocol';

/** More than the page's script waits itself: it always answers, if it is there. */
const BIND_MS = 3_000;

export class Link {
  private readonly binds = new Map<number, (bound: Bound) => void>();
  private lastBind = 0;
  private onMessage: (message: ToFrame) => void = () => undefined;

  constructor(private readonly port: MessagePort) {}

  /** From now on; what has come before waits. */
  listen(onMessage: (message: ToFrame) => void): void {
    this.onMessage = onMessage;
    this.port.onmessage = ({ data }: MessageEvent) => {
      if (isObject(data)) this.take(data as unknown as ToFrame);
    };
  }

  send(message: ToPage): void {
    this.port.postMessage(message);
  }

  /** Has the page bind a session at the business's server. */
  bind(sessionId: string): Promise<Bound> {
    this.lastBind += 1;
    const bindId = this.lastBind;
    return new Promise((resolve) => {
      const settle = (bound: Bound): void => {
        clearTimeout(timer);
        this.binds.delete(bindId);
        resolve(bound);
      };
      const timer = setTimeout(() => settle({ outcome: 'failed' }), BIND_MS);
      this.binds.set(bindId, settle);
      this.send({ t: 'bind', bindId, sessionId });
    });
  }

  private take(message: ToFrame): void {
    if (message.t === 'bound') this.binds.get(message.bindId)?.(message);
    else this.onMessage(message);
  }
}

/** Says hello to whoever embeds this, and takes the first port of an allowed page. */
export function link(origins: readonly string[]): Promise<Link> {
  return new Promise((resolve) => {
    const onOffer = (event: MessageEvent): void => {
      if (event.source !== parent || !origins.includes(event.origin)) return;
      const said: unknown = event.data;
      const [port] = event.ports;
      if (!isObject(said) || said['buddy'] !== 'port' || said['v'] !== VERSION || !port) return;
      removeEventListener('message', onOffer);
      resolve(new Link(port));
    };
    addEventListener('message', onOffer);
    const hello: Hello = { buddy: 'hello', v: VERSION };
    // It says nothing, so anybody may hear it.
    parent.postMessage(hello, '*');
  });
}
