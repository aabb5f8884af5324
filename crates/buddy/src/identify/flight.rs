//! Who waits for a session to be settled, and how they hear of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use buddy_core::id::SessionId;
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Tells those who wait for a session that it was settled or revoked. Holds only sessions that are waited for.
#[derive(Default)]
pub(crate) struct Settled {
    waited_for: Mutex<HashMap<SessionId, Weak<Notify>>>,
}

impl Settled {
    /// Waits for a session from now on; read the session after this.
    pub(crate) fn subscribe(self: &Arc<Self>, id: SessionId) -> Subscription {
        let mut waited_for = self.lock();
        let notify = waited_for.get(&id).and_then(Weak::upgrade).unwrap_or_else(|| {
            let notify = Arc::new(Notify::new());
            waited_for.insert(id, Arc::downgrade(&notify));
            notify
        });
        Subscription { settled: Arc::clone(self), id, notify }
    }

    /// The session is settled, or was revoked: wakes all who wait for it.
    pub(crate) fn announce(&self, id: SessionId) {
        let notify = self.lock().remove(&id).and_then(|notify| notify.upgrade());
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Weak<Notify>>> {
        self.waited_for.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One who waits. The last to leave clears the entry.
pub(crate) struct Subscription {
    settled: Arc<Settled>,
    id: SessionId,
    notify: Arc<Notify>,
}

impl Subscription {
    /// Ends at the next announcement after this call.
    pub(crate) fn announced(&self) -> OwnedNotified {
        Arc::clone(&self.notify).notified_owned()
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let mut waited_for = self.settled.lock();
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
        let settled = Arc::new(Settled::default());
        let id = new_id(UnixMillis(1), [0; 10]);
        let subscriptions: Vec<_> = (0..3).map(|_| settled.subscribe(id)).collect();
        let announced: Vec<_> = subscriptions.iter().map(Subscription::announced).collect();
        settled.announce(id);
        for heard in announced {
            heard.await;
        }
        drop(subscriptions);
        assert!(settled.lock().is_empty());
    }

    #[test]
    fn who_leaves_without_an_announcement_clears_the_entry_and_only_the_last_one() {
        let settled = Arc::new(Settled::default());
        let id = new_id(UnixMillis(1), [0; 10]);
        let (first, second) = (settled.subscribe(id), settled.subscribe(id));
        drop(first);
        assert_eq!(settled.lock().len(), 1);
        drop(second);
        assert!(settled.lock().is_empty());
    }
}
