//! Sessions that a crash, or a fault of the store, left pending: taken up again.

use std::sync::Arc;

use buddy_core::reason::Reason;
use buddy_core::session::Session;
use buddy_core::time::UnixMillis;
use buddy_store::StoreError;
use futures_util::{StreamExt, stream};

use super::{Identifier, unasked};
use crate::refusal::Refusal;

/// Sessions read at a time.
const PAGE: u32 = 256;
/// Resolutions at once: below any agent's queue, so that none is refused as overloaded for being recovered.
const AT_ONCE: usize = 64;

impl Identifier {
    /// Identifies every session that is pending, was begun before `begun_before`, and is not being identified.
    /// Returns how many were taken up.
    pub(crate) async fn recover(self: &Arc<Self>, begun_before: UnixMillis) -> Result<usize, StoreError> {
        let mut after = None;
        let mut taken_up = 0;
        loop {
            let page = self.store.pending_sessions(self.ambient.now(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(taken_up) };
            after = Some(last.id);
            let due: Vec<_> = page.into_iter().filter(|session| session.created_at < begun_before).collect();
            taken_up += due.len();
            stream::iter(due).for_each_concurrent(AT_ONCE, |session| self.take_up(session)).await;
        }
    }

    async fn take_up(&self, session: Session) {
        match self.agents.known(session.agent_id).await {
            Ok(known) => match &known.callback {
                Some(configured) if configured.callback.enabled => {
                    self.identify(session, configured).await;
                }
                // The callback was removed while the session was pending.
                _ => {
                    let given_up = unasked(&session, Some(Reason::NotConfigured), &self.ambient);
                    self.settle(&session, given_up).await;
                }
            },
            // Its agent is gone, and so is the session.
            Err(Refusal::NotFound(_)) => {}
            Err(error) => {
                tracing::error!(session = %session.id, %error, "a pending session was not taken up");
            }
        }
    }
}
