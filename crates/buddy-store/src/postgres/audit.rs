//! What operators did: kept in the transaction of the change itself, so that there is neither without the other.

use async_trait::async_trait;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, AuditId, id_bytes, id_from_bytes};
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use uuid::Uuid;

use super::PostgresStore;
use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_id, key, query_all, statements};
use crate::columns::{below, first_id_of, parse};
use crate::{AuditLog, Page, StoreError};

macro_rules! select_entries {
    ($rest:literal) => {
        concat!(
            "SELECT id, at, actor, address, action, agent_id, key_id, settings, outcome FROM audit ",
            $rest
        )
    };
}

statements! {
    KEEP = "INSERT INTO audit (id, at, actor, address, action, agent_id, key_id, settings, outcome)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    LIST = select_entries!("WHERE id < $1 ORDER BY id DESC LIMIT $2");
    LIST_OF_AGENT = select_entries!("WHERE agent_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    REMOVE_OLD = "DELETE FROM audit WHERE id IN
        (SELECT id FROM audit WHERE id < $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)";
}

#[async_trait]
impl AuditLog for PostgresStore {
    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError> {
        writing!(self, |tx| note(tx, &entry, &entry.settings).await)
    }

    async fn audit_entries(
        &self,
        agent_id: Option<AgentId>,
        page: Page<AuditId>,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = Uuid::from_bytes(below(page.before.map(id_bytes)));
        let limit = i64::from(page.limit);
        reading!(self, |client| match agent_id {
            None => query_all(client, LIST, &[&before, &limit], entry_from).await,
            Some(id) => query_all(client, LIST_OF_AGENT, &[&key(id), &before, &limit], entry_from).await,
        })
    }

    async fn remove_old_audit_entries(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        let before = Uuid::from_bytes(first_id_of(before));
        writing!(self, |tx| execute(tx, REMOVE_OLD, &[&before, &i64::from(limit)]).await)
    }
}

/// Keeps an entry, within the transaction that it is about.
async fn note(
    client: &impl GenericClient,
    entry: &AuditEntry,
    settings: &[impl serde::Serialize],
) -> Result<(), Failure> {
    let settings = serde_json::to_string(settings)
        .map_err(|_| StoreError::Database("names could not be written as JSON".to_owned()))?;
    let (address, action) = (entry.address.to_string(), entry.action.as_str());
    let (agent_id, key_id) = (entry.agent_id.map(key), entry.key_id.map(key));
    let (id, at) = (key(entry.id), entry.at.0);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 9] =
        [&id, &at, &entry.actor, &address, &action, &agent_id, &key_id, &settings, &entry.outcome];
    execute(client, KEEP, &values).await.map(drop)
}

/// The same where something was changed; whether it was.
pub(super) async fn noted_if(
    client: &impl GenericClient,
    changed: bool,
    entry: &AuditEntry,
) -> Result<bool, Failure> {
    if changed {
        note(client, entry, &entry.settings).await?;
    }
    Ok(changed)
}

/// The same, with the names of the settings that the change turned out to change.
pub(super) async fn note_with(
    client: &impl GenericClient,
    entry: &AuditEntry,
    settings: Vec<&'static str>,
) -> Result<(), Failure> {
    note(client, entry, &settings).await
}

fn entry_from(row: &Row) -> Result<AuditEntry, Failure> {
    let unreadable = |column| StoreError::Unreadable { table: "audit", column };
    let (address, action): (String, String) = (get(row, "address")?, get(row, "action")?);
    let settings: String = get(row, "settings")?;
    let agent_id: Option<Uuid> = get(row, "agent_id")?;
    let key_id: Option<Uuid> = get(row, "key_id")?;
    Ok(AuditEntry {
        id: get_id(row, "id")?,
        at: UnixMillis(get(row, "at")?),
        actor: get(row, "actor")?,
        address: address.parse().map_err(|_| unreadable("address"))?,
        action: parse(&action, "audit", "action")?,
        agent_id: agent_id.map(|id| id_from_bytes(*id.as_bytes())),
        key_id: key_id.map(|id| id_from_bytes(*id.as_bytes())),
        settings: serde_json::from_str(&settings).map_err(|_| unreadable("settings"))?,
        outcome: get(row, "outcome")?,
    })
}
