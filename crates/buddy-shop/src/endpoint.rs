//! What a customer writes: bind a session to the user who is signed in, and answer who that was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use buddy_verify::{BadSessionId, ticket, verify};
use serde::Serialize;
use serde_json::Value;

use crate::unix_now;

/// A user of the shop, as the identity endpoint answers it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// The shop's own id.
    pub user_id: String,
    /// Where to write to.
    pub email: String,
    /// What the user may do.
    pub role: String,
    /// What the agent may know besides.
    pub custom_attributes: Value,
}

/// Who is signed in, by session id.
pub struct Accounts {
    secret: String,
    bound: Mutex<HashMap<String, User>>,
}

impl Accounts {
    pub(crate) fn new(secret: &str) -> Self {
        Self { secret: secret.to_owned(), bound: Mutex::default() }
    }

    /// The session endpoint: the page says which session, the shop's cookie says which user. The first to bind
    /// a session has it.
    pub fn bind(&self, session_id: &str, user: User) -> Result<String, BadSessionId> {
        let ticket = ticket(&self.secret, session_id)?;
        self.bound
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(session_id.to_owned())
            .or_insert(user);
        Ok(ticket)
    }

    /// The identity endpoint: 401 to anybody but Buddy, 204 where nobody is signed in, else the user.
    pub fn identify(&self, body: &[u8], signature: Option<&str>) -> (u16, String) {
        let callback = match verify(body, signature, &[&self.secret], unix_now()) {
            Ok(callback) => callback,
            Err(refused) => return (401, refused.to_string()),
        };
        let bound = self.bound.lock().unwrap_or_else(PoisonError::into_inner);
        match bound.get(&callback.session_id) {
            Some(user) => (200, serde_json::to_string(user).expect("texts and JSON serialise")),
            None => (204, String::new()),
        }
    }
}
