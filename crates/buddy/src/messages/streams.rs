//! Streams: what has changed is read from the store, by number, each time that something was announced.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use buddy_core::id::{AgentId, MessageId, SessionId};
use buddy_core::message::Message;
use buddy_core::secret::TokenHash;
use buddy_core::session::Status;
use buddy_store::{Changed, HandedOver, StoreError};
use tokio::time::Instant;

use super::Messages;
use crate::listening::{End, LOOK_AGAIN, Place, waited};

/// Messages read at once: a stream holds no more than these, however slow its reader is.
const BATCH: u32 = 50;

/// What a visitor is told. `change` is what to resume after.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum SessionEvent {
    /// A message, whole.
    Message { change: i64, message: Message },
    /// What a message has gained that this stream has told of before.
    Append { change: i64, id: MessageId, gain: String, done: bool },
    /// The last there is.
    End(End),
}

/// One visitor who listens.
pub(crate) struct SessionStream {
    messages: Arc<Messages>,
    session_id: SessionId,
    since: i64,
    /// How much of a reply that still grows was told, in bytes.
    told: HashMap<MessageId, usize>,
    ready: VecDeque<SessionEvent>,
    ended: bool,
    _place: Place<SessionId>,
}

impl SessionStream {
    pub(super) fn new(
        messages: Arc<Messages>,
        session_id: SessionId,
        since: i64,
        place: Place<SessionId>,
    ) -> Self {
        let (told, ready) = (HashMap::new(), VecDeque::new());
        Self { messages, session_id, since, told, ready, ended: false, _place: place }
    }

    /// The next event, once there is one. `None`: it has ended, or was cut off by a fault of ours.
    pub(crate) async fn next(&mut self) -> Option<SessionEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            // Subscribed before it is read: what is written in between is not missed.
            let subscription = self.messages.news.of_conversation(self.session_id);
            let announced = subscription.announced();
            self.read().await.inspect_err(log).ok()?;
            if self.ready.is_empty() && !waited(announced, &self.messages.stopping).await {
                self.end(End::Stopping);
            }
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let (store, now) = (&self.messages.store, self.messages.ambient.now());
        if let Some(changes) = store.changed_messages(self.session_id, self.since, BATCH, now).await? {
            for changed in changes {
                self.tell(changed);
            }
            return Ok(());
        }
        let session = store.session(self.session_id, now).await?;
        let revoked = session.is_some_and(|session| session.status == Status::Revoked);
        self.end(if revoked { End::Revoked } else { End::Ended });
        Ok(())
    }

    fn tell(&mut self, Changed { change, message }: Changed) {
        self.since = change;
        let told = self.told.remove(&message.id);
        if !message.done {
            self.told.insert(message.id, message.text.as_str().len());
        }
        self.ready.push_back(match told {
            None => SessionEvent::Message { change, message },
            Some(told) => {
                let gain = message.text.as_str()[told..].to_owned();
                SessionEvent::Append { change, id: message.id, gain, done: message.done }
            }
        });
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        self.ready.push_back(SessionEvent::End(end));
    }
}

/// What an agent's software is told.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum AgentEvent {
    /// A visitor's message.
    HandedOver(HandedOver),
    /// The last there is.
    End(End),
}

/// One instance of an agent's software that listens.
pub(crate) struct AgentStream {
    messages: Arc<Messages>,
    agent_id: AgentId,
    key: TokenHash,
    key_seen: Instant,
    since: i64,
    ready: VecDeque<AgentEvent>,
    ended: bool,
    _place: Place<AgentId>,
}

impl AgentStream {
    pub(super) fn new(
        messages: Arc<Messages>,
        agent_id: AgentId,
        key: TokenHash,
        since: i64,
        place: Place<AgentId>,
    ) -> Self {
        let (key_seen, ready) = (Instant::now(), VecDeque::new());
        Self { messages, agent_id, key, key_seen, since, ready, ended: false, _place: place }
    }

    /// The next event, once there is one. `None`: it has ended, or was cut off by a fault of ours.
    pub(crate) async fn next(&mut self) -> Option<AgentEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if self.ended {
                return None;
            }
            let subscription = self.messages.news.of_handing_over(self.agent_id);
            let announced = subscription.announced();
            self.read().await.inspect_err(log).ok()?;
            if self.ready.is_empty() && !waited(announced, &self.messages.stopping).await {
                self.end(End::Stopping);
            }
        }
    }

    async fn read(&mut self) -> Result<(), StoreError> {
        let store = &self.messages.store;
        if self.key_seen.elapsed() >= LOOK_AGAIN {
            if store.api_key_by_hash(self.key).await?.is_none() {
                self.end(End::Ended);
                return Ok(());
            }
            self.key_seen = Instant::now();
        }
        let at = self.messages.ambient.now();
        let handed_over = store.handed_over(self.agent_id, self.since, BATCH, at).await?;
        if let Some(last) = handed_over.last() {
            self.since = last.number;
        }
        self.ready.extend(handed_over.into_iter().map(AgentEvent::HandedOver));
        Ok(())
    }

    fn end(&mut self, end: End) {
        self.ended = true;
        self.ready.push_back(AgentEvent::End(end));
    }
}

/// Who listens comes again and resumes.
fn log(error: &StoreError) {
    tracing::error!(%error, "a stream of messages was cut off: the store failed");
}
