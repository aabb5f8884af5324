/** The port to the frame. Only a window that is the frame, and of Buddy's origin, is given one. */
import { VERSION, isObject, type Hello, type PortOffer, type ToFrame, type ToPage } from '../protocol';

/** A frame that has not said hello by then is one that the browser did not load. */
const HELLO_MS = 10_000;

export interface LinkSettings {
  frame: HTMLIFrameElement;
  origin: string;
  /** The frame has a port: at first, and again each time that the browser has loaded it anew. */
  onLinked(): void;
  onMessage(message: ToPage): void;
  onSilence(): void;
}

export class Link {
  private port: MessagePort | null = null;
  private readonly silence: ReturnType<typeof setTimeout>;

  constructor(private readonly settings: LinkSettings) {
    addEventListener('message', this.onHello);
    this.silence = setTimeout(() => settings.onSilence(), HELLO_MS);
  }

  send(message: ToFrame): void {
    this.port?.postMessage(message);
  }

  close(): void {
    clearTimeout(this.silence);
    removeEventListener('message', this.onHello);
    this.port?.close();
    this.port = null;
  }

  private readonly onHello = (event: MessageEvent): void => {
    const { frame, origin } = this.settings;
    const target = frame.contentWindow;
    if (target === null || event.source !== target || event.origin !== origin) return;
    const said = event.data as Partial<Hello> | null;
    if (!isObject(said) || said.buddy !== 'hello' || said.v !== VERSION) return;
    clearTimeout(this.silence);
    this.port?.close();
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }: MessageEvent) => {
      if (isObject(data)) this.settings.onMessage(data as unknown as ToPage);
    };
    this.port = port1;
    const offer: PortOffer = { buddy: 'port', v: VERSION };
    target.postMessage(offer, origin, [port2]);
    this.settings.onLinked();
  };
}
