//! What is counted of the agents' sessions.

use std::ops::Range;

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::id::AgentId;
use buddy_core::tally::Tally;
use buddy_core::time::UnixMillis;

use super::{Page, StoreError};

/// An agent with what was counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentTallies {
    /// The agent.
    pub agent: Agent,
    /// One for each stretch of time that was asked about.
    pub tallies: Vec<Tally>,
}

/// Tallies: each session that is settled is counted once, by its resolution, at the moment it is settled. They are
/// kept by the minute, and from [`Tallies::tallies_into_hours`] on by the hour: older stretches begin and end with
/// whole hours.
#[async_trait]
pub trait Tallies {
    /// What was counted of the agent, in steps of so many seconds from the begin of the stretch on, oldest first. A
    /// step in which nothing was is left out.
    async fn tallies(
        &self,
        agent_id: AgentId,
        stretch: Range<UnixMillis>,
        step_seconds: u32,
    ) -> Result<Vec<(UnixMillis, Tally)>, StoreError>;
    /// A page of all agents, newest first, with what was counted of each since each of these moments, and before
    /// `until`.
    async fn tallies_of_agents(
        &self,
        page: Page<AgentId>,
        since: Vec<UnixMillis>,
        until: UnixMillis,
    ) -> Result<Vec<AgentTallies>, StoreError>;
    /// Makes hours of at most `limit` minutes, of hours that were over by `before`; how many there were. Those of
    /// deleted agents are removed.
    async fn tallies_into_hours(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
    /// Removes at most `limit` hours that began before `before`, and those of deleted agents; how many there were.
    async fn remove_old_tallies(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
