// A shop as an integrator writes it, with the Node.js SDK: pages, cookies, and Buddy's two endpoints, all to be broken by a test.
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BrowserContext } from '@playwright/test';
import { MemoryStore, identityEndpoint, sessionEndpoint, type PlainRequest } from 'buddy-verify';
import type { Agent, Buddy } from './buddy.ts';
import { LOOPBACK, bodyOf, listen, type Listening } from './http.ts';
import { USERS, type Name } from './users.ts';

export const SHOP_HOST = 'shop.localhost';
const COOKIE = 'shop';
const SESSION_PATH = '/buddy/session';

/** What a test makes of the shop's pages. */
export interface PageSettings {
  lang: string;
  dir: 'ltr' | 'rtl';
  /** Of the tag, besides `data-agent` and `data-session-url`; a null takes one of those away. */
  attributes: Record<string, string | null>;
  /** How often the tag is in the page. */
  tags: number;
  /** Markup at the end of the body. */
  body: string;
  /** Origins that it frames besides Buddy's. */
  frames: string[];
}

/** A request for a ticket, as it came in. */
export interface BindRequest {
  from: string;
  signedIn: boolean;
  body: string;
  status: number;
}

export type Manner = 'healthy' | 'error' | 'badJson' | 'silent';

export class Shop {
  page: PageSettings = { lang: 'en', dir: 'ltr', attributes: {}, tags: 1, body: '', frames: [] };
  manner: Manner = 'healthy';
  /** The identity endpoint answers once this is through. */
  beforeIdentity: () => Promise<void> = () => Promise.resolve();
  /** The session endpoint answers once this is through. */
  beforeTicket: () => Promise<void> = () => Promise.resolve();
  /** False: a shop whose session endpoint does not look where a request comes from. */
  checksOrigin = true;
  /** What the session endpoint answers instead, to see what the page makes of it. */
  sessionStatus: number | null = null;
  /** How far the clock of its bindings is ahead, in seconds. */
  clockAhead = 0;
  readonly bindRequests: BindRequest[] = [];
  private readonly signedIn = new Map<string, Name>();
  private readonly store = new MemoryStore({ now: () => Math.floor(Date.now() / 1_000) + this.clockAhead });
  private server!: Listening;
  private agent!: Agent;

  private constructor(private readonly buddy: Buddy) {}

  static async start(buddy: Buddy): Promise<Shop> {
    const shop = new Shop(buddy);
    shop.server = await listen((request, response) => {
      shop.handle(request, response).catch((error: unknown) => {
        console.error('the shop:', error);
        response.writeHead(500).end();
      });
    });
    return shop;
  }

  serve(agent: Agent): void {
    this.agent = agent;
  }

  stop(): Promise<void> {
    return this.server.close();
  }

  get origin(): string {
    return `http://${SHOP_HOST}:${this.server.port}`;
  }

  get sessionUrl(): string {
    return this.origin + SESSION_PATH;
  }

  /** As Buddy calls it. */
  get identityUrl(): string {
    return `http://${LOOPBACK}:${this.server.port}/buddy/identity`;
  }

  /** With the cookie that its sign-in would have set. */
  async signIn(context: BrowserContext, name: Name): Promise<void> {
    const value = randomUUID();
    this.signedIn.set(value, name);
    const domain = SHOP_HOST;
    await context.addCookies([{ name: COOKIE, value, domain, path: '/', httpOnly: true, sameSite: 'Lax' }]);
  }

  async signOut(context: BrowserContext): Promise<void> {
    await context.clearCookies({ name: COOKIE });
  }

  /** As a shop does that begins the session on its own server. */
  bind(sessionId: string, name: Name): void {
    this.store.bind(sessionId, USERS[name].userId);
  }

  private async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.origin);
    if (pathname === '/style.css') return this.style(response);
    if (pathname === SESSION_PATH) return this.takeBinding(request, response);
    if (pathname === '/buddy/identity') return this.identify(request, response);
    if (pathname === '/favicon.ico') return void response.writeHead(204).end();
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8', 'Content-Security-Policy': this.policy });
    response.end(this.html(pathname));
  }

  /** What the docs tell a strict shop to allow, and nothing else. */
  private get policy(): string {
    const { origin } = this.buddy;
    const frames = [origin, ...this.page.frames].join(' ');
    return `default-src 'none'; script-src ${origin}; frame-src ${frames}; connect-src 'self'; style-src 'self'`;
  }

  private html(path: string): string {
    const { lang, dir, attributes, tags, body } = this.page;
    const all = { 'data-agent': this.agent.agentId, 'data-session-url': SESSION_PATH, ...attributes };
    const pairs = Object.entries(all).filter(([, value]) => value !== null);
    const tag = `<script src="${this.buddy.origin}/embed.js" ${pairs.map(([k, v]) => `${k}="${v}"`).join(' ')} async></script>`;
    return `<!doctype html><html lang="${lang}" dir="${dir}"><head><meta charset="utf-8"><title>Shop</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><link rel="stylesheet" href="/style.css">
      ${tag.repeat(tags)}</head><body><main><h1>Shop</h1><p>${path}</p><a href="/next">Next</a></main>${body}</body></html>`;
  }

  private style(response: ServerResponse): void {
    response.writeHead(200, { 'Content-Type': 'text/css' });
    response.end(
      `:root { color-scheme: light dark; background: Canvas; color: CanvasText } body { font: 16px sans-serif }`,
    );
  }

  private async takeBinding(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    const headers: PlainRequest['headers'] = this.checksOrigin
      ? request.headers
      : { cookie: request.headers.cookie, 'content-type': 'application/json' };
    const answer = sessionEndpoint({
      secret: this.agent.secret,
      store: this.store,
      signedInUser: (plain) => this.whoIs(plain),
    });
    const { status, headers: answered, body: text } = await answer({ method: request.method ?? '', headers, body });
    await this.beforeTicket();
    const sent = this.sessionStatus ?? status;
    this.bindRequests.push({
      from: request.headers.origin ?? '',
      signedIn: this.whoIs({ method: '', headers: request.headers, body }) !== null,
      body: body.toString(),
      status: sent,
    });
    response.writeHead(sent, answered).end(sent === status ? text : '');
  }

  private whoIs({ headers }: PlainRequest): string | null {
    const cookies = String(headers['cookie'] ?? '').split('; ');
    const value = cookies.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1);
    const name = this.signedIn.get(value ?? '');
    return name === undefined ? null : USERS[name].userId;
  }

  private async identify(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(request);
    await this.beforeIdentity();
    if (this.manner === 'silent') return;
    if (this.manner === 'error') return void response.writeHead(500).end();
    const endpoint = identityEndpoint({
      secrets: this.agent.secret,
      user: (sessionId) => Object.values(USERS).find(({ userId }) => userId === this.store.find(sessionId)),
    });
    const {
      status,
      headers,
      body: text,
    } = await endpoint({
      method: request.method ?? '',
      headers: request.headers,
      body,
    });
    response.writeHead(status, headers).end(this.manner === 'badJson' ? text.slice(0, text.length / 2) : text);
  }
}
