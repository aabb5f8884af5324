// The only way out of a browser: every request of every page goes through here, is written down whole, and goes no further
// than this machine.
import { createServer, request as forward, type IncomingMessage, type ServerResponse } from 'node:http';
import { LOOPBACK, closeNow, listenOn } from './http.ts';

/** A request and its answer, as their bytes were. */
export interface Exchange {
  method: string;
  url: string;
  /** Lines, headers and bodies of both. */
  text: string;
}

export class Proxy {
  readonly exchanges: Exchange[] = [];
  /** Hosts other than this machine that were asked for. */
  readonly strangers: string[] = [];
  private readonly server = createServer((request, response) => this.pass(request, response));
  private port = 0;

  static async start(): Promise<Proxy> {
    const proxy = new Proxy();
    // All of HTTPS is a stranger's.
    proxy.server.on('connect', (request, socket) => {
      proxy.strangers.push(request.url ?? '');
      socket.destroy();
    });
    proxy.port = await listenOn(proxy.server);
    return proxy;
  }

  /** For `browser.newContext`. */
  get settings(): { server: string } {
    return { server: `http://${LOOPBACK}:${this.port}` };
  }

  stop(): Promise<void> {
    return closeNow(this.server);
  }

  private pass(request: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '', rawHeaders } = request;
    const { hostname, port, pathname, search } = new URL(url);
    if (!hostname.endsWith('.localhost')) {
      this.strangers.push(url);
      return void response.writeHead(502).end();
    }
    const exchange = { method, url, text: `${method} ${url}\n${rawHeaders.join('\n')}\n` };
    this.exchanges.push(exchange);
    // Compressed, it could not be read here.
    const headers = { ...request.headers, 'accept-encoding': 'identity' };
    const onward = forward({ host: LOOPBACK, port, method, path: pathname + search, headers }, (answer) => {
      exchange.text += `${answer.statusCode}\n${answer.rawHeaders.join('\n')}\n`;
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.flushHeaders();
      answer.on('data', (chunk: Buffer) => {
        exchange.text += chunk.toString('latin1');
        response.write(chunk);
      });
      answer.on('end', () => response.end());
      answer.on('error', () => response.destroy());
    });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    request.on('data', (chunk: Buffer) => {
      exchange.text += chunk.toString('latin1');
      onward.write(chunk);
    });
    request.on('end', () => onward.end());
  }
}
