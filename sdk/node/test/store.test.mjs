import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BINDINGS_MAX, BINDING_SECONDS, MemoryStore } from 'buddy-verify';
import { vectors } from './support/vectors.mjs';

function storeWithClock() {
  const clock = { now: 1000 };
  return { clock, store: new MemoryStore({ now: () => clock.now }) };
}

test('the first writer wins', () => {
  const store = new MemoryStore();
  assert.equal(store.find('s'), null);
  assert.equal(store.bind('s', 'ada'), true);
  assert.equal(store.bind('s', 'grace'), false);
  assert.equal(store.bind('s', 'ada'), true);
  assert.equal(store.find('s'), 'ada');
});

test('a binding lasts 600 seconds, and then the session is free', () => {
  assert.equal(BINDING_SECONDS, vectors('session_endpoint.json', {}).bindingSeconds);
  const { clock, store } = storeWithClock();
  store.bind('s', 'ada');
  clock.now += BINDING_SECONDS - 1;
  assert.equal(store.find('s'), 'ada');
  assert.equal(store.bind('s', 'grace'), false);
  clock.now += 1;
  assert.equal(store.find('s'), null);
  assert.equal(store.bind('s', 'grace'), true);
  assert.equal(store.find('s'), 'grace');
});

test('the same user again does not extend it', () => {
  const { clock, store } = storeWithClock();
  store.bind('s', 'ada');
  clock.now += 400;
  assert.equal(store.bind('s', 'ada'), true);
  clock.now += 200;
  assert.equal(store.find('s'), null);
});

test('a full store forgets the oldest, and only to make room for a new one', () => {
  const store = new MemoryStore({ now: () => 0 });
  for (let i = 0; i < BINDINGS_MAX; i++) store.bind(`s${i}`, 'ada');
  assert.equal(store.bind('s0', 'grace'), false);
  assert.equal(store.bind('s1', 'ada'), true);
  assert.equal(store.find('s0'), 'ada');
  store.bind('new', 'ada');
  assert.equal(store.find('s0'), null);
  assert.equal(store.find('s1'), 'ada');
  assert.equal(store.find('new'), 'ada');
});

test('what has expired makes room before anything that has not', () => {
  const { clock, store } = storeWithClock();
  store.bind('young', 'ada');
  clock.now += BINDING_SECONDS;
  store.bind('young', 'grace');
  for (let i = 1; i < BINDINGS_MAX; i++) store.bind(`s${i}`, 'ada');
  assert.equal(store.find('young'), 'grace');
});
