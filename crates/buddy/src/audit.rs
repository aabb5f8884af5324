//! What operators do is noted: a change in the write that makes it, what is refused after it.

use std::net::IpAddr;
use std::sync::Arc;

use buddy_core::audit::{ADMIN, Action, AuditEntry, DONE};
use buddy_core::id::{AgentId, AuditId};
use buddy_store::{Page, Store};

use crate::ambient::Ambient;
use crate::refusal::Refusal;

/// Who does something, and from where.
#[derive(Clone, Debug)]
pub(crate) struct By {
    actor: &'static str,
    address: IpAddr,
}

impl By {
    /// The holder of the admin token.
    pub(crate) fn admin(address: IpAddr) -> Self {
        Self { actor: ADMIN, address }
    }
}

/// The log.
#[derive(Clone)]
pub(crate) struct Audit {
    store: Arc<dyn Store>,
    ambient: Ambient,
}

impl Audit {
    pub(crate) fn new(store: Arc<dyn Store>, ambient: Ambient) -> Self {
        Self { store, ambient }
    }

    /// An entry about what is done now.
    pub(crate) fn entry(&self, by: &By, action: Action, agent_id: Option<AgentId>) -> AuditEntry {
        AuditEntry {
            id: self.ambient.id(),
            at: self.ambient.now(),
            actor: by.actor.to_owned(),
            address: by.address,
            action,
            agent_id,
            key_id: None,
            settings: Vec::new(),
            outcome: DONE.to_owned(),
        }
    }

    /// Notes what changes nothing in the store.
    pub(crate) async fn note(&self, entry: AuditEntry) -> Result<(), Refusal> {
        Ok(self.store.note(entry).await?)
    }

    /// Notes it with the refusal, if it was refused; what was done has its entry already.
    pub(crate) async fn refused<T>(&self, entry: AuditEntry, done: Result<T, Refusal>) -> Result<T, Refusal> {
        let Err(refusal) = &done else { return done };
        let entry = AuditEntry { outcome: refusal.code().to_owned(), ..entry };
        if let Err(error) = self.store.note(entry).await {
            tracing::error!(%error, "a refused call could not be noted");
        }
        done
    }

    /// A stretch of the log, newest first; with `agent_id`, of what was done to that agent.
    pub(crate) async fn page(
        &self,
        agent_id: Option<AgentId>,
        page: Page<AuditId>,
    ) -> Result<Vec<AuditEntry>, Refusal> {
        Ok(self.store.audit_entries(agent_id, page).await?)
    }
}
