//! The spans of a session: what each is called, and what is in it.

use std::borrow::Cow;
use std::future::Future;
use std::time::{Duration, SystemTime};

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Resolution, SignedWith};
use http::HeaderValue;
use opentelemetry::trace::{Event, SpanContext, SpanId, SpanKind, Status};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use tokio::time::Instant;
use url::Url;

use super::{Decided, Trace, parent};
use crate::logs;

/// What a span is made of, beside what all of a trace have in common.
pub(super) struct Draft {
    id: SpanId,
    parent: SpanId,
    parent_is_remote: bool,
    kind: SpanKind,
    name: Cow<'static, str>,
    start: SystemTime,
    end: SystemTime,
    attributes: Vec<KeyValue>,
    events: Vec<Event>,
    /// What failed, in a word.
    error: Option<Cow<'static, str>>,
}

impl Draft {
    /// `context` makes what names a span of the trace.
    pub(super) fn into_data(self, context: impl FnOnce(SpanId) -> SpanContext) -> SpanData {
        let mut events = SpanEvents::default();
        events.events = self.events;
        SpanData {
            span_context: context(self.id),
            parent_span_id: self.parent,
            parent_span_is_remote: self.parent_is_remote,
            span_kind: self.kind,
            name: self.name,
            start_time: self.start,
            end_time: self.end,
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: self.error.map_or(Status::Unset, Status::error),
            instrumentation_scope: InstrumentationScope::builder("buddy")
                .with_version(env!("CARGO_PKG_VERSION"))
                .build(),
        }
    }
}

/// A request that was answered.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'static str,
    /// The template, never the path.
    pub(crate) route: &'a str,
    /// As browsers call this server.
    pub(crate) scheme: &'a str,
    pub(crate) request_id: &'a HeaderValue,
    pub(crate) status: u16,
}

impl Trace {
    /// The request's own span. Without the client's address and what its browser says of itself: those are about the user.
    pub(crate) fn answered(&self, answered: &Answered<'_>) {
        let Some(Decided { session_id, parent, root, .. }) = self.decided() else { return };
        let Answered { method, route, scheme, request_id, status } = *answered;
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("http.route", route.to_owned()),
            KeyValue::new("http.response.status_code", i64::from(status)),
            KeyValue::new("url.scheme", scheme.to_owned()),
            KeyValue::new("buddy.session.id", session_id.to_string()),
            KeyValue::new("buddy.request.id", request_id.to_str().unwrap_or_default().to_owned()),
        ];
        if !route.contains('{') {
            attributes.push(KeyValue::new("url.path", route.to_owned()));
        }
        let failed = status >= 500;
        if failed {
            attributes.push(KeyValue::new("error.type", status.to_string()));
        }
        self.record(Draft {
            id: *root,
            parent: parent.as_ref().map_or(SpanId::INVALID, SpanContext::span_id),
            parent_is_remote: parent.is_some(),
            kind: SpanKind::Server,
            name: format!("{method} {route}").into(),
            start: self.wall(self.0.begun),
            end: self.wall(Instant::now()),
            attributes,
            events: Vec::new(),
            error: failed.then(|| status.to_string().into()),
        });
    }

    fn taken_up(&self) {
        let Some(Decided { session_id, root, .. }) = self.decided() else { return };
        self.record(Draft {
            id: *root,
            parent: SpanId::INVALID,
            parent_is_remote: false,
            kind: SpanKind::Internal,
            name: "take up".into(),
            start: self.wall(self.0.begun),
            end: self.wall(Instant::now()),
            attributes: vec![KeyValue::new("buddy.session.id", session_id.to_string())],
            events: Vec::new(),
            error: None,
        });
    }

    fn stored(&self, name: &'static str, begun: Instant, failed: bool) {
        let Some(decided) = self.decided() else { return };
        self.record(Draft {
            id: self.new_span(),
            parent: decided.root,
            parent_is_remote: false,
            kind: SpanKind::Internal,
            name: name.into(),
            start: self.wall(begun),
            end: self.wall(Instant::now()),
            attributes: Vec::new(),
            events: Vec::new(),
            error: failed.then_some("the store failed".into()),
        });
    }
}

/// A session that was left pending, and is taken up: with a span of its own, below which are the others.
pub(crate) async fn taken_up(trace: Option<Trace>, work: impl Future<Output = ()>) {
    logs::of_trace(trace.clone(), work).await;
    if let Some(trace) = trace {
        trace.taken_up();
    }
}

/// A write to the store, as a span of what is traced now, if anything is.
pub(crate) async fn stored<T, E>(
    name: &'static str,
    write: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(trace) = logs::trace() else { return write.await };
    let begun = Instant::now();
    let written = write.await;
    trace.stored(name, begun, written.is_err());
    written
}

/// A resolution that is traced.
pub(crate) struct Resolving {
    trace: Trace,
    span: SpanId,
    parent: SpanId,
    begun: Instant,
}

impl Resolving {
    /// Of what is traced now, if anything is.
    pub(crate) fn begin() -> Option<Self> {
        let trace = logs::trace()?;
        let parent = trace.decided()?.root;
        Some(Self { span: trace.new_span(), parent, begun: Instant::now(), trace })
    }

    /// The name of a span that is to be.
    pub(crate) fn new_span(&self) -> SpanId {
        self.trace.new_span()
    }

    /// What tells the endpoint to go on with the trace below this span.
    pub(crate) fn traceparent(&self, span: SpanId) -> Option<String> {
        let decided = self.trace.decided()?;
        Some(parent::traceparent(decided.trace_id, span, decided.recorded))
    }

    /// A sending to the endpoint at `url` that is over. Of the URL only the host is told: in the rest may be a secret.
    pub(crate) fn attempted(&self, span: SpanId, begun: Instant, attempt: &Attempt, url: &str) {
        if !self.trace.decided().is_some_and(|decided| decided.recorded) {
            return;
        }
        let start = self.trace.wall(begun);
        self.trace.record(Draft {
            id: span,
            parent: self.span,
            parent_is_remote: false,
            kind: SpanKind::Client,
            name: "POST".into(),
            start,
            end: start + Duration::from_micros(attempt.duration),
            attributes: of_attempt(attempt, url),
            events: phases(attempt, start),
            error: attempt.reason.map(|reason| reason.as_str().into()),
        });
    }

    /// It is over, and this came of it.
    pub(crate) fn resolved(&self, resolution: &Resolution) {
        let Resolution { id, session_id, agent_id, outcome, reason, attempts, .. } = resolution;
        let mut attributes = vec![
            KeyValue::new("buddy.agent.id", agent_id.to_string()),
            KeyValue::new("buddy.session.id", session_id.to_string()),
            KeyValue::new("buddy.resolution.id", id.to_string()),
            KeyValue::new("buddy.outcome", outcome.as_str()),
            KeyValue::new("buddy.attempts", i64::try_from(attempts.len()).unwrap_or(i64::MAX)),
        ];
        if let Some(reason) = reason {
            attributes.push(KeyValue::new("buddy.code", reason.code().as_str()));
            attributes.push(KeyValue::new("buddy.reason", reason.as_str()));
            attributes.push(KeyValue::new("error.type", reason.code().as_str()));
        }
        let failed = *outcome == Outcome::Failed;
        self.trace.record(Draft {
            id: self.span,
            parent: self.parent,
            parent_is_remote: false,
            kind: SpanKind::Internal,
            name: "identify".into(),
            start: self.trace.wall(self.begun),
            end: self.trace.wall(Instant::now()),
            attributes,
            events: Vec::new(),
            error: reason.filter(|_| failed).map(|reason: Reason| reason.as_str().into()),
        });
    }
}

fn of_attempt(attempt: &Attempt, url: &str) -> Vec<KeyValue> {
    let signed_with = match attempt.signed_with {
        SignedWith::Current => "current",
        SignedWith::Next => "next",
    };
    let mut attributes = vec![
        KeyValue::new("http.request.method", "POST"),
        KeyValue::new("buddy.attempt", i64::from(attempt.number)),
        KeyValue::new("buddy.signed_with", signed_with),
        KeyValue::new("buddy.connection.reused", attempt.reused_connection),
    ];
    if attempt.number > 1 {
        attributes.push(KeyValue::new("http.request.resend_count", i64::from(attempt.number) - 1));
    }
    if let Ok(url) = Url::parse(url) {
        attributes.extend(url.host_str().map(|host| KeyValue::new("server.address", host.to_owned())));
        attributes
            .extend(url.port_or_known_default().map(|port| KeyValue::new("server.port", i64::from(port))));
        attributes.push(KeyValue::new("url.scheme", url.scheme().to_owned()));
    }
    attributes
        .extend(attempt.status.map(|status| KeyValue::new("http.response.status_code", i64::from(status))));
    attributes.extend(attempt.reason.map(|reason| KeyValue::new("error.type", reason.as_str())));
    attributes
}

/// Each phase at its begin, with its length. They follow one another.
fn phases(attempt: &Attempt, start: SystemTime) -> Vec<Event> {
    let mut from = start;
    let phase = |(name, micros): (&'static str, u64)| {
        let took = KeyValue::new("buddy.phase.duration_us", i64::try_from(micros).unwrap_or(i64::MAX));
        let event = Event::new(name, from, vec![took], 0);
        from += Duration::from_micros(micros);
        event
    };
    attempt.phases.reached().map(phase).collect()
}
