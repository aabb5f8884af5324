// The real server, as `buddy serve` runs it, and its API as the operator calls it.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LOOPBACK, freePort } from './http.ts';

/** The operator's token of servers that live for a test run. */
export const ADMIN_TOKEN = `bat_${'7'.repeat(43)}`;
/** A debug build on a busy machine is up well before that. */
const START_MS = 20_000;

export interface CallbackSettings {
  url: string;
  timeoutMs: number;
  requireTicket: boolean;
}

export interface Agent {
  agentId: string;
  /** The callback secret: the shop's. */
  secret: string;
  /** The key of the agent's software. */
  key: string;
}

export function binary(): string {
  const path = process.env['BUDDY_BIN'] ?? fileURLToPath(new URL('../../../target/debug/buddy', import.meta.url));
  if (!existsSync(path)) throw new Error(`${path} is not there: run \`cargo build\` first, or name one by BUDDY_BIN.`);
  return path;
}

export class Buddy {
  /** As browsers reach it. */
  readonly origin: string;
  /** As programs reach it. */
  readonly url: string;

  private constructor(
    private readonly process: ChildProcess,
    private readonly dataDir: string,
    port: number,
  ) {
    this.origin = `http://buddy.localhost:${port}`;
    this.url = `http://${LOOPBACK}:${port}`;
  }

  static async start(): Promise<Buddy> {
    const port = await freePort();
    const dataDir = mkdtempSync(join(tmpdir(), 'buddy-browser-'));
    const settings = {
      listen: `${LOOPBACK}:${port}`,
      'public-url': `http://buddy.localhost:${port}`,
      'data-dir': dataDir,
      'egress-allow': '127.0.0.0/8,::1/128',
      'egress-allow-http': 'true',
      'sessions-per-minute': '0',
      durability: 'normal',
      log: 'warn',
    };
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    const child = spawn(binary(), ['serve', ...flags], {
      env: { PATH: process.env['PATH'], BUDDY_ADMIN_TOKEN: ADMIN_TOKEN },
      // No buddy.toml of whoever runs the tests.
      cwd: dataDir,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await firstLine(child);
    return new Buddy(child, dataDir, port);
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const exited = once(this.process, 'exit');
      this.process.kill('SIGTERM');
      await exited;
    }
    rmSync(this.dataDir, { recursive: true });
  }

  /** An agent whose pages are of these origins. */
  async makeAgent(allowedOrigins: string[], callback: CallbackSettings): Promise<Agent> {
    const { agentId } = await this.admin('POST', '/v1/agents', { name: 'Shop', allowedOrigins });
    const { generatedSecret } = await this.admin('PUT', `/v1/agents/${agentId}/callback`, callback);
    const { key } = await this.admin('POST', `/v1/agents/${agentId}/api-keys`);
    return { agentId: String(agentId), secret: String(generatedSecret), key: String(key) };
  }

  admin(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    return this.call(ADMIN_TOKEN, method, path, body);
  }

  /** Throws what is not 2xx. */
  async call(token: string | null, method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(this.url + path, {
      method,
      headers: {
        ...(token === null ? {} : { Authorization: `Bearer ${token}` }),
        ...(body ? { 'Content-Type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  }
}

/** It says so once it listens. */
async function firstLine(child: ChildProcess): Promise<void> {
  const started = new AbortController();
  const lines = createInterface({ input: child.stdout! });
  const { signal } = started;
  const late = AbortSignal.any([signal, AbortSignal.timeout(START_MS)]);
  try {
    await Promise.race([
      once(lines, 'line', { signal: late }),
      once(child, 'exit', { signal }).then(([code]) => {
        throw new Error(`buddy serve ended with ${code}`);
      }),
    ]);
  } finally {
    started.abort();
  }
}
