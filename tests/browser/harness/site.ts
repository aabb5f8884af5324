// Somebody else's site: pages as a test writes them, on a name of its own.
import { listen, type Listening } from './http.ts';

export class Site {
  /** Markup by path. */
  readonly pages = new Map<string, string>();

  private constructor(
    private readonly host: string,
    private readonly server: Listening,
  ) {}

  /** `host` is a name under `.localhost`, which browsers look for on this machine. */
  static async start(host: string): Promise<Site> {
    const server = await listen((request, response) => {
      const page = site.pages.get(request.url ?? '');
      response.writeHead(page === undefined ? 404 : 200, { 'Content-Type': 'text/html; charset=utf-8' });
      response.end(page);
    });
    const site: Site = new Site(host, server);
    return site;
  }

  get origin(): string {
    return `http://${this.host}:${this.server.port}`;
  }

  /** Gives the page's URL. */
  put(path: string, html: string): string {
    this.pages.set(path, `<!doctype html><meta charset="utf-8"><title>${this.host}</title>${html}`);
    return this.origin + path;
  }

  stop(): Promise<void> {
    return this.server.close();
  }
}
