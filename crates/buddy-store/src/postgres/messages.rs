//! Messages: appended to their session, numbered by change, handed over to the agent's software. Texts are sealed.
//!
//! Whoever writes one shares the agent's row, and then has the session's: so a conversation is written by one at a time,
//! on whichever node, and not while its session is being settled or revoked.

use async_trait::async_trait;
use buddy_core::id::{AgentId, MessageId, SessionId};
use buddy_core::limits::SESSION_MESSAGES_MAX;
use buddy_core::message::{Message, Sender, Text};
use buddy_core::session::Status;
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::PostgresStore;
use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_id, key, query_all, query_optional, statements};
use crate::columns::{Standing, open_text, parse, seal_text};
use crate::{Appended, Changed, HandedOver, Keyring, Messages, StoreError, Written};

macro_rules! select_messages {
    ($rest:literal) => {
        concat!(
            "SELECT id, session_id, sender, done, created_at, change, handed_over, text FROM messages ",
            $rest
        )
    };
}

statements! {
    SHARE_AGENT = "SELECT 1 FROM agents WHERE id = (SELECT agent_id FROM sessions WHERE id = $1) FOR KEY SHARE";
    SESSION = "SELECT agent_id, status FROM sessions WHERE id = $1 AND expires_at > $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id)";
    LOCK_SESSION = "SELECT agent_id, status FROM sessions WHERE id = $1 AND expires_at > $2
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = sessions.agent_id) FOR UPDATE";
    LAST = "SELECT position, created_at FROM messages WHERE session_id = $1 ORDER BY position DESC LIMIT 1";
    LAST_CHANGE = "SELECT coalesce(max(change), 0) AS change FROM messages WHERE session_id = $1";
    NUMBER = "UPDATE agent_counters SET handed_over = handed_over + 1 WHERE agent_id = $1 RETURNING handed_over";
    CREATE = "INSERT INTO messages (session_id, position, id, agent_id, sender, done, created_at, change,
            handed_over, text)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    ONE = select_messages!("WHERE id = $1 AND session_id = $2");
    GROW = "UPDATE messages SET text = $3, done = $4, change = $5 WHERE id = $1 AND session_id = $2";
    POSITION = "SELECT position FROM messages WHERE id = $1 AND session_id = $2";
    LIST = select_messages!("WHERE session_id = $1 AND position > $2 ORDER BY position LIMIT $3");
    CHANGED = select_messages!("WHERE session_id = $1 AND change > $2 ORDER BY change LIMIT $3");
    HANDED_OVER = "SELECT messages.id, session_id, sender, done, messages.created_at, messages.handed_over, text,
            sessions.status
        FROM messages JOIN sessions ON sessions.id = messages.session_id
        WHERE messages.agent_id = $1 AND messages.handed_over > $2
        AND sessions.status IN ('authenticated', 'anonymous') AND sessions.expires_at > $3
        AND EXISTS (SELECT 1 FROM agents WHERE agents.id = $1)
        ORDER BY messages.handed_over LIMIT $4";
    REMOVE_ALL = "DELETE FROM messages WHERE session_id = ANY($1)";
    REMOVE_SOME = "DELETE FROM messages WHERE (session_id, position) IN
        (SELECT session_id, position FROM messages WHERE session_id = ANY($1) LIMIT $2)";
}

#[async_trait]
impl Messages for PostgresStore {
    async fn write_message(&self, message: Message, now: UnixMillis) -> Result<Written, StoreError> {
        let sealed = seal_text(&self.keyring, message.session_id, message.id, &message.text);
        writing!(self, |tx| write(tx, &message, &sealed, now).await)
    }

    async fn append_to_message(
        &self,
        session_id: SessionId,
        id: MessageId,
        gain: Text,
        done: bool,
        now: UnixMillis,
    ) -> Result<Appended, StoreError> {
        writing!(self, |tx| {
            match locked(tx, session_id, now).await? {
                Standing::None => return Ok(Appended::NoSession),
                Standing::Revoked => return Ok(Appended::Revoked),
                Standing::Open { .. } => {}
            }
            append(tx, &self.keyring, session_id, id, &gain, done).await
        })
    }

    async fn messages(
        &self,
        session_id: SessionId,
        after: Option<MessageId>,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<Message>, StoreError> {
        reading!(self, |client| {
            let Standing::Open { .. } = standing(client, session_id, now).await? else {
                return Ok(Vec::new());
            };
            let after = match after {
                None => Some(0),
                Some(id) => position(client, session_id, id).await?,
            };
            // What is no message of the session has none after it.
            let Some(after) = after else { return Ok(Vec::new()) };
            let values: [&(dyn ToSql + Sync); 3] = [&key(session_id), &after, &i64::from(limit)];
            query_all(client, LIST, &values, |row| message_from(&self.keyring, row)).await
        })
    }

    async fn changed_messages(
        &self,
        session_id: SessionId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Option<Vec<Changed>>, StoreError> {
        let changed = |row: &Row| {
            Ok(Changed { change: get(row, "change")?, message: message_from(&self.keyring, row)? })
        };
        reading!(self, |client| {
            let Standing::Open { .. } = standing(client, session_id, now).await? else {
                return Ok(None);
            };
            let values: [&(dyn ToSql + Sync); 3] = [&key(session_id), &since, &i64::from(limit)];
            query_all(client, CHANGED, &values, changed).await.map(Some)
        })
    }

    async fn handed_over(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<HandedOver>, StoreError> {
        let handed_over = |row: &Row| {
            let status: String = get(row, "status")?;
            Ok(HandedOver {
                number: get(row, "handed_over")?,
                message: message_from(&self.keyring, row)?,
                status: parse(&status, "sessions", "status")?,
            })
        };
        reading!(self, |client| {
            let values: [&(dyn ToSql + Sync); 4] = [&key(agent_id), &since, &now.0, &i64::from(limit)];
            query_all(client, HANDED_OVER, &values, handed_over).await
        })
    }
}

async fn standing(client: &impl GenericClient, id: SessionId, now: UnixMillis) -> Result<Standing, Failure> {
    found(client, SESSION, id, now).await
}

/// It stays so until the end of the transaction.
async fn locked(client: &impl GenericClient, id: SessionId, now: UnixMillis) -> Result<Standing, Failure> {
    execute(client, SHARE_AGENT, &[&key(id)]).await?;
    found(client, LOCK_SESSION, id, now).await
}

async fn found(
    client: &impl GenericClient,
    sql: &str,
    id: SessionId,
    now: UnixMillis,
) -> Result<Standing, Failure> {
    let standing = |row: &Row| {
        let status: String = get(row, "status")?;
        Ok((get_id(row, "agent_id")?, parse::<Status>(&status, "sessions", "status")?))
    };
    Ok(Standing::of_found(query_optional(client, sql, &[&key(id), &now.0], standing).await?))
}

async fn write(
    client: &impl GenericClient,
    message: &Message,
    sealed: &[u8],
    now: UnixMillis,
) -> Result<Written, Failure> {
    let (agent_id, settled) = match locked(client, message.session_id, now).await? {
        Standing::None => return Ok(Written::NoSession),
        Standing::Revoked => return Ok(Written::Revoked),
        Standing::Open { agent_id, settled } => (agent_id, settled),
    };
    let session = key(message.session_id);
    let last: Option<(i32, i64)> =
        query_optional(client, LAST, &[&session], |row| Ok((get(row, "position")?, get(row, "created_at")?)))
            .await?;
    let (position, created_at) = match last {
        None => (1, message.created_at.0),
        Some((position, before)) => (position + 1, message.created_at.0.max(before + 1)),
    };
    if i64::from(position) > i64::from(SESSION_MESSAGES_MAX) {
        return Ok(Written::Full);
    }
    let number = if settled && message.from == Sender::Visitor {
        Some(next_number(client, agent_id).await?)
    } else {
        None
    };
    let (id, agent, change) =
        (key(message.id), key(agent_id), last_change(client, message.session_id).await? + 1);
    let sender = message.from.as_str();
    let values: [&(dyn ToSql + Sync); 10] =
        [&session, &position, &id, &agent, &sender, &message.done, &created_at, &change, &number, &sealed];
    execute(client, CREATE, &values).await?;
    let message = Message { created_at: UnixMillis(created_at), ..message.clone() };
    Ok(Written::Kept { message, handed_over: number.is_some() })
}

async fn append(
    client: &impl GenericClient,
    keyring: &Keyring,
    session_id: SessionId,
    id: MessageId,
    gain: &Text,
    done: bool,
) -> Result<Appended, Failure> {
    let (message_key, session) = (key(id), key(session_id));
    let found =
        query_optional(client, ONE, &[&message_key, &session], |row| message_from(keyring, row)).await?;
    let Some(message) = found else { return Ok(Appended::NoMessage) };
    if message.done {
        return Ok(Appended::Done);
    }
    let Some(text) = message.text.grown(gain) else { return Ok(Appended::TooLong) };
    let sealed = seal_text(keyring, session_id, id, &text);
    let change = last_change(client, session_id).await? + 1;
    execute(client, GROW, &[&message_key, &session, &sealed, &done, &change]).await?;
    Ok(Appended::Grown(Message { text, done, ..message }))
}

/// Takes the next number of the agent's, and so has its counters until the end of the transaction.
async fn next_number(client: &impl GenericClient, agent_id: AgentId) -> Result<i64, Failure> {
    query_optional(client, NUMBER, &[&key(agent_id)], |row| get(row, "handed_over"))
        .await?
        .ok_or_else(|| StoreError::Database("a session's agent is not there".to_owned()).into())
}

async fn last_change(client: &impl GenericClient, session_id: SessionId) -> Result<i64, Failure> {
    let last = query_optional(client, LAST_CHANGE, &[&key(session_id)], |row| get(row, "change")).await?;
    Ok(last.unwrap_or(0))
}

async fn position(
    client: &impl GenericClient,
    session_id: SessionId,
    id: MessageId,
) -> Result<Option<i32>, Failure> {
    query_optional(client, POSITION, &[&key(id), &key(session_id)], |row| get(row, "position")).await
}

fn message_from(keyring: &Keyring, row: &Row) -> Result<Message, Failure> {
    let (id, session_id) = (get_id(row, "id")?, get_id(row, "session_id")?);
    let sealed: Vec<u8> = get(row, "text")?;
    let sender: String = get(row, "sender")?;
    Ok(Message {
        id,
        session_id,
        from: parse(&sender, "messages", "sender")?,
        text: open_text(keyring, session_id, id, &sealed)?,
        done: get(row, "done")?,
        created_at: UnixMillis(get(row, "created_at")?),
    })
}
