//! One resolution: at most two attempts, each under one deadline, and what came of them.

use std::time::Duration;

use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::callback::outcome::{Next, next, proves_next_secret};
use buddy_core::callback::request::body;
use buddy_core::callback::shape::Shape;
use buddy_core::callback::signature::sign;
use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::identity::Identity;
use buddy_core::limits::ATTEMPTS_MAX;
use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Phases, Resolution, Signed, SignedWith, Warning};
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;
use buddy_egress::{Egress, Exchange, Request};
use buddy_store::ConfiguredCallback;
use tokio::time::Instant;

use super::bulkhead::Bulkhead;
use super::request::{Sending, compose};
use crate::ambient::Ambient;
use crate::traces::{Resolving, SpanId};

/// What a resolution works with.
#[derive(Clone, Copy)]
pub(super) struct Means<'a> {
    pub(super) egress: &'a Egress,
    pub(super) bulkhead: &'a Bulkhead,
    pub(super) ambient: &'a Ambient,
    /// Where it is traced.
    pub(super) resolving: Option<&'a Resolving>,
}

/// How a resolution ended.
pub(super) struct Resolved {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Reason>,
    pub(super) identity: Option<Identity>,
    pub(super) warnings: Vec<Warning>,
    pub(super) attempts: Vec<Attempt>,
    /// Microseconds.
    pub(super) duration: u64,
    /// The rotation's next secret, which the endpoint has shown to hold.
    pub(super) proven_secret: Option<CallbackSecret>,
}

impl Resolved {
    /// A fault of ours ended it.
    pub(super) fn interrupted() -> Self {
        Self::of(Verdict::Failed(Reason::Interrupted))
    }

    /// What is kept of it, and who the user is.
    pub(super) fn into_record(
        self,
        id: ResolutionId,
        About { session_id, agent_id }: About,
        started_at: UnixMillis,
    ) -> (Resolution, Option<Identity>) {
        let Self { outcome, reason, identity, warnings, attempts, duration, proven_secret: _ } = self;
        let resolution = Resolution {
            id,
            session_id,
            agent_id,
            outcome,
            reason,
            warnings,
            started_at,
            duration,
            attempts,
        };
        (resolution, identity)
    }

    fn of(verdict: Verdict) -> Self {
        let (outcome, reason, identity, warnings) = match verdict {
            Verdict::Authenticated { identity, warnings } => {
                (Outcome::Authenticated, None, Some(identity), warnings)
            }
            Verdict::Nobody => (Outcome::Nobody, None, None, Vec::new()),
            Verdict::Failed(reason) => (Outcome::Failed, Some(reason), None, Vec::new()),
        };
        Self { outcome, reason, identity, warnings, attempts: Vec::new(), duration: 0, proven_secret: None }
    }
}

/// What the endpoint is asked about.
#[derive(Clone, Copy)]
pub(super) struct About {
    pub(super) session_id: SessionId,
    pub(super) agent_id: AgentId,
}

/// Asks the endpoint who the session's user is.
pub(super) async fn resolve(
    means: Means<'_>,
    id: ResolutionId,
    about: About,
    configured: &ConfiguredCallback,
) -> Resolved {
    let begun = Instant::now();
    let mut run = Run { means, id, about, configured, attempts: Vec::with_capacity(1), proven_secret: None };
    let mut number = 1;
    let verdict = loop {
        let (verdict, next) = run.attempt(number).await;
        if next != Next::Retry || number == ATTEMPTS_MAX {
            break verdict;
        }
        number += 1;
    };
    Resolved {
        attempts: run.attempts,
        duration: micros(begun.elapsed()),
        proven_secret: run.proven_secret,
        ..Resolved::of(verdict)
    }
}

struct Run<'a> {
    means: Means<'a>,
    id: ResolutionId,
    about: About,
    configured: &'a ConfiguredCallback,
    attempts: Vec<Attempt>,
    proven_secret: Option<CallbackSecret>,
}

impl Run<'_> {
    /// One attempt, from the wait for a slot to the last byte of the body; while a rotation is open it may send
    /// twice within its one deadline.
    async fn attempt(&mut self, number: u8) -> (Verdict, Next) {
        let begun = Begun { at: Instant::now(), wall: self.means.ambient.now() };
        let deadline = begun.at + Duration::from_millis(self.configured.callback.timeout_ms.into());
        let slot = match self.means.bulkhead.enter(deadline).await {
            Ok(slot) => slot,
            Err(reason) => {
                let exchange = not_sent(reason);
                self.note(&begun, &exchange, Noted::unsent(number, reason));
                let verdict = Verdict::Failed(reason);
                let next = next(number, SignedWith::Current, false, None, &verdict);
                return (verdict, next);
            }
        };
        let queued = micros(begun.at.elapsed());
        let sent = self.send(number, SignedWith::Current, deadline, &begun, Some(queued)).await;
        let done = if sent.1 == Next::SendWithNextSecret {
            let begun = Begun { at: Instant::now(), wall: self.means.ambient.now() };
            self.send(number, SignedWith::Next, deadline, &begun, None).await
        } else {
            sent
        };
        drop(slot);
        done
    }

    async fn send(
        &mut self,
        number: u8,
        signed_with: SignedWith,
        deadline: Instant,
        begun: &Begun,
        queue: Option<u64>,
    ) -> (Verdict, Next) {
        let rotation = self.configured.secrets.rotation.as_ref();
        let secret = match (signed_with, rotation) {
            (SignedWith::Next, Some(rotation)) => &rotation.next,
            _ => &self.configured.secrets.current,
        };
        let span = self.means.resolving.map(Resolving::new_span);
        let (mut exchange, signed) = match &self.means.bulkhead.target {
            Ok(target) => {
                let (request, signed) = self.request(number, secret, span);
                let pool = &self.means.bulkhead.pool;
                (self.means.egress.exchange(pool, target, request, deadline).await, Some(signed))
            }
            Err(reason) => (not_sent(*reason), None),
        };
        // Two waits of one kind: for a slot here, for a place to dial there.
        exchange.phases.queue =
            [queue, exchange.phases.queue].into_iter().flatten().reduce(|one, other| one + other);
        let (verdict, shape) = read(&exchange);
        let reason = if let Verdict::Failed(reason) = &verdict { Some(*reason) } else { None };
        self.note(begun, &exchange, Noted { number, signed_with, reason, signed, shape, span });
        if proves_next_secret(signed_with, &verdict) {
            self.proven_secret = Some(secret.clone());
        }
        let next = next(number, signed_with, rotation.is_some(), exchange.status, &verdict);
        (verdict, next)
    }

    /// A fresh timestamp and a fresh signature for every sending.
    fn request(&self, number: u8, secret: &CallbackSecret, span: Option<SpanId>) -> (Request, Signed) {
        let now = self.means.ambient.now();
        let body = body(self.about.session_id, self.about.agent_id, now);
        let signature = sign(secret, body.as_bytes());
        let signed = Signed::new(now, &signature);
        let traceparent = self.means.resolving.zip(span).and_then(|(traced, span)| traced.traceparent(span));
        let sending = Sending { body, signature: Some(signature), id: self.id, number, traceparent };
        (compose(sending, self.means.ambient), signed)
    }

    fn note(&mut self, begun: &Begun, exchange: &Exchange, noted: Noted) {
        let Noted { number, signed_with, reason, signed, shape, span } = noted;
        let attempt = Attempt {
            number,
            started_at: begun.wall,
            duration: micros(begun.at.elapsed()),
            status: exchange.status,
            reason,
            signed_with,
            reused_connection: exchange.reused_connection,
            phases: exchange.phases,
            signed,
            shape,
        };
        if let Some(resolving) = self.means.resolving {
            let span = span.unwrap_or_else(|| resolving.new_span());
            resolving.attempted(span, begun.at, &attempt, &self.configured.callback.url);
        }
        self.attempts.push(attempt);
    }
}

/// What is noted of a sending beside what the exchange tells.
struct Noted {
    number: u8,
    signed_with: SignedWith,
    reason: Option<Reason>,
    signed: Option<Signed>,
    shape: Option<Shape>,
    /// What the endpoint was told to go on with, where it is traced.
    span: Option<SpanId>,
}

impl Noted {
    fn unsent(number: u8, reason: Reason) -> Self {
        let signed_with = SignedWith::Current;
        Self { number, signed_with, reason: Some(reason), signed: None, shape: None, span: None }
    }
}

/// What the answer means, and what it is made of.
fn read(exchange: &Exchange) -> (Verdict, Option<Shape>) {
    let answer = match &exchange.result {
        Ok(answer) => answer,
        Err(reason) => return (Verdict::Failed(*reason), None),
    };
    let content_encoding = answer.content_encoding.as_deref();
    let answer = Answer { status: answer.status, content_encoding, body: &answer.body };
    (judge(&answer), Shape::of(&answer))
}

/// When a sending began, by both clocks.
struct Begun {
    at: Instant,
    wall: UnixMillis,
}

fn not_sent(reason: Reason) -> Exchange {
    Exchange { phases: Phases::default(), reused_connection: false, status: None, result: Err(reason) }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
