//! Where the traces of all sessions are, and who waits for the next word of one.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use buddy_shop::endpoint::Outcome;
use buddy_shop::{Claimed, Event, Visit};
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::acts::Act;
use super::trace::{Settled, Step, Trace, named, session_in};

/// Sessions that are remembered: more than anybody scrolls back to.
const SESSIONS_KEPT: usize = 100;

/// The traces, and what the endpoint does meanwhile.
pub(super) struct Board {
    kept: Mutex<Kept>,
    /// Counts the changes.
    changes: watch::Sender<u64>,
    begun: UnboundedSender<String>,
}

#[derive(Default)]
struct Kept {
    oldest_first: VecDeque<Entry>,
    act: Option<(u64, Act, String)>,
}

struct Entry {
    changed: u64,
    trace: Trace,
}

impl Board {
    /// An empty one, and the ids of the sessions that are to come.
    pub(super) fn new() -> (Self, UnboundedReceiver<String>) {
        let (begun, sessions) = unbounded_channel();
        (Self { kept: Mutex::default(), changes: watch::Sender::new(0), begun }, sessions)
    }

    /// The shop tells of something.
    pub(super) fn note(&self, event: Event) {
        match event {
            Event::Asked(visit) => {
                if let Some((session_id, agent_id)) = named(&visit.body) {
                    self.change(&session_id, Some(&agent_id), |trace| trace.asked(visit));
                }
            }
            Event::Claimed(claimed) => {
                let Some(session_id) = session_in(&claimed.body) else { return };
                // What was refused may be anybody's idea of a session.
                let agent_id = match claimed.outcome {
                    Outcome::Refused(_) => None,
                    _ => named(&claimed.body).map(|(_, agent_id)| agent_id),
                };
                self.change(&session_id, agent_id.as_deref(), |trace| trace.claimed(claimed));
            }
        }
    }

    /// Another site's server has begun a session of its own.
    pub(super) fn attack_begun(&self, session_id: &str, agent_id: &str, step: Step) {
        self.change(session_id, Some(agent_id), |trace| trace.attack = Some(vec![step]));
    }

    /// What that site tried next.
    pub(super) fn attack_goes_on(&self, session_id: &str, step: Step) {
        self.change(session_id, None, |trace| trace.attack.get_or_insert_default().push(step));
    }

    /// The same for a try to have it bound, of which the shop has told, if anything came to it.
    pub(super) fn attack_tried(&self, session_id: &str, step: impl FnOnce(Option<Claimed>) -> Step) {
        self.change(session_id, None, |trace| {
            let claimed = std::mem::take(&mut trace.claims).pop();
            trace.attack.get_or_insert_default().push(step(claimed));
        });
    }

    /// It is known who the session's user is, or that nobody is.
    pub(super) fn settled(&self, session_id: &str, settled: Settled) {
        self.change(session_id, None, |trace| trace.settled = Some(settled));
    }

    /// From now on the endpoint does this, at this URL.
    pub(super) fn act(&self, act: Act, url: String) {
        let mut kept = self.kept();
        kept.act = Some((self.next_change(), act, url));
    }

    /// Looks at a session's trace.
    pub(super) fn look<T>(&self, session_id: &str, look: impl FnOnce(&Trace) -> T) -> Option<T> {
        let kept = self.kept();
        let entry = kept.oldest_first.iter().find(|entry| entry.trace.session_id == session_id)?;
        Some(look(&entry.trace))
    }

    /// The requests for this session's identity.
    pub(super) fn visits(&self, session_id: &str) -> Vec<Visit> {
        self.look(session_id, |trace| trace.visits.clone()).unwrap_or_default()
    }

    /// Where the endpoint is now.
    pub(super) fn url(&self) -> String {
        self.kept().act.as_ref().map_or_else(String::new, |(_, _, url)| url.clone())
    }

    /// Wakes at each change.
    pub(super) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// What of this agent has changed since, as events: name and data; and up to which change that is.
    pub(super) fn since(&self, change: u64, agent_id: &str) -> (u64, Vec<(&'static str, Value)>) {
        let kept = self.kept();
        let act = kept.act.iter().filter(|(changed, ..)| *changed > change);
        let acts = act.map(|(_, act, url)| ("act", json!({"act": act, "url": url})));
        let changed = kept.oldest_first.iter().filter(|entry| entry.changed > change);
        let traces = changed.filter(|entry| entry.trace.agent_id == agent_id);
        let events = acts.chain(traces.map(|entry| ("trace", entry.trace.view()))).collect();
        (*self.changes.borrow(), events)
    }

    /// Of an unknown session only what names its agent makes a trace.
    fn change(&self, session_id: &str, agent_id: Option<&str>, change: impl FnOnce(&mut Trace)) {
        let mut kept = self.kept();
        let known = kept.oldest_first.iter().position(|entry| entry.trace.session_id == session_id);
        let index = match (known, agent_id) {
            (Some(index), _) => index,
            (None, None) => return,
            (None, Some(agent_id)) => {
                if kept.oldest_first.len() == SESSIONS_KEPT {
                    kept.oldest_first.pop_front();
                }
                let trace = Trace::new(session_id, agent_id);
                kept.oldest_first.push_back(Entry { changed: 0, trace });
                // Where only the terminal is told nobody follows it.
                let _ = self.begun.send(session_id.to_owned());
                kept.oldest_first.len() - 1
            }
        };
        change(&mut kept.oldest_first[index].trace);
        kept.oldest_first[index].changed = self.next_change();
    }

    /// Only while `kept` is locked, so that whoever has read up to a change has missed nothing below it.
    fn next_change(&self) -> u64 {
        let mut next = 0;
        self.changes.send_modify(|change| {
            *change += 1;
            next = *change;
        });
        next
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
