//! Messages: appended to their session, numbered by change, handed over to the agent's software. Texts are sealed.

use async_trait::async_trait;
use buddy_core::id::{AgentId, MessageId, SessionId, id_bytes, id_from_bytes};
use buddy_core::limits::SESSION_MESSAGES_MAX;
use buddy_core::message::{Message, Sender, Text};
use buddy_core::session::Status;
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::SqliteStore;
use super::statement::{execute, query_all, query_optional, statements};
use crate::columns::{Standing, open_text, parse, seal_text};
use crate::{Appended, Changed, HandedOver, Keyring, Messages, StoreError, Written};

macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT messages.id, messages.session_id, sender, done, messages.created_at, change, handed_over, text
            FROM messages ",
            $rest
        )
    };
}

statements! {
    SESSION = "SELECT agent_id, status FROM sessions WHERE id = ?1 AND expires_at > ?2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)";
    LAST = "SELECT position, created_at FROM messages WHERE session_id = ?1 ORDER BY position DESC LIMIT 1";
    LAST_CHANGE = "SELECT coalesce(max(change), 0) FROM messages WHERE session_id = ?1";
    // A session's messages take the numbers that its positions say; what is left out is of no use to anyone.
    NUMBERS = "UPDATE agents SET handed_over = handed_over + ?2 WHERE id = ?1 RETURNING handed_over";
    CREATE = "INSERT INTO messages (session_id, position, id, agent_id, sender, done, created_at, change,
            handed_over, text)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    ONE = select_messages!("WHERE id = ?1 AND session_id = ?2");
    GROW = "UPDATE messages SET text = ?3, done = ?4, change = ?5 WHERE id = ?1 AND session_id = ?2";
    HAND_OVER = "UPDATE messages SET handed_over = ?2 + position
        WHERE session_id = ?1 AND sender = 'visitor' AND handed_over IS NULL";
    POSITION = "SELECT position FROM messages WHERE id = ?1 AND session_id = ?2";
    LIST = select_messages!("WHERE session_id = ?1 AND position > ?2 ORDER BY position LIMIT ?3");
    CHANGED = select_messages!("WHERE session_id = ?1 AND change > ?2 ORDER BY change LIMIT ?3");
    HANDED_OVER = "SELECT messages.id, messages.session_id, sender, done, messages.created_at, change,
            messages.handed_over, text, sessions.status
        FROM messages CROSS JOIN sessions ON sessions.id = messages.session_id
        WHERE messages.agent_id = ?1 AND messages.handed_over > ?2
        AND sessions.status IN ('authenticated', 'anonymous') AND sessions.expires_at > ?3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = ?1)
        ORDER BY messages.handed_over LIMIT ?4";
    REMOVE_ALL = "DELETE FROM messages WHERE session_id = ?1";
    REMOVE_ENDED = "DELETE FROM messages WHERE (session_id, position) IN
        (SELECT session_id, position FROM messages WHERE session_id IN
            (SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)
        LIMIT ?2)";
}

#[async_trait]
impl Messages for SqliteStore {
    async fn write_message(&self, message: Message, now: UnixMillis) -> Result<Written, StoreError> {
        let sealed = seal_text(&self.keyring, message.session_id, message.id, &message.text);
        self.write(move |connection| write(connection, message, sealed, now)).await
    }

    async fn append_to_message(
        &self,
        session_id: SessionId,
        id: MessageId,
        gain: Text,
        done: bool,
        now: UnixMillis,
    ) -> Result<Appended, StoreError> {
        let keyring = self.keyring.clone();
        self.write(move |connection| {
            match standing(connection, session_id, now)? {
                Standing::None => return Ok(Appended::NoSession),
                Standing::Revoked => return Ok(Appended::Revoked),
                Standing::Open { .. } => {}
            }
            append(connection, &keyring, session_id, id, &gain, done)
        })
        .await
    }

    async fn messages(
        &self,
        session_id: SessionId,
        after: Option<MessageId>,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<Message>, StoreError> {
        let keyring = self.keyring.clone();
        self.read(move |connection| {
            let Standing::Open { .. } = standing(connection, session_id, now)? else {
                return Ok(Vec::new());
            };
            let session = id_bytes(session_id);
            let after = match after {
                None => Some(0),
                Some(id) => position(connection, session, id)?,
            };
            // What is no message of the session has none after it.
            let Some(after) = after else { return Ok(Vec::new()) };
            query_all(connection, LIST, (session, after, limit), |row| message_from(&keyring, row))
        })
        .await
    }

    async fn changed_messages(
        &self,
        session_id: SessionId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Option<Vec<Changed>>, StoreError> {
        let keyring = self.keyring.clone();
        self.read(move |connection| {
            let Standing::Open { .. } = standing(connection, session_id, now)? else { return Ok(None) };
            let changed = |row: &Row<'_>| {
                Ok(Changed { change: row.get("change")?, message: message_from(&keyring, row)? })
            };
            query_all(connection, CHANGED, (id_bytes(session_id), since, limit), changed).map(Some)
        })
        .await
    }

    async fn handed_over(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<HandedOver>, StoreError> {
        let keyring = self.keyring.clone();
        self.read(move |connection| {
            let values = (id_bytes(agent_id), since, now.0, limit);
            query_all(connection, HANDED_OVER, values, |row| {
                let status: String = row.get("status")?;
                Ok(HandedOver {
                    number: row.get("handed_over")?,
                    message: message_from(&keyring, row)?,
                    status: parse(&status, "sessions", "status")?,
                })
            })
        })
        .await
    }
}

fn standing(connection: &Connection, id: SessionId, now: UnixMillis) -> Result<Standing, StoreError> {
    let found = query_optional(connection, SESSION, (id_bytes(id), now.0), |row| {
        let status: String = row.get("status")?;
        Ok((id_from_bytes(row.get("agent_id")?), parse::<Status>(&status, "sessions", "status")?))
    })?;
    Ok(Standing::of_found(found))
}

fn write(
    connection: &Connection,
    message: Message,
    sealed: Vec<u8>,
    now: UnixMillis,
) -> Result<Written, StoreError> {
    let (agent_id, settled) = match standing(connection, message.session_id, now)? {
        Standing::None => return Ok(Written::NoSession),
        Standing::Revoked => return Ok(Written::Revoked),
        Standing::Open { agent_id, settled } => (agent_id, settled),
    };
    let session = id_bytes(message.session_id);
    let last: Option<(u32, i64)> =
        query_optional(connection, LAST, [session], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let (position, created_at) = match last {
        None => (1, message.created_at.0),
        Some((position, before)) => (position + 1, message.created_at.0.max(before + 1)),
    };
    if position > SESSION_MESSAGES_MAX {
        return Ok(Written::Full);
    }
    let number = if settled && message.from == Sender::Visitor {
        Some(numbers(connection, agent_id, 1)?)
    } else {
        None
    };
    let values = (
        session,
        position,
        id_bytes(message.id),
        id_bytes(agent_id),
        message.from.as_str(),
        message.done,
        created_at,
        last_change(connection, session)? + 1,
        number,
        sealed,
    );
    execute(connection, CREATE, values)?;
    let message = Message { created_at: UnixMillis(created_at), ..message };
    Ok(Written::Kept { message, handed_over: number.is_some() })
}

fn append(
    connection: &Connection,
    keyring: &Keyring,
    session_id: SessionId,
    id: MessageId,
    gain: &Text,
    done: bool,
) -> Result<Appended, StoreError> {
    let session = id_bytes(session_id);
    let found = query_optional(connection, ONE, (id_bytes(id), session), |row| message_from(keyring, row))?;
    let Some(message) = found else { return Ok(Appended::NoMessage) };
    if message.done {
        return Ok(Appended::Done);
    }
    let Some(text) = message.text.grown(gain) else { return Ok(Appended::TooLong) };
    let sealed = seal_text(keyring, session_id, id, &text);
    let change = last_change(connection, session)? + 1;
    execute(connection, GROW, (id_bytes(id), session, sealed, done, change))?;
    Ok(Appended::Grown(Message { text, done, ..message }))
}

/// Hands the visitor's messages over that have waited for the settling of their session.
pub(super) fn hand_over(
    connection: &Connection,
    session_id: SessionId,
    agent_id: AgentId,
) -> Result<(), StoreError> {
    let session = id_bytes(session_id);
    let last: Option<i64> = query_optional(connection, LAST, [session], |row| Ok(row.get(0)?))?;
    let Some(last) = last else { return Ok(()) };
    let before = numbers(connection, agent_id, last)? - last;
    execute(connection, HAND_OVER, (session, before)).map(drop)
}

/// Removes all of a session's messages.
pub(super) fn remove_all(connection: &Connection, session_id: SessionId) -> Result<(), StoreError> {
    execute(connection, REMOVE_ALL, [id_bytes(session_id)]).map(drop)
}

/// Removes at most `limit` messages of the `limit` sessions that have ended first; how many there were.
pub(super) fn remove_ended(connection: &Connection, now: UnixMillis, limit: u64) -> Result<u64, StoreError> {
    execute(connection, REMOVE_ENDED, (now.0, limit))
}

/// Takes so many numbers of the agent's; the last of them.
fn numbers(connection: &Connection, agent_id: AgentId, count: i64) -> Result<i64, StoreError> {
    query_optional(connection, NUMBERS, (id_bytes(agent_id), count), |row| Ok(row.get(0)?))?
        .ok_or_else(|| StoreError::Database("a session's agent is not there".to_owned()))
}

fn last_change(connection: &Connection, session: [u8; 16]) -> Result<i64, StoreError> {
    Ok(query_optional(connection, LAST_CHANGE, [session], |row| Ok(row.get(0)?))?.unwrap_or(0))
}

fn position(connection: &Connection, session: [u8; 16], id: MessageId) -> Result<Option<i64>, StoreError> {
    query_optional(connection, POSITION, (id_bytes(id), session), |row| Ok(row.get(0)?))
}

fn message_from(keyring: &Keyring, row: &Row<'_>) -> Result<Message, StoreError> {
    let (id, session_id) = (id_from_bytes(row.get("id")?), id_from_bytes(row.get("session_id")?));
    let sealed: Vec<u8> = row.get("text")?;
    let sender: String = row.get("sender")?;
    Ok(Message {
        id,
        session_id,
        from: parse(&sender, "messages", "sender")?,
        text: open_text(keyring, session_id, id, &sealed)?,
        done: row.get("done")?,
        created_at: UnixMillis(row.get("created_at")?),
    })
}
