//! What was done to identify each session.

use async_trait::async_trait;
use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::Resolution;
use buddy_core::time::UnixMillis;

use super::{Page, StoreError};

/// Which resolutions are wanted; `None` takes all.
#[derive(Clone, Copy, Debug, Default)]
pub struct ResolutionFilter {
    /// Only with this code.
    pub code: Option<Code>,
    /// Only with this reason.
    pub reason: Option<Reason>,
    /// Only of this session.
    pub session_id: Option<SessionId>,
}

/// Resolutions.
#[async_trait]
pub trait Resolutions {
    /// A page of the agent's resolutions, newest first.
    async fn resolutions(
        &self,
        agent_id: AgentId,
        filter: ResolutionFilter,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError>;
    /// One resolution of the agent's.
    async fn resolution(&self, agent_id: AgentId, id: ResolutionId)
    -> Result<Option<Resolution>, StoreError>;
    /// Removes at most `limit` resolutions that began before `before`; how many there were.
    async fn remove_old_resolutions(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
