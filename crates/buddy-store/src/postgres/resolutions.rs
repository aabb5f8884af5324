//! Resolutions: appended by the settling of a session, listed per agent, dropped a day at a time.

use async_trait::async_trait;
use buddy_core::id::{AgentId, ResolutionId, SessionId, id_bytes};
use buddy_core::resolution::Resolution;
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{get, get_id, get_narrow, key, query_all, query_optional, statements};
use super::{PostgresStore, deleted_agents};
use crate::columns::{below, parse, reasons};
use crate::{Numbered, Page, ResolutionFilter, Resolutions, StoreError};

macro_rules! select_resolutions {
    ($rest:literal) => {
        concat!(
            "SELECT id, agent_id, session_id, outcome, reason, started_at, duration_us, warnings, attempts, number
            FROM resolutions ",
            $rest
        )
    };
}

statements! {
    LIST = select_resolutions!("WHERE agent_id = $1 AND number < $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY number DESC LIMIT $3");
    // One reason at a time: of several no index has the order, and a rare one may lie far apart.
    LIST_OF_REASONS = "SELECT found.* FROM unnest($4::text[]) AS wanted (reason) CROSS JOIN LATERAL (
            SELECT id, agent_id, session_id, outcome, resolutions.reason, started_at, duration_us, warnings, attempts,
                number
            FROM resolutions WHERE agent_id = $1 AND resolutions.reason = wanted.reason AND number < $2
            ORDER BY number DESC LIMIT $3) AS found
        WHERE EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY number DESC LIMIT $3";
    LIST_OF_SESSION = select_resolutions!("WHERE session_id = $5 AND agent_id = $1 AND id < $2
        AND ($3::text[] IS NULL OR reason = ANY($3))
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY id DESC LIMIT $4");
    OF_SESSION = select_resolutions!("WHERE session_id = $1 AND id < $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = resolutions.agent_id)
        ORDER BY id DESC LIMIT $3");
    SINCE = select_resolutions!("WHERE agent_id = $1 AND number > $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY number LIMIT $3");
    NUMBER_OF = "SELECT number FROM resolutions WHERE id = $1";
    LAST_NUMBER = "SELECT number FROM resolutions WHERE agent_id = $1 ORDER BY number DESC LIMIT 1";
    ONE = select_resolutions!("WHERE id = $1 AND agent_id = $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $2)");
    ONE_OF_ANY = select_resolutions!("WHERE id = $1
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = resolutions.agent_id)");
}

#[async_trait]
impl Resolutions for PostgresStore {
    async fn resolutions(
        &self,
        agent_id: AgentId,
        filter: ResolutionFilter,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError> {
        let (agent, limit) = (key(agent_id), i64::from(page.limit));
        let reasons =
            reasons(filter).map(|reasons| reasons.iter().map(|one| one.as_str()).collect::<Vec<_>>());
        reading!(self, |client| {
            if let Some(session_id) = filter.session_id {
                let (session, before) = (key(session_id), id_below(page.before));
                let values: [&(dyn ToSql + Sync); 5] = [&agent, &before, &reasons, &limit, &session];
                return query_all(client, LIST_OF_SESSION, &values, resolution_from).await;
            }
            let before = number_below(client, page.before).await?;
            match &reasons {
                None => query_all(client, LIST, &[&agent, &before, &limit], resolution_from).await,
                Some(reasons) => {
                    let values: [&(dyn ToSql + Sync); 4] = [&agent, &before, &limit, reasons];
                    query_all(client, LIST_OF_REASONS, &values, resolution_from).await
                }
            }
        })
    }

    async fn resolutions_of_session(
        &self,
        session_id: SessionId,
        page: Page<ResolutionId>,
    ) -> Result<Vec<Resolution>, StoreError> {
        let (session, before, limit) = (key(session_id), id_below(page.before), i64::from(page.limit));
        reading!(self, |client| {
            query_all(client, OF_SESSION, &[&session, &before, &limit], resolution_from).await
        })
    }

    async fn resolutions_since(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
    ) -> Result<Vec<Numbered>, StoreError> {
        let numbered =
            |row: &Row| Ok(Numbered { number: get(row, "number")?, resolution: resolution_from(row)? });
        reading!(self, |client| {
            query_all(client, SINCE, &[&key(agent_id), &since, &i64::from(limit)], numbered).await
        })
    }

    async fn last_resolution_number(&self, agent_id: AgentId) -> Result<i64, StoreError> {
        reading!(self, |client| {
            let last =
                query_optional(client, LAST_NUMBER, &[&key(agent_id)], |row| get(row, "number")).await?;
            Ok(last.unwrap_or(0))
        })
    }

    async fn resolution(
        &self,
        agent_id: AgentId,
        id: ResolutionId,
    ) -> Result<Option<Resolution>, StoreError> {
        reading!(self, |client| {
            query_optional(client, ONE, &[&key(id), &key(agent_id)], resolution_from).await
        })
    }

    async fn resolution_of_any_agent(&self, id: ResolutionId) -> Result<Option<Resolution>, StoreError> {
        reading!(self, |client| query_optional(client, ONE_OF_ANY, &[&key(id)], resolution_from).await)
    }

    /// Days that are over before `before` are dropped as a whole; of a day's rows at most `limit` are counted.
    async fn remove_old_resolutions(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        let limit = u64::from(limit);
        self.partitions.make_ahead(&self.pool).await?;
        let old = self.partitions.drop_before(&self.pool, before, limit).await?;
        let left = limit.saturating_sub(old);
        let deleted = writing!(self, |tx| deleted_agents::remove_resolutions(tx, left).await)?;
        Ok(old + deleted)
    }
}

fn id_below(before: Option<ResolutionId>) -> Uuid {
    Uuid::from_bytes(below(before.map(id_bytes)))
}

/// The number that a page begins below. What is not kept any more has nothing below it that is.
async fn number_below(client: &impl GenericClient, before: Option<ResolutionId>) -> Result<i64, Failure> {
    let Some(id) = before else { return Ok(i64::MAX) };
    Ok(query_optional(client, NUMBER_OF, &[&key(id)], |row| get(row, "number")).await?.unwrap_or(0))
}

fn resolution_from(row: &Row) -> Result<Resolution, Failure> {
    let reason: Option<String> = get(row, "reason")?;
    let outcome: String = get(row, "outcome")?;
    let unreadable = |column| move |_| StoreError::Unreadable { table: "resolutions", column };
    let warnings: String = get(row, "warnings")?;
    let attempts: String = get(row, "attempts")?;
    Ok(Resolution {
        id: get_id(row, "id")?,
        session_id: get_id(row, "session_id")?,
        agent_id: get_id(row, "agent_id")?,
        outcome: parse(&outcome, "resolutions", "outcome")?,
        reason: reason.map(|reason| parse(&reason, "resolutions", "reason")).transpose()?,
        warnings: serde_json::from_str(&warnings).map_err(unreadable("warnings"))?,
        started_at: UnixMillis(get(row, "started_at")?),
        duration: get_narrow(row, "resolutions", "duration_us")?,
        attempts: serde_json::from_str(&attempts).map_err(unreadable("attempts"))?,
    })
}
