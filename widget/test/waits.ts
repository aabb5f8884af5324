// Waiting without a clock: each wait is noted, and ends when the test says so, or at once.
import type { Wait } from '../src/frame/retry';

export function waits(atOnce: boolean) {
  const asked: number[] = [];
  const ends: (() => void)[] = [];
  const wait: Wait = (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason as Error);
      asked.push(ms);
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      if (atOnce) resolve();
      else ends.push(resolve);
    });
  return { wait, asked, end: () => ends.shift()?.() };
}

/** Until all that can go on by itself has. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Something that a test waits for. */
export function event<T = void>() {
  let happen!: (value: T) => void;
  const happened = new Promise<T>((resolve) => (happen = resolve));
  return { happen, happened };
}

/** Until it is so. A turn is not a time: what never becomes so fails after as many. */
export async function settled(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 10_000; turn += 1) {
    if (isSo()) return;
    await settle();
  }
  throw new Error('It has not become so.');
}
