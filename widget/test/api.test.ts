import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { makeApi, type Acts, type State } from '../src/embed/api';

function made(state: Partial<State> = {}) {
  const calls: string[] = [];
  const act = (name: string) => () => void calls.push(name);
  const acts: Acts = {
    open: act('open'),
    close: act('close'),
    toggle: act('toggle'),
    identify: act('identify'),
    reset: act('reset'),
    destroy: act('destroy'),
    state: () => ({ ready: false, open: false, sessionId: null, status: null, code: null, unread: 0, ...state }),
  };
  return { ...makeApi(acts), calls };
}

test('what was queued is done in its order, and push works afterwards', () => {
  const { api, emit, calls } = made();
  const heard: unknown[] = [];
  const queue = [['open'], ['on', 'session', (data: unknown) => heard.push(data)], ['identify']];
  assert.equal(api.push(...queue), 0);
  assert.deepEqual(calls, ['open', 'identify']);
  emit('session', { sessionId: 'sess_1' });
  assert.deepEqual(heard, [{ sessionId: 'sess_1' }]);
  api.push(['close']);
  assert.deepEqual(calls, ['open', 'identify', 'close']);
});

test('a wrong call is a sentence in the console and no more', (t) => {
  const error = t.mock.method(console, 'error', () => undefined);
  const { api, calls } = made();
  api.push(['constructor'], ['push', ['open']], [], null, 7, ['opne']);
  assert.equal(error.mock.callCount(), 6);
  assert.deepEqual(calls, []);
  assert.equal(typeof api.on('sesion', () => undefined), 'function');
  assert.equal(typeof api.on('session', 'x'), 'function');
  assert.equal(error.mock.callCount(), 8);
});

test('a listener that throws stops no other', (t) => {
  const error = t.mock.method(console, 'error', () => undefined);
  const { api, emit } = made();
  const second = mock.fn();
  api.on('open', () => {
    throw new Error('of the page');
  });
  api.on('open', second);
  emit('open', undefined);
  assert.equal(second.mock.callCount(), 1);
  assert.equal(error.mock.callCount(), 1);
});

test('a listener is taken away by its function and by off, also while it is told', () => {
  const { api, emit } = made();
  const one = mock.fn();
  const two = mock.fn();
  const off = api.on('close', () => {
    one();
    off();
  });
  api.on('close', two);
  emit('close', undefined);
  api.off('close', two);
  emit('close', undefined);
  assert.equal(one.mock.callCount(), 1);
  assert.equal(two.mock.callCount(), 1);
});

test('who listens to ready after it was, is told', async () => {
  const { api } = made({ ready: true });
  await new Promise<void>((resolve) => api.on('ready', () => resolve()));
});
