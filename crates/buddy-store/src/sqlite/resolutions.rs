//! Resolutions: appended by the settling of a session, listed per agent, removed from the old end.

use std::cmp::Reverse;
use std::collections::HashMap;

use async_trait::async_trait;
use buddy_core::id::{AgentId, ResolutionId, SessionId, id_bytes, id_from_bytes};
use buddy_core::reason::Reason;
use buddy_core::resolution::Resolution;
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{execute, query_all, query_optional, statements};
use super::writer::Group;
use super::{SqliteStore, deleted_agents};
use crate::columns::{below, first_id_of, parse, reasons};
use crate::{Numbered, Page, ResolutionFilter, Resolutions, StoreError};

macro_rules! select_resolutions {
    ($rest:literal) => {
        concat!(
            "SELECT id, agent_id, session_id, outcome, reason, started_at, duration_us, warnings, attempts
            FROM resolutions ",
            $rest
        )
    };
}

// OR FAIL: as in sessions.rs.
statements! {
    CREATE = "INSERT OR FAIL INTO resolutions
            (id, agent_id, session_id, outcome, reason, started_at, duration_us, warnings, attempts, number)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    LIST = select_resolutions!("WHERE agent_id = ?1 AND number < ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?1)
        ORDER BY number DESC LIMIT ?3");
    // One reason at a time: of several no index has the order, and a rare one may lie far apart.
    LIST_OF_REASON = "SELECT id, agent_id, session_id, outcome, reason, started_at, duration_us, warnings, attempts, number
        FROM resolutions WHERE agent_id = ?1 AND reason = ?4 AND number < ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?1)
        ORDER BY number DESC LIMIT ?3";
    // A session has one or two: the plus keeps the agent's many out of it.
    LIST_OF_SESSION = select_resolutions!("WHERE session_id = ?5 AND +agent_id = ?1 AND id < ?2
        AND (?3 IS NULL OR reason IN (SELECT value FROM json_each(?3)))
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?1)
        ORDER BY id DESC LIMIT ?4");
    OF_SESSION = select_resolutions!("WHERE session_id = ?1 AND id < ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = resolutions.agent_id)
        ORDER BY id DESC LIMIT ?3");
    SINCE = "SELECT id, agent_id, session_id, outcome, reason, started_at, duration_us, warnings, attempts, number
        FROM resolutions WHERE agent_id = ?1 AND number > ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?1)
        ORDER BY number LIMIT ?3";
    NUMBER_OF = "SELECT number FROM resolutions WHERE id = ?1";
    LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM resolutions WHERE agent_id = ?1";
    ONE = select_resolutions!("WHERE id = ?1 AND agent_id = ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?2)");
    ONE_OF_ANY = select_resolutions!("WHERE id = ?1
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = resolutions.agent_id)");
    REMOVE_OLD = "DELETE FROM resolutions WHERE id IN
        (SELECT id FROM resolutions WHERE id < ?1 ORDER BY id LIMIT ?2)";
}

#[async_trait]
impl Resolutions for SqliteStore {
    async fn resolutions(
        &self,
        agent_id: AgentId,
        filter: ResolutionFilter,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError> {
        let (agent, reasons) = (id_bytes(agent_id), reasons(filter));
        self.read(move |connection| {
            if let Some(session_id) = filter.session_id {
                let before = below(page.before.map(id_bytes));
                let reasons = reasons.as_deref().map(in_json);
                let values = (agent, before, reasons, page.limit, id_bytes(session_id));
                return query_all(connection, LIST_OF_SESSION, values, resolution_from);
            }
            let before = number_below(connection, page.before)?;
            match reasons {
                None => query_all(connection, LIST, (agent, before, page.limit), resolution_from),
                Some(reasons) => of_reasons(connection, agent, before, page.limit, &reasons),
            }
        })
        .await
    }

    async fn resolutions_of_session(
        &self,
        session_id: SessionId,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError> {
        let values = (id_bytes(session_id), below(page.before.map(id_bytes)), page.limit);
        self.read(move |connection| query_all(connection, OF_SESSION, values, resolution_from)).await
    }

    async fn resolutions_since(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        self.read(move |connection| {
            query_all(connection, SINCE, (id_bytes(agent_id), since, limit), numbered_from)
        })
        .await
    }

    async fn last_resolution_number(&self, agent_id: AgentId) -> Result<i64, StoreError> {
        self.read(move |connection| last_number(connection, agent_id)).await
    }

    async fn resolution(
        &self,
        agent_id: AgentId,
        id: ResolutionId,
    ) -> Result<Option<Resolution>, StoreError> {
        let values = (id_bytes(id), id_bytes(agent_id));
        self.read(move |connection| query_optional(connection, ONE, values, resolution_from)).await
    }

    async fn resolution_of_any_agent(&self, id: ResolutionId) -> Result<Option<Resolution>, StoreError> {
        let values = [id_bytes(id)];
        self.read(move |connection| query_optional(connection, ONE_OF_ANY, values, resolution_from)).await
    }

    async fn remove_old_resolutions(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let limit = u64::from(limit);
            let old = execute(connection, REMOVE_OLD, (first_id_of(before), limit))?;
            Ok(old + deleted_agents::remove_resolutions(connection, limit - old)?)
        })
        .await
    }
}

/// Agents whose last number is at hand.
const NUMBERS_MAX: usize = 10_000;

/// The last numbers that were given to resolutions, so that the table need not be asked each time. Only this writer gives
/// any; one that was rolled back is not given again.
#[derive(Default)]
pub(super) struct Numbers(HashMap<AgentId, i64>);

impl Numbers {
    /// The next of the agent's, which is at least `least`.
    fn next(&mut self, connection: &Connection, agent_id: AgentId, least: i64) -> Result<i64, StoreError> {
        let last = match self.0.get(&agent_id) {
            Some(last) => *last,
            None => last_number(connection, agent_id)?,
        };
        let next = least.max(last + 1);
        if self.0.len() >= NUMBERS_MAX {
            self.0.clear();
        }
        self.0.insert(agent_id, next);
        Ok(next)
    }
}

/// Keeps a resolution, unless its agent is gone. Its number is the clock's microseconds, or the one after the last:
/// it is greater than all before it, though these are removed or the clock goes back, and none has to be noted.
pub(super) fn keep(
    connection: &Connection,
    group: &mut Group,
    resolution: &Resolution,
    at: UnixMillis,
) -> Result<(), StoreError> {
    if !group.agents.has(connection, resolution.agent_id)? {
        return Ok(());
    }
    let unwritable = |_| StoreError::Database("a resolution could not be written as JSON".to_owned());
    let duration = i64::try_from(resolution.duration).unwrap_or(i64::MAX);
    let values = (
        id_bytes(resolution.id),
        id_bytes(resolution.agent_id),
        id_bytes(resolution.session_id),
        resolution.outcome.as_str(),
        resolution.reason.map(Reason::as_str),
        resolution.started_at.0,
        duration,
        serde_json::to_string(&resolution.warnings).map_err(unwritable)?,
        serde_json::to_string(&resolution.attempts).map_err(unwritable)?,
        group.numbers.next(connection, resolution.agent_id, at.0.saturating_mul(1000))?,
    );
    execute(connection, CREATE, values).map(drop)
}

fn last_number(connection: &Connection, agent_id: AgentId) -> Result<i64, StoreError> {
    let last = query_optional(connection, LAST_NUMBER, [id_bytes(agent_id)], |row| Ok(row.get(0)?))?;
    Ok(last.unwrap_or(0))
}

/// The number that a page begins below. What is not kept any more has nothing below it that is.
fn number_below(connection: &Connection, before: Option<ResolutionId>) -> Result<i64, StoreError> {
    let Some(id) = before else { return Ok(i64::MAX) };
    let number = query_optional(connection, NUMBER_OF, [id_bytes(id)], |row| Ok(row.get(0)?))?;
    Ok(number.unwrap_or(0))
}

/// The newest of each reason, and of these the newest.
fn of_reasons(
    connection: &Connection,
    agent: [u8; 16],
    before: i64,
    limit: u32,
    reasons: &[Reason],
) -> Result<Vec<Resolution>, StoreError> {
    let mut found = Vec::new();
    for reason in reasons {
        let values = (agent, before, limit, reason.as_str());
        found.extend(query_all(connection, LIST_OF_REASON, values, numbered_from)?);
    }
    found.sort_by_key(|numbered| Reverse(numbered.number));
    let newest = found.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(newest.map(|numbered| numbered.resolution).collect())
}

fn in_json(reasons: &[Reason]) -> String {
    reasons.iter().map(|reason| reason.as_str()).collect::<serde_json::Value>().to_string()
}

fn numbered_from(row: &Row<'_>) -> Result<Numbered, StoreError> {
    Ok(Numbered { number: row.get("number")?, resolution: resolution_from(row)? })
}

fn resolution_from(row: &Row<'_>) -> Result<Resolution, StoreError> {
    let reason: Option<String> = row.get("reason")?;
    let outcome: String = row.get("outcome")?;
    let unreadable = |column| move |_| StoreError::Unreadable { table: "resolutions", column };
    let warnings: String = row.get("warnings")?;
    let attempts: String = row.get("attempts")?;
    Ok(Resolution {
        id: id_from_bytes(row.get("id")?),
        session_id: id_from_bytes(row.get("session_id")?),
        agent_id: id_from_bytes(row.get("agent_id")?),
        outcome: parse(&outcome, "resolutions", "outcome")?,
        reason: reason.map(|reason| parse(&reason, "resolutions", "reason")).transpose()?,
        warnings: serde_json::from_str(&warnings).map_err(unreadable("warnings"))?,
        started_at: UnixMillis(row.get("started_at")?),
        duration: row.get("duration_us")?,
        attempts: serde_json::from_str(&attempts).map_err(unreadable("attempts"))?,
    })
}
