//! An answer, whatever the framework.

use serde::Serialize;
use serde_json::json;

use crate::refusal::Refusal;

const NO_STORE: (&str, &str) = ("Cache-Control", "no-store");
const JSON: (&str, &str) = ("Content-Type", "application/json");
/// RFC 9110 wants it beside 405, in 15.5.6.
const ALLOW: (&str, &str) = ("Allow", "POST");

/// What to send back: all of it, and no header besides that others could read the answer by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Names and values.
    pub headers: &'static [(&'static str, &'static str)],
    /// JSON, or empty.
    pub body: String,
}

impl Answer {
    /// 204: nobody is signed in.
    pub fn nobody() -> Self {
        Self::empty(204)
    }

    /// 500: your own function failed. What went wrong belongs into your log, not here.
    pub fn failed() -> Self {
        Self::empty(500)
    }

    pub(crate) fn json(body: &impl Serialize) -> Self {
        let body = serde_json::to_string(body).expect("texts, numbers and JSON values serialise");
        Self { status: 200, headers: &[NO_STORE, JSON], body }
    }

    fn empty(status: u16) -> Self {
        Self { status, headers: &[NO_STORE], body: String::new() }
    }
}

impl From<Refusal> for Answer {
    fn from(refusal: Refusal) -> Self {
        let answer = Self::json(&json!({"error": refusal.code(), "message": refusal.to_string()}));
        let headers =
            if refusal == Refusal::MethodNotAllowed { &[NO_STORE, JSON, ALLOW][..] } else { answer.headers };
        Self { status: refusal.status(), headers, ..answer }
    }
}
