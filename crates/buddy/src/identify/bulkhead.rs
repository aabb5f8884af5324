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
    recovering: Semaphore,
}

impl Bulkhead {
    fn new(egress: &Egress, callback: Callback) -> Self {
        let slots = usize::try_from(callback.max_concurrent).expect("a setting of at most 1,024 fits");
        Self {
            target: egress.target(&callback.url),
            pool: egress.pool(slots),
            slots: Semaphore::new(slots),
            waiting: AtomicUsize::new(0),
            waiting_max: slots * QUEUE_PER_SLOT,
            recovering: Semaphore::new(slots * QUEUE_PER_SLOT),
            callback,
        }
    }

    /// Of sessions that are taken up again there may be many at once: no more of them come to the queue than it holds, so
    /// that none is refused as overloaded for being taken up.
    pub(super) async fn turn_of_recovery(&self) -> SemaphorePermit<'_> {
        self.recovering.acquire().await.expect("the turns are never closed")
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use buddy_core::id::new_id;
    use buddy_core::time::UnixMillis;
    use buddy_egress::EgressSettings;

    use super::*;

    fn callback(max_concurrent: u32) -> Callback {
        Callback {
            url: "https://shop.example/buddy".into(),
            timeout_ms: 3000,
            max_concurrent,
            require_ticket: false,
            enabled: true,
        }
    }

    fn bulkheads() -> Bulkheads {
        Bulkheads::new(Egress::new(EgressSettings::default()).unwrap())
    }

    fn agent(n: u8) -> AgentId {
        new_id(UnixMillis(1), [n; 10])
    }

    fn in_one_second() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_slot_waits_its_attempts_time_and_no_longer() {
        let bulkhead = bulkheads().of(agent(1), &callback(1));
        let slot = bulkhead.enter(in_one_second()).await.unwrap();
        let begun = Instant::now();
        assert_eq!(bulkhead.enter(in_one_second()).await.err(), Some(Reason::TimeoutQueue));
        assert_eq!(begun.elapsed(), Duration::from_secs(1));
        drop(slot);
        assert!(bulkhead.enter(in_one_second()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_queue_of_eight_times_the_slots_is_full() {
        let bulkhead = bulkheads().of(agent(1), &callback(2));
        let deadline = in_one_second();
        let slots = [bulkhead.enter(deadline).await.unwrap(), bulkhead.enter(deadline).await.unwrap()];
        let mut waiting: Vec<_> = (0..16).map(|_| Box::pin(bulkhead.enter(deadline))).collect();
        for entry in &mut waiting {
            assert!(futures_util::poll!(entry).is_pending());
        }
        assert_eq!(bulkhead.enter(deadline).await.err(), Some(Reason::Overloaded));
        // One of those who wait leaves, and its place is free.
        drop(waiting.pop());
        assert!(futures_util::poll!(Box::pin(bulkhead.enter(deadline))).is_pending());
        drop(slots);
        for entry in waiting {
            assert!(entry.await.is_ok());
        }
    }

    #[tokio::test]
    async fn an_agent_has_one_share_until_its_settings_change_and_shares_nothing_with_others() {
        let bulkheads = bulkheads();
        let first = bulkheads.of(agent(1), &callback(1));
        assert!(Arc::ptr_eq(&first, &bulkheads.of(agent(1), &callback(1))));
        assert!(!Arc::ptr_eq(&first, &bulkheads.of(agent(2), &callback(1))));
        assert!(!Arc::ptr_eq(&first, &bulkheads.of(agent(1), &callback(2))));
        bulkheads.drop_idle();
        assert!(bulkheads.by_agent.lock().unwrap().is_empty(), "only those in use are kept");
    }
}
