//! One agent, one share: so many callbacks at once, so many waiting, and connections that are its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use buddy_core::agent::Callback;
use buddy_core::id::AgentId;
use buddy_core::limits::QUEUE_PER_SLOT;
use buddy_core::reason::Reason;
use buddy_egress::{Egress, Pool, Target};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout_at};

/// The shares of all agents with traffic.
pub(crate) struct Bulkheads {
    egress: Egress,
    by_agent: Mutex<HashMap<AgentId, Arc<Bulkhead>>>,
}

impl Bulkheads {
    pub(crate) fn new(egress: Egress) -> Self {
        Self { egress, by_agent: Mutex::default() }
    }

    /// The agent's share under these settings; changed settings begin a new one, with new connections.
    pub(super) fn of(&self, agent_id: AgentId, callback: &Callback) -> Arc<Bulkhead> {
        let mut by_agent = self.by_agent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bulkhead) = by_agent.get(&agent_id)
            && bulkhead.callback == *callback
        {
            return Arc::clone(bulkhead);
        }
        let bulkhead = Arc::new(Bulkhead::new(&self.egress, callback.clone()));
        by_agent.insert(agent_id, Arc::clone(&bulkhead));
        bulkhead
    }

    /// Lets go of shares that nobody is using.
    pub(crate) fn drop_idle(&self) {
        let mut by_agent = self.by_agent.lock().unwrap_or_else(PoisonError::into_inner);
        by_agent.retain(|_, bulkhead| Arc::strong_count(bulkhead) > 1);
        by_agent.shrink_to_fit();
    }
}

/// One agent's share.
pub(super) struct Bulkhead {
    callback: Callback,
    /// Where its callbacks go, or why they cannot.
    pub(super) target: Result<Target, Reason>,
    /// Its connections, never shared with another agent.
    pub(super) pool: Pool,
    slots: Semaphore,
    waiting: AtomicUsize,
    waiting_max: usize,
}

impl Bulkhead {
    fn new(egress: &Egress, callback: Callback) -> Self {
        let slots = usize::try_from(callback.max_concurrent).expect("a setting of at most 1,024 fits");
        Self {
            target: egress.target(&callback.url),
            pool: egress.pool(),
            slots: Semaphore::new(slots),
            waiting: AtomicUsize::new(0),
            waiting_max: slots * QUEUE_PER_SLOT,
            callback,
        }
    }

    /// A slot, first come first served, within the attempt's time.
    pub(super) async fn enter(&self, deadline: Instant) -> Result<SemaphorePermit<'_>, Reason> {
        if let Ok(slot) = self.slots.try_acquire() {
            return Ok(slot);
        }
        let waiting = Waiting::enter(&self.waiting);
        if waiting.before >= self.waiting_max {
            return Err(Reason::Overloaded);
        }
        let slot = timeout_at(deadline, self.slots.acquire()).await.map_err(|_| Reason::TimeoutQueue)?;
        Ok(slot.expect("the slots are never closed"))
    }
}

/// Counted as waiting until dropped.
struct Waiting<'a> {
    count: &'a AtomicUsize,
    before: usize,
}

impl<'a> Waiting<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Self { count, before: count.fetch_add(1, Ordering::Relaxed) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}
