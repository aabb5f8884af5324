//! Platform API keys, kept as hashes.

use async_trait::async_trait;
use buddy_core::agent::ApiKey;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, KeyId, id_bytes};
use buddy_core::secret::TokenHash;
use buddy_core::time::UnixMillis;
use tokio_postgres::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::agents;
use super::audit::noted_if;
use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_id, key, query_all, query_optional, statements};
use crate::columns::below;
use crate::{ApiKeys, Page, StoreError};

statements! {
    CREATE = "INSERT INTO api_keys (id, agent_id, hash, label, created_at, last_used_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    LIST = "SELECT id, agent_id, label, created_at, last_used_at FROM api_keys
        WHERE agent_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3";
    BY_HASH = "SELECT id, agent_id, label, created_at, last_used_at FROM api_keys WHERE hash = $1";
    TOUCH = "UPDATE api_keys SET last_used_at = $2::bigint WHERE id = $1 AND coalesce(last_used_at, $2::bigint - 1) < $2";
    DELETE = "DELETE FROM api_keys WHERE id = $1 AND agent_id = $2";
}

#[async_trait]
impl ApiKeys for PostgresStore {
    async fn create_api_key(
        &self,
        api_key: ApiKey,
        hash: TokenHash,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        let ApiKey { id, agent_id, label, created_at, last_used_at } = api_key;
        let last_used_at = last_used_at.map(|at| at.0);
        writing!(self, |tx| {
            let there = agents::lock(tx, agent_id).await?;
            if there {
                let hash = &hash.0.as_slice();
                let (id, agent) = (key(id), key(agent_id));
                execute(tx, CREATE, &[&id, &agent, hash, &label, &created_at.0, &last_used_at]).await?;
            }
            noted_if(tx, there, &entry).await
        })
    }

    async fn api_keys(&self, agent_id: AgentId, page: Page<KeyId>) -> Result<Vec<ApiKey>, StoreError> {
        let before = Uuid::from_bytes(below(page.before.map(id_bytes)));
        let limit = i64::from(page.limit);
        reading!(self, |client| query_all(client, LIST, &[&key(agent_id), &before, &limit], key_from).await)
    }

    async fn api_key_by_hash(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError> {
        // The comparison is the index's, not in constant time: what it could leak is of a hash, not of a key.
        reading!(self, |client| query_optional(client, BY_HASH, &[&hash.0.as_slice()], key_from).await)
    }

    async fn touch_api_key(&self, id: KeyId, now: UnixMillis) -> Result<(), StoreError> {
        writing!(self, |tx| execute(tx, TOUCH, &[&key(id), &now.0]).await.map(drop))
    }

    async fn delete_api_key(
        &self,
        agent_id: AgentId,
        id: KeyId,
        entry: AuditEntry,
    ) -> Result<bool, StoreError> {
        writing!(self, |tx| {
            let deleted = execute(tx, DELETE, &[&key(id), &key(agent_id)]).await? > 0;
            noted_if(tx, deleted, &entry).await
        })
    }
}

fn key_from(row: &Row) -> Result<ApiKey, Failure> {
    let last_used_at: Option<i64> = get(row, "last_used_at")?;
    Ok(ApiKey {
        id: get_id(row, "id")?,
        agent_id: get_id(row, "agent_id")?,
        label: get(row, "label")?,
        created_at: UnixMillis(get(row, "created_at")?),
        last_used_at: last_used_at.map(UnixMillis),
    })
}
