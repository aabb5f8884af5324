// `buddy demo`, as one starts it, without a browser of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { binary } from './buddy.ts';

/** What is promised of its start. */
export const READY_MS = 10_000;

export class Demo {
  private constructor(
    private readonly process: ChildProcess,
    /** The page that shows it all. */
    readonly url: string,
  ) {}

  /** Fails where it is not ready in time. */
  static async start(): Promise<Demo> {
    const child = spawn(binary(), ['demo', '--no-open', '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const late = setTimeout(() => child.kill(), READY_MS);
    let printed = '';
    for await (const line of createInterface({ input: child.stdout! })) {
      printed += `${line}\n`;
      const url = /^\s*open\s+(http:\S+)$/.exec(line)?.[1];
      if (url === undefined) continue;
      clearTimeout(late);
      // It goes on to tell what happens, to nobody.
      child.stdout!.resume();
      return new Demo(child, url);
    }
    throw new Error(`buddy demo printed no page to open within ${READY_MS / 1_000} seconds:\n${printed}`);
  }

  /** Gives its exit status. */
  async stop(): Promise<number | null> {
    const exited = once(this.process, 'exit');
    this.process.kill('SIGTERM');
    const [code] = (await exited) as [number | null];
    return code;
  }
}
