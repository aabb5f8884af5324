//! Traces by OpenTelemetry: what becomes of a session, from the request that begins it to the write that settles it, told
//! to the operator's own receiver by OTLP. Off unless an endpoint is set; then nothing here is made.
//!
//! Spans are made of what is known once a step is over, and are no `tracing` spans: those cost each session something,
//! traced or not. What is in them is for the operator: never a secret, a body, or anything about the user.

mod collector;
mod export;
mod parent;
mod span;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

use buddy_core::id::SessionId;
use http::HeaderMap;
pub(crate) use opentelemetry::trace::SpanId;
use opentelemetry::trace::{SpanContext, TraceFlags, TraceId, TraceState};
use tokio::time::Instant;

use crate::ambient::Ambient;
use crate::config::OtlpSettings;
use crate::logs;
use crate::metrics::Metrics;

pub(crate) use collector::CollectorError;
use export::Exporting;
use span::Draft;
pub(crate) use span::{Answered, Resolving, stored, taken_up};

/// The traces of a server; or none of them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Traces(Option<Arc<Tracing>>);

struct Tracing {
    exporting: Exporting,
    ambient: Ambient,
    share: Share,
    trusts_proxies: bool,
}

impl Traces {
    /// Begins to export, if there is where to.
    pub(crate) fn start(
        settings: Option<OtlpSettings>,
        roots_pem: Option<&[u8]>,
        ambient: &Ambient,
        metrics: &Arc<Metrics>,
    ) -> Result<Self, CollectorError> {
        let Some(settings) = settings else { return Ok(Self(None)) };
        let OtlpSettings { url, headers, sample, trusts_proxies } = settings;
        let exporting = Exporting::start(&url, headers, roots_pem, ambient, metrics)?;
        let share = Share::of(sample);
        Ok(Self(Some(Arc::new(Tracing { exporting, ambient: ambient.clone(), share, trusts_proxies }))))
    }

    /// None are made.
    pub(crate) fn off() -> Self {
        Self(None)
    }

    /// None are made.
    pub(crate) fn are_off(&self) -> bool {
        self.0.is_none()
    }

    /// What is traced of a request that begins or identifies a session. `through_proxy`: it came through a proxy that the
    /// operator trusts.
    pub(crate) fn of_request(&self, headers: &HeaderMap, through_proxy: impl Fn() -> bool) -> Option<Trace> {
        let tracing = self.0.as_ref()?;
        let given = parent::of(headers);
        let by_proxy = given.is_some() && tracing.trusts_proxies && through_proxy();
        Some(Trace::begin(tracing, given, by_proxy))
    }

    /// What is traced of a session that is identified though nobody asks for it now.
    pub(crate) fn of_nobody(&self, session_id: SessionId) -> Option<Trace> {
        let trace = Trace::begin(self.0.as_ref()?, None, false);
        trace.decide(session_id);
        Some(trace)
    }

    /// Ends once all spans are delivered, or after a bound; more are not taken.
    pub(crate) async fn close(&self) {
        if let Some(tracing) = &self.0 {
            tracing.exporting.close().await;
        }
    }
}

/// The trace of one request, or of one session's recovery.
#[derive(Clone)]
pub(crate) struct Trace(Arc<Inner>);

struct Inner {
    tracing: Arc<Tracing>,
    wall: SystemTime,
    begun: Instant,
    given: Option<SpanContext>,
    /// A proxy of the operator's has given it.
    by_proxy: bool,
    /// The software of an agent has, by its key.
    by_software: AtomicBool,
    decided: OnceLock<Option<Decided>>,
}

/// What a trace is; settled once the session is known that it is of.
struct Decided {
    session_id: SessionId,
    trace_id: TraceId,
    /// Who called, if they are believed.
    parent: Option<SpanContext>,
    /// The span that all others are below.
    root: SpanId,
    /// Spans are made; else the trace is only handed on.
    recorded: bool,
}

impl Trace {
    fn begin(tracing: &Arc<Tracing>, given: Option<SpanContext>, by_proxy: bool) -> Self {
        Self(Arc::new(Inner {
            tracing: tracing.clone(),
            wall: tracing.ambient.now_finely(),
            begun: Instant::now(),
            given,
            by_proxy,
            by_software: AtomicBool::new(false),
            decided: OnceLock::new(),
        }))
    }

    /// A proxy's word counts, for the operator sets it up. An agent's software may have its own trace continued; but it is
    /// a customer's, and does not decide how much is recorded. A visitor's header counts for nothing.
    fn decide(&self, session_id: SessionId) {
        let Inner { tracing, given, by_proxy, by_software, decided, .. } = &*self.0;
        let decide = || {
            let taken = tracing.share.takes(draw_of(session_id));
            let believed = *by_proxy || by_software.load(Ordering::Relaxed);
            let parent = given.clone().filter(|_| believed);
            let recorded = match &parent {
                None => taken,
                Some(parent) => parent.is_sampled() && (*by_proxy || taken),
            };
            if parent.is_none() && !recorded {
                return None;
            }
            let trace_id = parent
                .as_ref()
                .map_or_else(|| TraceId::from_bytes(tracing.ambient.id_bytes()), SpanContext::trace_id);
            Some(Decided { session_id, trace_id, parent, root: self.new_span(), recorded })
        };
        decided.get_or_init(decide);
    }

    /// `None`: of what came to no session nothing is traced, so that a flood of what is refused leaves the traces alone.
    fn decided(&self) -> Option<&Decided> {
        self.0.decided.get()?.as_ref()
    }

    /// Its id, once that is settled.
    pub(crate) fn id(&self) -> Option<TraceId> {
        Some(self.decided()?.trace_id)
    }

    fn new_span(&self) -> SpanId {
        SpanId::from_bytes(self.0.tracing.ambient.id_bytes())
    }

    /// The wall clock's time of a moment.
    fn wall(&self, at: Instant) -> SystemTime {
        self.0.wall + at.saturating_duration_since(self.0.begun)
    }

    fn record(&self, draft: Draft) {
        if let Some(decided) = self.decided().filter(|decided| decided.recorded) {
            let context = |id| {
                SpanContext::new(decided.trace_id, id, TraceFlags::SAMPLED, false, TraceState::default())
            };
            self.0.tracing.exporting.put(draft.into_data(context));
        }
    }
}

/// The work that goes on is about this session: whether its spans are made follows from its id alone, so that its begin
/// and its identification are both there or both not, on whatever node.
pub(crate) fn about(session_id: SessionId) {
    if let Some(trace) = logs::trace() {
        trace.decide(session_id);
    }
}

/// The software of an agent calls, with a key of it.
pub(crate) fn called_by_software() {
    if let Some(trace) = logs::trace() {
        trace.0.by_software.store(true, Ordering::Relaxed);
    }
}

/// The random bits of an id, which nobody outside chooses.
fn draw_of(session_id: SessionId) -> u64 {
    session_id.uuid().as_u64_pair().1
}

/// How many of all there are.
struct Share(u64);

impl Share {
    /// Below the two bits of a UUID's variant, and of what a double holds exactly.
    const BITS: u32 = 53;

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "a share of 0 to 1 of what a double holds exactly"
    )]
    fn of(share: f64) -> Self {
        Self((share * (1_u64 << Self::BITS) as f64) as u64)
    }

    fn takes(&self, draw: u64) -> bool {
        draw & ((1 << Self::BITS) - 1) < self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_of_all_draws() {
        let (lowest, highest) = (0, u64::MAX);
        for (share, takes_lowest, takes_highest) in
            [(0.0, false, false), (0.5, true, false), (1.0, true, true)]
        {
            let share = Share::of(share);
            assert_eq!((share.takes(lowest), share.takes(highest)), (takes_lowest, takes_highest));
        }
        let middle = 1 << (Share::BITS - 1);
        assert!(Share::of(0.5).takes(middle - 1) && !Share::of(0.5).takes(middle));
    }
}
