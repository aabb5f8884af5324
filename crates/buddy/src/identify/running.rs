//! The sessions that are being identified now: each once, and on disk as soon as anybody may ask for it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use buddy_core::id::SessionId;
use tokio::sync::{Notify, SetOnce};
use tokio::time::sleep;

/// How long a session may be in memory alone. Most endpoints answer within this; what a crash would take is a session
/// that nobody has been told of.
const UNKEPT_MAX: Duration = Duration::from_millis(250);

/// All of them.
#[derive(Default)]
pub(super) struct RunningNow {
    by_id: Mutex<HashMap<SessionId, Arc<Keeping>>>,
}

/// Where the keeping of a session stands.
#[derive(Default)]
struct Keeping {
    wanted: Notify,
    done: SetOnce<()>,
}

impl RunningNow {
    /// Before the write by which a session becomes pending, or before it is taken up again. `None`: it is being identified
    /// already.
    pub(super) fn enter(self: &Arc<Self>, id: SessionId) -> Option<Running> {
        let mut by_id = self.lock();
        let Entry::Vacant(place) = by_id.entry(id) else { return None };
        let keeping = Arc::new(Keeping::default());
        place.insert(keeping.clone());
        drop(by_id);
        Some(Running { all: Arc::clone(self), id, keeping })
    }

    /// Ends when the session, if it is one of these, is on disk, or cannot be brought there.
    pub(super) async fn keep_now(&self, id: SessionId) {
        let Some(keeping) = self.lock().get(&id).cloned() else { return };
        keeping.wanted.notify_one();
        keeping.done.wait().await;
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Arc<Keeping>>> {
        // A map is whole between any two of its operations.
        self.by_id.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session is being identified; ends when dropped.
pub(super) struct Running {
    all: Arc<RunningNow>,
    id: SessionId,
    keeping: Arc<Keeping>,
}

impl Running {
    /// Ends when the session should not be in memory alone any longer.
    pub(super) async fn is_wanted_on_disk(&self) {
        tokio::select! {
            () = self.keeping.wanted.notified() => {}
            () = sleep(UNKEPT_MAX) => {}
        }
    }

    /// The session is on disk from now on.
    pub(super) fn is_on_disk(&self) {
        let _ = self.keeping.done.set(());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.all.lock().remove(&self.id);
        // Whoever waits for what could not be kept is let go. It was set before where it could.
        let _ = self.keeping.done.set(());
    }
}

#[cfg(test)]
mod tests {
    use buddy_core::id::new_id;
    use buddy_core::time::UnixMillis;
    use tokio::time::Instant;

    use super::*;

    fn id() -> SessionId {
        new_id(UnixMillis(1), [0; 10])
    }

    #[test]
    fn a_session_is_identified_once_at_a_time() {
        let all = Arc::new(RunningNow::default());
        let running = all.enter(id()).unwrap();
        assert!(all.enter(id()).is_none());
        drop(running);
        assert!(all.enter(id()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_wanted_on_disk_after_a_while_and_at_once_when_asked_for() {
        let all = Arc::new(RunningNow::default());
        let running = all.enter(id()).unwrap();
        let begun = Instant::now();
        running.is_wanted_on_disk().await;
        assert_eq!(begun.elapsed(), UNKEPT_MAX);
        let kept = async {
            running.is_wanted_on_disk().await;
            running.is_on_disk();
        };
        tokio::join!(all.keep_now(id()), kept);
        all.keep_now(id()).await;
        assert_eq!(begun.elapsed(), UNKEPT_MAX, "nobody waited");
    }

    #[tokio::test(start_paused = true)]
    async fn who_asks_for_what_cannot_be_kept_is_let_go() {
        let all = Arc::new(RunningNow::default());
        let running = all.enter(id()).unwrap();
        let failed = async {
            running.is_wanted_on_disk().await;
            drop(running);
        };
        tokio::join!(all.keep_now(id()), failed);
        assert!(all.lock().is_empty(), "nothing is left of it");
    }
}
