//! Tallies: counted in the write that settles a session, by the minute; made into hours once they are old.

use std::collections::BTreeMap;
use std::ops::Range;

use async_trait::async_trait;
use buddy_core::id::AgentId;
use buddy_core::tally::{Counts, Tally};
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::deleted_agents;
use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_id, get_narrow, key, query_all, statements};
use super::{PostgresStore, agents};
use crate::columns::{CountsSince, HOUR_SECONDS, MINUTE_SECONDS, add_durations, bytes_of};
use crate::{AgentTally, Page, StoreError, Tallies};

macro_rules! select_from {
    ($table:literal, $rest:literal) => {
        concat!(
            "SELECT ",
            $table,
            ".agent_id, ",
            $table,
            ".begins_at, authenticated, nobody, timed_out, failed,
                bad_response, not_configured, durations
            FROM ",
            $table,
            " ",
            $rest
        )
    };
}

macro_rules! keep_in {
    ($table:literal) => {
        concat!(
            "INSERT INTO ", $table, " (agent_id, begins_at, authenticated, nobody, timed_out, failed, bad_response,
                not_configured, durations)
            SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[],
                $7::bigint[], $8::bigint[], $9::bytea[])
            ON CONFLICT (agent_id, begins_at) DO UPDATE SET authenticated = excluded.authenticated,
                nobody = excluded.nobody, timed_out = excluded.timed_out, failed = excluded.failed,
                bad_response = excluded.bad_response, not_configured = excluded.not_configured,
                durations = excluded.durations"
        )
    };
}

// Rows are had in the order of their keys, by all who write them.
statements! {
    LOCK_MINUTES = select_from!("tally_minutes",
        "JOIN unnest($1::uuid[], $2::bigint[]) AS wanted (agent_id, begins_at)
            ON tally_minutes.agent_id = wanted.agent_id AND tally_minutes.begins_at = wanted.begins_at
        ORDER BY tally_minutes.agent_id, tally_minutes.begins_at FOR UPDATE OF tally_minutes");
    KEEP_MINUTES = keep_in!("tally_minutes");
    // One node at a time makes hours; the number means nothing but is nobody else's here.
    HAVE_TURN = "SELECT 1 WHERE pg_try_advisory_xact_lock(7308604760)";
    OLD_MINUTES = "SELECT agent_id, begins_at FROM tally_minutes WHERE begins_at < $1
        ORDER BY begins_at, agent_id LIMIT $2";
    SHARE_AGENTS = "SELECT id FROM agents WHERE id = ANY($1) ORDER BY id FOR KEY SHARE";
    REMOVE_MINUTES = "DELETE FROM tally_minutes USING unnest($1::uuid[], $2::bigint[]) AS gone (agent_id, begins_at)
        WHERE tally_minutes.agent_id = gone.agent_id AND tally_minutes.begins_at = gone.begins_at";
    LOCK_HOURS = select_from!("tally_hours",
        "JOIN unnest($1::uuid[], $2::bigint[]) AS wanted (agent_id, begins_at)
            ON tally_hours.agent_id = wanted.agent_id AND tally_hours.begins_at = wanted.begins_at
        ORDER BY tally_hours.agent_id, tally_hours.begins_at FOR UPDATE OF tally_hours");
    KEEP_HOURS = keep_in!("tally_hours");
    // In one statement, so that nothing is counted twice or not at all that becomes an hour meanwhile.
    COUNTED = concat!(
        select_from!("tally_hours", "WHERE agent_id = ANY($1) AND begins_at >= $2 AND begins_at < $3
            AND EXISTS (SELECT 1 FROM agents WHERE agents.id = tally_hours.agent_id)"),
        " UNION ALL ",
        select_from!("tally_minutes", "WHERE agent_id = ANY($1) AND begins_at >= $2 AND begins_at < $3
            AND EXISTS (SELECT 1 FROM agents WHERE agents.id = tally_minutes.agent_id)")
    );
    REMOVE_OLD = "DELETE FROM tally_hours WHERE (agent_id, begins_at) IN
        (SELECT agent_id, begins_at FROM tally_hours WHERE begins_at < $1 ORDER BY begins_at LIMIT $2
        FOR UPDATE SKIP LOCKED)";
}

/// What is counted, by agent and begin.
pub(super) type Counted = BTreeMap<(AgentId, UnixMillis), Tally>;

#[async_trait]
impl Tallies for PostgresStore {
    async fn tallies(
        &self,
        agent_id: AgentId,
        stretch: Range<UnixMillis>,
        step_seconds: u32,
    ) -> Result<Vec<(UnixMillis, Tally)>, StoreError> {
        let step = i64::from(step_seconds) * 1000;
        let rows = self.counted(&[key(agent_id)], &stretch).await?;
        let mut steps = BTreeMap::<i64, Tally>::new();
        for row in &rows {
            let passed = (begins_at(row)?.0 - stretch.start.0) / step;
            add_to(steps.entry(stretch.start.0 + passed * step).or_default(), row)?;
        }
        Ok(steps.into_iter().map(|(begins_at, tally)| (UnixMillis(begins_at), tally)).collect())
    }

    async fn tallies_of_agents(
        &self,
        page: Page<AgentId>,
        stretch: Range<UnixMillis>,
        counts_since: Vec<UnixMillis>,
    ) -> Result<Vec<AgentTally>, StoreError> {
        let earliest = counts_since.iter().copied().fold(stretch.start, UnixMillis::min);
        let agents = reading!(self, |client| agents::list(client, page).await)?;
        let keys: Vec<Uuid> = agents.iter().map(|agent| key(agent.id)).collect();
        let rows = self.counted(&keys, &(earliest..stretch.end)).await?;
        let mut of_agents = BTreeMap::<AgentId, (Tally, CountsSince<'_>)>::new();
        for row in &rows {
            let (agent_id, begins_at) = (agent_of(row)?, begins_at(row)?);
            let (tally, since) = of_agents
                .entry(agent_id)
                .or_insert_with(|| (Tally::default(), CountsSince::new(&counts_since)));
            since.add(begins_at, &counts_from(row)?);
            if begins_at >= stretch.start {
                add_to(tally, row)?;
            }
        }
        let tally_of = |agent: buddy_core::agent::Agent| {
            let counted = of_agents.remove(&agent.id);
            let (tally, since) =
                counted.unwrap_or_else(|| (Tally::default(), CountsSince::new(&counts_since)));
            AgentTally { agent, tally, counts_since: since.counts }
        };
        Ok(agents.into_iter().map(tally_of).collect())
    }

    async fn counts(
        &self,
        agents: Vec<AgentId>,
        since: Vec<UnixMillis>,
        end: UnixMillis,
    ) -> Result<Vec<Vec<Counts>>, StoreError> {
        let earliest = since.iter().copied().fold(end, UnixMillis::min);
        let keys: Vec<Uuid> = agents.iter().map(|agent| key(*agent)).collect();
        let rows = self.counted(&keys, &(earliest..end)).await?;
        let mut of_agents = BTreeMap::<AgentId, CountsSince<'_>>::new();
        for row in &rows {
            let counted = of_agents.entry(agent_of(row)?).or_insert_with(|| CountsSince::new(&since));
            counted.add(begins_at(row)?, &counts_from(row)?);
        }
        let counts_of = |agent: &AgentId| {
            of_agents
                .get(agent)
                .map_or_else(|| CountsSince::new(&since).counts, |counted| counted.counts.clone())
        };
        Ok(agents.iter().map(counts_of).collect())
    }

    async fn tallies_into_hours(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        // Whole hours only: nothing of one is counted by the minute while its hour is shown by the hour.
        let before = before.floored_to(HOUR_SECONDS);
        writing!(self, |tx| into_hours(tx, before, i64::from(limit)).await)
    }

    async fn remove_old_tallies(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        writing!(self, |tx| {
            let old = execute(tx, REMOVE_OLD, &[&before.0, &i64::from(limit)]).await?;
            Ok(old + deleted_agents::remove_tallies(tx, u64::from(limit) - old).await?)
        })
    }
}

impl PostgresStore {
    async fn counted(&self, agents: &[Uuid], stretch: &Range<UnixMillis>) -> Result<Vec<Row>, StoreError> {
        let values: [&(dyn ToSql + Sync); 3] = [&agents, &stretch.start.0, &stretch.end.0];
        reading!(self, |client| query_all(client, COUNTED, &values, |row| Ok(row.clone())).await)
    }
}

async fn into_hours(client: &impl GenericClient, before: UnixMillis, limit: i64) -> Result<u64, Failure> {
    if query_all(client, HAVE_TURN, &[], |_| Ok(())).await?.is_empty() {
        return Ok(0);
    }
    let minute = |row: &Row| Ok((get::<Uuid>(row, "agent_id")?, get::<i64>(row, "begins_at")?));
    let old = query_all(client, OLD_MINUTES, &[&before.0, &limit], minute).await?;
    let (agents, begins): (Vec<Uuid>, Vec<i64>) = old.into_iter().unzip();
    // Before any tally, as the writer has them; what was counted of a deleted agent ends here.
    let there: Vec<AgentId> = query_all(client, SHARE_AGENTS, &[&agents], |row| get_id(row, "id")).await?;
    let mut hours = Counted::new();
    let add = |row: &Row| {
        let hour = (agent_of(row)?, begins_at(row)?.floored_to(HOUR_SECONDS));
        if there.contains(&hour.0) {
            add_to(hours.entry(hour).or_default(), row)?;
        }
        Ok(())
    };
    let minutes = query_all(client, LOCK_MINUTES, &[&agents, &begins], add).await?.len();
    execute(client, REMOVE_MINUTES, &[&agents, &begins]).await?;
    if !hours.is_empty() {
        let (agents, begins) = keys(&hours);
        let kept = query_all(client, LOCK_HOURS, &[&agents, &begins], |row| Ok(row.clone())).await?;
        merge(&mut hours, &kept)?;
        execute(client, KEEP_HOURS, &Columns::of(&hours).values()).await?;
    }
    Ok(minutes as u64)
}

/// The minute of a moment.
pub(super) fn minute_of(at: UnixMillis) -> UnixMillis {
    at.floored_to(MINUTE_SECONDS)
}

/// The columns of what is counted by which it is found.
pub(super) fn keys(counted: &Counted) -> (Vec<Uuid>, Vec<i64>) {
    counted.keys().map(|(agent_id, begins_at)| (key(*agent_id), begins_at.0)).unzip()
}

/// Counts what is kept already in.
pub(super) fn merge(counted: &mut Counted, kept: &[Row]) -> Result<(), Failure> {
    for row in kept {
        add_to(counted.entry((agent_of(row)?, begins_at(row)?)).or_default(), row)?;
    }
    Ok(())
}

/// Tallies by column, as the statements that keep them take them.
pub(super) struct Columns {
    agents: Vec<Uuid>,
    begins: Vec<i64>,
    counts: [Vec<i64>; 6],
    durations: Vec<Vec<u8>>,
}

impl Columns {
    pub(super) fn of(counted: &Counted) -> Self {
        let (agents, begins) = keys(counted);
        let mut columns = Self { agents, begins, counts: Default::default(), durations: Vec::new() };
        for tally in counted.values() {
            let Counts { authenticated, nobody, failed: [timed_out, failed, bad_response, not_configured] } =
                tally.counts;
            let row = [authenticated, nobody, timed_out, failed, bad_response, not_configured];
            for (column, count) in columns.counts.iter_mut().zip(row) {
                column.push(i64::try_from(count).unwrap_or(i64::MAX));
            }
            columns.durations.push(bytes_of(&tally.durations));
        }
        columns
    }

    pub(super) fn values(&self) -> [&(dyn ToSql + Sync); 9] {
        let [authenticated, nobody, timed_out, failed, bad_response, not_configured] = &self.counts;
        [
            &self.agents,
            &self.begins,
            authenticated,
            nobody,
            timed_out,
            failed,
            bad_response,
            not_configured,
            &self.durations,
        ]
    }
}

fn agent_of(row: &Row) -> Result<AgentId, Failure> {
    get_id(row, "agent_id")
}

fn begins_at(row: &Row) -> Result<UnixMillis, Failure> {
    Ok(UnixMillis(get(row, "begins_at")?))
}

fn add_to(tally: &mut Tally, row: &Row) -> Result<(), Failure> {
    tally.counts.merge(&counts_from(row)?);
    let durations: Vec<u8> = get(row, "durations")?;
    Ok(add_durations(tally, &durations)?)
}

fn counts_from(row: &Row) -> Result<Counts, Failure> {
    let count = |column| get_narrow::<u64>(row, "tally_minutes", column);
    Ok(Counts {
        authenticated: count("authenticated")?,
        nobody: count("nobody")?,
        failed: [count("timed_out")?, count("failed")?, count("bad_response")?, count("not_configured")?],
    })
}
