//! The rows of both endpoints, and what is asserted of each answer. The tests of `buddy-verify-axum` read them too.

use std::collections::BTreeMap;

use buddy_verify::{BINDING_SECONDS, BODY_BYTES_MAX, User};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::vectors::read;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentityRows {
    pub(crate) now: i64,
    body_bytes_max: usize,
    pub(crate) vectors: Vec<IdentityRow>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentityRow {
    pub(crate) name: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) agent_id: Option<String>,
    user: Option<Value>,
    #[serde(flatten)]
    pub(crate) sent: Sent,
    pub(crate) expect: Expect,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionRows {
    pub(crate) secret: String,
    pub(crate) session_id: String,
    body_bytes_max: usize,
    binding_seconds: i64,
    pub(crate) vectors: Vec<SessionRow>,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SessionRow {
    pub(crate) name: String,
    pub(crate) agent_id: Option<String>,
    pub(crate) signed_in: Option<String>,
    pub(crate) bound_to: Option<String>,
    #[serde(flatten)]
    pub(crate) sent: Sent,
    pub(crate) expect: Expect,
}

#[derive(Clone, Deserialize)]
pub(crate) struct Sent {
    pub(crate) method: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Expect {
    status: u16,
    json: Option<Value>,
    error: Option<String>,
    ticket: Option<String>,
    pub(crate) bound_to: Option<String>,
}

/// An answer as a client sees it, the names of its headers in lower case.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) fn identity_rows() -> IdentityRows {
    let rows: IdentityRows = read("identity_endpoint.json");
    assert_eq!(rows.body_bytes_max, BODY_BYTES_MAX);
    assert!(rows.vectors.len() >= 18);
    rows
}

pub(crate) fn session_rows() -> SessionRows {
    let rows: SessionRows = read("session_endpoint.json");
    assert_eq!((rows.body_bytes_max, rows.binding_seconds), (BODY_BYTES_MAX, BINDING_SECONDS));
    assert!(rows.vectors.len() >= 44);
    rows
}

impl IdentityRow {
    /// The user whom the business's look-up gives.
    pub(crate) fn user(&self) -> Option<User> {
        let row = self.user.as_ref()?;
        let text = |member: &str| row[member].as_str().map(str::to_owned);
        let mut user = User::new(text("userId").expect("the users of the rows have ids"))
            .custom_attributes(row["customAttributes"].clone());
        user.email = text("email");
        user.role = text("role");
        Some(user)
    }
}

impl Expect {
    pub(crate) fn assert_is(&self, seen: &Seen, row: &str) {
        let header = |wanted: &str| {
            seen.headers.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str())
        };
        assert_eq!(seen.status, self.status, "{row}: {}", seen.body);
        assert_eq!(header("cache-control"), Some("no-store"), "{row}");
        assert!(!seen.headers.iter().any(|(name, _)| name.starts_with("access-control-")), "{row}");
        if seen.status == 204 {
            assert_eq!(seen.body, "", "{row}");
            return;
        }
        assert_eq!(header("content-type"), Some("application/json"), "{row}");
        let mut body: Value =
            serde_json::from_str(&seen.body).unwrap_or_else(|error| panic!("{row}: {error}"));
        if let Some(error) = &self.error {
            let message = body["message"].take();
            assert!(message.as_str().is_some_and(|message| !message.is_empty()), "{row}");
            assert_eq!(body, json!({"error": error, "message": null}), "{row}");
        } else if let Some(ticket) = &self.ticket {
            assert_eq!(body, json!({"ticket": ticket}), "{row}");
        } else {
            assert_eq!(Some(&body), self.json.as_ref(), "{row}");
        }
    }
}
