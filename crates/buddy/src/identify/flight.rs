//! Who waits for something to happen to a session, and how they hear of it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use buddy_core::id::{AgentId, SessionId};
use buddy_store::{Change, Store};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// All that is announced, here and to the other nodes.
pub(crate) struct News {
    store: Arc<dyn Store>,
    settled: Arc<Announcements<SessionId>>,
    written: Arc<Announcements<SessionId>>,
    handed_over: Arc<Announcements<AgentId>>,
    resolved: Arc<Announcements<AgentId>>,
}

impl News {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            settled: Arc::default(),
            written: Arc::default(),
            handed_over: Arc::default(),
            resolved: Arc::default(),
        }
    }

    /// It has happened on this node.
    pub(crate) fn tell(&self, change: Change) {
        self.hear(change);
        self.store.tell(change);
    }

    /// It has happened, here or elsewhere.
    pub(crate) fn hear(&self, change: Change) {
        match change {
            Change::Settled(id, agent_id) => {
                self.settled.announce(id);
                // It may have messages to hand over, or none any more.
                self.written.announce(id);
                self.handed_over.announce(agent_id);
                self.resolved.announce(agent_id);
            }
            Change::Written(id) => self.written.announce(id),
            Change::HandedOver(agent_id) => self.handed_over.announce(agent_id),
            Change::Resolved(agent_id) => self.resolved.announce(agent_id),
            Change::Agent(_) => {}
            Change::Anything => {
                self.settled.announce_all();
                self.written.announce_all();
                self.handed_over.announce_all();
                self.resolved.announce_all();
            }
        }
    }

    /// Who waits for a session to be settled or revoked.
    pub(crate) fn of_settling(&self, id: SessionId) -> Subscription<SessionId> {
        self.settled.subscribe(id)
    }

    /// Who waits for a session's conversation to change.
    pub(crate) fn of_conversation(&self, id: SessionId) -> Subscription<SessionId> {
        self.written.subscribe(id)
    }

    /// Who waits for something new for an agent's software.
    pub(crate) fn of_handing_over(&self, id: AgentId) -> Subscription<AgentId> {
        self.handed_over.subscribe(id)
    }

    /// Who waits for one of an agent's sessions to have a resolution.
    pub(crate) fn of_resolutions(&self, id: AgentId) -> Subscription<AgentId> {
        self.resolved.subscribe(id)
    }
}

/// Tells those who wait for one of these that something has happened to it. Holds only those that are waited for.
struct Announcements<K: Copy + Eq + Hash> {
    waited_for: Mutex<HashMap<K, Weak<Notify>>>,
}

impl<K: Copy + Eq + Hash> Default for Announcements<K> {
    fn default() -> Self {
        Self { waited_for: Mutex::default() }
    }
}

impl<K: Copy + Eq + Hash> Announcements<K> {
    /// Waits for it from now on; read it after this.
    fn subscribe(self: &Arc<Self>, id: K) -> Subscription<K> {
        let mut waited_for = self.lock();
        let notify = waited_for.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let notify = Arc::new(Notify::new());
            waited_for.insert(id, Arc::downgrade(&notify));
            notify
        });
        Subscription { announcements: Arc::clone(self), id, notify }
    }

    /// Something has happened: wakes all who wait for it.
    fn announce(&self, id: K) {
        let notify = self.lock().remove(&id).and_then(|notify| notify.upgrade());
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    /// Something may have happened to any of them.
    fn announce_all(&self) {
        let all = std::mem::take(&mut *self.lock());
        for notify in all.into_values().filter_map(|notify| notify.upgrade()) {
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

    #[tokio::test]
    async fn all_hear_that_anything_may_have_happened() {
        let announcements = Arc::<Announcements<SessionId>>::default();
        let subscriptions: Vec<_> =
            (0..3).map(|n| announcements.subscribe(new_id(UnixMillis(1), [n; 10]))).collect();
        let announced: Vec<_> = subscriptions.iter().map(Subscription::announced).collect();
        announcements.announce_all();
        for heard in announced {
            heard.await;
        }
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
