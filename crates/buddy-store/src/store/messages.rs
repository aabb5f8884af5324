//! What visitors and agents say to each other.

use async_trait::async_trait;
use buddy_core::id::{AgentId, MessageId, SessionId};
use buddy_core::message::{Message, Text};
use buddy_core::session::Status;
use buddy_core::time::UnixMillis;

use super::StoreError;

/// What became of a message that was to be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// The session is not there, or has ended.
    NoSession,
    /// The session was revoked.
    Revoked,
    /// The session has as many messages as it may have.
    Full,
    /// Done.
    Kept {
        /// As it is kept: its time is later than that of the message before.
        message: Message,
        /// The agent's software may have it now.
        handed_over: bool,
    },
}

/// What became of an append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// The session is not there, or has ended.
    NoSession,
    /// The session was revoked.
    Revoked,
    /// The session has no such message.
    NoMessage,
    /// The message grows no more.
    Done,
    /// The message would be longer than a reply may be.
    TooLong,
    /// Done; the message as it is now.
    Grown(Message),
}

/// A message as it was left by a change of its conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The number of the latest change to it. Each change of a session has a greater one than all before it.
    pub change: i64,
    /// As it is now.
    pub message: Message,
}

/// A visitor's message that the agent's software may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Greater than that of all that was handed over to this agent before.
    pub number: i64,
    /// What was said.
    pub message: Message,
    /// How the session was settled.
    pub status: Status,
}

/// What visitors and agents say to each other. Numbers are given in the order of the commits, so that who has read
/// up to one has missed nothing below it.
#[async_trait]
pub trait Messages {
    /// Keeps a new message. A visitor's is handed over at once if its session is settled, or else by the
    /// settling.
    async fn write_message(&self, message: Message, now: UnixMillis) -> Result<Written, StoreError>;
    /// Lets a message grow, and with `done` ends that.
    async fn append_to_message(
        &self,
        session_id: SessionId,
        id: MessageId,
        gain: Text,
        done: bool,
        now: UnixMillis,
    ) -> Result<Appended, StoreError>;
    /// At most `limit` of a session's messages in the order in which they were written, all after `after`. None of
    /// a session that has ended or was revoked.
    async fn messages(
        &self,
        session_id: SessionId,
        after: Option<MessageId>,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<Message>, StoreError>;
    /// At most `limit` messages that have changed since change number `since`, in the order of their latest
    /// changes. `None`: the session has ended or was revoked.
    async fn changed_messages(
        &self,
        session_id: SessionId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Option<Vec<Changed>>, StoreError>;
    /// At most `limit` messages that were handed over to the agent since number `since`, in that order; none of
    /// sessions that have ended or were revoked.
    async fn handed_over(
        &self,
        agent_id: AgentId,
        since: i64,
        limit: u32,
        now: UnixMillis,
    ) -> Result<Vec<HandedOver>, StoreError>;
}
