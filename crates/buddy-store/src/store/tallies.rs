//! What is counted of the agents' sessions.

use std::ops::Range;

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::id::AgentId;
use buddy_core::tally::{Counts, Tally};
use buddy_core::time::UnixMillis;

use super::{Page, StoreError};

/// An agent with what was counted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentTally {
    /// The agent.
    pub agent: Agent,
    /// In the stretch that was asked about.
    pub tally: Tally,
    /// Since each of the moments that were asked about, up to the stretch's end.
    pub counts_since: Vec<Counts>,
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
    /// A page of all agents, newest first, with what was counted of each in the stretch, and how sessions ended since
    /// each of some moments.
    async fn tallies_of_agents(
        &self,
        page: Page<AgentId>,
        stretch: Range<UnixMillis>,
        counts_since: Vec<UnixMillis>,
    ) -> Result<Vec<AgentTally>, StoreError>;
    /// How the sessions of each of these agents ended since each of some moments, up to `end`; both in the order in
    /// which they were asked about. Of an agent that is not there nothing was counted.
    async fn counts(
        &self,
        agents: Vec<AgentId>,
        since: Vec<UnixMillis>,
        end: UnixMillis,
    ) -> Result<Vec<Vec<Counts>>, StoreError>;
    /// Makes hours of at most `limit` minutes, of hours that were over by `before`; how many there were. Those of
    /// deleted agents are removed.
    async fn tallies_into_hours(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
    /// Removes at most `limit` hours that began before `before`, and those of deleted agents; how many there were.
    async fn remove_old_tallies(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
