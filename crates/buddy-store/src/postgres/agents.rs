//! Agents and their origins.

use async_trait::async_trait;
use buddy_core::agent::Agent;
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, id_bytes};
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use uuid::Uuid;

use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{
    execute, exists, get, get_id, get_narrow, key, query_all, query_optional, statements,
};
use super::{PostgresStore, audit, deleted_agents};
use crate::columns::below;
use crate::{AgentChange, Agents, Page, StoreError};

macro_rules! select_agents {
    ($rest:literal) => {
        concat!(
            "SELECT id, name, session_ttl_seconds, created_at, ARRAY(
                SELECT origin FROM agent_origins WHERE agent_id = agents.id ORDER BY position
            ) AS origins FROM agents ",
            $rest
        )
    };
}

statements! {
    CREATE = "INSERT INTO agents (id, name, session_ttl_seconds, created_at) VALUES ($1, $2, $3, $4)";
    CREATE_COUNTERS = "INSERT INTO agent_counters (agent_id) VALUES ($1)";
    ADD_ORIGINS = "INSERT INTO agent_origins (agent_id, position, origin)
        SELECT $1, (position - 1)::integer, origin FROM unnest($2::text[]) WITH ORDINALITY AS given (origin, position)";
    REMOVE_ORIGINS = "DELETE FROM agent_origins WHERE agent_id = $1";
    ONE = select_agents!("WHERE id = $1");
    LIST = select_agents!("WHERE id < $1 ORDER BY id DESC LIMIT $2");
    // Whoever changes an agent has its row first; those who write its sessions share it meanwhile.
    LOCK = "SELECT 1 FROM agents WHERE id = $1 FOR NO KEY UPDATE";
    UPDATE = "UPDATE agents SET name = coalesce($2, name),
        session_ttl_seconds = coalesce($3, session_ttl_seconds) WHERE id = $1";
    DELETE = "DELETE FROM agents WHERE id = $1";
    ALLOWS_ORIGIN = "SELECT 1 FROM agent_origins WHERE origin = $1 LIMIT 1";
}

#[async_trait]
impl Agents for PostgresStore {
    async fn create_agent(&self, agent: Agent, entry: AuditEntry) -> Result<(), StoreError> {
        let id = key(agent.id);
        let ttl = i64::from(agent.session_ttl_seconds);
        writing!(self, |tx| {
            execute(tx, CREATE, &[&id, &agent.name, &ttl, &agent.created_at.0]).await?;
            execute(tx, CREATE_COUNTERS, &[&id]).await?;
            execute(tx, ADD_ORIGINS, &[&id, &agent.allowed_origins]).await?;
            audit::note_with(tx, &entry, agent.settings_other_than(None)).await
        })
    }

    async fn agent(&self, id: AgentId) -> Result<Option<Agent>, StoreError> {
        reading!(self, |client| read_agent(client, id).await)
    }

    async fn agents(&self, page: Page<AgentId>) -> Result<Vec<Agent>, StoreError> {
        reading!(self, |client| list(client, page).await)
    }

    async fn update_agent(
        &self,
        id: AgentId,
        change: AgentChange,
        entry: AuditEntry,
    ) -> Result<Option<Agent>, StoreError> {
        let ttl = change.session_ttl_seconds.map(i64::from);
        writing!(self, |tx| {
            if !lock(tx, id).await? {
                return Ok(None);
            }
            let before = read_agent(tx, id).await?;
            execute(tx, UPDATE, &[&key(id), &change.name, &ttl]).await?;
            if let Some(origins) = &change.allowed_origins {
                execute(tx, REMOVE_ORIGINS, &[&key(id)]).await?;
                execute(tx, ADD_ORIGINS, &[&key(id), origins]).await?;
            }
            let agent = read_agent(tx, id).await?;
            let changed = agent.as_ref().map(|agent| agent.settings_other_than(before.as_ref()));
            audit::note_with(tx, &entry, changed.unwrap_or_default()).await?;
            Ok(agent)
        })
    }

    async fn delete_agent(&self, id: AgentId, entry: AuditEntry) -> Result<bool, StoreError> {
        writing!(self, |tx| {
            let deleted = execute(tx, DELETE, &[&key(id)]).await? > 0;
            if deleted {
                deleted_agents::note(tx, id).await?;
            }
            audit::noted_if(tx, deleted, &entry).await
        })
    }

    async fn any_agent_allows_origin(&self, origin: &str) -> Result<bool, StoreError> {
        reading!(self, |client| exists(client, ALLOWS_ORIGIN, &[&origin]).await)
    }
}

/// A page of all agents.
pub(super) async fn list(client: &impl GenericClient, page: Page<AgentId>) -> Result<Vec<Agent>, Failure> {
    let before = Uuid::from_bytes(below(page.before.map(id_bytes)));
    query_all(client, LIST, &[&before, &i64::from(page.limit)], agent_from).await
}

async fn read_agent(client: &impl GenericClient, id: AgentId) -> Result<Option<Agent>, Failure> {
    query_optional(client, ONE, &[&key(id)], agent_from).await
}

/// The agent is there, and nobody else changes it until the end of the transaction.
pub(super) async fn lock(client: &impl GenericClient, id: AgentId) -> Result<bool, Failure> {
    exists(client, LOCK, &[&key(id)]).await
}

fn agent_from(row: &Row) -> Result<Agent, Failure> {
    Ok(Agent {
        id: get_id(row, "id")?,
        name: get(row, "name")?,
        allowed_origins: get(row, "origins")?,
        session_ttl_seconds: get_narrow(row, "agents", "session_ttl_seconds")?,
        created_at: UnixMillis(get(row, "created_at")?),
    })
}
