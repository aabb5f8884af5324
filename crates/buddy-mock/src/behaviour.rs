//! What a case is: its name, what it does, what Buddy is to make of it.

use std::fmt;

use crate::certificate::Certificate;
use crate::table::GROUPS;

/// One way to behave.
#[derive(Debug)]
pub struct Behaviour {
    /// In kebab-case.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub does: &'static str,
    /// What becomes of a session.
    pub expect: Expect,
    /// What becomes of it, and in how many attempts, where its first request came over a connection that was
    /// used before, if that differs.
    pub on_reuse: Option<(Expect, u8)>,
    /// How many attempts one session takes.
    pub attempts: u8,
    pub(crate) act: Act,
}

/// What becomes of a session, in the words of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// `authenticated` as the endpoint's user.
    User,
    /// `authenticated` with this user id, whatever user the endpoint was given.
    UserId(&'static str),
    /// `anonymous` without an error.
    Nobody,
    /// `anonymous` with `AUTH_CALLBACK_TIMEOUT`, for this reason.
    Timeout(&'static str),
    /// `anonymous` with `AUTH_CALLBACK_FAILED`, for this reason.
    Failed(&'static str),
    /// `anonymous` with `AUTH_CALLBACK_BAD_RESPONSE`, for this reason.
    BadResponse(&'static str),
}

/// Where an endpoint begins to misbehave.
#[derive(Debug)]
pub(crate) enum Act {
    /// Before any connection: each is refused.
    Shut,
    /// Before any connection: none is answered.
    Deaf,
    /// On the bare socket, in place of a handshake.
    Bare(&'static [Step]),
    /// In the handshake; a request that comes all the same is answered well.
    Handshake(Certificate),
    /// Once the handshake is done: nothing is ever answered.
    Silent,
    /// At every request: an answer of this status, with further header lines, and of this body.
    Whole(&'static str, &'static str),
    /// At every request.
    Http(&'static [Step]),
    /// At every request but a connection's first, which is answered well.
    Later(&'static [Step]),
    /// A connection's first request is answered well, and it is closed when the second comes, unread.
    CloseUnread,
}

/// One thing that an endpoint does; after the last it waits for the next request.
#[derive(Debug)]
pub(crate) enum Step {
    /// A whole, good answer.
    Answer,
    /// A good answer with further header lines; `{trap}` in them is the tripwire's address.
    AnswerWith(&'static str),
    /// The JSON of a good answer alone.
    Json,
    /// The JSON of a good answer, each byte a chunk, and the end of the chunks.
    JsonInChunks,
    /// These bytes; `{trap}` in them is the tripwire's address.
    Say(&'static str),
    /// These bytes, as they are.
    Bytes(&'static [u8]),
    /// The same, so many times.
    Repeat(&'static [u8], usize),
    /// The same for ever, as fast as it is taken.
    Forever(&'static str),
    /// The same for ever, a byte at a time.
    Drip(&'static str),
    /// Sends what was said so far, so that what follows comes apart from it.
    Flush,
    /// Waits until the attempt's deadline has passed.
    Late,
    /// Says nothing to the first attempt; goes on with a second.
    IgnoreFirstAttempt,
    /// Takes leave, as TLS and TCP would have it.
    Close,
    /// The end of TCP, without that of TLS.
    Cut,
    /// A reset.
    Reset,
}

impl Behaviour {
    pub(crate) const fn new(name: &'static str, does: &'static str, expect: Expect, act: Act) -> Self {
        let attempts = if matches!(expect, Expect::Timeout(_)) { 2 } else { 1 };
        Self { name, does, expect, on_reuse: None, attempts, act }
    }

    /// Misbehaves at every request.
    pub(crate) const fn http(
        name: &'static str,
        does: &'static str,
        expect: Expect,
        steps: &'static [Step],
    ) -> Self {
        Self::new(name, does, expect, Act::Http(steps))
    }

    pub(crate) const fn in_attempts(self, attempts: u8) -> Self {
        Self { attempts, ..self }
    }

    pub(crate) const fn reused(self, expect: Expect, attempts: u8) -> Self {
        Self { on_reuse: Some((expect, attempts)), ..self }
    }

    /// A connection comes about.
    pub(crate) fn lets_in(&self) -> bool {
        !matches!(self.act, Act::Shut | Act::Deaf)
    }

    /// It shows only where one session comes after another, over the connection of that one.
    pub fn is_about_reuse(&self) -> bool {
        matches!(self.act, Act::Later(_) | Act::CloseUnread | Act::Http([Step::Answer, Step::Flush, ..]))
    }

    /// All of them, in the order of the table.
    pub fn all() -> impl Iterator<Item = &'static Self> {
        GROUPS.iter().flat_map(|group| group.behaviours)
    }

    /// The one of that name, or the names that come nearest to it.
    pub fn find(name: &str) -> Result<&'static Self, Vec<&'static str>> {
        Self::all().find(|behaviour| behaviour.name == name).ok_or_else(|| nearest(name))
    }
}

/// What is read over the command line's shoulder is a short list.
const NEAREST_MAX: usize = 3;

/// Names that contain the word first, then by how many letters differ.
fn nearest(name: &str) -> Vec<&'static str> {
    let mut names: Vec<_> = Behaviour::all().map(|behaviour| behaviour.name).collect();
    names.sort_by_key(|known| (!(name.len() > 2 && known.contains(name)), distance(name, known)));
    names.truncate(NEAREST_MAX);
    names
}

/// How many letters are to be put in, left out or changed (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], index + 1);
        for (column, other) in to.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[row.len() - 1]
}

impl Expect {
    /// The code and the reason of a session without a user, if it has any.
    pub const fn failure(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::User | Self::UserId(_) | Self::Nobody => None,
            Self::Timeout(reason) => Some(("AUTH_CALLBACK_TIMEOUT", reason)),
            Self::Failed(reason) => Some(("AUTH_CALLBACK_FAILED", reason)),
            Self::BadResponse(reason) => Some(("AUTH_CALLBACK_BAD_RESPONSE", reason)),
        }
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self, self.failure()) {
            (_, Some((code, reason))) => write!(f, "{code} · {reason}"),
            (Self::UserId(id), _) => write!(f, "authenticated as {id}"),
            (Self::Nobody, _) => f.write_str("nobody"),
            _ => f.write_str("authenticated"),
        }
    }
}
