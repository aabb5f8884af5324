//! Sessions and their identities, which are sealed. What every session needs goes through the writer.

use std::sync::Arc;

use async_trait::async_trait;
use buddy_core::id::{AgentId, SessionId, id_bytes, id_from_bytes};
use buddy_core::identity::Identity;
use buddy_core::secret::TokenHash;
use buddy_core::session::{Session, Status};
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::deleted_agents::bound;
use super::failure::Failure;
use super::nodes::DEAD_AFTER;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_bytes, get_id, key, query_all, query_optional, statements};
use super::writer::Work;
use super::{PostgresStore, deleted_agents, messages};
use crate::columns::{open_identity, opened_by_from, parse, settled, user_columns};
use crate::{Sessions, Settlement, StoreError};

macro_rules! select_sessions {
    ($columns:literal, $rest:literal) => {
        concat!(
            "SELECT id, agent_id, token_hash, status, opened_by, callback_made, failure, created_at, expires_at,
                resolved_at",
            $columns,
            " FROM sessions WHERE ",
            $rest
        )
    };
}

statements! {
    ONE = select_sessions!("", "id = $1 AND expires_at > $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)");
    ONE_WITH_IDENTITY = select_sessions!(", identity", "id = $1 AND expires_at > $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)");
    PENDING = select_sessions!("", "id > $1 AND expires_at > $2 AND status = 'pending' AND owner = $4
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)
        ORDER BY id LIMIT $3");
    // Only for a node that is alive itself, by the same clock.
    TAKE_OVER = "UPDATE sessions SET owner = $1 WHERE id IN (
            SELECT id FROM sessions WHERE status = 'pending' AND expires_at > $2
            AND NOT EXISTS (SELECT 1 FROM nodes WHERE nodes.id = sessions.owner
                AND nodes.seen_at > clock_timestamp() - $4 * interval '1 millisecond')
            AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)
            ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
        AND EXISTS (SELECT 1 FROM nodes WHERE nodes.id = $1
            AND nodes.seen_at > clock_timestamp() - $4 * interval '1 millisecond')
        RETURNING id, agent_id, token_hash, status, opened_by, callback_made, failure, created_at, expires_at,
            resolved_at";
    BEGIN_IDENTIFY = "UPDATE sessions SET status = 'pending', owner = $3
        WHERE id = $1 AND expires_at > $2 AND status = 'created'
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)";
    REVOKE = "UPDATE sessions SET status = 'revoked', failure = NULL, user_hash = NULL, identity = NULL,
            owner = NULL, resolved_at = coalesce(resolved_at, $2)
        WHERE id = $1 AND expires_at > $2 AND status <> 'revoked' AND agent_id = $3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $3)";
    // In the order in which the writer takes them.
    LOCK_USER = "SELECT id FROM sessions WHERE agent_id = $1 AND user_hash = ANY($2) AND expires_at > $3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY id FOR UPDATE";
    REVOKE_ALL = "UPDATE sessions SET status = 'revoked', failure = NULL, user_hash = NULL, identity = NULL,
            owner = NULL, resolved_at = coalesce(resolved_at, $2)
        WHERE id = ANY($1)";
    LOCK_ENDED = "SELECT id FROM sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2
        FOR UPDATE SKIP LOCKED";
    REMOVE = "DELETE FROM sessions WHERE id = ANY($1)";
}

#[async_trait]
impl Sessions for PostgresStore {
    async fn create_session(
        &self,
        session: Session,
        settlement: Option<Arc<Settlement>>,
    ) -> Result<bool, StoreError> {
        let session = settled(session, settlement.as_deref());
        let user = user_columns(&self.keyring, session.id, session.agent_id, settlement.as_deref())?;
        let owner = (session.status == Status::Pending).then(|| self.tenures.current().id);
        self.pool.failures.counted(self.writer.write(Work::Create { session, settlement, user, owner }).await)
    }

    async fn session(&self, id: SessionId, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        reading!(self, |client| query_optional(client, ONE, &[&key(id), &now.0], session_from).await)
    }

    async fn session_with_identity(
        &self,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<Option<(Session, Option<Identity>)>, StoreError> {
        let read = |row: &Row| {
            let sealed: Option<Vec<u8>> = get(row, "identity")?;
            let identity = sealed.map(|sealed| open_identity(&self.keyring, id, &sealed)).transpose()?;
            Ok((session_from(row)?, identity))
        };
        reading!(self, |client| query_optional(client, ONE_WITH_IDENTITY, &[&key(id), &now.0], read).await)
    }

    async fn begin_identify(&self, id: SessionId, now: UnixMillis) -> Result<bool, StoreError> {
        let owner = self.tenures.current().id;
        writing!(self, |tx| Ok(execute(tx, BEGIN_IDENTIFY, &[&key(id), &now.0, &owner]).await? > 0))
    }

    async fn settle_session(&self, id: SessionId, settlement: Arc<Settlement>) -> Result<bool, StoreError> {
        let user = user_columns(&self.keyring, id, settlement.resolution.agent_id, Some(&settlement))?;
        self.pool.failures.counted(self.writer.write(Work::Settle { id, settlement, user }).await)
    }

    async fn revoke_session(
        &self,
        agent_id: AgentId,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        writing!(self, |tx| {
            let revoked = execute(tx, REVOKE, &[&key(id), &now.0, &key(agent_id)]).await?;
            if revoked > 0 {
                execute(tx, messages::REMOVE_ALL, &[&[key(id)].as_slice()]).await?;
            }
            Ok(revoked)
        })
    }

    async fn revoke_user(
        &self,
        agent_id: AgentId,
        user_id: &str,
        now: UnixMillis,
    ) -> Result<Vec<SessionId>, StoreError> {
        let hashes = self.keyring.user_hashes(agent_id, user_id);
        let hashes: Vec<&[u8]> = hashes.iter().map(<[u8; 32]>::as_slice).collect();
        let revoked = writing!(self, |tx| {
            let values: [&(dyn ToSql + Sync); 3] = [&key(agent_id), &hashes, &now.0];
            let ids: Vec<Uuid> = query_all(tx, LOCK_USER, &values, |row| get(row, "id")).await?;
            execute(tx, REVOKE_ALL, &[&ids, &now.0]).await?;
            execute(tx, messages::REMOVE_ALL, &[&ids]).await?;
            Ok(ids)
        })?;
        Ok(revoked.into_iter().map(|id| id_from_bytes(*id.as_bytes())).collect())
    }

    async fn pending_sessions(
        &self,
        now: UnixMillis,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        // No id is all zeros: a UUIDv7 has its version and variant in it.
        let after = Uuid::from_bytes(after.map_or([0; 16], id_bytes));
        let owner = self.tenures.current().id;
        reading!(self, |client| {
            let values: [&(dyn ToSql + Sync); 4] = [&after, &now.0, &i64::from(limit), &owner];
            query_all(client, PENDING, &values, session_from).await
        })
    }

    async fn take_over_sessions(&self, now: UnixMillis, limit: u32) -> Result<Vec<Session>, StoreError> {
        let tenure = self.tenures.current();
        if tenure.token.is_cancelled() {
            return Ok(Vec::new());
        }
        let dead_after = DEAD_AFTER.as_secs_f64() * 1000.0;
        let mut taken = writing!(self, |tx| {
            let values: [&(dyn ToSql + Sync); 4] = [&tenure.id, &now.0, &i64::from(limit), &dead_after];
            query_all(tx, TAKE_OVER, &values, session_from).await
        })?;
        // Those that it could not be given in time are again a gone node's.
        if self.tenures.current().id != tenure.id || tenure.token.is_cancelled() {
            taken.clear();
        }
        taken.sort_by_key(|session| id_bytes(session.id));
        Ok(taken)
    }

    async fn remove_ended_sessions(&self, now: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        let limit = u64::from(limit);
        writing!(self, |tx| {
            let ended = remove_ended(tx, now, limit).await?;
            Ok(ended + deleted_agents::remove_sessions(tx, limit - ended).await?)
        })
    }
}

/// Removes at most `limit` messages and sessions of those that ended first; how many there were.
async fn remove_ended(client: &impl GenericClient, now: UnixMillis, limit: u64) -> Result<u64, Failure> {
    let mut ids: Vec<Uuid> =
        query_all(client, LOCK_ENDED, &[&now.0, &bound(limit)], |row| get(row, "id")).await?;
    let messages = execute(client, messages::REMOVE_SOME, &[&ids, &bound(limit)]).await?;
    // All of their messages are gone, or the limit is reached.
    ids.truncate(usize::try_from(limit - messages).unwrap_or(usize::MAX));
    Ok(messages + execute(client, REMOVE, &[&ids]).await?)
}

fn session_from(row: &Row) -> Result<Session, Failure> {
    let status: String = get(row, "status")?;
    let opened_by: String = get(row, "opened_by")?;
    let failure: Option<String> = get(row, "failure")?;
    let resolved_at: Option<i64> = get(row, "resolved_at")?;
    Ok(Session {
        id: get_id(row, "id")?,
        agent_id: get_id(row, "agent_id")?,
        token_hash: TokenHash(get_bytes(row, "sessions", "token_hash")?),
        status: parse(&status, "sessions", "status")?,
        opened_by: opened_by_from(&opened_by)?,
        callback_made: get(row, "callback_made")?,
        failure: failure.map(|failure| parse(&failure, "sessions", "failure")).transpose()?,
        created_at: UnixMillis(get(row, "created_at")?),
        expires_at: UnixMillis(get(row, "expires_at")?),
        resolved_at: resolved_at.map(UnixMillis),
    })
}
