//! What was done to identify one session: for the operator, with nothing about the user in it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::callback::shape::Shape;
use crate::id::{AgentId, ResolutionId, SessionId};
use crate::reason::{Reason, Unknown};
use crate::time::UnixMillis;

/// How a resolution ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The endpoint named a user.
    Authenticated,
    /// The endpoint said that nobody is signed in.
    Nobody,
    /// The session is anonymous because something went wrong; there is a reason.
    Failed,
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Authenticated, Self::Nobody, Self::Failed];

    /// As it is written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticated => "authenticated",
            Self::Nobody => "nobody",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).ok_or(Unknown)
    }
}

/// Where an attempt's time went, in microseconds. `None`: the phase was not reached, or not needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Phases {
    /// Waiting for one of the agent's slots, and for one of its places to dial.
    pub queue: Option<u64>,
    /// Name look-up.
    pub dns: Option<u64>,
    /// TCP connect.
    pub connect: Option<u64>,
    /// TLS handshake.
    pub tls: Option<u64>,
    /// From sending the request to the end of the answer's head.
    pub headers: Option<u64>,
    /// From there to the last byte of the body.
    pub body: Option<u64>,
}

impl Phases {
    /// Those that were reached, in their order: name and microseconds.
    pub fn reached(&self) -> impl Iterator<Item = (&'static str, u64)> + use<> {
        let Self { queue, dns, connect, tls, headers, body } = *self;
        [
            ("queue", queue),
            ("dns", dns),
            ("connect", connect),
            ("tls", tls),
            ("headers", headers),
            ("body", body),
        ]
        .into_iter()
        .filter_map(|(name, micros)| Some((name, micros?)))
    }
}

/// Which secret signed an attempt while a rotation is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignedWith {
    /// The secret that counts.
    Current,
    /// The one that will.
    Next,
}

/// One POST.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// 1 or 2. A sending again with the next secret keeps its number.
    pub number: u8,
    /// When it began.
    pub started_at: UnixMillis,
    /// How long it took as a whole, in microseconds.
    pub duration: u64,
    /// The HTTP status, if one came back.
    pub status: Option<u16>,
    /// Why it failed, if it did.
    pub reason: Option<Reason>,
    /// Which secret signed it.
    pub signed_with: SignedWith,
    /// The request went over a connection that had been used before.
    pub reused_connection: bool,
    /// Where its time went.
    pub phases: Phases,
    /// What was signed; none where it did not come to that, or an older version made the attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signed: Option<Signed>,
    /// What a 2xx answer was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
}

/// What tells one signed request from another, and is of no use to who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signed {
    /// The body's `timestamp`, in unix seconds.
    pub timestamp: i64,
    /// The begin of the signature: enough to find it in an endpoint's log, too little to be taken for it.
    pub signature_begin: String,
}

impl Signed {
    /// Characters of the signature that are kept, of 64.
    const SIGNATURE_CHARS: usize = 8;

    /// Of a request made at this moment.
    pub fn new(at: UnixMillis, signature: &str) -> Self {
        let signature_begin = signature.chars().take(Self::SIGNATURE_CHARS).collect();
        Self { timestamp: at.seconds(), signature_begin }
    }
}

/// A part of the answer was dropped; the user stays identified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Warning {
    /// `email` is no string.
    EmailNotAString,
    /// `email` is over 320 characters.
    EmailTooLong,
    /// `role` is no string.
    RoleNotAString,
    /// `role` is over 128 characters.
    RoleTooLong,
    /// `customAttributes` is no object.
    CustomAttributesNotAnObject,
}

impl Warning {
    /// As it is written in the API.
    pub fn code(self) -> &'static str {
        match self {
            Self::EmailNotAString => "email_not_a_string",
            Self::EmailTooLong => "email_too_long",
            Self::RoleNotAString => "role_not_a_string",
            Self::RoleTooLong => "role_too_long",
            Self::CustomAttributesNotAnObject => "custom_attributes_not_an_object",
        }
    }

    /// One sentence: what was dropped and what to send instead.
    pub fn message(self) -> &'static str {
        match self {
            Self::EmailNotAString => "email was dropped: send a string, null, or leave it out.",
            Self::EmailTooLong => "email was dropped: it is over 320 characters.",
            Self::RoleNotAString => "role was dropped: send a string, null, or leave it out.",
            Self::RoleTooLong => "role was dropped: it is over 128 characters.",
            Self::CustomAttributesNotAnObject => {
                "customAttributes was dropped: send an object, null, or leave it out."
            }
        }
    }
}

/// All that was done to identify one session: its attempts and its outcome.
#[derive(Clone, Debug)]
pub struct Resolution {
    /// Its name; also the `X-Platform-Request-Id` of its attempts.
    pub id: ResolutionId,
    /// For which session.
    pub session_id: SessionId,
    /// Of which agent.
    pub agent_id: AgentId,
    /// How it ended.
    pub outcome: Outcome,
    /// Why, if it failed: the last attempt's reason.
    pub reason: Option<Reason>,
    /// What was dropped from a good answer.
    pub warnings: Vec<Warning>,
    /// When it began.
    pub started_at: UnixMillis,
    /// How long it took, in microseconds.
    pub duration: u64,
    /// Every POST that was made, in order.
    pub attempts: Vec<Attempt>,
}
