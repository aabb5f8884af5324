//! Why an endpoint answers no.

use crate::request::BODY_BYTES_MAX;
use crate::ticket::BadSessionId;
use crate::verify::VerifyError;

/// Why a request is refused. Its sentence, code and status are what is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Another method than POST.
    #[error("this endpoint answers POST only")]
    MethodNotAllowed,
    /// The body has more than [`BODY_BYTES_MAX`] bytes.
    #[error("the body has more than {BODY_BYTES_MAX} bytes")]
    TooLarge,
    /// The identity endpoint: not Buddy's.
    #[error(transparent)]
    Unverified(#[from] VerifyError),
    /// The session endpoint: asked by another site's page.
    #[error(
        "asked by another site's page: only pages of this host may ask, and a proxy before it must hand Host on"
    )]
    CrossSite,
    /// The session endpoint: not JSON, as its header says.
    #[error("the Content-Type is not application/json")]
    UnsupportedMediaType,
    /// The session endpoint: the body is not JSON.
    #[error("the body is not JSON")]
    BodyNotJson,
    /// The session endpoint: the body lacks a member.
    #[error("the body is no object with the texts sessionId and agentId")]
    BodyIncomplete,
    /// The session endpoint: no session id.
    #[error(transparent)]
    BadSessionId(#[from] BadSessionId),
    /// The session endpoint: another agent's session.
    #[error("the session is of another agent than the one this endpoint serves")]
    WrongAgent,
    /// The session endpoint: another user bound the session first.
    #[error("the session is another user's: begin a new one")]
    SessionTaken,
}

impl Refusal {
    /// A stable name, the same in every language's package.
    pub fn code(self) -> &'static str {
        match self {
            Self::MethodNotAllowed => "method_not_allowed",
            Self::TooLarge => "too_large",
            Self::Unverified(error) => error.code(),
            Self::CrossSite => "cross_site",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::BodyNotJson => "body_not_json",
            Self::BodyIncomplete => "body_incomplete",
            Self::BadSessionId(BadSessionId) => "bad_session_id",
            Self::WrongAgent => "wrong_agent",
            Self::SessionTaken => "session_taken",
        }
    }

    /// The HTTP status it is answered with.
    pub fn status(self) -> u16 {
        match self {
            Self::BodyNotJson | Self::BodyIncomplete | Self::BadSessionId(_) | Self::WrongAgent => 400,
            Self::Unverified(_) => 401,
            Self::CrossSite => 403,
            Self::MethodNotAllowed => 405,
            Self::SessionTaken => 409,
            Self::TooLarge => 413,
            Self::UnsupportedMediaType => 415,
        }
    }
}
