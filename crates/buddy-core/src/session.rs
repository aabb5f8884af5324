//! A session: one conversation of one visitor, whose identity is settled once.

use std::fmt;
use std::str::FromStr;

use crate::id::{AgentId, SessionId};
use crate::reason::{Reason, Unknown};
use crate::secret::TokenHash;
use crate::time::UnixMillis;

/// Where a session stands. `created → pending → authenticated | anonymous`, and from any of them `revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Begun; nobody has been asked yet.
    Created,
    /// The endpoint is being asked.
    Pending,
    /// Settled: the user is known.
    Authenticated,
    /// Settled: nobody is signed in, or the callback failed.
    Anonymous,
    /// Settled: what was known was taken back.
    Revoked,
}

impl Status {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Created, Self::Pending, Self::Authenticated, Self::Anonymous, Self::Revoked];

    /// As it is written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Pending => "pending",
            Self::Authenticated => "authenticated",
            Self::Anonymous => "anonymous",
            Self::Revoked => "revoked",
        }
    }

    /// Will not change any more, but by being revoked.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Authenticated | Self::Anonymous | Self::Revoked)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Status {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(Unknown)
    }
}

/// Who began the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OpenedBy {
    /// A browser: where the agent requires it, a ticket must prove the binding.
    Visitor,
    /// The business's own server with its API key: that is proof enough.
    Server,
}

/// One session as the store keeps it, without its identity.
#[derive(Clone, Debug)]
pub struct Session {
    /// Its name; grants nothing.
    pub id: SessionId,
    /// Whose session it is.
    pub agent_id: AgentId,
    /// Hash of the visitor's token.
    pub token_hash: TokenHash,
    /// Where it stands.
    pub status: Status,
    /// Who began it.
    pub opened_by: OpenedBy,
    /// A callback was made for it (`method` is `identity_callback`).
    pub callback_made: bool,
    /// Why it has no user, if the callback failed.
    pub failure: Option<Reason>,
    /// When it was begun.
    pub created_at: UnixMillis,
    /// When it ends; from then on it is not found.
    pub expires_at: UnixMillis,
    /// When it was settled.
    pub resolved_at: Option<UnixMillis>,
}
