import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../src/frame/store';
import type { Kept } from '../src/frame/whose';

const KEPT: Kept = { sessionId: 's1', sessionToken: 't1', user: true, proof: { sessionId: 's1', at: 7 } };

function tab() {
  const entries = new Map<string, string>();
  return {
    entries,
    storage: () => ({
      getItem: (key: string) => entries.get(key) ?? null,
      setItem: (key: string, value: string) => void entries.set(key, value),
      removeItem: (key: string) => void entries.delete(key),
    }),
  };
}

test('the next page of the tab finds what was kept, in one entry for each agent', () => {
  const { entries, storage } = tab();
  new Store('agt_1', storage).set({ kept: KEPT, open: true, seen: '2026-01-01T00:00:00Z' });
  assert.deepEqual([...entries.keys()], ['buddy:agt_1']);
  assert.deepEqual(new Store('agt_1', storage).get(), { kept: KEPT, open: true, seen: '2026-01-01T00:00:00Z' });
  assert.equal(new Store('agt_2', storage).get().kept, null);
});

test('where the browser forbids it, it is kept in memory', () => {
  const store = new Store('agt_1', () => {
    throw new DOMException('no', 'SecurityError');
  });
  store.set({ kept: KEPT });
  assert.deepEqual(store.get().kept, KEPT);
});

test('what is not of this is not taken', () => {
  for (const entry of ['', '{', 'null', '[]', '7', '{"kept":{}}', '{"kept":{"sessionId":"s","sessionToken":1}}']) {
    const { entries, storage } = tab();
    entries.set('buddy:agt_1', entry);
    assert.deepEqual(new Store('agt_1', storage).get(), { kept: null, open: false, seen: '' }, entry);
  }
});
