//! Tallies: counted in the write that settles a session, by the minute; made into hours once they are old.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::id::{AgentId, id_bytes, id_from_bytes};
use buddy_core::resolution::Resolution;
use buddy_core::tally::{Counts, Tally};
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{execute, query_all, query_optional, statements};
use super::{SqliteStore, agents, deleted_agents};
use crate::columns::{CountsSince, HOUR_SECONDS, MINUTE_SECONDS, add_durations, below, bytes_of};
use crate::{AgentTally, Page, StoreError, Tallies};

/// Places of the columns that are read.
const AGENT_ID: usize = 0;
const BEGINS_AT: usize = 1;
const COUNTS: usize = 2;
const DURATIONS: usize = 8;

macro_rules! select_from {
    ($table:literal, $rest:literal) => {
        concat!(
            "SELECT agent_id, begins_at, authenticated, nobody, timed_out, failed, bad_response, not_configured,
                durations
            FROM ",
            $table,
            " WHERE ",
            $rest
        )
    };
}

macro_rules! keep_in {
    ($table:literal) => {
        concat!(
            "INSERT INTO ",
            $table,
            " (agent_id, begins_at, authenticated, nobody, timed_out, failed, bad_response, not_configured, durations)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
            ON CONFLICT DO UPDATE SET authenticated = excluded.authenticated, nobody = excluded.nobody,
                timed_out = excluded.timed_out, failed = excluded.failed, bad_response = excluded.bad_response,
                not_configured = excluded.not_configured, durations = excluded.durations"
        )
    };
}

statements! {
    MINUTE = select_from!("tally_minutes", "agent_id = ?1 AND begins_at = ?2");
    KEEP_MINUTE = keep_in!("tally_minutes");
    FIRST_MINUTE = "SELECT min(begins_at) FROM tally_minutes";
    OLD_MINUTES = select_from!("tally_minutes", "begins_at < ?1 ORDER BY begins_at LIMIT ?2");
    REMOVE_MINUTE = "DELETE FROM tally_minutes WHERE agent_id = ?1 AND begins_at = ?2";
    HOUR = select_from!("tally_hours", "agent_id = ?1 AND begins_at = ?2");
    KEEP_HOUR = keep_in!("tally_hours");
    HOURS = select_from!("tally_hours", "agent_id = ?1 AND begins_at >= ?2 AND begins_at < ?3 ORDER BY begins_at");
    REMOVE_OLD = "DELETE FROM tally_hours WHERE (agent_id, begins_at) IN
        (SELECT agent_id, begins_at FROM tally_hours WHERE begins_at < ?1 ORDER BY begins_at LIMIT ?2)";
}

#[async_trait]
impl Tallies for SqliteStore {
    async fn tallies(
        &self,
        agent_id: AgentId,
        stretch: Range<UnixMillis>,
        step_seconds: u32,
    ) -> Result<Vec<(UnixMillis, Tally)>, StoreError> {
        let step = i64::from(step_seconds) * 1000;
        self.read(move |connection| {
            let mut steps = BTreeMap::<i64, Tally>::new();
            if !agents::is_there(connection, agent_id)? {
                return Ok(Vec::new());
            }
            each(connection, agent_id, &stretch, |begins_at, row| {
                let passed = (begins_at.0 - stretch.start.0) / step;
                add_to(steps.entry(stretch.start.0 + passed * step).or_default(), row)
            })?;
            Ok(steps.into_iter().map(|(begins_at, tally)| (UnixMillis(begins_at), tally)).collect())
        })
        .await
    }

    async fn tallies_of_agents(
        &self,
        page: Page<AgentId>,
        stretch: Range<UnixMillis>,
        counts_since: Vec<UnixMillis>,
    ) -> Result<Vec<AgentTally>, StoreError> {
        let before = below(page.before.map(id_bytes));
        let earliest = counts_since.iter().copied().fold(stretch.start, UnixMillis::min);
        self.read(move |connection| {
            let page = query_all(connection, agents::LIST, (before, page.limit), agents::agent_from)?;
            let count = |agent: Agent| {
                let (mut tally, mut since) = (Tally::default(), CountsSince::new(&counts_since));
                each(connection, agent.id, &(earliest..stretch.end), |begins_at, row| {
                    since.add(begins_at, &counts_from(row)?);
                    if begins_at >= stretch.start { add_to(&mut tally, row) } else { Ok(()) }
                })?;
                Ok(AgentTally { agent, tally, counts_since: since.counts })
            };
            page.into_iter().map(count).collect()
        })
        .await
    }

    async fn counts(
        &self,
        agents: Vec<AgentId>,
        since: Vec<UnixMillis>,
        end: UnixMillis,
    ) -> Result<Vec<Vec<Counts>>, StoreError> {
        let earliest = since.iter().copied().fold(end, UnixMillis::min);
        self.read(move |connection| {
            let count = |agent_id: AgentId| {
                let mut since = CountsSince::new(&since);
                if agents::is_there(connection, agent_id)? {
                    each(connection, agent_id, &(earliest..end), |begins_at, row| {
                        since.add(begins_at, &counts_from(row)?);
                        Ok(())
                    })?;
                }
                Ok(since.counts)
            };
            agents.into_iter().map(count).collect()
        })
        .await
    }

    async fn tallies_into_hours(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        // Whole hours only: nothing of one is counted by the minute while its hour is shown by the hour.
        let before = before.floored_to(HOUR_SECONDS);
        self.write(move |connection| {
            let mut hours = BTreeMap::<(AgentId, UnixMillis), Tally>::new();
            let minutes = query_all(connection, OLD_MINUTES, (before.0, limit), |row| {
                let (agent_id, begins_at) = (id_from_bytes(row.get(AGENT_ID)?), begins_at(row)?);
                add_to(hours.entry((agent_id, begins_at.floored_to(HOUR_SECONDS))).or_default(), row)?;
                Ok((agent_id, begins_at))
            })?;
            for (agent_id, begins_at) in &minutes {
                execute(connection, REMOVE_MINUTE, (id_bytes(*agent_id), begins_at.0))?;
            }
            for ((agent_id, begins_at), gained) in hours {
                // What was counted of a deleted agent ends here.
                if agents::is_there(connection, agent_id)? {
                    add(connection, [HOUR, KEEP_HOUR], agent_id, begins_at, |hour| hour.merge(&gained))?;
                }
            }
            Ok(minutes.len() as u64)
        })
        .await
    }

    async fn remove_old_tallies(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let limit = u64::from(limit);
            let old = execute(connection, REMOVE_OLD, (before.0, limit))?;
            Ok(old + deleted_agents::remove_tallies(connection, limit - old)?)
        })
        .await
    }
}

/// What a group of writes counts: each agent's minute is read and kept once for all of its sessions.
#[derive(Default)]
pub(super) struct Gained(BTreeMap<(AgentId, UnixMillis), Tally>);

impl Gained {
    /// Counts a session that was settled now; the last step of its write, so that nothing is counted of one that fails.
    pub(super) fn count(&mut self, resolution: &Resolution, at: UnixMillis) {
        let minute = at.floored_to(MINUTE_SECONDS);
        self.0.entry((resolution.agent_id, minute)).or_default().record(resolution);
    }

    /// Adds it to what is kept.
    pub(super) fn keep(&mut self, connection: &Connection) -> Result<(), StoreError> {
        for ((agent_id, begins_at), gained) in std::mem::take(&mut self.0) {
            add(connection, [MINUTE, KEEP_MINUTE], agent_id, begins_at, |minute| minute.merge(&gained))?;
        }
        Ok(())
    }

    /// What was counted was rolled back.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

fn add(
    connection: &Connection,
    [read, keep]: [&str; 2],
    agent_id: AgentId,
    begins_at: UnixMillis,
    count: impl FnOnce(&mut Tally),
) -> Result<(), StoreError> {
    let key = (id_bytes(agent_id), begins_at.0);
    let mut tally = Tally::default();
    query_optional(connection, read, key, |row| add_to(&mut tally, row))?;
    count(&mut tally);
    let Counts { authenticated, nobody, failed: [timed_out, failed, bad_response, not_configured] } =
        tally.counts;
    let durations = bytes_of(&tally.durations);
    let (agent, begins_at) = key;
    let values =
        (agent, begins_at, authenticated, nobody, timed_out, failed, bad_response, not_configured, durations);
    execute(connection, keep, values).map(drop)
}

/// Hands over what was counted of the agent: hours, and then the minutes that are no hours yet.
fn each(
    connection: &Connection,
    agent_id: AgentId,
    stretch: &Range<UnixMillis>,
    mut take: impl FnMut(UnixMillis, &Row<'_>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let agent = id_bytes(agent_id);
    let mut told = |row: &Row<'_>| take(begins_at(row)?, row);
    query_all(connection, HOURS, (agent, stretch.start.0, stretch.end.0), &mut told)?;
    let first: Option<i64> = query_optional(connection, FIRST_MINUTE, [], |row| Ok(row.get(0)?))?.flatten();
    let Some(first) = first else { return Ok(()) };
    // Another agent's minutes lie between: each of ours is looked up, and there are two hours of them at most.
    let mut minute = UnixMillis(first.max(stretch.start.0)).floored_to(MINUTE_SECONDS);
    while minute < stretch.end {
        if minute >= stretch.start {
            query_optional(connection, MINUTE, (agent, minute.0), &mut told)?;
        }
        minute = minute.plus_seconds(MINUTE_SECONDS);
    }
    Ok(())
}

fn begins_at(row: &Row<'_>) -> Result<UnixMillis, StoreError> {
    Ok(UnixMillis(row.get(BEGINS_AT)?))
}

fn add_to(tally: &mut Tally, row: &Row<'_>) -> Result<(), StoreError> {
    tally.counts.merge(&counts_from(row)?);
    add_durations(tally, row.get_ref(DURATIONS)?.as_blob().map_err(rusqlite::Error::from)?)
}

fn counts_from(row: &Row<'_>) -> Result<Counts, StoreError> {
    let mut counts = [0; 6];
    for (column, count) in (COUNTS..).zip(&mut counts) {
        *count = row.get(column)?;
    }
    let [authenticated, nobody, failed @ ..] = counts;
    Ok(Counts { authenticated, nobody, failed })
}
