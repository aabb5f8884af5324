//! What operators did.

use async_trait::async_trait;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, AuditId};
use buddy_core::time::UnixMillis;

use super::{Page, StoreError};

/// The audit log. What changes an agent, its callback or its keys takes the entry about it, and keeps it in the same
/// write if, and only if, it changes something; the names of the changed settings are the store's to fill in. An entry
/// stays when its agent is deleted.
#[async_trait]
pub trait AuditLog {
    /// Keeps an entry about what changes nothing in the store, or was refused.
    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError>;
    /// A page of the entries, newest first; with `agent_id`, of those about that agent.
    async fn audit_entries(
        &self,
        agent_id: Option<AgentId>,
        page: Page<AuditId>,
    ) -> Result<Vec<AuditEntry>, StoreError>;
    /// Removes at most `limit` entries from before `before`; how many there were.
    async fn remove_old_audit_entries(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
