//! Agents and their origins.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, id_bytes, id_from_bytes};
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{execute, query_all, query_optional, statements};
use super::{SqliteStore, audit, deleted_agents};
use crate::columns::below;
use crate::{AgentChange, Agents, Page, StoreError};

macro_rules! select_agents {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, session_ttl_seconds, created_at, (
                SELECT json_group_array(origin ORDER BY position) FROM agent_origins WHERE agent_id = agents.id
            ) AS origins FROM agents ",
            $rest
        )
    };
}

statements! {
    CREATE = "INSERT INTO agents (id, name, session_ttl_seconds, created_at) VALUES (?1, ?2, ?3, ?4)";
    ADD_ORIGIN = "INSERT INTO agent_origins (agent_id, position, origin) VALUES (?1, ?2, ?3)";
    REMOVE_ORIGINS = "DELETE FROM agent_origins WHERE agent_id = ?1";
    ONE = select_agents!("WHERE id = ?1");
    LIST = select_agents!("WHERE id < ?1 ORDER BY id DESC LIMIT ?2");
    IS_THERE = "SELECT 1 FROM agents WHERE id = ?1";
    UPDATE = "UPDATE agents SET name = coalesce(?2, name),
        session_ttl_seconds = coalesce(?3, session_ttl_seconds) WHERE id = ?1";
    DELETE = "DELETE FROM agents WHERE id = ?1";
    ALLOWS_ORIGIN = "SELECT 1 FROM agent_origins WHERE origin = ?1 LIMIT 1";
}

#[async_trait]
impl Agents for SqliteStore {
    async fn create_agent(&self, agent: Agent, entry: AuditEntry) -> Result<(), StoreError> {
        self.write(move |connection| {
            let id = id_bytes(agent.id);
            execute(connection, CREATE, (id, &agent.name, agent.session_ttl_seconds, agent.created_at.0))?;
            add_origins(connection, id, &agent.allowed_origins)?;
            audit::note_with(connection, entry, agent.settings_other_than(None))
        })
        .await
    }

    async fn agent(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        self.read(move |connection| read_agent(connection, id)).await
    }

    async fn agents(&self, page: Page<AgentId>) -> Result<Vec<Agent>, StoreError> {
        let before = below(page.before.map(id_bytes));
        self.read(move |connection| query_all(connection, LIST, (before, page.limit), agent_from)).await
    }

    async fn update_agent(
        &self,
        id: AgentId,
        change: AgentChange,
        entry: AuditEntry,
    ) -> Result<Option<Agent>, StoreError> {
        self.write(move |connection| {
            let key = id_bytes(id);
            let Some(before) = read_agent(connection, id)? else { return Ok(None) };
            execute(connection, UPDATE, (key, change.name, change.session_ttl_seconds))?;
            if let Some(origins) = change.allowed_origins {
                execute(connection, REMOVE_ORIGINS, [key])?;
                add_origins(connection, key, &origins)?;
            }
            let agent = read_agent(connection, id)?;
            let changed = agent.as_ref().map(|agent| agent.settings_other_than(Some(&before)));
            audit::note_with(connection, entry, changed.unwrap_or_default())?;
            Ok(agent)
        })
        .await
    }

    async fn delete_agent(&self, id: AgentId, entry: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let deleted = execute(connection, DELETE, [id_bytes(id)])? > 0;
            if deleted {
                deleted_agents::note(connection, id_bytes(id))?;
            }
            audit::noted_if(connection, deleted, &entry)
        })
        .await
    }

    async fn any_agent_allows_origin(&self, origin: &str) -> Result<bool, StoreError> {
        let origin = origin.to_owned();
        self.read(move |connection| {
            Ok(query_optional(connection, ALLOWS_ORIGIN, [origin], |_| Ok(()))?.is_some())
        })
        .await
    }
}

fn add_origins(connection: &Connection, id: [u8; 16], origins: &[String]) -> Result<(), StoreError> {
    for (position, origin) in (0_i64..).zip(origins) {
        execute(connection, ADD_ORIGIN, (id, position, origin))?;
    }
    Ok(())
}

fn read_agent(connection: &Connection, id: AgentId) -> Result<Option<Agent>, StoreError> {
    query_optional(connection, ONE, [id_bytes(id)], agent_from)
}

/// The agent is there.
pub(super) fn is_there(connection: &Connection, id: AgentId) -> Result<bool, StoreError> {
    Ok(query_optional(connection, IS_THERE, [id_bytes(id)], |_| Ok(()))?.is_some())
}

/// Whether agents are there, for the writes of one transaction that change no agent.
#[derive(Default)]
pub(super) struct AgentsThere(HashMap<AgentId, bool>);

impl AgentsThere {
    pub(super) fn has(&mut self, connection: &Connection, id: AgentId) -> Result<bool, StoreError> {
        match self.0.entry(id) {
            Entry::Occupied(known) => Ok(*known.get()),
            Entry::Vacant(unknown) => Ok(*unknown.insert(is_there(connection, id)?)),
        }
    }

    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

pub(super) fn agent_from(row: &Row<'_>) -> Result<Agent, StoreError> {
    let origins: String = row.get("origins")?;
    let unreadable = |_| StoreError::Unreadable { table: "agent_origins", column: "origin" };
    Ok(Agent {
        id: id_from_bytes(row.get("id")?),
        name: row.get("name")?,
        allowed_origins: serde_json::from_str(&origins).map_err(unreadable)?,
        session_ttl_seconds: row.get("session_ttl_seconds")?,
        created_at: UnixMillis(row.get("created_at")?),
    })
}
