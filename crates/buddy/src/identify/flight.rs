//! Who waits for something to happen to a session, and how they hear of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use buddy_core::id::{AgentId, SessionId};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// All that is announced.
#[derive(Default)]
pub(crate) struct News {
    /// A session was settled or revoked.
    pub(crate) settled: Arc<Announcements<SessionId>>,
    /// A session's conversation has changed.
    pub(crate) written: Arc<Announcements<SessionId>>,
    /// There is something new for an agent's software.
    pub(crate) handed_over: Arc<Announcements<AgentId>>,
    /// One of an agent's sessions has a resolution.
    pub(crate) resolved: Arc<Announcements<AgentId>>,
}

impl News {
    /// The session of this agent is settled, or was revoked: it may have messages to hand over, or none any more.
    pub(crate) fn settled(&self, id: SessionId, agent_id: AgentId) {
        self.settled.announce(id);
        self.written.announce(id);
        self.handed_over.announce(agent_id);
        self.resolved.announce(agent_id);
    }
}

/// Tells those who wait for one of these that something has happened to it. Holds only those that are waited for.
pub(crate) struct Announcements<K: Copy + Eq + Hash> {
    waited_for: Mutex<HashMap<K, Weak<Notify>>>,
}

impl<K: Copy + Eq + Hash> Default for Announcements<K> {
    fn default() -> Self {
        Self { waited_for: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash> Announcements<K> {
    /// Waits for it from now on; read it after this.
    pub(crate) fn subscribe(self: &Arc<Self>, id: K) -> Subscription<K> {
        let mut waited_for = self.lock();
        let notify = waited_for.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let notify = Arc::new(Notify::new());
            waited_for.insert(id, Arc::downgrade(&notify));
            notify
        });
        Subscription { announcements: Arc::clone(self), id, notify }
    }

    /// Something has happened: wakes all who wait for it.
    pub(crate) fn announce(&self, id: K) {
        let notify = self.lock().remove(&id).and_then(|notify| notify.upgrade());
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, Weak<Notify>>> {
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits. The last to leave clears the entry.
pub(crate) struct Subscription<K: Copy + Eq + Hash> {
    announcements: Arc<Announcements<K>>,
    id: K,
    notify: Arc<Notify>,
}

impl<K: Copy + Eq + Hash> Subscription<K> {
    /// Ends at the next announcement after this call.
    pub(crate) fn announced(&self) -> OwnedNotified {
        Arc::clone(&self.notify).notified_owned()
    }
}

impl<K: Copy + Eq + Hash> Drop for Subscription<K> {
    fn drop(&mut self) {
        let mut waited_for = self.announcements.lock();
        let ours = waited_for.get(&self.id).is_some_and(|entry| entry.ptr_eq(&Arc::downgrade(&self.notify)));
        if ours && Arc::strong_count(&self.notify) == 1 {
            waited_for.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use buddy_core::id::new_id;
    use buddy_core::time::UnixMillis;

    use super::*;

    #[tokio::test]
    async fn all_who_wait_hear_of_it_and_nothing_is_left_behind() {
        let announcements = Arc::<Announcements<SessionId>>::default();
        let id = new_id(UnixMillis(1), [0; 10]);
        let subscriptions: Vec<_> = (0..3).map(|_| announcements.subscribe(id)).collect();
        let announced: Vec<_> = subscriptions.iter().map(Subscription::announced).collect();
        announcements.announce(id);
        for heard in announced {
            heard.await;
        }
        drop(subscriptions);
        assert!(announcements.lock().is_empty());
    }

    #[test]
    fn who_leaves_without_an_announcement_clears_the_entry_and_only_the_last_one() {
        let announcements = Arc::<Announcements<SessionId>>::default();
        let id = new_id(UnixMillis(1), [0; 10]);
        let (first, second) = (announcements.subscribe(id), announcements.subscribe(id));
        drop(first);
        assert_eq!(announcements.lock().len(), 1);
        drop(second);
        assert!(announcements.lock().is_empty());
    }
}
