//! What is counted, for Prometheus. Labels are bounded: codes, reasons, phases, routes, kinds; never an agent, a session
//! or a user.

mod node;

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Resolution};
use buddy_core::session::OpenedBy;
use buddy_store::Settlement;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

use node::Node;
pub(crate) use node::{Levels, StreamKind};

const SESSIONS: &str = "buddy_sessions_begun_total";
const RESOLUTIONS: &str = "buddy_resolutions_total";
const RESOLUTION_SECONDS: &str = "buddy_resolution_duration_seconds";
const ATTEMPTS: &str = "buddy_callback_attempts_total";
const PHASE_SECONDS: &str = "buddy_callback_phase_duration_seconds";
const IN_FLIGHT: &str = "buddy_callbacks_in_flight";
const SHARE: &str = "buddy_identified_share";
const REQUESTS: &str = "buddy_http_requests_total";
const REQUEST_SECONDS: &str = "buddy_http_request_duration_seconds";
const TRACE_SPANS: &str = "buddy_trace_spans_total";

/// From a look-up in a cache to two attempts of ten seconds.
const SECONDS_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];

/// The server's own recorder; nothing global, so that two servers in one process do not mix.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    authenticated: AtomicU64,
    failed: AtomicU64,
    share: Gauge,
    in_flight: Gauge,
    node: Node,
    sessions: AtHand<OpenedBy, Counter>,
    resolutions: AtHand<(Outcome, Option<Reason>), (Counter, Histogram)>,
    attempts: AtHand<(bool, bool), Counter>,
    phases: AtHand<&'static str, Histogram>,
    requests: AtHand<(&'static str, String, u16), (Counter, Histogram)>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)
            .expect("the buckets are not empty")
            .build_recorder();
        let handle = recorder.handle();
        let (share, in_flight, node) = with_local_recorder(&recorder, || {
            describe();
            (gauge!(SHARE), gauge!(IN_FLIGHT), Node::register())
        });
        share.set(1.0);
        Self {
            recorder,
            handle,
            authenticated: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            share,
            in_flight,
            node,
            sessions: AtHand::default(),
            resolutions: AtHand::default(),
            attempts: AtHand::default(),
            phases: AtHand::default(),
            requests: AtHand::default(),
        }
    }

    /// The text that Prometheus scrapes.
    pub(crate) fn render(&self) -> String {
        self.handle.render()
    }

    /// Folds what histograms have gathered; call it now and then.
    pub(crate) fn upkeep(&self) {
        self.handle.run_upkeep();
    }

    pub(crate) fn session_begun(&self, opened_by: OpenedBy) {
        let register = || {
            let opened_by = match opened_by {
                OpenedBy::Visitor => "visitor",
                OpenedBy::Server => "server",
            };
            counter!(SESSIONS, "opened_by" => opened_by)
        };
        self.sessions.with(opened_by, &self.recorder, register, |sessions| sessions.increment(1));
    }

    /// A session was settled now.
    pub(crate) fn settled(&self, settlement: &Settlement) {
        let Resolution { outcome, reason, .. } = settlement.resolution;
        let register = || {
            let outcome = outcome.as_str();
            let code = reason.map_or("", |reason| reason.code().as_str());
            let reason = reason.map_or("", Reason::as_str);
            let resolutions = counter!(RESOLUTIONS, "outcome" => outcome, "code" => code, "reason" => reason);
            (resolutions, histogram!(RESOLUTION_SECONDS, "outcome" => outcome))
        };
        self.resolutions.with((outcome, reason), &self.recorder, register, |(resolutions, durations)| {
            resolutions.increment(1);
            durations.record(seconds(settlement.resolution.duration));
        });
        self.share.set(self.share_with(outcome));
        settlement.resolution.attempts.iter().for_each(|attempt| self.attempt(attempt));
    }

    fn attempt(&self, attempt: &Attempt) {
        let (first, reused) = (attempt.number == 1, attempt.reused_connection);
        let register = || {
            let number = if first { "1" } else { "2" };
            let reused = if reused { "true" } else { "false" };
            counter!(ATTEMPTS, "number" => number, "reused_connection" => reused)
        };
        self.attempts.with((first, reused), &self.recorder, register, |attempts| attempts.increment(1));
        for (phase, micros) in attempt.phases.reached() {
            let register = || histogram!(PHASE_SECONDS, "phase" => phase);
            self.phases.with(phase, &self.recorder, register, |times| times.record(seconds(micros)));
        }
    }

    /// Of the sessions that somebody was signed in for or that failed, those identified; 1 before the first.
    #[expect(clippy::cast_precision_loss, reason = "a share needs no more than 52 bits")]
    fn share_with(&self, outcome: Outcome) -> f64 {
        let count = |counter: &AtomicU64, is: bool| {
            counter.fetch_add(u64::from(is), Ordering::Relaxed) + u64::from(is)
        };
        let authenticated = count(&self.authenticated, outcome == Outcome::Authenticated) as f64;
        let failed = count(&self.failed, outcome == Outcome::Failed) as f64;
        if authenticated + failed == 0.0 { 1.0 } else { authenticated / (authenticated + failed) }
    }

    /// Counts a callback in flight until the guard is dropped.
    pub(crate) fn callback_in_flight(&self) -> Counted {
        Counted::one(&self.in_flight)
    }

    /// What becomes of spans, for who makes any.
    pub(crate) fn trace_spans(&self) -> TraceSpans {
        with_local_recorder(&self.recorder, || {
            describe_counter!(TRACE_SPANS, "Spans of traces, by what became of them.");
            let counter = |result: &'static str| counter!(TRACE_SPANS, "result" => result);
            TraceSpans {
                exported: counter("exported"),
                dropped: counter("queue_full"),
                lost: counter("not_delivered"),
            }
        })
    }

    /// One answered request. `route` is the template, never the path.
    pub(crate) fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let register = || {
            let route = route.to_owned();
            let status = status.to_string();
            let requests =
                counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status);
            (requests, histogram!(REQUEST_SECONDS, "method" => method, "route" => route))
        };
        self.requests.with(
            (method, route.to_owned(), status),
            &self.recorder,
            register,
            |(requests, times)| {
                requests.increment(1);
                times.record(took.as_secs_f64());
            },
        );
    }
}

/// What becomes of spans.
#[derive(Clone)]
pub(crate) struct TraceSpans {
    /// The receiver has taken them.
    pub(crate) exported: Counter,
    /// They found the queue full, or the end near.
    pub(crate) dropped: Counter,
    /// The receiver has not taken them.
    pub(crate) lost: Counter,
}

/// What was registered before, by what tells it apart: the recorder would make and hash all labels anew each time.
struct AtHand<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for AtHand<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V> AtHand<K, V> {
    fn with(
        &self,
        key: K,
        recorder: &PrometheusRecorder,
        register: impl FnOnce() -> V,
        count: impl FnOnce(&V),
    ) {
        // A map is whole between any two of its operations.
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        count(known.entry(key).or_insert_with(|| with_local_recorder(recorder, register)));
    }
}

/// One of those that there are at once.
pub(crate) struct Counted(Gauge);

impl Counted {
    /// One more, until it is dropped.
    pub(crate) fn one(of: &Gauge) -> Self {
        of.increment(1.0);
        Self(of.clone())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn seconds(micros: u64) -> f64 {
    Duration::from_micros(micros).as_secs_f64()
}

fn describe() {
    describe_counter!(SESSIONS, "Sessions begun.");
    describe_counter!(RESOLUTIONS, "Sessions settled, by outcome, code and reason.");
    describe_histogram!(RESOLUTION_SECONDS, "From the begin of a resolution to its outcome.");
    describe_counter!(ATTEMPTS, "Requests sent to endpoints.");
    describe_histogram!(PHASE_SECONDS, "Where the time of an attempt went.");
    describe_gauge!(IN_FLIGHT, "Resolutions that are being made.");
    describe_gauge!(
        SHARE,
        "Identified sessions among those that somebody was signed in for or that failed, since the start."
    );
    describe_counter!(REQUESTS, "HTTP requests answered.");
    describe_histogram!(REQUEST_SECONDS, "From a request's head to its answer's.");
}
