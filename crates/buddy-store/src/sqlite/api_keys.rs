//! Platform API keys, kept as hashes.

use async_trait::async_trait;
use buddy_core::agent::ApiKey;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, KeyId, id_bytes, id_from_bytes};
use buddy_core::secret::TokenHash;
use buddy_core::time::UnixMillis;
use rusqlite::Row;

use super::SqliteStore;
use super::audit::noted_if;
use super::statement::{execute, query_all, query_optional, statements};
use crate::columns::below;
use crate::{ApiKeys, Page, StoreError};

statements! {
    CREATE = "INSERT INTO api_keys (id, agent_id, hash, label, created_at, last_used_at)
        SELECT ?1, ?2, ?3, ?4, ?5, ?6 WHERE EXISTS (SELECT 1 FROM agents WHERE id = ?2)";
    LIST = "SELECT id, agent_id, label, created_at, last_used_at FROM api_keys
        WHERE agent_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";
    BY_HASH = "SELECT id, agent_id, label, created_at, last_used_at FROM api_keys WHERE hash = ?1";
    TOUCH = "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND coalesce(last_used_at, ?2 - 1) < ?2";
    DELETE = "DELETE FROM api_keys WHERE id = ?1 AND agent_id = ?2";
}

#[async_trait]
impl ApiKeys for SqliteStore {
    async fn create_api_key(
        &self,
        key: ApiKey,
        hash: TokenHash,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let last_used_at = key.last_used_at.map(|at| at.0);
            let values =
                (id_bytes(key.id), id_bytes(key.agent_id), hash.0, key.label, key.created_at.0, last_used_at);
            noted_if(connection, execute(connection, CREATE, values)? > 0, &entry)
        })
        .await
    }

    async fn api_keys(&self, agent_id: AgentId, page: Page<KeyId>) -> Result<Vec<ApiKey>, StoreError> {
        let values = (id_bytes(agent_id), below(page.before.map(id_bytes)), page.limit);
        self.read(move |connection| query_all(connection, LIST, values, key_from)).await
    }

    async fn api_key_by_hash(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError> {
        // The comparison is the index's, not in constant time: what it could leak is of a hash, not of a key.
        self.read(move |connection| query_optional(connection, BY_HASH, [hash.0], key_from)).await
    }

    async fn touch_api_key(&self, id: KeyId, now: UnixMillis) -> Result<(), StoreError> {
        self.write(move |connection| execute(connection, TOUCH, (id_bytes(id), now.0)).map(drop)).await
    }

    async fn delete_api_key(
        &self,
        agent_id: AgentId,
        id: KeyId,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let deleted = execute(connection, DELETE, (id_bytes(id), id_bytes(agent_id)))? > 0;
            noted_if(connection, deleted, &entry)
        })
        .await
    }
}

fn key_from(row: &Row<'_>) -> Result<ApiKey, StoreError> {
    let last_used_at: Option<i64> = row.get("last_used_at")?;
    Ok(ApiKey {
        id: id_from_bytes(row.get("id")?),
        agent_id: id_from_bytes(row.get("agent_id")?),
        label: row.get("label")?,
        created_at: UnixMillis(row.get("created_at")?),
        last_used_at: last_used_at.map(UnixMillis),
    })
}
