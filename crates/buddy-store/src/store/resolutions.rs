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

impl ResolutionFilter {
    /// It is one of those that are wanted.
    pub fn lets_through(&self, resolution: &Resolution) -> bool {
        self.code.is_none_or(|code| resolution.reason.is_some_and(|reason| reason.code() == code))
            && self.reason.is_none_or(|reason| resolution.reason == Some(reason))
            && self.session_id.is_none_or(|id| resolution.session_id == id)
    }
}

/// A resolution with its place in the order in which its agent's were kept.
#[derive(Clone, Debug)]
pub struct Numbered {
    /// Greater than that of all that were kept of this agent before, and below 2^53.
    pub number: i64,
    /// What was done.
    pub resolution: Resolution,
}

/// Resolutions. Numbers are given in the order of the commits, so that who has read up to one has missed nothing
/// below it.
#[async_trait]
pub trait Resolutions {
    /// A page of the agent's resolutions, newest first: in the reverse order of their numbers.
    async fn resolutions(
        &self,
        agent_id: AgentId,
        filter: ResolutionFilter,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError>;
    /// One resolution of the agent's.
    async fn resolution(&self, agent_id: AgentId, id: ResolutionId)
    -> Result<Option<Resolution>, StoreError>;
    /// One resolution, whosever it is.
    async fn resolution_of_any_agent(&self, id: ResolutionId) -> Result<Option<Resolution>, StoreError>;
    /// A page of a session's resolutions, newest first, whosever it is.
    async fn resolutions_of_session(
        &self,
        session_id: SessionId,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError>;
    /// At most `limit` of the agent's resolutions after number `since`, in the order of their numbers.
    async fn resolutions_since(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError>;
    /// The number of the agent's last resolution; 0 if there is none.
    async fn last_resolution_number(&self, agent_id: AgentId) -> Result<i64, StoreError>;
    /// Removes resolutions that began before `before`, at most `limit` where each is removed by itself; how many there
    /// were, as far as that is known. A backend that drops whole days keeps those of the day of `before`.
    async fn remove_old_resolutions(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
