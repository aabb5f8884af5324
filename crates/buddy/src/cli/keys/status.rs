//! What each key has sealed, in a table and as JSON.

use buddy_store::{SealedBy, SealedValues};
use serde::Serialize;

use super::Ring;
use crate::cli::print::folded;

/// Advice is folded here.
const WIDTH: usize = 96;

/// All keys, those of the ring first.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Status {
    keys_in: String,
    keys: Vec<Key>,
    /// Values that no key can have sealed.
    unreadable: u64,
    next: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    #[serde(rename = "keyId")]
    id: String,
    role: Role,
    callbacks: u64,
    sessions: u64,
    messages: u64,
    canary: u64,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// The first of the ring.
    Seals,
    /// Another of the ring.
    Opens,
    /// It has sealed something, and is not in the ring.
    Missing,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Seals => "seals",
            Self::Opens => "opens",
            Self::Missing => "missing",
        }
    }
}

impl Key {
    fn total(&self) -> u64 {
        self.callbacks + self.sessions + self.messages + self.canary
    }
}

impl Status {
    pub(super) fn of(ring: &Ring, sealed: &SealedBy, has_many_nodes: bool) -> Self {
        let key = |id: buddy_store::MasterKeyId, role| {
            let SealedValues { callbacks, sessions, messages, canary } = sealed.by(id);
            Key { id: id.to_string(), role, callbacks, sessions, messages, canary }
        };
        let ids = ring.keys.iter().map(buddy_store::MasterKey::id).collect::<Vec<_>>();
        let known =
            ids.iter().enumerate().map(|(at, &id)| key(id, if at == 0 { Role::Seals } else { Role::Opens }));
        let missing = sealed.keys.keys().filter(|id| !ids.contains(id)).map(|&id| key(id, Role::Missing));
        let keys = known.chain(missing).collect::<Vec<_>>();
        let next = next(&keys, has_many_nodes);
        Self { keys_in: ring.place(), keys, unreadable: sealed.unreadable, next }
    }

    pub(super) fn in_words(&self) -> String {
        let mut lines = vec![format!("master keys: in {}", self.keys_in), String::new()];
        let row = |id: &str, role: &str, counts: [&str; 4]| {
            let [callbacks, sessions, messages, canary] = counts;
            format!("  {id:8}  {role:7}  {callbacks:>9}  {sessions:>9}  {messages:>9}  {canary:>6}")
        };
        lines.push(row("key", "it", ["callbacks", "sessions", "messages", "canary"]));
        for key in &self.keys {
            let counts =
                [key.callbacks, key.sessions, key.messages, key.canary].map(|count| count.to_string());
            lines.push(row(&key.id, key.role.as_str(), counts.each_ref().map(String::as_str)));
        }
        if self.unreadable > 0 {
            lines.push(format!("  {} values are of no form that this version seals", self.unreadable));
        }
        if let Some(next) = &self.next {
            lines.push(String::new());
            lines.extend(folded(next, WIDTH));
        }
        lines.join("\n")
    }
}

/// What is to be done, where there is something.
fn next(keys: &[Key], has_many_nodes: bool) -> Option<String> {
    let of = |role: Role, holds: bool| keys.iter().find(|key| key.role == role && (key.total() > 0) == holds);
    if let Some(key) = of(Role::Missing, true) {
        return Some(format!(
            "Key {} has sealed {} values and is not configured, so they do not open: put it back, behind the others.",
            key.id,
            key.total()
        ));
    }
    if let Some(key) = of(Role::Opens, true) {
        let at_once = if has_many_nodes { "once every node was" } else { "with none running" };
        return Some(format!(
            "Key {} has sealed {} values: a server that was started with these keys seals them anew by itself; \
             {at_once}, `buddy keys reseal` does it at once.",
            key.id,
            key.total()
        ));
    }
    let key = of(Role::Opens, false)?;
    Some(format!(
        "Key {0} has sealed nothing. If it is new: `buddy keys promote {0}`, once every node was restarted with it. If \
         it is old: `buddy keys remove {0}`, once no node runs that seals by it.",
        key.id
    ))
}
