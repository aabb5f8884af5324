//! What a deleted agent leaves behind, unreadable but on the disk, until the next removals take it in batches.
//!
//! Of its sessions only those with an identity are hunted down, and all messages; the other sessions hold nothing
//! about anyone, and go when they end. One node at a time works at an agent's.

use buddy_core::id::AgentId;
use deadpool_postgres::GenericClient;
use uuid::Uuid;

use super::failure::Failure;
use super::statement::{execute, get, key, query_optional, statements};

statements! {
    NOTE = "INSERT INTO deleted_agents (agent_id, sessions_left, messages_left, resolutions_left, tallies_left)
        VALUES ($1, true, true, true, true)";
    WITH_SESSIONS = "SELECT agent_id FROM deleted_agents WHERE sessions_left LIMIT 1 FOR UPDATE SKIP LOCKED";
    REMOVE_SESSIONS = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE agent_id = $1 AND user_hash IS NOT NULL LIMIT $2)";
    NO_SESSIONS = "UPDATE deleted_agents SET sessions_left = false WHERE agent_id = $1";
    WITH_MESSAGES = "SELECT agent_id FROM deleted_agents WHERE messages_left LIMIT 1 FOR UPDATE SKIP LOCKED";
    REMOVE_MESSAGES = "DELETE FROM messages WHERE (session_id, position) IN
        (SELECT session_id, position FROM messages WHERE agent_id = $1 LIMIT $2)";
    NO_MESSAGES = "UPDATE deleted_agents SET messages_left = false WHERE agent_id = $1";
    WITH_RESOLUTIONS = "SELECT agent_id FROM deleted_agents WHERE resolutions_left LIMIT 1 FOR UPDATE SKIP LOCKED";
    REMOVE_RESOLUTIONS = "DELETE FROM resolutions WHERE id IN
        (SELECT id FROM resolutions WHERE agent_id = $1 LIMIT $2)";
    NO_RESOLUTIONS = "UPDATE deleted_agents SET resolutions_left = false WHERE agent_id = $1";
    WITH_TALLIES = "SELECT agent_id FROM deleted_agents WHERE tallies_left LIMIT 1 FOR UPDATE SKIP LOCKED";
    REMOVE_TALLIES = "DELETE FROM tally_hours WHERE (agent_id, begins_at) IN
        (SELECT agent_id, begins_at FROM tally_hours WHERE agent_id = $1 LIMIT $2)";
    NO_TALLIES = "UPDATE deleted_agents SET tallies_left = false WHERE agent_id = $1";
    FORGET = "DELETE FROM deleted_agents WHERE agent_id = $1
        AND NOT (sessions_left OR messages_left OR resolutions_left OR tallies_left)";
}

/// Notes that an agent was deleted, in the transaction that deletes it.
pub(super) async fn note(client: &impl GenericClient, agent_id: AgentId) -> Result<(), Failure> {
    execute(client, NOTE, &[&key(agent_id)]).await.map(drop)
}

/// Removes at most `limit` sessions with an identity, and messages; how many there were.
pub(super) async fn remove_sessions(client: &impl GenericClient, limit: u64) -> Result<u64, Failure> {
    let sessions = remove(client, limit, [WITH_SESSIONS, REMOVE_SESSIONS, NO_SESSIONS]).await?;
    let messages = remove(client, limit - sessions, [WITH_MESSAGES, REMOVE_MESSAGES, NO_MESSAGES]).await?;
    Ok(sessions + messages)
}

/// Removes at most `limit` resolutions; how many there were.
pub(super) async fn remove_resolutions(client: &impl GenericClient, limit: u64) -> Result<u64, Failure> {
    remove(client, limit, [WITH_RESOLUTIONS, REMOVE_RESOLUTIONS, NO_RESOLUTIONS]).await
}

/// Removes at most `limit` hours of tallies; how many there were. Minutes go when hours would be made of them.
pub(super) async fn remove_tallies(client: &impl GenericClient, limit: u64) -> Result<u64, Failure> {
    remove(client, limit, [WITH_TALLIES, REMOVE_TALLIES, NO_TALLIES]).await
}

async fn remove(
    client: &impl GenericClient,
    limit: u64,
    [next_agent, remove_some, none_left]: [&str; 3],
) -> Result<u64, Failure> {
    let mut removed = 0;
    while removed < limit {
        let next: Option<Uuid> = query_optional(client, next_agent, &[], |row| get(row, "agent_id")).await?;
        let Some(agent) = next else {
            break;
        };
        let wanted = limit - removed;
        let some = execute(client, remove_some, &[&agent, &bound(wanted)]).await?;
        removed += some;
        if some < wanted {
            execute(client, none_left, &[&agent]).await?;
            execute(client, FORGET, &[&agent]).await?;
        }
    }
    Ok(removed)
}

/// A limit as PostgreSQL takes it.
pub(super) fn bound(limit: u64) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
