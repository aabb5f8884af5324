//! Logs on standard error: text on a terminal, JSON lines elsewhere. What is logged of a request carries its id.
//!
//! The id is a task's own value and no span: a span at `info` is kept, entered with each poll, and written anew with each
//! line.

mod line;

use std::future::Future;
use std::io::IsTerminal;

use axum::http::HeaderValue;
use futures_util::future::Either;
use tokio::task::futures::TaskLocalFuture;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::Directive;

/// Crates that are ours. Those of others stay at warnings, whatever is asked for: what they print of a request at
/// finer levels is not ours to vouch for.
const OURS: [&str; 5] = ["buddy", "buddy_agent", "buddy_core", "buddy_egress", "buddy_store"];

tokio::task_local! {
    static REQUEST_ID: HeaderValue;
}

/// Does the work of the request of this id.
pub(crate) fn of_request<F: Future>(id: HeaderValue, work: F) -> TaskLocalFuture<HeaderValue, F> {
    REQUEST_ID.scope(id, work)
}

/// The same work for a task of its own, which belongs to the request that began it.
pub(crate) fn carried_on<F: Future>(work: F) -> Either<TaskLocalFuture<HeaderValue, F>, F> {
    match REQUEST_ID.try_with(Clone::clone) {
        Ok(id) => Either::Left(REQUEST_ID.scope(id, work)),
        Err(_) => Either::Right(work),
    }
}

/// Hands over the id of the request that this is logged for, if it is one's.
fn with_request_id<T>(write: impl FnOnce(&str) -> T) -> Option<T> {
    REQUEST_ID.try_with(|id| id.to_str().ok().map(write)).ok().flatten()
}

/// Sets the process's subscriber; a second call changes nothing.
pub(crate) fn init(level: LevelFilter) {
    let others = level.min(LevelFilter::WARN);
    let filter = OURS.into_iter().fold(EnvFilter::default().add_directive(others.into()), |filter, name| {
        let directive: Directive = format!("{name}={level}").parse().expect("a crate name and a level");
        filter.add_directive(directive)
    });
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Fails only when a subscriber is set already, which is then as good.
    let _ = if std::io::stderr().is_terminal() {
        builder.fmt_fields(line::Text::default()).try_init()
    } else {
        builder.event_format(line::Json).try_init()
    };
}
