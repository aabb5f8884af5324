//! Pending sessions that nobody identifies: left by a crash, by a fault of the store, or by a node that is gone.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use buddy_core::id::SessionId;
use buddy_core::reason::Reason;
use buddy_core::session::{Session, Status};
use buddy_store::StoreError;
use tokio_util::sync::CancellationToken;

use super::running::Running;
use super::{Identifier, unasked};
use crate::refusal::Refusal;
use crate::traces;

/// Sessions read at a time.
const PAGE: u32 = 256;

impl Identifier {
    /// Begins to identify every pending session of this node that is not being identified. Returns how many there were.
    pub(crate) async fn recover(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut after = None;
        let mut taken_up = 0;
        loop {
            let tenure = self.store.tenure();
            if tenure.is_cancelled() {
                // What it had is taken over, by itself too once it is known to be alive again.
                return Ok(taken_up);
            }
            let page = self.store.pending_sessions(self.ambient.now(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(taken_up) };
            after = Some(last.id);
            taken_up += self.take_up_all(page, &tenure);
        }
    }

    /// Begins to identify the pending sessions of nodes that are gone. Returns how many there were.
    pub(crate) async fn take_over(self: &Arc<Self>) -> Result<usize, StoreError> {
        let mut taken_over = 0;
        loop {
            let tenure = self.store.tenure();
            let page = self.store.take_over_sessions(self.ambient.now(), PAGE).await?;
            if page.is_empty() {
                return Ok(taken_over);
            }
            taken_over += self.take_up_all(page, &tenure);
        }
    }

    /// A session is left pending: another node may have taken it over, or this one does when it has a tenure again.
    pub(super) fn give_up(&self) {
        self.metrics.given_up();
        self.left_behind.store(true, Ordering::Relaxed);
    }

    /// Whether a session was left pending by this node since this was asked last.
    pub(crate) fn has_left_any_behind(&self) -> bool {
        self.left_behind.swap(false, Ordering::Relaxed)
    }

    fn take_up_all(self: &Arc<Self>, sessions: Vec<Session>, tenure: &CancellationToken) -> usize {
        let mut taken_up = 0;
        for session in sessions {
            if let Some(running) = self.running.enter(session.id) {
                running.is_on_disk();
                taken_up += 1;
                let trace = self.traces.of_nobody(session.id);
                let take_up = Arc::clone(self).take_up(session, running, tenure.clone());
                self.tasks.spawn(traces::taken_up(trace, take_up));
            }
        }
        taken_up
    }

    async fn take_up(self: Arc<Self>, session: Session, running: Running, tenure: CancellationToken) {
        if let Err(error) = self.try_take_up(session.id, &tenure).await {
            tracing::error!(session = %session.id, %error, "a pending session was not taken up");
            self.left_behind.store(true, Ordering::Relaxed);
        }
        drop(running);
    }

    async fn try_take_up(&self, id: SessionId, tenure: &CancellationToken) -> Result<(), Refusal> {
        let _place = self.places.acquire().await.expect("the places are never closed");
        // Whoever identified it may have ended since it was read.
        let session = self.store.session(id, self.ambient.now()).await?;
        let Some(session) = session.filter(|session| session.status == Status::Pending) else {
            return Ok(());
        };
        let known = match self.agents.known(session.agent_id).await {
            Ok(known) => known,
            // Its agent is gone, and so is the session.
            Err(Refusal::NotFound(_)) => return Ok(()),
            Err(error) => return Err(error),
        };
        match &known.callback {
            Some(configured) if configured.callback.enabled => {
                let bulkhead = self.bulkheads.of(session.agent_id, &configured.callback);
                let _turn = bulkhead.turn_of_recovery().await;
                // The next start, or another node, goes on with it.
                if !self.tasks.is_closed() {
                    self.identify(&session, configured, tenure).await;
                }
            }
            // The callback was removed while the session was pending.
            _ => {
                let given_up = unasked(&session, Some(Reason::NotConfigured), &self.ambient);
                self.settle(&session, given_up, tenure).await;
            }
        }
        Ok(())
    }
}
