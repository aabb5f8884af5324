//! What operators did: kept in the transaction of the change itself, so that there is neither without the other.

use async_trait::async_trait;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, AuditId, id_bytes, id_from_bytes};
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::SqliteStore;
use super::statement::{execute, query_all, statements};
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
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    LIST = select_entries!("WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    LIST_OF_AGENT = select_entries!("WHERE agent_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");
    REMOVE_OLD = "DELETE FROM audit WHERE id IN (SELECT id FROM audit WHERE id < ?1 ORDER BY id LIMIT ?2)";
}

#[async_trait]
impl AuditLog for SqliteStore {
    async fn note(&self, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |connection| note(connection, &entry)).await
    }

    async fn audit_entries(
        &self,
        agent_id: Option<AgentId>,
        page: Page<AuditId>,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let before = below(page.before.map(id_bytes));
        self.read(move |connection| match agent_id {
            None => query_all(connection, LIST, (before, page.limit), entry_from),
            Some(agent_id) => {
                query_all(connection, LIST_OF_AGENT, (id_bytes(agent_id), before, page.limit), entry_from)
            }
        })
        .await
    }

    async fn remove_old_audit_entries(&self, before: UnixMillis, limit: u32) -> Result<u64, StoreError> {
        self.write(move |connection| execute(connection, REMOVE_OLD, (first_id_of(before), limit))).await
    }
}

/// Keeps an entry, within the transaction that it is about.
pub(super) fn note(connection: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let settings = serde_json::to_string(&entry.settings)
        .map_err(|_| StoreError::Database("names could not be written as JSON".to_owned()))?;
    let values = (
        id_bytes(entry.id),
        entry.at.0,
        &entry.actor,
        entry.address.to_string(),
        entry.action.as_str(),
        entry.agent_id.map(id_bytes),
        entry.key_id.map(id_bytes),
        settings,
        &entry.outcome,
    );
    execute(connection, KEEP, values).map(drop)
}

/// The same where something was changed; whether it was.
pub(super) fn noted_if(
    connection: &Connection,
    changed: bool,
    entry: &AuditEntry,
) -> Result<bool, StoreError> {
    if changed {
        note(connection, entry)?;
    }
    Ok(changed)
}

/// The same, with the names of the settings that the change turned out to change.
pub(super) fn note_with(
    connection: &Connection,
    entry: AuditEntry,
    settings: Vec<&'static str>,
) -> Result<(), StoreError> {
    let settings = settings.into_iter().map(str::to_owned).collect();
    note(connection, &AuditEntry { settings, ..entry })
}

fn entry_from(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    let unreadable = |column| StoreError::Unreadable { table: "audit", column };
    let (address, action): (String, String) = (row.get("address")?, row.get("action")?);
    let settings: String = row.get("settings")?;
    let agent_id: Option<[u8; 16]> = row.get("agent_id")?;
    let key_id: Option<[u8; 16]> = row.get("key_id")?;
    Ok(AuditEntry {
        id: id_from_bytes(row.get("id")?),
        at: UnixMillis(row.get("at")?),
        actor: row.get("actor")?,
        address: address.parse().map_err(|_| unreadable("address"))?,
        action: parse(&action, "audit", "action")?,
        agent_id: agent_id.map(id_from_bytes),
        key_id: key_id.map(id_from_bytes),
        settings: serde_json::from_str(&settings).map_err(|_| unreadable("settings"))?,
        outcome: row.get("outcome")?,
    })
}
