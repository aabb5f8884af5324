/** How long to wait before asking again. */
import { Refused } from './server';

const FIRST_MS = 1_000;
const LONGEST_MS = 60_000;

/** Doubles from a second to a minute; between half of that and all of it, so that a crowd does not come back as one. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 10));
  return full * (0.5 + random() / 2);
}

/** Waits; earlier when the device is online again. Rejects when given up. */
export type Wait = (ms: number, signal: AbortSignal) => Promise<void>;

export const wait: Wait = (ms, signal) =>
  new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const end = (): void => {
      clearTimeout(timer);
      removeEventListener('online', end);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, ms);
    addEventListener('online', end);
    signal.addEventListener('abort', end);
  });

export interface Patience {
  wait: Wait;
  signal: AbortSignal;
  /** What no waiting mends, such as an origin that is not allowed: whoever runs the page is told. */
  onLasting: (refused: Refused) => void;
}

/** Asks until there is an answer, or the session is gone: that, and what `isFinal` names, is thrown. */
export async function untilAnswered<T>(
  ask: () => Promise<T>,
  { wait, signal, onLasting }: Patience,
  isFinal: (refused: Refused) => boolean = ({ gone }) => gone,
): Promise<T> {
  for (let failures = 0; ; failures += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refused) || isFinal(error)) throw error;
      if (!error.passing) onLasting(error);
      const least = error.passing ? backoffMs(failures) : LONGEST_MS;
      await wait(Math.max(least, error.retryAfterMs ?? 0), signal);
    }
  }
}
