/**
 * Whose session is it? A session that this tab has from before is shown and gone on with only by the visitor that it
 * is of. Nothing here touches the page, the network or the clock but by `Effects`.
 *
 * What it stands on: the business's server keeps a binding for ten minutes, and the first who binds a session has it.
 * So for that long, to bind the same session again is answered with a ticket to the same user only.
 */
import type { Bound } from '../protocol';
import type { Session, SessionView } from './server';

/** Less than the ten minutes that a binding is kept, by what a slow request and a coarse clock may take. */
export const PROOF_MS = 9 * 60_000;

/** The session whose binding is known to be fresh: this one, or one that was found to be the same user's. */
export interface Proof {
  sessionId: string;
  /** Milliseconds since 1970, before the request that bound it. */
  at: number;
}

export interface Kept extends Session {
  /** It has a user, or had a ticket and so may have one. */
  user: boolean;
  proof: Proof;
}

/** A session begun to find out who is here, as far as it came. */
export interface Begun {
  session: Session;
  /** Null where the business's own server began it, which is its proof. */
  bound: Bound | null;
  boundAt: number;
  /** Where it was identified already. */
  view?: SessionView;
}

/** With the session's own ticket, where one was learnt: it may not have been identified yet. */
export type Verdict = { same: true; proof: Proof; ticket?: string } | { same: false; begun?: Begun };

export interface Effects {
  now(): number;
  bind(sessionId: string): Promise<Bound>;
  begin(): Promise<Session>;
  /** Answers once settled. */
  identify(session: Session, ticket: string | null): Promise<SessionView>;
  /** False too where it cannot be known. */
  sameUser(session: Session, other: Session): Promise<boolean>;
}

export interface Page {
  hasSessionUrl: boolean;
  /** The session that the page's server has begun for whoever it showed the page to. */
  given: Session | null;
}

export async function whose(kept: Kept, page: Page, effects: Effects): Promise<Verdict> {
  if (page.given) return againstGiven(kept, page.given, effects);
  // Nobody to ask.
  if (!page.hasSessionUrl) return { same: true, proof: kept.proof };
  if (!kept.user) return guests(kept, effects);
  const age = effects.now() - kept.proof.at;
  return age >= 0 && age < PROOF_MS ? byProof(kept, effects) : byComparing(kept, effects);
}

/** A guest's session stays his while nobody is signed in: what he wrote must not come to act for a user. */
async function guests(kept: Kept, effects: Effects): Promise<Verdict> {
  const { outcome } = await effects.bind(kept.sessionId);
  if (outcome === 'nobody' || outcome === 'failed') return { same: true, proof: kept.proof };
  return { same: false };
}

async function byProof(kept: Kept, effects: Effects): Promise<Verdict> {
  const { proof } = kept;
  const bound = await effects.bind(proof.sessionId);
  if (bound.outcome !== 'ticket') return { same: false };
  return { same: true, proof, ...(proof.sessionId === kept.sessionId ? { ticket: bound.ticket } : {}) };
}

/** The binding may be forgotten, and then anybody would get a ticket: a second session says who is here now. */
async function byComparing(kept: Kept, effects: Effects): Promise<Verdict> {
  const session = await effects.begin();
  const boundAt = effects.now();
  const bound = await effects.bind(session.sessionId);
  if (bound.outcome !== 'ticket') return { same: false, begun: { session, bound, boundAt } };
  return compare(kept, { session, bound, boundAt }, bound.ticket, effects);
}

async function againstGiven(kept: Kept, given: Session, effects: Effects): Promise<Verdict> {
  if (kept.sessionId === given.sessionId) return { same: true, proof: kept.proof };
  // When its server bound it is not known: never young.
  return compare(kept, { session: given, bound: null, boundAt: 0 }, null, effects);
}

async function compare(kept: Kept, begun: Begun, ticket: string | null, effects: Effects): Promise<Verdict> {
  const view = await effects.identify(begun.session, ticket);
  const known = view.status === 'authenticated';
  const same = kept.user
    ? known && (await effects.sameUser(begun.session, kept))
    : // Of a guest's session nothing more can be known than that again nobody is.
      begun.bound === null && view.status === 'anonymous';
  if (!same) return { same: false, begun: { ...begun, view } };
  return { same: true, proof: { sessionId: begun.session.sessionId, at: begun.boundAt } };
}
