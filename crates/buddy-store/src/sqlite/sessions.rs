//! Sessions and their identities, which are sealed.

use std::sync::Arc;

use async_trait::async_trait;
use buddy_core::id::{AgentId, SessionId, id_bytes, id_from_bytes};
use buddy_core::identity::Identity;
use buddy_core::reason::Reason;
use buddy_core::secret::TokenHash;
use buddy_core::session::{Session, Status};
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{execute, query_all, query_optional, statements};
use super::{SqliteStore, deleted_agents, messages, resolutions};
use crate::columns::{
    UserColumns, open_identity, opened_by_from, opened_by_word, parse, settled, user_columns,
};
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

// OR FAIL: what such a statement has done by the time it fails is rolled back with its write, so that SQLite need not
// keep a copy of each page to undo the statement by itself.
statements! {
    CREATE = "INSERT OR FAIL INTO sessions (id, agent_id, token_hash, status, opened_by, callback_made, failure,
            created_at, expires_at, resolved_at, user_hash, identity)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
    ONE = select_sessions!("", "id = ?1 AND expires_at > ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)");
    ONE_WITH_IDENTITY = select_sessions!(", identity", "id = ?1 AND expires_at > ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)");
    PENDING = select_sessions!("", "id > ?1 AND expires_at > ?2 AND status = 'pending'
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)
        ORDER BY id LIMIT ?3");
    BEGIN_IDENTIFY = "UPDATE sessions SET status = 'pending'
        WHERE id = ?1 AND expires_at > ?2 AND status = 'created'
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)";
    SETTLE = "UPDATE OR FAIL sessions SET status = ?3, callback_made = ?4, failure = ?5, resolved_at = ?2,
            user_hash = ?6, identity = ?7
        WHERE id = ?1 AND expires_at > ?2 AND status IN ('created', 'pending')
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)";
    REVOKE = "UPDATE sessions SET status = 'revoked', failure = NULL, user_hash = NULL, identity = NULL,
            resolved_at = coalesce(resolved_at, ?2)
        WHERE id = ?1 AND expires_at > ?2 AND status <> 'revoked' AND agent_id = ?3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?3)";
    REVOKE_USER = "UPDATE sessions SET status = 'revoked', failure = NULL, user_hash = NULL, identity = NULL,
            resolved_at = coalesce(resolved_at, ?2)
        WHERE user_hash = ?1 AND expires_at > ?2 AND agent_id = ?3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?3)
        RETURNING id";
    REMOVE_ENDED = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";
}

#[async_trait]
impl Sessions for SqliteStore {
    async fn create_session(
        &self,
        session: Session,
        settlement: Option<Arc<Settlement>>,
    ) -> Result<bool, StoreError> {
        let session = settled(session, settlement.as_deref());
        let user = user_columns(&self.keyring, session.id, session.agent_id, settlement.as_deref())?;
        self.write_often(move |connection, group| {
            if !group.agents.has(connection, session.agent_id)? {
                return Ok(false);
            }
            insert(connection, &session, &user)?;
            if let Some(Settlement { resolution, resolved_at, .. }) = settlement.as_deref() {
                resolutions::keep(connection, group, resolution, *resolved_at)?;
                group.gained.count(resolution, *resolved_at);
            }
            Ok(true)
        })
        .await
    }

    async fn session(&self, id: SessionId, now: UnixMillis) -> Result<Option<Session>, StoreError> {
        self.read(move |connection| query_optional(connection, ONE, (id_bytes(id), now.0), session_from))
            .await
    }

    async fn session_with_identity(
        &self,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<Option<(Session, Option<Identity>)>, StoreError> {
        let keyring = self.keyring.clone();
        self.read(move |connection| {
            query_optional(connection, ONE_WITH_IDENTITY, (id_bytes(id), now.0), |row| {
                let sealed: Option<Vec<u8>> = row.get("identity")?;
                let identity = sealed.map(|sealed| open_identity(&keyring, id, &sealed)).transpose()?;
                Ok((session_from(row)?, identity))
            })
        })
        .await
    }

    async fn begin_identify(&self, id: SessionId, now: UnixMillis) -> Result<bool, StoreError> {
        self.write(move |connection| Ok(execute(connection, BEGIN_IDENTIFY, (id_bytes(id), now.0))? > 0))
            .await
    }

    async fn settle_session(&self, id: SessionId, settlement: Arc<Settlement>) -> Result<bool, StoreError> {
        let user = user_columns(&self.keyring, id, settlement.resolution.agent_id, Some(&settlement))?;
        self.write_often(move |connection, group| {
            let changed = settle(connection, id, &settlement, &user)?;
            let Settlement { resolution, resolved_at, .. } = &*settlement;
            resolutions::keep(connection, group, resolution, *resolved_at)?;
            if changed {
                group.gained.count(resolution, *resolved_at);
            }
            Ok(changed)
        })
        .await
    }

    async fn revoke_session(
        &self,
        agent_id: AgentId,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<u64, StoreError> {
        let values = (id_bytes(id), now.0, id_bytes(agent_id));
        self.write(move |connection| {
            let revoked = execute(connection, REVOKE, values)?;
            if revoked > 0 {
                messages::remove_all(connection, id)?;
            }
            Ok(revoked)
        })
        .await
    }

    async fn revoke_user(
        &self,
        agent_id: AgentId,
        user_id: &str,
        now: UnixMillis,
    ) -> Result<Vec<SessionId>, StoreError> {
        let hashes = self.keyring.user_hashes(agent_id, user_id);
        self.write(move |connection| {
            let mut revoked = Vec::new();
            for hash in hashes {
                let values = (hash, now.0, id_bytes(agent_id));
                revoked.extend(query_all(connection, REVOKE_USER, values, |row| {
                    Ok(id_from_bytes(row.get("id")?))
                })?);
            }
            for id in &revoked {
                messages::remove_all(connection, *id)?;
            }
            Ok(revoked)
        })
        .await
    }

    async fn pending_sessions(
        &self,
        now: UnixMillis,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError> {
        // No id is all zeros: a UUIDv7 has its version and variant in it.
        let after = after.map_or([0; 16], id_bytes);
        self.read(move |connection| query_all(connection, PENDING, (after, now.0, limit), session_from)).await
    }

    async fn take_over_sessions(&self, _: UnixMillis, _: u32) -> Result<Vec<Session>, StoreError> {
        Ok(Vec::new())
    }

    async fn remove_ended_sessions(&self, now: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| {
            let limit = u64::from(limit);
            let messages = messages::remove_ended(connection, now, limit)?;
            // All messages of the sessions that are at the end of the list are gone, or the limit is reached.
            let ended = messages + execute(connection, REMOVE_ENDED, (now.0, limit - messages))?;
            Ok(ended + deleted_agents::remove_sessions(connection, limit - ended)?)
        })
        .await
    }
}

fn insert(
    connection: &Connection,
    session: &Session,
    (user_hash, identity): &UserColumns,
) -> Result<(), StoreError> {
    let values = (
        id_bytes(session.id),
        id_bytes(session.agent_id),
        session.token_hash.0,
        session.status.as_str(),
        opened_by_word(session.opened_by),
        session.callback_made,
        session.failure.map(Reason::as_str),
        session.created_at.0,
        session.expires_at.0,
        session.resolved_at.map(|at| at.0),
        user_hash,
        identity,
    );
    execute(connection, CREATE, values).map(drop)
}

fn settle(
    connection: &Connection,
    id: SessionId,
    settlement: &Settlement,
    (user_hash, identity): &UserColumns,
) -> Result<bool, StoreError> {
    let values = (
        id_bytes(id),
        settlement.resolved_at.0,
        settlement.status.as_str(),
        settlement.callback_made,
        settlement.failure.map(Reason::as_str),
        user_hash,
        identity,
    );
    let settled = execute(connection, SETTLE, values)? > 0;
    if settled {
        messages::hand_over(connection, id, settlement.resolution.agent_id)?;
    }
    Ok(settled)
}

fn session_from(row: &Row<'_>) -> Result<Session, StoreError> {
    let status: String = row.get("status")?;
    let opened_by: String = row.get("opened_by")?;
    let failure: Option<String> = row.get("failure")?;
    let resolved_at: Option<i64> = row.get("resolved_at")?;
    Ok(Session {
        id: id_from_bytes(row.get("id")?),
        agent_id: id_from_bytes(row.get("agent_id")?),
        token_hash: TokenHash(row.get("token_hash")?),
        status: parse::<Status>(&status, "sessions", "status")?,
        opened_by: opened_by_from(&opened_by)?,
        callback_made: row.get("callback_made")?,
        failure: failure.map(|failure| parse(&failure, "sessions", "failure")).transpose()?,
        created_at: UnixMillis(row.get("created_at")?),
        expires_at: UnixMillis(row.get("expires_at")?),
        resolved_at: resolved_at.map(UnixMillis),
    })
}
