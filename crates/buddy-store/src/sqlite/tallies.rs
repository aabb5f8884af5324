//! Tallies: counted in the write that settles a session, by the minute; made into hours once they are old.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::id::{AgentId, id_bytes, id_from_bytes};
use buddy_core::resolution::Resolution;
use buddy_core::tally::{Counts, Durations, Tally};
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{below, execute, query_all, query_optional, statements};
use super::{SqliteStore, agents, deleted_agents};
use crate::{AgentTallies, Page, StoreError, Tallies};

const MINUTE_SECONDS: u32 = 60;
const HOUR_SECONDS: u32 = 3600;
/// A bucket's number and its count, as they are stored.
const BUCKET_BYTES: usize = 5;

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
            each(connection, agent_id, &stretch, |begins_at, tally| {
                let passed = (begins_at.0 - stretch.start.0) / step;
                steps.entry(stretch.start.0 + passed * step).or_default().merge(tally);
            })?;
            Ok(steps.into_iter().map(|(begins_at, tally)| (UnixMillis(begins_at), tally)).collect())
        })
        .await
    }

    async fn tallies_of_agents(
        &self,
        page: Page<AgentId>,
        since: Vec<UnixMillis>,
        until: UnixMillis,
    ) -> Result<Vec<AgentTallies>, StoreError> {
        let before = below(page.before.map(id_bytes));
        let earliest = since.iter().copied().min().unwrap_or(until);
        self.read(move |connection| {
            let page = query_all(connection, agents::LIST, (before, page.limit), agents::agent_from)?;
            let count = |agent: Agent| {
                let mut tallies = vec![Tally::default(); since.len()];
                each(connection, agent.id, &(earliest..until), |begins_at, tally| {
                    let reached = tallies.iter_mut().zip(&since).filter(|(_, since)| begins_at >= **since);
                    reached.for_each(|(whole, _)| whole.merge(tally));
                })?;
                Ok(AgentTallies { agent, tallies })
            };
            page.into_iter().map(count).collect()
        })
        .await
    }

    async fn tallies_into_hours(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        // Whole hours only: nothing of one is counted by the minute while its hour is shown by the hour.
        let before = before.floored_to(HOUR_SECONDS);
        self.write(move |connection| {
            let minutes = query_all(connection, OLD_MINUTES, (before.0, limit), tally_from)?;
            let mut hours = BTreeMap::<(AgentId, UnixMillis), Tally>::new();
            for (agent_id, begins_at, tally) in &minutes {
                execute(connection, REMOVE_MINUTE, (id_bytes(*agent_id), begins_at.0))?;
                hours.entry((*agent_id, begins_at.floored_to(HOUR_SECONDS))).or_default().merge(tally);
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

/// Counts a session that was settled now.
pub(super) fn count(
    connection: &Connection,
    resolution: &Resolution,
    at: UnixMillis,
) -> Result<(), StoreError> {
    let begins_at = at.floored_to(MINUTE_SECONDS);
    add(connection, [MINUTE, KEEP_MINUTE], resolution.agent_id, begins_at, |minute| minute.record(resolution))
}

fn add(
    connection: &Connection,
    [read, keep]: [&str; 2],
    agent_id: AgentId,
    begins_at: UnixMillis,
    count: impl FnOnce(&mut Tally),
) -> Result<(), StoreError> {
    let key = (id_bytes(agent_id), begins_at.0);
    let kept = query_optional(connection, read, key, tally_from)?;
    let mut tally = kept.map(|(_, _, tally)| tally).unwrap_or_default();
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
    mut take: impl FnMut(UnixMillis, &Tally),
) -> Result<(), StoreError> {
    let agent = id_bytes(agent_id);
    let mut told = |row: &Row<'_>| {
        let (_, begins_at, tally) = tally_from(row)?;
        take(begins_at, &tally);
        Ok(())
    };
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

fn tally_from(row: &Row<'_>) -> Result<(AgentId, UnixMillis, Tally), StoreError> {
    let failed =
        [row.get("timed_out")?, row.get("failed")?, row.get("bad_response")?, row.get("not_configured")?];
    let counts = Counts { authenticated: row.get("authenticated")?, nobody: row.get("nobody")?, failed };
    let durations = durations_from(row.get_ref("durations")?.as_blob().map_err(rusqlite::Error::from)?)?;
    let (agent_id, begins_at) = (id_from_bytes(row.get("agent_id")?), UnixMillis(row.get("begins_at")?));
    Ok((agent_id, begins_at, Tally { counts, durations }))
}

fn bytes_of(durations: &Durations) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bucket, count) in durations.counted() {
        bytes.push(bucket);
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes
}

fn durations_from(bytes: &[u8]) -> Result<Durations, StoreError> {
    let (buckets, []) = bytes.as_chunks::<BUCKET_BYTES>() else {
        return Err(StoreError::Unreadable { table: "tally_minutes", column: "durations" });
    };
    let mut durations = Durations::default();
    for &[bucket, a, b, c, d] in buckets {
        durations.add(bucket, u32::from_be_bytes([a, b, c, d]).into());
    }
    Ok(durations)
}
