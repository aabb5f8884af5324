//! What is counted, for Prometheus. Labels are bounded: codes, reasons, phases, routes; never an agent, a session
//! or a user.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome};
use buddy_core::session::OpenedBy;
use buddy_store::Settlement;
use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram, with_local_recorder,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder};

const SESSIONS: &str = "buddy_sessions_begun_total";
const RESOLUTIONS: &str = "buddy_resolutions_total";
const RESOLUTION_SECONDS: &str = "buddy_resolution_duration_seconds";
const ATTEMPTS: &str = "buddy_callback_attempts_total";
const PHASE_SECONDS: &str = "buddy_callback_phase_duration_seconds";
const IN_FLIGHT: &str = "buddy_callbacks_in_flight";
const SHARE: &str = "buddy_identified_share";
const REQUESTS: &str = "buddy_http_requests_total";
const REQUEST_SECONDS: &str = "buddy_http_request_duration_seconds";

/// From a look-up in a cache to two attempts of ten seconds.
const SECONDS_BUCKETS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0];

/// The server's own recorder; nothing global, so that two servers in one process do not mix.
pub(crate) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
    authenticated: AtomicU64,
    failed: AtomicU64,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS_BUCKETS)
            .expect("the buckets are not empty")
            .build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, describe);
        Self { recorder, handle, authenticated: AtomicU64::new(0), failed: AtomicU64::new(0) }
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
        let opened_by = match opened_by {
            OpenedBy::Visitor => "visitor",
            OpenedBy::Server => "server",
        };
        with_local_recorder(&self.recorder, || counter!(SESSIONS, "opened_by" => opened_by).increment(1));
    }

    /// A session was settled now.
    pub(crate) fn settled(&self, settlement: &Settlement) {
        let resolution = &settlement.resolution;
        let share = self.share_with(resolution.outcome);
        let code = resolution.reason.map_or("", |reason| reason.code().as_str());
        let reason = resolution.reason.map_or("", Reason::as_str);
        let outcome = resolution.outcome.as_str();
        with_local_recorder(&self.recorder, || {
            counter!(RESOLUTIONS, "outcome" => outcome, "code" => code, "reason" => reason).increment(1);
            histogram!(RESOLUTION_SECONDS, "outcome" => outcome).record(seconds(resolution.duration));
            gauge!(SHARE).set(share);
            resolution.attempts.iter().for_each(attempt);
        });
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
    pub(crate) fn callback_in_flight(&self) -> InFlight {
        let gauge = with_local_recorder(&self.recorder, || gauge!(IN_FLIGHT));
        gauge.increment(1.0);
        InFlight(gauge)
    }

    /// One answered request. `route` is the template, never the path.
    pub(crate) fn request(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let route = route.to_owned();
        with_local_recorder(&self.recorder, || {
            counter!(REQUESTS, "method" => method, "route" => route.clone(), "status" => status.to_string())
                .increment(1);
            histogram!(REQUEST_SECONDS, "method" => method, "route" => route).record(took.as_secs_f64());
        });
    }
}

/// One callback in flight.
pub(crate) struct InFlight(metrics::Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.decrement(1.0);
    }
}

fn attempt(attempt: &Attempt) {
    let reused = if attempt.reused_connection { "true" } else { "false" };
    let number = if attempt.number == 1 { "1" } else { "2" };
    counter!(ATTEMPTS, "number" => number, "reused_connection" => reused).increment(1);
    for (phase, micros) in attempt.phases.reached() {
        histogram!(PHASE_SECONDS, "phase" => phase).record(seconds(micros));
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
