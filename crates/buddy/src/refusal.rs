//! Why a use case said no. What a caller sees of each, and with which status, is decided in `http/problem.rs`.

use buddy_core::agent::BadSetting;
use buddy_core::reason::Reason;
use buddy_core::secret::BadSecret;
use buddy_store::StoreError;

/// A use case's refusal or failure.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("there is no such {0}")]
    NotFound(&'static str),
    #[error(transparent)]
    BadSetting(#[from] BadSetting),
    #[error(transparent)]
    BadSecret(#[from] BadSecret),
    #[error("the URL can never be called: {0}")]
    CallbackUrl(Reason),
    #[error("a rotation is open")]
    RotationOpen,
    #[error("the ticket is not for this session")]
    InvalidTicket,
    #[error("the agent does not allow this origin")]
    OriginNotAllowed,
    #[error("too many sessions are being identified")]
    Overloaded,
    #[error("the session was revoked")]
    SessionRevoked,
    #[error("the session has as many messages as it may have")]
    ConversationFull,
    #[error("the message grows no more")]
    MessageDone,
    #[error("the reply would be longer than one may be")]
    ReplyTooLong,
    #[error("as many streams are open as may be: {0}")]
    TooManyStreams(usize),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Refusal {
    /// Stable, as the API and the audit log write it.
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "NOT_FOUND",
            Self::BadSetting(_) | Self::BadSecret(_) | Self::ReplyTooLong => "INVALID_VALUE",
            Self::CallbackUrl(_) => "INVALID_CALLBACK_URL",
            Self::RotationOpen => "ROTATION_OPEN",
            Self::InvalidTicket => "INVALID_TICKET",
            Self::OriginNotAllowed => "ORIGIN_NOT_ALLOWED",
            Self::Overloaded => "OVERLOADED",
            Self::SessionRevoked => "SESSION_REVOKED",
            Self::ConversationFull => "CONVERSATION_FULL",
            Self::MessageDone => "MESSAGE_DONE",
            Self::TooManyStreams(_) => "TOO_MANY_STREAMS",
            // Trying again would find the same row.
            Self::Store(StoreError::Sealed { .. } | StoreError::Unreadable { .. }) => "INTERNAL",
            Self::Store(StoreError::Database(_) | StoreError::Closed) => "UNAVAILABLE",
        }
    }
}
