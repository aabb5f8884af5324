//! Logs on standard error: text on a terminal, JSON lines elsewhere. What is logged of a request carries its id, and that of
//! its trace if there is one.
//!
//! They are a task's own values and no span: a span at `info` is kept, entered with each poll, and written anew with each
//! line.

mod line;

use std::future::Future;
use std::io::IsTerminal;

use axum::http::HeaderValue;
use futures_util::future::Either;
use tokio::task::futures::TaskLocalFuture;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::traces::Trace;

/// Crates that are ours. Those of others stay at warnings, whatever is asked for: what they print of a request at
/// finer levels is not ours to vouch for.
const OURS: [&str; 5] = ["buddy", "buddy_agent", "buddy_core", "buddy_egress", "buddy_store"];

/// What work is done for.
#[derive(Clone)]
pub(crate) struct Cause {
    request_id: Option<HeaderValue>,
    trace: Option<Trace>,
}

tokio::task_local! {
    static CAUSE: Cause;
}

/// Work that is done for what is known.
pub(crate) type Caused<F> = Either<TaskLocalFuture<Cause, F>, F>;

/// Does the work of the request of this id, with its trace if it has one.
pub(crate) fn of_request<F: Future>(
    id: HeaderValue,
    trace: Option<Trace>,
    work: F,
) -> TaskLocalFuture<Cause, F> {
    CAUSE.scope(Cause { request_id: Some(id), trace }, work)
}

/// Does work that nobody has asked for now, with its trace if it has one.
pub(crate) fn of_trace<F: Future>(trace: Option<Trace>, work: F) -> Caused<F> {
    match trace {
        Some(trace) => Either::Left(CAUSE.scope(Cause { request_id: None, trace: Some(trace) }, work)),
        None => Either::Right(work),
    }
}

/// The same work for a task of its own, which belongs to the request that began it.
pub(crate) fn carried_on<F: Future>(work: F) -> Caused<F> {
    match CAUSE.try_with(Clone::clone) {
        Ok(cause) => Either::Left(CAUSE.scope(cause, work)),
        Err(_) => Either::Right(work),
    }
}

/// The trace of what is done now, if it has one.
pub(crate) fn trace() -> Option<Trace> {
    CAUSE.try_with(|cause| cause.trace.clone()).ok().flatten()
}

/// Hands over the ids of the request and the trace that this is logged for, as far as there are any: `request_id` and
/// `trace_id`.
fn with_ids(mut write: impl FnMut(&'static str, &str)) {
    let _ = CAUSE.try_with(|Cause { request_id, trace }| {
        if let Some(id) = request_id.as_ref().and_then(|id| id.to_str().ok()) {
            write("request_id", id);
        }
        if let Some(id) = trace.as_ref().and_then(Trace::id) {
            write("trace_id", &id.to_string());
        }
    });
}

/// Sets the process's subscriber; a second call changes nothing.
pub(crate) fn init(level: LevelFilter) {
    let shown = Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets(OURS.map(|name| (name, level)));
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(shown);
    // Fails only when a subscriber is set already, which is then as good.
    let _ = if std::io::stderr().is_terminal() {
        registry.with(lines.fmt_fields(line::Text::default())).try_init()
    } else {
        registry.with(lines.event_format(line::Json)).try_init()
    };
}
