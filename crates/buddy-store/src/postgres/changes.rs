//! What nodes tell each other, by LISTEN and NOTIFY on connections of their own. It is never part of a write: committers
//! that notify wait for each other, on the whole server. So it comes a moment after the commit, and may not come at all;
//! then, as far as that can be noticed, [`Change::Anything`] does.
//!
//! A notification is words with a space between: the sender's id, then changes. An id is 32 hexadecimal digits.
//!
//! ```text
//! s<session>.<agent>  settled or revoked      h<agent>  handed over      a<agent>  an agent's settings
//! w<session>          written                 r<agent>  resolved         *         anything
//! ```
//!
//! A word that a later version begins otherwise is read as `*`.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use buddy_core::id::id_from_bytes;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use type_safe_id::{StaticType, TypeSafeId};
use uuid::Uuid;

use super::failure::Failure;
use super::pool::{Direct, Driver, OPERATION};
use super::statement::{key, statements};
use crate::Change;

/// Changes that wait to be told, or to be heard: some seconds' worth. What is beyond becomes one `Anything`.
const QUEUE_MAX: usize = 4096;
/// From one notification to the next, at least: under load changes gather, and what is said twice is said once.
const PACE: Duration = Duration::from_millis(2);
/// PostgreSQL takes less than 8,000 bytes.
const PAYLOAD_MAX: usize = 7_900;
/// Before a lost connection is made anew.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);

statements! {
    LISTEN = "LISTEN buddy_changes";
    NOTIFY = "SELECT pg_notify('buddy_changes', payload) FROM unnest($1::text[]) AS payload";
}

/// The way to the other nodes, and back.
pub(super) struct Changes {
    to_tell: mpsc::Sender<Change>,
    too_many: Arc<AtomicBool>,
    heard: Mutex<Option<mpsc::Receiver<Change>>>,
}

impl Changes {
    /// Listens already when it is there, and goes on until `stop`.
    pub(super) async fn start(direct: Direct, node: Uuid, stop: CancellationToken) -> Result<Self, Failure> {
        let (to_tell, told) = mpsc::channel(QUEUE_MAX);
        let (hear, heard) = mpsc::channel(QUEUE_MAX);
        let too_many = Arc::new(AtomicBool::new(false));
        let teller = Teller { direct: direct.clone(), node, too_many: too_many.clone(), connected: None };
        let (listens, listening) = oneshot::channel();
        let listener = Listener { direct, node, hear, missed: false, listens: Some(listens) };
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(teller.run(told)).await });
        tokio::spawn(async move { stop.run_until_cancelled(listener.run()).await });
        // The first thing that the listener says of itself: that it does, or why it cannot.
        listening.await.unwrap_or(Err(Failure::NoConnection("it cannot be listened to")))?;
        Ok(Self { to_tell, too_many, heard: Mutex::new(Some(heard)) })
    }

    pub(super) fn tell(&self, change: Change) {
        if self.to_tell.try_send(change).is_err() {
            self.too_many.store(true, Ordering::Relaxed);
        }
    }

    pub(super) fn heard(&self) -> Option<mpsc::Receiver<Change>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

struct Teller {
    direct: Direct,
    node: Uuid,
    too_many: Arc<AtomicBool>,
    connected: Option<(Client, AbortOnDropHandle<()>)>,
}

impl Teller {
    async fn run(mut self, mut told: mpsc::Receiver<Change>) {
        let mut changes = Vec::new();
        while told.recv_many(&mut changes, QUEUE_MAX).await > 0 {
            if self.too_many.swap(false, Ordering::Relaxed) {
                changes = vec![Change::Anything];
            }
            let mut payloads = payloads(self.node, &changes);
            while !self.say(&payloads).await {
                self.connected = None;
                sleep(RECONNECT_PAUSE).await;
                // What was to be said meanwhile is in it.
                while told.try_recv().is_ok() {}
                payloads = self::payloads(self.node, &[Change::Anything]);
            }
            changes.clear();
            sleep(PACE).await;
        }
    }

    /// `false`: it may not have been said.
    async fn say(&mut self, payloads: &[String]) -> bool {
        if self.connected.is_none() {
            let Ok((client, driver)) = self.direct.connect().await else { return false };
            self.connected = Some((client, AbortOnDropHandle::new(tokio::spawn(driver.run()))));
        }
        let (client, _) = self.connected.as_ref().expect("it was just made");
        matches!(timeout(OPERATION, client.execute(NOTIFY, &[&payloads])).await, Ok(Ok(_)))
    }
}

struct Listener {
    direct: Direct,
    node: Uuid,
    hear: mpsc::Sender<Change>,
    /// Something was not handed on.
    missed: bool,
    listens: Option<oneshot::Sender<Result<(), Failure>>>,
}

impl Listener {
    async fn run(mut self) {
        loop {
            if let Err(failure) = self.listen().await
                && let Some(listens) = self.listens.take()
            {
                let _ = listens.send(Err(failure));
                return;
            }
            tracing::warn!("the connection on which other nodes are heard is lost; it is made anew");
            sleep(RECONNECT_PAUSE).await;
        }
    }

    /// Until the connection is lost.
    async fn listen(&mut self) -> Result<(), Failure> {
        let (client, mut driver) = self.direct.connect().await?;
        {
            let listen = client.batch_execute(LISTEN);
            tokio::pin!(listen);
            loop {
                tokio::select! {
                    done = &mut listen => break done?,
                    message = next(&mut driver) => if !self.take(message) { return Ok(()) },
                }
            }
        }
        match self.listens.take() {
            Some(listens) => drop(listens.send(Ok(()))),
            // What was said while it did not listen is lost.
            None => self.missed = true,
        }
        let hear = self.hear.clone();
        loop {
            tokio::select! {
                message = next(&mut driver) => if !self.take(message) { return Ok(()) },
                room = hear.reserve(), if self.missed => {
                    let Ok(room) = room else { return Ok(()) };
                    room.send(Change::Anything);
                    self.missed = false;
                }
            }
        }
    }

    /// `false`: the connection has ended.
    fn take(&mut self, message: Option<AsyncMessage>) -> bool {
        let Some(message) = message else { return false };
        if let AsyncMessage::Notification(notification) = message {
            for change in changes_in(self.node, notification.payload()) {
                self.missed |= self.hear.try_send(change).is_err();
            }
        }
        true
    }
}

async fn next(driver: &mut Driver) -> Option<AsyncMessage> {
    poll_fn(|context| driver.poll_message(context)).await.and_then(Result::ok)
}

/// As few as hold all of it.
fn payloads(node: Uuid, changes: &[Change]) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut payloads = Vec::new();
    let mut payload = node.simple().to_string();
    let begin = payload.len();
    for change in changes.iter().filter(|change| seen.insert(**change)) {
        let word = word_of(*change);
        if payload.len() + 1 + word.len() > PAYLOAD_MAX {
            let rest = payload.split_off(begin);
            payloads.push(payload.clone() + &rest);
        }
        payload.push(' ');
        payload.push_str(&word);
    }
    payloads.push(payload);
    payloads
}

fn word_of(change: Change) -> String {
    let mut word = String::new();
    let written = match change {
        Change::Settled(session, agent) => {
            write!(word, "s{}.{}", key(session).simple(), key(agent).simple())
        }
        Change::Written(session) => write!(word, "w{}", key(session).simple()),
        Change::HandedOver(agent) => write!(word, "h{}", key(agent).simple()),
        Change::Resolved(agent) => write!(word, "r{}", key(agent).simple()),
        Change::Agent(agent) => write!(word, "a{}", key(agent).simple()),
        Change::Anything => write!(word, "*"),
    };
    written.expect("a string takes all that is written to it");
    word
}

/// What another node tells; nothing if it is one's own word.
fn changes_in(node: Uuid, payload: &str) -> Vec<Change> {
    let mut words = payload.split(' ');
    if words.next().and_then(|sender| Uuid::try_parse(sender).ok()) == Some(node) {
        return Vec::new();
    }
    words.map(|word| change_of(word).unwrap_or(Change::Anything)).collect()
}

fn change_of(word: &str) -> Option<Change> {
    let mut characters = word.chars();
    let kind = characters.next()?;
    let rest = characters.as_str();
    Some(match kind {
        's' => {
            let (session, agent) = rest.split_once('.')?;
            Change::Settled(id_of(session)?, id_of(agent)?)
        }
        'w' => Change::Written(id_of(rest)?),
        'h' => Change::HandedOver(id_of(rest)?),
        'r' => Change::Resolved(id_of(rest)?),
        'a' => Change::Agent(id_of(rest)?),
        _ => return None,
    })
}

fn id_of<K: StaticType>(text: &str) -> Option<TypeSafeId<K>> {
    Some(id_from_bytes(*Uuid::try_parse(text).ok()?.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::fixtures::id;

    fn all() -> Vec<Change> {
        vec![
            Change::Settled(id(1), id(2)),
            Change::Written(id(3)),
            Change::HandedOver(id(4)),
            Change::Resolved(id(5)),
            Change::Agent(id(6)),
            Change::Anything,
        ]
    }

    #[test]
    fn a_payload_is_read_as_it_was_meant_by_all_but_its_sender() {
        let (node, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let twice: Vec<Change> = all().into_iter().chain(all()).collect();
        let [payload] = payloads(node, &twice).try_into().unwrap();
        assert_eq!(changes_in(other, &payload), all());
        assert_eq!(changes_in(node, &payload), []);
    }

    #[test]
    fn what_does_not_fit_one_payload_fits_some() {
        let changes: Vec<Change> = (0..1_000).map(|number| Change::Settled(id(number), id(1))).collect();
        let payloads = payloads(Uuid::from_u128(1), &changes);
        assert!(payloads.len() > 1 && payloads.iter().all(|payload| payload.len() <= PAYLOAD_MAX));
        let read: Vec<Change> =
            payloads.iter().flat_map(|payload| changes_in(Uuid::from_u128(2), payload)).collect();
        assert_eq!(read, changes);
    }

    #[test]
    fn what_a_later_version_says_may_be_anything() {
        let node = Uuid::from_u128(1);
        let later = format!(
            "{} w{} x17 s12.3 w",
            Uuid::from_u128(2).simple(),
            key(id::<buddy_core::id::SessionKind>(3)).simple()
        );
        let anything = Change::Anything;
        assert_eq!(changes_in(node, &later), [Change::Written(id(3)), anything, anything, anything]);
        assert_eq!(changes_in(node, "nobody *"), [anything]);
        assert_eq!(changes_in(node, ""), []);
    }
}
