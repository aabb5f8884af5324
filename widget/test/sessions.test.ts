import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bound } from '../src/protocol';
import { Refused, type Session, type SessionStatus, type SessionView } from '../src/frame/server';
import { Sessions, type SessionEvents } from '../src/frame/sessions';
import { Store } from '../src/frame/store';
import { PROOF_MS, type Kept } from '../src/frame/whose';
import { settle, waits } from './waits';

const TICKET: Bound = { outcome: 'ticket', ticket: 'tk' };
const NOBODY: Bound = { outcome: 'nobody' };
const SIGNED_IN: Kept = { sessionId: 'old', sessionToken: 't', user: true, proof: { sessionId: 'old', at: 0 } };
const GUEST: Kept = { ...SIGNED_IN, user: false };

interface World {
  kept?: Kept;
  hasSessionUrl?: boolean;
  given?: Session;
  /** Who is signed in at the business: a ticket, or nobody; another binding fails. */
  bound?: Bound;
  /** In turn, before that. */
  binds?: Bound[];
  /** In turn, for each call of `identify`; at last, and always from then on, as `bound` says. */
  identify?: (SessionStatus | Refused)[];
  begin?: Refused[];
  same?: boolean;
}

function world(made: World = {}) {
  const setup = { hasSessionUrl: true, bound: NOBODY, ...made };
  const log: string[] = [];
  const store = new Store('agt_1', () => {
    throw new Error('none');
  });
  if (setup.kept) store.set({ kept: setup.kept });
  let begun = 0;
  const say = (line: string): void => void log.push(line);
  const events: SessionEvents = {
    onChecking: () => say('checking'),
    onSession: ({ sessionId }, same) => say(`session ${sessionId} ${same ? 'same' : 'new'}`),
    onStranger: ({ sessionId }) => say(`stranger after ${sessionId}`),
    onOver: (why) => say(`over ${why}`),
    onIdentity: ({ status }) => say(`identity ${status}`),
    onError: (code) => say(`error ${code}`),
  };
  const server = {
    begin: async (): Promise<Session> => {
      const refused = setup.begin?.shift();
      if (refused) throw refused;
      begun += 1;
      return { sessionId: `new${begun}`, sessionToken: 't' };
    },
    identify: async ({ sessionId }: Session, ticket: string | null): Promise<SessionView> => {
      say(`identify ${sessionId} ${ticket}`);
      const answer = setup.identify?.shift() ?? (setup.bound.outcome === 'ticket' ? 'authenticated' : 'anonymous');
      if (answer instanceof Refused) throw answer;
      return { sessionId, status: answer, code: null };
    },
    sameUser: async (): Promise<boolean> => setup.same ?? false,
  };
  const waiting: (() => void)[] = [];
  const { wait, asked } = waits(true);
  const sessions = new Sessions({
    agentId: 'agt_1',
    server,
    store,
    events,
    hasSessionUrl: setup.hasSessionUrl,
    given: setup.given ?? null,
    bind: async (sessionId) => {
      say(`bind ${sessionId}`);
      if (holdBinds) await new Promise<void>((resolve) => waiting.push(resolve));
      return setup.binds?.shift() ?? setup.bound;
    },
    now: () => 1_000,
    wait,
  });
  let holdBinds = false;
  return {
    sessions,
    store,
    log,
    asked,
    hold: () => (holdBinds = true),
    release: () => {
      holdBinds = false;
      waiting.splice(0).forEach((end) => end());
    },
    done: async () => {
      for (let turn = 0; turn < 20; turn += 1) await settle();
      return log.splice(0);
    },
  };
}

test('a session begins once, can be written to at once, and is identified with its ticket', async () => {
  const { sessions, done, store } = world({ bound: TICKET });
  sessions.ensure();
  sessions.ensure();
  assert.deepEqual(await done(), ['session new1 new', 'bind new1', 'identify new1 tk', 'identity authenticated']);
  assert.deepEqual(store.get().kept, {
    sessionId: 'new1',
    sessionToken: 't',
    user: true,
    proof: { sessionId: 'new1', at: 1_000 },
  });
  sessions.ensure();
  assert.deepEqual(await done(), []);
});

test('without a ticket the server decides', async () => {
  for (const outcome of ['nobody', 'taken', 'failed'] as const) {
    const { sessions, done, store } = world({ bound: { outcome } });
    sessions.ensure();
    assert.deepEqual((await done()).slice(-2), ['identify new1 null', 'identity anonymous']);
    assert.equal(store.get().kept?.user, false);
  }
  const { sessions, done, store } = world({ hasSessionUrl: false, identify: ['pending', 'authenticated'] });
  sessions.ensure();
  assert.deepEqual((await done()).slice(1), ['identify new1 null', 'identify new1 null', 'identity authenticated']);
  assert.equal(store.get().kept?.user, true, 'who was identified without a ticket is a user too');
});

test('a ticket that is refused is told, and the session goes on without', async () => {
  const { sessions, done } = world({
    bound: TICKET,
    identify: [new Refused(403, 'INVALID_TICKET', '', null), 'anonymous'],
  });
  sessions.ensure();
  assert.deepEqual((await done()).slice(2), [
    'identify new1 tk',
    'error INVALID_TICKET',
    'identify new1 null',
    'identity anonymous',
  ]);
});

test('a server that does not answer is asked again; what lasts is told', async () => {
  const { sessions, done, asked } = world({
    begin: [
      new Refused(0, 'NO_ANSWER', '', null),
      new Refused(429, 'RATE_LIMITED', '', 20_000),
      new Refused(403, 'ORIGIN_NOT_ALLOWED', '', null),
      new Refused(404, 'NOT_FOUND', '', null),
    ],
  });
  sessions.ensure();
  const log = await done();
  assert.deepEqual(log.slice(0, 3), ['error ORIGIN_NOT_ALLOWED', 'error NOT_FOUND', 'session new1 new']);
  assert.equal(asked[1], 20_000);
  assert.equal(asked[2], 60_000);
});

test('identify() begins a session where there is none', async () => {
  const { sessions, done } = world();
  sessions.check();
  assert.deepEqual(await done(), ['session new1 new', 'bind new1', 'identify new1 null', 'identity anonymous']);
});

test('the same user goes on with the session', async () => {
  const { sessions, done } = world({ kept: SIGNED_IN, bound: TICKET });
  sessions.check();
  assert.ok(sessions.checking);
  assert.deepEqual(await done(), [
    'checking',
    'bind old',
    'session old same',
    'identify old tk',
    'identity authenticated',
  ]);
  assert.ok(!sessions.checking);
});

test('another visitor gets another session', async () => {
  const { sessions, done } = world({ kept: GUEST, bound: TICKET });
  sessions.check();
  assert.deepEqual(await done(), [
    'checking',
    'bind old',
    'stranger after old',
    'session new1 new',
    'bind new1',
    'identify new1 tk',
    'identity authenticated',
  ]);
});

test('the session that was begun to compare is gone on with, and neither bound nor identified twice', async () => {
  const old = { ...SIGNED_IN, proof: { sessionId: 'old', at: 1_000 - PROOF_MS } };
  const other = world({ kept: old, bound: TICKET, same: false });
  other.sessions.check();
  assert.deepEqual(await other.done(), [
    'checking',
    'bind new1',
    'identify new1 tk',
    'stranger after old',
    'session new1 new',
    'identity authenticated',
  ]);
  assert.deepEqual(other.store.get().kept?.proof, { sessionId: 'new1', at: 1_000 });

  const guest = world({ kept: old, bound: NOBODY });
  guest.sessions.check();
  assert.deepEqual(await guest.done(), [
    'checking',
    'bind new1',
    'stranger after old',
    'session new1 new',
    'identify new1 null',
    'identity anonymous',
  ]);

  const same = world({ kept: old, bound: TICKET, same: true });
  same.sessions.check();
  assert.ok((await same.done()).includes('session old same'));
  assert.deepEqual(same.store.get().kept, { ...old, proof: { sessionId: 'new1', at: 1_000 } });
});

test('asked twice, it is shown only after the second answer', async () => {
  const { sessions, done, hold, release } = world({ kept: SIGNED_IN, bound: TICKET });
  hold();
  sessions.check();
  await settle();
  sessions.check();
  release();
  const log = await done();
  assert.equal(log.filter((line) => line.startsWith('session ')).length, 1);
  assert.equal(log.filter((line) => line === 'bind old').length, 2);
});

test('a check during a begin comes after it', async () => {
  const { sessions, done, hold, release } = world({ binds: [NOBODY], bound: TICKET, identify: ['anonymous'] });
  sessions.ensure();
  hold();
  await settle();
  sessions.check();
  assert.ok(sessions.checking);
  release();
  const log = await done();
  assert.deepEqual(log.slice(-3), ['bind new2', 'identify new2 tk', 'identity authenticated']);
  assert.ok(log.includes('stranger after new1'));
});

test('a reset ends what is under way, and nothing of it comes later', async () => {
  const { sessions, done, store, hold, release } = world({ bound: TICKET });
  hold();
  sessions.ensure();
  assert.deepEqual(await done(), ['session new1 new', 'bind new1']);
  sessions.reset();
  release();
  assert.deepEqual(await done(), ['over reset']);
  assert.equal(store.get().kept, null);
  sessions.ensure();
  assert.deepEqual((await done())[0], 'session new2 new');
});

test('a session that is gone is dropped', async () => {
  for (const [code, status, why] of [
    ['NOT_FOUND', 404, 'ended'],
    ['SESSION_REVOKED', 409, 'revoked'],
  ] as const) {
    const { sessions, done, store } = world({
      kept: SIGNED_IN,
      bound: TICKET,
      identify: [new Refused(status, code, '', null)],
    });
    sessions.check();
    assert.equal((await done()).at(-1), `over ${why}`);
    assert.equal(store.get().kept, null);
    sessions.ensure();
    assert.equal((await done()).at(-1), 'identity authenticated');
  }
  const { sessions, done } = world({ bound: TICKET, identify: ['revoked'] });
  sessions.ensure();
  assert.equal((await done()).at(-1), 'over revoked');
});

test('over is of the session that it names', async () => {
  const { sessions, done } = world({ kept: SIGNED_IN });
  sessions.over('another', 'ended');
  assert.deepEqual(await done(), []);
  sessions.over('old', 'ended');
  assert.deepEqual(await done(), ['over ended']);
});

test("the session of the page's server is used once, without a binding", async () => {
  const given = { sessionId: 'given', sessionToken: 'g' };
  const { sessions, done } = world({ given, hasSessionUrl: false, identify: ['authenticated'] });
  sessions.ensure();
  assert.deepEqual(await done(), ['session given new', 'identify given null', 'identity authenticated']);
  sessions.reset();
  sessions.ensure();
  assert.deepEqual((await done())[1], 'session new1 new');
});
