//! What a caller is told when a call is refused: RFC 9457 problem details with a stable code and a sentence that
//! says what to do. The one file that gives refusals their status.

use axum::http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use buddy_core::limits::{REPLY_CHARS_MAX, SESSION_MESSAGES_MAX};
use buddy_store::StoreError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::refusal::Refusal;

/// After an outage of ours: soon, but not at once.
const RETRY_AFTER_OUTAGE_SECONDS: u64 = 2;

/// Problem details for HTTP APIs (RFC 9457), as `application/problem+json`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// The HTTP status, repeated.
    status: u16,
    /// The status in words.
    title: &'static str,
    /// Stable: write programs against this.
    code: &'static str,
    /// What was wrong and what to do.
    detail: String,
    /// Why a callback URL can never be called, as in a session's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<&'static str>,
    #[serde(skip)]
    retry_after_seconds: Option<u64>,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let title = status.canonical_reason().unwrap_or("Error");
        let detail = detail.into();
        Self { status: status.as_u16(), title, code, detail, reason: None, retry_after_seconds: None }
    }

    pub(crate) fn invalid_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", detail)
    }

    pub(crate) fn invalid_value(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "INVALID_VALUE", detail)
    }

    pub(crate) fn unauthenticated(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", detail)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        let detail =
            format!("There is no such {what}; check the id, and that it has not ended or been deleted.");
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", detail)
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).expect("made of a status")
    }

    pub(crate) fn title(&self) -> &'static str {
        self.title
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.retry_after_seconds
    }

    /// `what`: the words that say what was counted, and whose.
    pub(crate) fn rate_limited(what: &str, retry_after_seconds: u64) -> Self {
        let detail = format!("Too many {what}; try again in {retry_after_seconds} s.");
        let problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", detail);
        Self { retry_after_seconds: Some(retry_after_seconds), ..problem }
    }

    pub(crate) fn internal() -> Self {
        let detail =
            "Something went wrong here; the operator's log has the cause under this answer's X-Request-Id.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", detail)
    }

    pub(crate) fn unavailable() -> Self {
        let detail = "The storage does not answer at the moment; try again shortly.";
        let problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", detail);
        Self { retry_after_seconds: Some(RETRY_AFTER_OUTAGE_SECONDS), ..problem }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = refusal.code();
        let problem = match refusal {
            Refusal::NotFound(what) => Self::not_found(what),
            Refusal::BadSetting(bad) => Self::invalid_value(format!("{bad}")),
            Refusal::BadSecret(bad) => Self::invalid_value(format!("secret: {bad}.")),
            Refusal::CallbackUrl(reason) => Self {
                reason: Some(reason.as_str()),
                ..Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, reason.mend())
            },
            Refusal::RotationOpen => Self::new(
                StatusCode::CONFLICT,
                code,
                "A rotation is still open; wait for its overlap to end, or set a secret with PUT …/callback, which ends it.",
            ),
            Refusal::InvalidTicket => Self::new(
                StatusCode::FORBIDDEN,
                code,
                "The ticket is not one for this session: it is the lower-case hex HMAC-SHA256 of `buddy-ticket-v1:` and the session id under the callback secret.",
            ),
            Refusal::OriginNotAllowed => Self::new(
                StatusCode::FORBIDDEN,
                code,
                "The agent is not for pages of this origin; add it to the agent's allowedOrigins.",
            ),
            Refusal::Overloaded => Self {
                retry_after_seconds: Some(RETRY_AFTER_OUTAGE_SECONDS),
                ..Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    code,
                    "Too many sessions are being identified at the moment; try again shortly.",
                )
            },
            Refusal::SessionRevoked => Self::new(
                StatusCode::CONFLICT,
                code,
                "The session was revoked, and its messages are gone; begin a new session.",
            ),
            Refusal::ConversationFull => Self::new(
                StatusCode::CONFLICT,
                code,
                format!("The session has its {SESSION_MESSAGES_MAX} messages; begin a new session."),
            ),
            Refusal::MessageDone => Self::new(
                StatusCode::CONFLICT,
                code,
                "The message is done and grows no more; write a new one.",
            ),
            Refusal::ReplyTooLong => Self::invalid_value(format!(
                "text: the reply would be over {REPLY_CHARS_MAX} characters; end it and write a new one."
            )),
            Refusal::TooManyStreams(most) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                code,
                format!("{most} streams are open, and no more may be; close one first."),
            ),
            Refusal::Store(error) => {
                tracing::error!(%error, "the store failed");
                match error {
                    StoreError::Sealed { .. } | StoreError::Unreadable { .. } => Self::internal(),
                    StoreError::Database(_) | StoreError::Closed => Self::unavailable(),
                }
            }
        };
        Self { code, ..problem }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let body = serde_json::to_vec(&self).expect("texts and numbers serialise");
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// No route has this path.
pub(crate) async fn no_route() -> Problem {
    no_path()
}

/// There is nothing at this path.
pub(crate) fn no_path() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "NOT_FOUND",
        "There is nothing at this path; /v1/openapi.json lists the API.",
    )
}

/// The path is there, but not with this method. `Allow` is kept from the router's own answer.
pub(crate) fn no_method(routers_answer: &Response) -> Response {
    let detail = "This path does not take this method; see the Allow header and /v1/openapi.json.";
    let mut response =
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail).into_response();
    if let Some(allow) = routers_answer.headers().get(ALLOW) {
        response.headers_mut().insert(ALLOW, allow.clone());
    }
    response
}
