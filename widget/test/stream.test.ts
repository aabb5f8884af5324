import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Refused, type Message } from '../src/frame/server';
import { Listener, SILENT_MS, type Open } from '../src/frame/stream';
import { event, settle, settled, waits } from './waits';

const MESSAGE = { messageId: 'm1', sessionId: 's', from: 'agent', text: 'Hel', done: false, createdAt: 'now' };

/** A server whose streams the test writes and cuts. */
function server(atOnce = true) {
  const opened: (string | null)[] = [];
  const streams: ReadableStreamDefaultController<Uint8Array>[] = [];
  const signals: AbortSignal[] = [];
  const refusals: Refused[] = [];
  const open: Open = async (lastEventId, signal) => {
    opened.push(lastEventId);
    const refusal = refusals.shift();
    if (refusal) throw refusal;
    signals.push(signal);
    return new Response(
      new ReadableStream<Uint8Array>({
        start: (controller) => {
          streams.push(controller);
          signal.addEventListener('abort', () => controller.error(signal.reason));
        },
      }),
    );
  };
  const heard: unknown[] = [];
  const ended = event<string>();
  const { wait, asked, end } = waits(atOnce);
  const listener = new Listener(
    open,
    {
      onMessage: (message: Message) => heard.push(['message', message.text]),
      onAppend: ({ messageId, text, done }) => heard.push(['append', messageId, text, done]),
      onEnd: (reason) => {
        heard.push(['end', reason]);
        ended.happen(reason);
      },
    },
    wait,
  );
  const write = async (text: string): Promise<void> => {
    streams.at(-1)?.enqueue(new TextEncoder().encode(text));
    await settle();
    await settle();
  };
  return { listener, opened, streams, signals, refusals, heard, write, asked, end, ended };
}

const sse = (name: string, data: unknown, id?: number): string =>
  `event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;

test('events are told, however they are cut', async () => {
  const { listener, heard, streams } = server();
  listener.start();
  await settle();
  const all = sse('message', MESSAGE, 1) + ':\n\n' + sse('append', { messageId: 'm1', text: 'lo ☀', done: true }, 2);
  const bytes = new TextEncoder().encode(all);
  for (const byte of bytes) streams.at(-1)?.enqueue(Uint8Array.of(byte));
  await settled(() => heard.length === 2);
  listener.stop();
  assert.deepEqual(heard, [
    ['message', 'Hel'],
    ['append', 'm1', 'lo ☀', true],
  ]);
});

test('a stream that was cut is resumed after the last event', async () => {
  const { listener, heard, write, streams, opened } = server();
  listener.start();
  await settle();
  await write(sse('message', MESSAGE, 41));
  streams.at(-1)?.close();
  await settle();
  await settle();
  await write(sse('append', { messageId: 'm1', text: 'lo', done: true }, 42));
  listener.stop();
  assert.deepEqual(opened, [null, '41']);
  assert.deepEqual(heard, [
    ['message', 'Hel'],
    ['append', 'm1', 'lo', true],
  ]);
  listener.start();
  await settle();
  assert.deepEqual(opened, [null, '41', '42']);
  listener.stop();
});

test('a server that does not answer is asked less and less often, and as it says', async () => {
  const { listener, refusals, opened, asked } = server();
  const none = new Refused(0, 'NO_ANSWER', '', null);
  refusals.push(none, none, none, none, new Refused(429, 'TOO_MANY_STREAMS', '', 90_000));
  listener.start();
  await settle();
  listener.stop();
  assert.equal(opened.length, 6);
  assert.equal(asked.length, 5);
  assert.ok((asked[0] ?? 0) >= 500 && (asked[0] ?? 0) <= 1_000);
  assert.ok((asked[3] ?? 0) >= 4_000 && (asked[3] ?? 0) <= 8_000);
  assert.equal(asked[4], 90_000);
});

test('the end of the session ends it; the end of the server does not', async () => {
  const { listener, heard, write, streams, opened, ended } = server();
  listener.start();
  await settle();
  await write(sse('end', { reason: 'stopping' }));
  streams.at(-1)?.close();
  await settle();
  await settle();
  assert.equal(opened.length, 2);
  assert.deepEqual(heard, []);
  await write(sse('end', { reason: 'revoked' }));
  assert.equal(await ended.happened, 'revoked');
  await settle();
  assert.equal(opened.length, 2, 'nothing is asked any more');
});

test('a session that is gone is told as ended or revoked', async () => {
  for (const [refused, reason] of [
    [new Refused(404, 'NOT_FOUND', '', null), 'ended'],
    [new Refused(401, 'UNAUTHENTICATED', '', null), 'ended'],
    [new Refused(409, 'SESSION_REVOKED', '', null), 'revoked'],
  ] as const) {
    const { listener, refusals, ended, opened } = server();
    refusals.push(refused);
    listener.start();
    assert.equal(await ended.happened, reason);
    await settle();
    assert.equal(opened.length, 1);
  }
});

test('a stream that is silent for long is opened anew', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { listener, opened, signals, write } = server();
  listener.start();
  await settle();
  t.mock.timers.tick(SILENT_MS - 1);
  await write(':\n\n');
  t.mock.timers.tick(SILENT_MS - 1);
  assert.equal(signals[0]?.aborted, false);
  t.mock.timers.tick(1);
  assert.equal(signals[0]?.aborted, true);
  await settle();
  await settle();
  assert.equal(opened.length, 2);
  listener.stop();
});

test('once it is stopped nothing is heard', async () => {
  const { listener, heard, write, signals } = server();
  listener.start();
  await settle();
  listener.stop();
  assert.equal(signals[0]?.aborted, true);
  await write(sse('message', MESSAGE, 1)).catch(() => undefined);
  assert.deepEqual(heard, []);
});
