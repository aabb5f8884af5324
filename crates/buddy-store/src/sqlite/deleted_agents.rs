//! What a deleted agent leaves behind, unreadable but on the disk, until the next removals take it in batches.
//!
//! Of its sessions only those with an identity are hunted down, and all messages; the other sessions hold nothing
//! about anyone, and go when they end.

use rusqlite::Connection;

use super::statement::{execute, query_optional, statements};
use crate::StoreError;

statements! {
    NOTE = "INSERT INTO deleted_agents (agent_id, sessions_left, messages_left, resolutions_left,
            tallies_left)
        VALUES (?1, 1, 1, 1, 1)";
    WITH_SESSIONS = "SELECT agent_id FROM deleted_agents WHERE sessions_left = 1 LIMIT 1";
    REMOVE_SESSIONS = "DELETE FROM sessions WHERE id IN
        (SELECT id FROM sessions WHERE agent_id = ?1 AND user_hash IS NOT NULL LIMIT ?2)";
    NO_SESSIONS = "UPDATE deleted_agents SET sessions_left = 0 WHERE agent_id = ?1";
    WITH_MESSAGES = "SELECT agent_id FROM deleted_agents WHERE messages_left = 1 LIMIT 1";
    REMOVE_MESSAGES = "DELETE FROM messages WHERE (session_id, position) IN
        (SELECT session_id, position FROM messages WHERE agent_id = ?1 LIMIT ?2)";
    NO_MESSAGES = "UPDATE deleted_agents SET messages_left = 0 WHERE agent_id = ?1";
    WITH_RESOLUTIONS = "SELECT agent_id FROM deleted_agents WHERE resolutions_left = 1 LIMIT 1";
    REMOVE_RESOLUTIONS = "DELETE FROM resolutions WHERE id IN
        (SELECT id FROM resolutions WHERE agent_id = ?1 LIMIT ?2)";
    NO_RESOLUTIONS = "UPDATE deleted_agents SET resolutions_left = 0 WHERE agent_id = ?1";
    WITH_TALLIES = "SELECT agent_id FROM deleted_agents WHERE tallies_left = 1 LIMIT 1";
    REMOVE_TALLIES = "DELETE FROM tally_hours WHERE (agent_id, begins_at) IN
        (SELECT agent_id, begins_at FROM tally_hours WHERE agent_id = ?1 LIMIT ?2)";
    NO_TALLIES = "UPDATE deleted_agents SET tallies_left = 0 WHERE agent_id = ?1";
    FORGET = "DELETE FROM deleted_agents WHERE agent_id = ?1
        AND sessions_left = 0 AND messages_left = 0 AND resolutions_left = 0 AND tallies_left = 0";
}

/// Notes that an agent was deleted, in the transaction that deletes it.
pub(super) fn note(connection: &Connection, agent: [u8; 16]) -> Result<(), StoreError> {
    execute(connection, NOTE, [agent]).map(drop)
}

/// Removes at most `limit` sessions with an identity, and messages; how many there were.
pub(super) fn remove_sessions(connection: &Connection, limit: u64) -> Result<u64, StoreError> {
    let sessions = remove(connection, limit, [WITH_SESSIONS, REMOVE_SESSIONS, NO_SESSIONS])?;
    let messages = remove(connection, limit - sessions, [WITH_MESSAGES, REMOVE_MESSAGES, NO_MESSAGES])?;
    Ok(sessions + messages)
}

/// Removes at most `limit` resolutions; how many there were.
pub(super) fn remove_resolutions(connection: &Connection, limit: u64) -> Result<u64, StoreError> {
    remove(connection, limit, [WITH_RESOLUTIONS, REMOVE_RESOLUTIONS, NO_RESOLUTIONS])
}

/// Removes at most `limit` hours of tallies; how many there were. Minutes go when hours would be made of them.
pub(super) fn remove_tallies(connection: &Connection, limit: u64) -> Result<u64, StoreError> {
    remove(connection, limit, [WITH_TALLIES, REMOVE_TALLIES, NO_TALLIES])
}

fn remove(
    connection: &Connection,
    limit: u64,
    [next_agent, remove_some, none_left]: [&str; 3],
) -> Result<u64, StoreError> {
    let mut removed = 0;
    while removed < limit {
        let next: Option<[u8; 16]> = query_optional(connection, next_agent, [], |row| Ok(row.get(0)?))?;
        let Some(agent) = next else {
            break;
        };
        let wanted = limit - removed;
        let some = execute(connection, remove_some, (agent, wanted))?;
        removed += some;
        if some < wanted {
            execute(connection, none_left, [agent])?;
            execute(connection, FORGET, [agent])?;
        }
    }
    Ok(removed)
}
