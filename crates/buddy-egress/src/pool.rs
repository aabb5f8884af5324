//! Idle connections of one agent, kept for less than its endpoint would keep them.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use buddy_core::reason::Reason;
use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use crate::connection::Connection;
use crate::limits::{AGE_MAX, DIALS_MAX, IDLE_MAX};
use crate::policy::Policy;
use crate::target::Target;

/// Connections that wait for their next exchange: one pool per agent and configuration, never shared.
/// Dropping it closes them.
#[derive(Debug)]
pub struct Pool(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Connections that may wait.
    idle_max: usize,
    /// Places for connections on their way.
    dials: Semaphore,
    /// A connection came back: one of those who wait for a place may have it instead.
    returned: Notify,
}

/// How an exchange comes by its connection.
pub(crate) enum Way<'a> {
    /// One that was used before.
    Idle(Box<Connection>),
    /// A new one may be dialled; the place is given back once it is open.
    Dial(SemaphorePermit<'a>),
}

#[derive(Default)]
struct State {
    /// The one used last at the end: it is taken first, and the others grow old and go.
    idle: Vec<Idle>,
    /// A task is there that closes them in time.
    swept: bool,
    /// What the last dial that ran out of time was busy with, if none has come about since.
    dials_timed_out: Option<Reason>,
}

struct Idle {
    connection: Box<Connection>,
    since: Instant,
}

impl Idle {
    /// From then on it is not to be used.
    fn ends(&self) -> Instant {
        (self.since + IDLE_MAX).min(self.connection.opened() + AGE_MAX)
    }
}

impl Pool {
    pub(crate) fn new(idle_max: usize) -> Self {
        let state = Mutex::default();
        Self(Arc::new(Shared { state, idle_max, dials: Semaphore::new(DIALS_MAX), returned: Notify::new() }))
    }

    /// A connection on its way ran out of time, called so.
    pub(crate) fn dial_timed_out(&self, timeout: Reason) -> Reason {
        self.0.lock().dials_timed_out = Some(timeout);
        timeout
    }

    /// A connection is open: what held up others before is over.
    pub(crate) fn dial_succeeded(&self) {
        self.0.lock().dials_timed_out = None;
    }

    /// What a timeout is called for one who waited for a place while others dialled.
    pub(crate) fn dials_time_out_as(&self) -> Reason {
        self.0.lock().dials_timed_out.unwrap_or(Reason::TimeoutConnect)
    }

    /// How many connections wait.
    pub fn idle(&self) -> usize {
        self.0.lock().idle.len()
    }

    /// A way that is open now. `fresh`: only a new connection will do.
    pub(crate) fn at_once(&self, target: &Target, policy: &Arc<Policy>, fresh: bool) -> Option<Way<'_>> {
        let idle = if fresh { None } else { self.take(target, policy) };
        idle.map(Way::Idle).or_else(|| self.0.dials.try_acquire().ok().map(Way::Dial))
    }

    /// The first way to open: a place to dial, first come first served, or a connection that comes back.
    pub(crate) async fn next(&self, target: &Target, policy: &Arc<Policy>, fresh: bool) -> Way<'_> {
        let mut place = pin!(self.0.dials.acquire());
        loop {
            let returned = self.0.returned.notified();
            if let Some(connection) = if fresh { None } else { self.take(target, policy) } {
                return Way::Idle(connection);
            }
            tokio::select! {
                place = &mut place => return Way::Dial(place.expect("the places are never closed")),
                () = returned, if !fresh => {}
            }
        }
    }

    /// A connection that is fit for use; those found unfit are closed.
    fn take(&self, target: &Target, policy: &Arc<Policy>) -> Option<Box<Connection>> {
        loop {
            let mut idle = self.0.remove_last(target, policy)?;
            if Instant::now() < idle.ends() && idle.connection.wake() {
                return Some(idle.connection);
            }
            idle.connection.close();
        }
    }

    /// Keeps a connection for the next exchange if this one left it clean.
    pub(crate) fn put(&self, mut connection: Box<Connection>) {
        if !connection.settle() {
            return;
        }
        let mut state = self.0.lock();
        state.idle.push(Idle { connection, since: Instant::now() });
        let surplus = (state.idle.len() > self.0.idle_max).then(|| state.idle.remove(0));
        if !state.swept {
            state.swept = true;
            tokio::spawn(sweep(Arc::downgrade(&self.0)));
        }
        drop(state);
        self.0.returned.notify_one();
        if let Some(surplus) = surplus {
            surplus.connection.close();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // A list of connections is whole between any two of its operations.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove_last(&self, target: &Target, policy: &Arc<Policy>) -> Option<Idle> {
        let mut state = self.lock();
        let last = state.idle.iter().rposition(|idle| idle.connection.serves(target, policy))?;
        Some(state.idle.remove(last))
    }

    /// When the next connection is due; `None` ends the sweeping, as there is none.
    fn next_end(&self) -> Option<Instant> {
        let mut state = self.lock();
        let next = state.idle.iter().map(Idle::ends).min();
        state.swept = next.is_some();
        next
    }

    fn close_ended(&self, now: Instant) {
        let ended = self.lock().idle.extract_if(.., |idle| idle.ends() <= now).collect::<Vec<_>>();
        for idle in ended {
            idle.connection.close();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        for idle in state.idle.drain(..) {
            idle.connection.close();
        }
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("idle", &self.lock().idle.len()).finish_non_exhaustive()
    }
}

/// Closes what has been idle for too long, without waiting for a next request. Lives only while there is any.
async fn sweep(pool: Weak<Shared>) {
    while let Some(next) = pool.upgrade().and_then(|pool| pool.next_end()) {
        sleep_until(next).await;
        if let Some(pool) = pool.upgrade() {
            pool.close_ended(Instant::now());
        }
    }
}
