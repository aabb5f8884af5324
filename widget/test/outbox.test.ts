import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, type Item } from '../src/frame/outbox';
import { Refused, type Message, type Session } from '../src/frame/server';
import { settle, waits } from './waits';

const S1: Session = { sessionId: 's1', sessionToken: 't1' };
const S2: Session = { sessionId: 's2', sessionToken: 't2' };
const lost = (): Refused => new Refused(0, 'NO_ANSWER', '', null);

/** `answers`: for each message in turn an error, 'lost' (written, but not answered) or nothing. */
function world(answers: (Refused | 'lost' | undefined)[] = [], atOnce = true) {
  const written: Message[] = [];
  const asked: string[] = [];
  const events: unknown[] = [];
  const { wait, asked: waited, end } = waits(atOnce);
  const server = {
    say: async (session: Session, text: string): Promise<Message> => {
      asked.push(`${session.sessionId} ${text}`);
      await settle();
      const answer = answers.shift();
      if (answer instanceof Refused) throw answer;
      const message: Message = { messageId: `m${written.length}`, from: 'visitor', text, done: true, createdAt: '' };
      written.push(message);
      if (answer === 'lost') throw lost();
      return message;
    },
    messages: async (): Promise<Message[]> => {
      asked.push('list');
      return [...written];
    },
  };
  const known = new Set<string>();
  const outbox = new Outbox(
    server,
    {
      onSent: (item, { messageId }) => {
        known.add(messageId);
        events.push(['sent', item.text, messageId]);
      },
      onRefused: (item) => events.push(['refused', item.text]),
      onOver: (why) => events.push(['over', why]),
      onLasting: ({ code }) => events.push(['lasting', code]),
    },
    wait,
  );
  const done = async (): Promise<void> => {
    for (let turn = 0; turn < 50; turn += 1) await settle();
  };
  return { outbox, asked, events, waited, end, done, written, isKnown: (id: string) => known.has(id) };
}

test('what is written before there is a session is sent once there is one, in its order', async () => {
  const { outbox, asked, isKnown, done } = world();
  outbox.add('a');
  outbox.add('b');
  await done();
  assert.deepEqual(asked, []);
  outbox.attach(S1, isKnown);
  outbox.add('c');
  await done();
  assert.deepEqual(asked, ['s1 a', 's1 b', 's1 c']);
  assert.ok(outbox.empty);
  outbox.add('d');
  await done();
  assert.deepEqual(asked.at(-1), 's1 d');
});

test('what had no answer is looked for before it is said again', async () => {
  const { outbox, asked, events, isKnown, done, written } = world(['lost', lost(), undefined]);
  outbox.attach(S1, isKnown);
  outbox.add('a');
  outbox.add('b');
  await done();
  assert.deepEqual(asked, ['s1 a', 'list', 's1 b', 'list', 's1 b']);
  assert.deepEqual(events, [
    ['sent', 'a', 'm0'],
    ['sent', 'b', 'm1'],
  ]);
  assert.equal(written.length, 2);
});

test('the same words twice are two messages', async () => {
  const { outbox, isKnown, done, written } = world([undefined, 'lost']);
  outbox.attach(S1, isKnown);
  outbox.add('yes');
  outbox.add('yes');
  await done();
  assert.equal(written.length, 2);
});

test('the stream may tell of a message before its answer comes', async () => {
  const { outbox, events, isKnown, done } = world();
  outbox.attach(S1, isKnown);
  outbox.add('a');
  await settle();
  const told: Message = { messageId: 'm0', from: 'visitor', text: 'a', done: true, createdAt: '' };
  assert.equal(outbox.claim({ ...told, text: 'other' }), false);
  assert.equal(outbox.claim(told), true);
  assert.equal(outbox.claim(told), false, 'once');
  await done();
  assert.deepEqual(events, [['sent', 'a', 'm0']]);
});

test('a pace that is too fast is obeyed, and nothing lost', async () => {
  const { outbox, asked, waited, end, isKnown, done } = world([new Refused(429, 'RATE_LIMITED', '', 30_000)], false);
  outbox.attach(S1, isKnown);
  outbox.add('a');
  await done();
  assert.deepEqual(asked, ['s1 a']);
  assert.deepEqual(waited, [30_000]);
  end();
  await done();
  assert.deepEqual(asked, ['s1 a', 's1 a'], 'refused for sure, and so not looked for');
  assert.ok(outbox.empty);
});

test('a session that takes no more is over, and what is unsent goes to the next', async () => {
  for (const [refused, why] of [
    [new Refused(409, 'CONVERSATION_FULL', '', null), 'full'],
    [new Refused(409, 'SESSION_REVOKED', '', null), 'revoked'],
    [new Refused(404, 'NOT_FOUND', '', null), 'ended'],
    [new Refused(401, 'UNAUTHENTICATED', '', null), 'ended'],
  ] as const) {
    const { outbox, asked, events, isKnown, done } = world([refused]);
    outbox.attach(S1, isKnown);
    outbox.add('a');
    await done();
    assert.deepEqual(events, [['over', why]]);
    assert.ok(!outbox.empty);
    outbox.attach(S2, isKnown);
    await done();
    assert.deepEqual(asked, ['s1 a', 's2 a']);
  }
});

test('what is never taken does not hold up the rest', async () => {
  const { outbox, events, isKnown, done } = world([new Refused(422, 'INVALID_VALUE', '', null)]);
  outbox.attach(S1, isKnown);
  outbox.add('a');
  outbox.add('b');
  await done();
  assert.deepEqual(events, [
    ['lasting', 'INVALID_VALUE'],
    ['refused', 'a'],
    ['sent', 'b', 'm0'],
  ]);
});

test('held, it sends nothing; what the visitor before wrote can be dropped', async () => {
  const { outbox, asked, isKnown, done } = world();
  outbox.attach(S1, isKnown);
  outbox.hold();
  outbox.add('before');
  const { mark } = outbox;
  outbox.add('after');
  await done();
  assert.deepEqual(asked, []);
  assert.deepEqual(
    outbox.dropUpTo(mark).map(({ text }: Item) => text),
    ['before'],
  );
  outbox.attach(S2, isKnown);
  await done();
  assert.deepEqual(asked, ['s2 after']);
});
