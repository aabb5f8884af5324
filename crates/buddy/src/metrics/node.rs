//! How a node is: what it is, what it holds at once, and what its store knows of itself. Counted where it happens if
//! that is rare; what is only a level is looked up when Prometheus asks.

use buddy_core::time::UnixMillis;
use buddy_store::{Failures, PoolUse, Vitals};
use metrics::{Counter, Gauge, counter, describe_counter, describe_gauge, gauge, with_local_recorder};

use super::{Counted, Metrics};

const BUILD_INFO: &str = "buddy_build_info";
/// Prometheus' own name for it, which its dashboards and functions know.
const START_TIME: &str = "process_start_time_seconds";
const CONNECTIONS: &str = "buddy_connections";
const CONNECTIONS_MAX: &str = "buddy_connections_max";
const STREAMS: &str = "buddy_event_streams";
const PENDING: &str = "buddy_sessions_pending";
const PENDING_MAX: &str = "buddy_sessions_pending_max";
const REFUSED: &str = "buddy_sessions_refused_total";
const TAKEN_OVER: &str = "buddy_sessions_taken_over_total";
const GIVEN_UP: &str = "buddy_sessions_given_up_total";
const TENURE: &str = "buddy_tenure";
const DRAINING: &str = "buddy_draining";
const CLOCK_OFFSET: &str = "buddy_clock_offset_seconds";
const STORE_FAILURES: &str = "buddy_store_failures_total";
const POOL: &str = "buddy_postgres_pool_connections";
const POOL_MAX: &str = "buddy_postgres_pool_connections_max";
const POOL_WAITING: &str = "buddy_postgres_pool_waiting";
const LOG_BYTES: &str = "buddy_sqlite_wal_bytes";

/// What is counted of a node where it happens.
pub(super) struct Node {
    connections: Gauge,
    refused: Counter,
    taken_over: Counter,
    given_up: Counter,
}

impl Node {
    /// Registers all of it, so that each counter is there before it first counts. The recorder is the local one.
    pub(super) fn register() -> Self {
        describe();
        gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
        Self {
            connections: gauge!(CONNECTIONS),
            refused: counter!(REFUSED),
            taken_over: counter!(TAKEN_OVER),
            given_up: counter!(GIVEN_UP),
        }
    }
}

/// Whose event stream it is.
#[derive(Clone, Copy)]
pub(crate) enum StreamKind {
    /// A conversation's, for its visitor or the agent's software.
    Session,
    /// All that is handed over to an agent's software.
    Agent,
    /// What happens to an agent's sessions, for operators.
    Resolutions,
}

/// The levels of a node, as of now.
pub(crate) struct Levels {
    /// Sessions that have a place among the pending ones.
    pub(crate) pending: usize,
    /// It may act for the sessions that are pending here.
    pub(crate) has_tenure: bool,
    /// It is to end, and takes no new work.
    pub(crate) is_draining: bool,
    /// The store's own state.
    pub(crate) store: Vitals,
}

impl Metrics {
    /// What stays as it is from the start on.
    pub(crate) fn started(&self, at: UnixMillis, connections_max: usize, pending_max: usize) {
        with_local_recorder(&self.recorder, || {
            gauge!(START_TIME).set(millis(at.0));
            gauge!(CONNECTIONS_MAX).set(count(connections_max));
            gauge!(PENDING_MAX).set(count(pending_max));
        });
    }

    /// Counts a connection until the guard is dropped.
    pub(crate) fn connection(&self) -> Counted {
        Counted::one(&self.node.connections)
    }

    /// The streams of this kind, for who opens them.
    pub(crate) fn streams(&self, kind: StreamKind) -> Gauge {
        let kind = match kind {
            StreamKind::Session => "session",
            StreamKind::Agent => "agent",
            StreamKind::Resolutions => "resolutions",
        };
        with_local_recorder(&self.recorder, || gauge!(STREAMS, "kind" => kind))
    }

    /// A session found no place among the pending ones.
    pub(crate) fn session_refused(&self) {
        self.node.refused.increment(1);
    }

    /// Sessions of a node that is gone are identified here.
    pub(crate) fn taken_over(&self, sessions: usize) {
        self.node.taken_over.increment(sessions as u64);
    }

    /// A session is no longer identified here, for another node may have taken it over.
    pub(crate) fn given_up(&self) {
        self.node.given_up.increment(1);
    }

    /// This clock is ahead of the database's by so many milliseconds.
    pub(crate) fn clock_offset(&self, ahead: i64) {
        with_local_recorder(&self.recorder, || gauge!(CLOCK_OFFSET).set(millis(ahead)));
    }

    /// Puts down the levels as they are.
    pub(crate) fn levels(&self, levels: &Levels) {
        with_local_recorder(&self.recorder, || {
            gauge!(PENDING).set(count(levels.pending));
            gauge!(TENURE).set(f64::from(levels.has_tenure));
            gauge!(DRAINING).set(f64::from(levels.is_draining));
            store_failures(&levels.store.failures);
            if let Some(pool) = &levels.store.pool {
                pool_use(pool);
            }
            if let Some(bytes) = levels.store.log_bytes {
                gauge!(LOG_BYTES).set(whole(bytes));
            }
        });
    }
}

fn store_failures(Failures { unavailable, sealed, unreadable }: &Failures) {
    for (kind, failures) in [("unavailable", unavailable), ("sealed", sealed), ("unreadable", unreadable)] {
        counter!(STORE_FAILURES, "kind" => kind).absolute(*failures);
    }
}

fn pool_use(pool: &PoolUse) {
    gauge!(POOL, "state" => "in_use").set(count(pool.in_use));
    gauge!(POOL, "state" => "idle").set(count(pool.idle));
    gauge!(POOL_MAX).set(count(pool.most));
    gauge!(POOL_WAITING).set(count(pool.waiting));
}

fn count(of: usize) -> f64 {
    whole(of as u64)
}

#[expect(clippy::cast_precision_loss, reason = "what is counted here stays far below 2^53")]
fn whole(number: u64) -> f64 {
    number as f64
}

/// In seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds of this era stay far below 2^53")]
fn millis(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

fn describe() {
    describe_gauge!(BUILD_INFO, "Always 1; the label says which version runs.");
    describe_gauge!(START_TIME, "When the server was started, in seconds since 1970.");
    describe_gauge!(CONNECTIONS, "Connections that clients have open.");
    describe_gauge!(CONNECTIONS_MAX, "Connections that clients may have open; more wait to be accepted.");
    describe_gauge!(STREAMS, "Event streams that are open.");
    describe_gauge!(PENDING, "Sessions that are pending here.");
    describe_gauge!(PENDING_MAX, "Sessions that may be pending here.");
    describe_counter!(REFUSED, "Sessions refused because too many were pending.");
    describe_counter!(TAKEN_OVER, "Pending sessions taken over from nodes that are gone.");
    describe_counter!(
        GIVEN_UP,
        "Pending sessions given up because this node could not show that it is alive."
    );
    describe_gauge!(TENURE, "1 while the database knows this node to be alive; always 1 on SQLite.");
    describe_gauge!(DRAINING, "1 once the server is to end.");
    describe_gauge!(CLOCK_OFFSET, "How far this clock is ahead of the database's.");
    describe_counter!(STORE_FAILURES, "Operations on the store that failed.");
    describe_gauge!(POOL, "Connections to PostgreSQL.");
    describe_gauge!(POOL_MAX, "Connections to PostgreSQL that there may be.");
    describe_gauge!(POOL_WAITING, "Operations that wait for a connection to PostgreSQL.");
    describe_gauge!(LOG_BYTES, "Length of SQLite's write-ahead log.");
}
