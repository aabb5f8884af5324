/** What this tab keeps for the next page: one entry, or memory where the browser allows none. Never a text. */
import { isObject } from '../protocol';
import type { Kept } from './whose';

export interface Record {
  kept: Kept | null;
  /** The panel is open. */
  open: boolean;
  /** The newest reply that was there to be read: what is above it is unread. A time of the server's, or ''. */
  seen: string;
}

const EMPTY: Record = { kept: null, open: false, seen: '' };

export class Store {
  private record: Record;
  private readonly key: string;

  constructor(
    agentId: string,
    /** Throws where the browser forbids a frame to keep anything. */
    private readonly storage: () => Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>,
  ) {
    this.key = `buddy:${agentId}`;
    this.record = this.load();
  }

  get(): Record {
    return this.record;
  }

  set(change: Partial<Record>): void {
    this.record = { ...this.record, ...change };
    try {
      this.storage().setItem(this.key, JSON.stringify(this.record));
    } catch {
      // In memory then.
    }
  }

  private load(): Record {
    try {
      return parse(this.storage().getItem(this.key));
    } catch {
      return EMPTY;
    }
  }
}

function parse(kept: string | null): Record {
  const value: unknown = kept === null ? null : JSON.parse(kept);
  if (!isObject(value)) return EMPTY;
  return {
    kept: isKept(value['kept']) ? value['kept'] : null,
    open: value['open'] === true,
    seen: typeof value['seen'] === 'string' ? value['seen'] : '',
  };
}

function isKept(value: unknown): value is Kept {
  return (
    isObject(value) &&
    typeof value['sessionId'] === 'string' &&
    typeof value['sessionToken'] === 'string' &&
    typeof value['user'] === 'boolean' &&
    isObject(value['proof']) &&
    typeof value['proof']['sessionId'] === 'string' &&
    typeof value['proof']['at'] === 'number'
  );
}
