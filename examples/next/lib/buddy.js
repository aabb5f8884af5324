import { MemoryStore } from 'buddy-verify';

const { BUDDY_SECRET, BUDDY_OLD_SECRET } = process.env;

export const secrets = [BUDDY_SECRET, BUDDY_OLD_SECRET].filter(Boolean);

// Next.js may give each route its own copy of this module; of globalThis there is one.
export const store = (globalThis.buddyStore ??= new MemoryStore());
