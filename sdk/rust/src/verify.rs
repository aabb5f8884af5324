//! Whether a request is Buddy's.

use serde_json::{Map, Value};
use subtle::{Choice, ConstantTimeEq};

use crate::secret::{self, hmac};
use crate::ticket::{BadSessionId, is_session_id};

/// How far a request's timestamp may be from this machine's clock, in seconds, either way: a replayed request is
/// refused after this, and clocks do differ.
pub const TOLERANCE_SECONDS: u64 = 300;

/// SHA-256 in hexadecimal.
const SIGNATURE_CHARS: usize = 64;

/// A request that is Buddy's: it asks who the user of this session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Callback {
    /// The session: `sess_` and 26 characters of `[0-9a-z]`.
    pub session_id: String,
    /// The agent whose session it is.
    pub agent_id: String,
    /// When the request was made, in unix seconds.
    pub timestamp: i64,
}

impl Callback {
    /// The callback, if it is of this agent. For an endpoint that serves one agent, where a secret may be shared by several.
    ///
    /// # Errors
    /// [`VerifyError::WrongAgent`].
    pub fn for_agent(self, agent_id: &str) -> Result<Self, VerifyError> {
        if self.agent_id == agent_id { Ok(self) } else { Err(VerifyError::WrongAgent) }
    }
}

/// Why a request is not taken for Buddy's. Answer 401; each sentence says what to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The list of secrets is empty.
    #[error("no secret is configured here: set the callback secret that belongs to the agent")]
    NoSecret,
    /// A secret that Buddy would never have taken.
    #[error(
        "a configured secret is not 16 to 256 visible ASCII characters: look for an unset variable, a space or a line end"
    )]
    BadSecret,
    /// No `X-Platform-Signature`.
    #[error("the header X-Platform-Signature is missing: not from Buddy, or a proxy dropped it")]
    MissingHeader,
    /// The header is not 64 characters long.
    #[error(
        "the header X-Platform-Signature is not 64 characters long: it is bare hex, with no prefix and no second value"
    )]
    WrongLength,
    /// The header is 64 characters long, but not of `[0-9a-f]`.
    #[error("the header X-Platform-Signature is not lower-case hex")]
    NotHex,
    /// No secret gives this signature for this body.
    #[error(
        "the signature does not match: check that the body is the raw one, byte for byte, and the secret this agent's"
    )]
    NoMatch,
    /// Rightly signed, but the body is not JSON.
    #[error("the body is rightly signed but is not JSON: not a callback")]
    BodyNotJson,
    /// Rightly signed JSON, but not with the three members of a callback.
    #[error("the body lacks sessionId, agentId or timestamp, or one is of the wrong type: not a callback")]
    BodyIncomplete,
    /// The session id does not have the form of one.
    #[error("{BadSessionId}")]
    BadSessionId,
    /// More than [`TOLERANCE_SECONDS`] from now.
    #[error(
        "the timestamp is more than 300 seconds from now: an old request sent again, or this clock is wrong"
    )]
    Stale,
    /// Another agent's callback: see [`Callback::for_agent`].
    #[error("the callback is of another agent than the one this endpoint serves")]
    WrongAgent,
}

impl VerifyError {
    /// A stable name, the same in every language's package.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoSecret => "no_secret",
            Self::BadSecret => "bad_secret",
            Self::MissingHeader => "missing_header",
            Self::WrongLength => "wrong_length",
            Self::NotHex => "not_hex",
            Self::NoMatch => "no_match",
            Self::BodyNotJson => "body_not_json",
            Self::BodyIncomplete => "body_incomplete",
            Self::BadSessionId => "bad_session_id",
            Self::Stale => "stale",
            Self::WrongAgent => "wrong_agent",
        }
    }
}

/// Verifies a callback.
///
/// `body` is the raw body, before any parsing. `signature_header` is the value of `X-Platform-Signature`. `secrets` are
/// all that count: one, or two while a rotation is under way. `now_unix_seconds` is this machine's clock.
///
/// Every secret is tried, and compared in constant time.
///
/// # Errors
/// The first fault found, in the order of [`VerifyError`].
pub fn verify(
    body: &[u8],
    signature_header: Option<&str>,
    secrets: &[&str],
    now_unix_seconds: i64,
) -> Result<Callback, VerifyError> {
    verify_with(body, signature_header, secrets, now_unix_seconds)
}

pub(crate) fn verify_with(
    body: &[u8],
    signature_header: Option<&str>,
    secrets: &[impl AsRef<str>],
    now_unix_seconds: i64,
) -> Result<Callback, VerifyError> {
    secret::check(secrets)?;
    let presented = decode(signature_header.ok_or(VerifyError::MissingHeader)?)?;
    if !any_signs(secrets, body, &presented) {
        return Err(VerifyError::NoMatch);
    }
    let callback = read(body)?;
    if !is_session_id(&callback.session_id) {
        return Err(VerifyError::BadSessionId);
    }
    if callback.timestamp.abs_diff(now_unix_seconds) > TOLERANCE_SECONDS {
        return Err(VerifyError::Stale);
    }
    Ok(callback)
}

fn decode(signature: &str) -> Result<[u8; 32], VerifyError> {
    if signature.len() != SIGNATURE_CHARS {
        return Err(VerifyError::WrongLength);
    }
    // One spelling for one signature: whoever keys on the header's text sees no second one.
    if signature.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return Err(VerifyError::NotHex);
    }
    let mut bytes = [0_u8; 32];
    hex::decode_to_slice(signature, &mut bytes).map_err(|_| VerifyError::NotHex)?;
    Ok(bytes)
}

/// Goes through all secrets whatever the first says, so that time tells nothing about which one matched.
fn any_signs(secrets: &[impl AsRef<str>], body: &[u8], presented: &[u8; 32]) -> bool {
    let mut found = Choice::from(0);
    for secret in secrets {
        found |= hmac(secret.as_ref(), body).ct_eq(presented);
    }
    found.into()
}

/// Members that are not known are passed over: a later version may add some.
fn read(body: &[u8]) -> Result<Callback, VerifyError> {
    let value: Value = serde_json::from_slice(body).map_err(|_| VerifyError::BodyNotJson)?;
    value.as_object().and_then(from_members).ok_or(VerifyError::BodyIncomplete)
}

fn from_members(members: &Map<String, Value>) -> Option<Callback> {
    Some(Callback {
        session_id: members.get("sessionId")?.as_str()?.to_owned(),
        agent_id: members.get("agentId")?.as_str()?.to_owned(),
        timestamp: members.get("timestamp")?.as_i64()?,
    })
}
