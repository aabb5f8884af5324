//! Which sessions are being answered: many at once, each by one task.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::limits::{SESSIONS_AT_ONCE, STOP_GRACE};
use crate::turn::Clerk;

/// Hands sessions to tasks.
pub(crate) struct Desk {
    clerk: Arc<Clerk>,
    stop: CancellationToken,
    busy: Arc<Busy>,
    seats: Arc<Semaphore>,
    tasks: JoinSet<()>,
}

impl Desk {
    pub(crate) fn new(clerk: Clerk, stop: CancellationToken) -> Self {
        Self {
            clerk: Arc::new(clerk),
            stop,
            busy: Arc::default(),
            seats: Arc::new(Semaphore::new(SESSIONS_AT_ONCE)),
            tasks: JoinSet::new(),
        }
    }

    /// There is something to answer in this session. Ends once somebody is at it; given up, nobody is.
    pub(crate) async fn hand_over(&mut self, session: String) {
        while let Some(ended) = self.tasks.try_join_next() {
            log(ended);
        }
        let Some(mut at_it) = AtIt::take(&self.busy, session) else { return };
        let seat = Arc::clone(&self.seats).acquire_owned().await.expect("the seats are never closed");
        let (clerk, stop) = (Arc::clone(&self.clerk), self.stop.clone());
        self.tasks.spawn(async move {
            let _seat = seat;
            loop {
                clerk.take_turn(&at_it.session, &stop).await;
                at_it = match at_it.go_on() {
                    Some(at_it) if !stop.is_cancelled() => at_it,
                    _ => return,
                };
            }
        });
    }

    /// Waits until the replies under way have ended, but not for ever.
    pub(crate) async fn close(mut self) {
        let ended = timeout(STOP_GRACE, async {
            while let Some(ended) = self.tasks.join_next().await {
                log(ended);
            }
        });
        if ended.await.is_err() {
            tracing::warn!(sessions = self.tasks.len(), "replies under way could not be ended in time");
        }
    }
}

fn log(ended: Result<(), JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "a turn failed by a fault of this program");
    }
}

/// The sessions that somebody is at, and whether something new has come in them since.
#[derive(Default)]
struct Busy(Mutex<HashMap<String, bool>>);

impl Busy {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Being at a session: given up when it is dropped.
struct AtIt {
    busy: Arc<Busy>,
    session: String,
    given_up: bool,
}

impl AtIt {
    /// `None`: somebody is, and will look again.
    fn take(busy: &Arc<Busy>, session: String) -> Option<Self> {
        let mut sessions = busy.lock();
        if let Some(news) = sessions.get_mut(&session) {
            *news = true;
            return None;
        }
        sessions.insert(session.clone(), false);
        drop(sessions);
        Some(Self { busy: Arc::clone(busy), session, given_up: false })
    }

    /// Stays if something new has come. If not, the session is free in the same moment: what comes next finds it so.
    fn go_on(mut self) -> Option<Self> {
        let mut sessions = self.busy.lock();
        if sessions.get_mut(&self.session).is_some_and(std::mem::take) {
            drop(sessions);
            return Some(self);
        }
        sessions.remove(&self.session);
        drop(sessions);
        self.given_up = true;
        None
    }
}

impl Drop for AtIt {
    fn drop(&mut self) {
        // By now it may be another's.
        if !self.given_up {
            self.busy.lock().remove(&self.session);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_at_a_session_and_looks_again_if_something_new_has_come() {
        let busy = Arc::default();
        let at_it = AtIt::take(&busy, "one".to_owned()).unwrap();
        assert!(
            AtIt::take(&busy, "one".to_owned()).is_none() && AtIt::take(&busy, "one".to_owned()).is_none()
        );
        assert!(AtIt::take(&busy, "two".to_owned()).is_some());
        let at_it = at_it.go_on().expect("something has come");
        assert!(at_it.go_on().is_none(), "nothing more");
        assert!(AtIt::take(&busy, "one".to_owned()).is_some());
    }

    #[test]
    fn whoever_fails_at_a_session_leaves_it_free() {
        let busy = Arc::default();
        let at_it = AtIt::take(&busy, "one".to_owned()).unwrap();
        drop(at_it);
        assert!(AtIt::take(&busy, "one".to_owned()).is_some());
        assert!(busy.lock().is_empty());
    }
}
