//! What visitors and agents say to each other: written, listed, and told to who listens. Stored before it is
//! answered; the visitor never waits for the session to be settled, but the agent's software does.

mod streams;

use std::sync::Arc;

use buddy_core::id::{AgentId, MessageId, SessionId};
use buddy_core::message::{Message, Sender, Text};
use buddy_core::secret::TokenHash;
use buddy_core::session::{Session, Status};
use buddy_store::{Appended, Change, Store, StoreError, Written};
use tokio_util::sync::CancellationToken;

use crate::ambient::Ambient;
use crate::identify::News;
use crate::listening::Places;
use crate::logs;
use crate::metrics::{Metrics, StreamKind};
use crate::refusal::Refusal;

pub(crate) use streams::{AgentEvent, AgentStream, SessionEvent, SessionStream};

/// Streams of one session at once: the tabs that a person has open.
const SESSION_STREAMS_MAX: usize = 8;
/// Streams of one agent's software at once: a few instances, each with one to come and one to go.
const AGENT_STREAMS_MAX: usize = 16;

/// The use cases.
pub(crate) struct Messages {
    store: Arc<dyn Store>,
    news: Arc<News>,
    ambient: Ambient,
    stopping: CancellationToken,
    session_streams: Arc<Places<SessionId>>,
    agent_streams: Arc<Places<AgentId>>,
}

impl Messages {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        news: Arc<News>,
        ambient: Ambient,
        stopping: CancellationToken,
        metrics: &Metrics,
    ) -> Self {
        let (of_session, of_agent) =
            (metrics.streams(StreamKind::Session), metrics.streams(StreamKind::Agent));
        Self {
            store,
            news,
            ambient,
            stopping,
            session_streams: Arc::new(Places::new(SESSION_STREAMS_MAX, of_session)),
            agent_streams: Arc::new(Places::new(AGENT_STREAMS_MAX, of_agent)),
        }
    }

    /// Writes a message; it is on disk when this ends. Not `done`: it will grow.
    pub(crate) async fn write(
        self: &Arc<Self>,
        session: &Session,
        from: Sender,
        text: Text,
        done: bool,
    ) -> Result<Message, Refusal> {
        let (session_id, agent_id, now) = (session.id, session.agent_id, self.ambient.now());
        let message = Message { id: self.ambient.id(), session_id, from, text, done, created_at: now };
        let messages = Arc::clone(self);
        to_its_end(async move {
            match messages.store.write_message(message, now).await? {
                Written::NoSession => Err(Refusal::NotFound("session")),
                Written::Revoked => Err(Refusal::SessionRevoked),
                Written::Full => Err(Refusal::ConversationFull),
                Written::Kept { message, handed_over } => {
                    messages.news.tell(Change::Written(session_id));
                    if handed_over {
                        messages.news.tell(Change::HandedOver(agent_id));
                    }
                    Ok(message)
                }
            }
        })
        .await
    }

    /// Lets a reply grow, and with `done` ends it.
    pub(crate) async fn append(
        self: &Arc<Self>,
        session: &Session,
        id: MessageId,
        gain: Text,
        done: bool,
    ) -> Result<Message, Refusal> {
        let (session_id, now) = (session.id, self.ambient.now());
        let messages = Arc::clone(self);
        to_its_end(async move {
            match messages.store.append_to_message(session_id, id, gain, done, now).await? {
                Appended::NoSession => Err(Refusal::NotFound("session")),
                Appended::Revoked => Err(Refusal::SessionRevoked),
                Appended::NoMessage => Err(Refusal::NotFound("message")),
                Appended::Done => Err(Refusal::MessageDone),
                Appended::TooLong => Err(Refusal::ReplyTooLong),
                Appended::Grown(message) => {
                    messages.news.tell(Change::Written(session_id));
                    Ok(message)
                }
            }
        })
        .await
    }

    /// A stretch of a session's messages, oldest first.
    pub(crate) async fn list(
        &self,
        session: &Session,
        after: Option<MessageId>,
        limit: u32,
    ) -> Result<Vec<Message>, Refusal> {
        not_revoked(session)?;
        Ok(self.store.messages(session.id, after, limit, self.ambient.now()).await?)
    }

    /// All that changes in a session's conversation after change number `since`; 0 is before all.
    pub(crate) fn of_session(
        self: &Arc<Self>,
        session: &Session,
        since: i64,
    ) -> Result<SessionStream, Refusal> {
        not_revoked(session)?;
        let place = self.session_streams.take(session.id)?;
        Ok(SessionStream::new(Arc::clone(self), session.id, since, place))
    }

    /// All that is handed over to the agent's software after number `since`; 0 is before all. It ends when the
    /// key is removed.
    pub(crate) fn of_agent(
        self: &Arc<Self>,
        agent_id: AgentId,
        key: TokenHash,
        since: i64,
    ) -> Result<AgentStream, Refusal> {
        let place = self.agent_streams.take(agent_id)?;
        Ok(AgentStream::new(Arc::clone(self), agent_id, key, since, place))
    }
}

fn not_revoked(session: &Session) -> Result<(), Refusal> {
    if session.status == Status::Revoked { Err(Refusal::SessionRevoked) } else { Ok(()) }
}

/// A caller who leaves meanwhile does not keep what is stored from being announced.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    let ended = tokio::spawn(logs::carried_on(work)).await;
    ended.unwrap_or_else(|_| Err(StoreError::Database("a write was interrupted".to_owned()).into()))
}

#[cfg(test)]
mod tests;
