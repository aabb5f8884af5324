import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bound } from '../src/protocol';
import type { Session, SessionStatus } from '../src/frame/server';
import { PROOF_MS, whose, type Effects, type Kept, type Page } from '../src/frame/whose';

const NOW = 1_800_000_000_000;
const S1: Session = { sessionId: 's1', sessionToken: 't1' };
const S2: Session = { sessionId: 's2', sessionToken: 't2' };
const TICKET: Bound = { outcome: 'ticket', ticket: 'tk' };
const WITH_URL: Page = { hasSessionUrl: true, given: null };

const user = (age: number, of = 's1'): Kept => ({ ...S1, user: true, proof: { sessionId: of, at: NOW - age } });
const guest: Kept = { ...S1, user: false, proof: { sessionId: 's1', at: NOW } };

function world(answers: { bound?: Bound; status?: SessionStatus; same?: boolean }) {
  const asked: string[] = [];
  const effects: Effects = {
    now: () => NOW,
    bind: async (sessionId) => {
      asked.push(`bind ${sessionId}`);
      return answers.bound ?? { outcome: 'nobody' };
    },
    begin: async () => {
      asked.push('begin');
      return S2;
    },
    identify: async (session, ticket) => {
      asked.push(`identify ${session.sessionId} ${ticket}`);
      return { sessionId: session.sessionId, status: answers.status ?? 'anonymous', code: null };
    },
    sameUser: async (session, other) => {
      asked.push(`same ${session.sessionId} ${other.sessionId}`);
      return answers.same ?? false;
    },
  };
  return { effects, asked };
}

test('without a session URL there is nobody to ask', async () => {
  for (const kept of [guest, user(0), user(PROOF_MS * 9)]) {
    const { effects, asked } = world({});
    assert.deepEqual(await whose(kept, { hasSessionUrl: false, given: null }, effects), {
      same: true,
      proof: kept.proof,
    });
    assert.deepEqual(asked, []);
  }
});

test('a guest goes on only while nobody is signed in', async () => {
  for (const [outcome, same] of [
    ['nobody', true],
    ['failed', true],
    ['ticket', false],
    ['taken', false],
  ] as const) {
    const bound = outcome === 'ticket' ? TICKET : { outcome };
    const { effects, asked } = world({ bound });
    const verdict = await whose(guest, WITH_URL, effects);
    assert.equal(verdict.same, same, outcome);
    assert.deepEqual(asked, ['bind s1']);
    // The guest's session was just bound to somebody: it is not used for him.
    if (!verdict.same) assert.equal(verdict.begun, undefined);
  }
});

test('with a young proof the same binding says whether it is the same user', async () => {
  for (const [outcome, same] of [
    ['ticket', true],
    ['nobody', false],
    ['taken', false],
    ['failed', false],
  ] as const) {
    const bound = outcome === 'ticket' ? TICKET : { outcome };
    const { effects, asked } = world({ bound });
    assert.equal((await whose(user(PROOF_MS - 1), WITH_URL, effects)).same, same, outcome);
    assert.deepEqual(asked, ['bind s1'], 'no session is begun to find out');
  }
});

test("the proof may be another session's, whose ticket is not this one's", async () => {
  const own = await whose(user(0), WITH_URL, world({ bound: TICKET }).effects);
  assert.deepEqual(own, { same: true, proof: user(0).proof, ticket: 'tk' });
  const { effects, asked } = world({ bound: TICKET });
  const other = await whose(user(0, 's7'), WITH_URL, effects);
  assert.deepEqual(other, { same: true, proof: user(0, 's7').proof });
  assert.deepEqual(asked, ['bind s7']);
});

test('with an old proof, or one from the future, a second session is compared', async () => {
  for (const age of [PROOF_MS, PROOF_MS * 100, -1]) {
    const { effects, asked } = world({ bound: TICKET, status: 'authenticated', same: true });
    const verdict = await whose(user(age), WITH_URL, effects);
    assert.deepEqual(verdict, { same: true, proof: { sessionId: 's2', at: NOW } });
    assert.deepEqual(asked, ['begin', 'bind s2', 'identify s2 tk', 'same s2 s1']);
  }
});

test('what cannot be shown is another session, and the second one is it', async () => {
  const old = user(PROOF_MS);
  for (const outcome of ['nobody', 'taken', 'failed'] as const) {
    const { effects, asked } = world({ bound: { outcome } });
    assert.deepEqual(await whose(old, WITH_URL, effects), {
      same: false,
      begun: { session: S2, bound: { outcome }, boundAt: NOW },
    });
    assert.deepEqual(asked, ['begin', 'bind s2']);
  }
  for (const status of ['anonymous', 'revoked'] as const) {
    const { effects, asked } = world({ bound: TICKET, status, same: true });
    const verdict = await whose(old, WITH_URL, effects);
    assert.ok(!verdict.same && verdict.begun?.view?.status === status);
    assert.deepEqual(asked, ['begin', 'bind s2', 'identify s2 tk'], 'nobody is nobody else');
  }
  const { effects } = world({ bound: TICKET, status: 'authenticated', same: false });
  const verdict = await whose(old, WITH_URL, effects);
  assert.ok(!verdict.same && verdict.begun?.session === S2 && verdict.begun.bound === TICKET);
});

test("a session that the page's server has begun is compared without a binding", async () => {
  const page: Page = { hasSessionUrl: false, given: S2 };
  const cases: [Kept, SessionStatus, boolean, boolean][] = [
    [user(0), 'authenticated', true, true],
    [user(0), 'authenticated', false, false],
    [user(0), 'anonymous', true, false],
    [guest, 'anonymous', true, true],
    [guest, 'authenticated', true, false],
  ];
  for (const [kept, status, sameUser, same] of cases) {
    const { effects, asked } = world({ status, same: sameUser });
    assert.equal((await whose(kept, page, effects)).same, same, `${kept.user} ${status} ${sameUser}`);
    assert.equal(asked[0], 'identify s2 null');
  }
  const { effects, asked } = world({});
  assert.deepEqual(await whose(guest, { hasSessionUrl: true, given: S1 }, effects), {
    same: true,
    proof: guest.proof,
  });
  assert.deepEqual(asked, [], 'it is this one');
});
