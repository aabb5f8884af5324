//! What a customer writes: bind a session to the user who is signed in, and answer who that was.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use buddy_verify::{Answer, MemoryStore, Refusal, Request, VerifyError, identity, session};
use serde_json::Value;

use crate::unix_now;

/// A user of the shop.
#[derive(Clone, Debug)]
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

/// The shop's users, and whose session is whose.
pub struct Accounts {
    identity: identity::Endpoint,
    session: session::Endpoint,
    store: MemoryStore,
    users: Mutex<HashMap<String, User>>,
}

impl Accounts {
    pub(crate) fn new(secret: &str) -> Result<Self, VerifyError> {
        Ok(Self {
            identity: identity::Endpoint::new([secret])?,
            session: session::Endpoint::new(secret)?,
            store: MemoryStore::new(unix_now),
            users: Mutex::default(),
        })
    }

    /// The session endpoint: the page says which session, the shop's cookie says which user. The ticket is for the first who
    /// binds the session: who comes later is refused, for with a ticket he would be taken for the first.
    pub fn bind(&self, session_id: &str, user: User) -> Result<String, Refusal> {
        let claim = self.session.claim(session_id)?;
        let is_bound = self.store.bind(claim.session_id(), &user.user_id);
        let ticket = claim.ticket(is_bound)?;
        self.users.lock().unwrap_or_else(PoisonError::into_inner).insert(user.user_id.clone(), user);
        Ok(ticket)
    }

    /// The identity endpoint: 401 to anybody but Buddy, 204 where nobody is signed in, else the user.
    pub fn identify(&self, request: &Request<'_>) -> Answer {
        let callback = match self.identity.check(request, unix_now()) {
            Ok(callback) => callback,
            Err(refusal) => return refusal.into(),
        };
        let user = self.store.find(&callback.session_id).and_then(|user_id| self.user(&user_id));
        identity::answer(user.as_ref()).unwrap_or_else(|_| Answer::failed())
    }

    fn user(&self, user_id: &str) -> Option<buddy_verify::User> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let User { user_id, email, role, custom_attributes } = users.get(user_id)?.clone();
        Some(buddy_verify::User::new(user_id).email(email).role(role).custom_attributes(custom_attributes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";

    fn user(user_id: &str) -> User {
        let (email, role) = (format!("{user_id}@shop.example"), "customer".to_owned());
        User { user_id: user_id.to_owned(), email, role, custom_attributes: Value::Null }
    }

    /// Mallory begins a session, makes Ada's browser bind it, and asks for a ticket himself. With one, Buddy would ask the shop
    /// about his session, and hear that he is Ada.
    #[test]
    fn whoever_lures_a_user_into_binding_his_session_gets_no_ticket() {
        let accounts = Accounts::new("0123456789abcdef").unwrap();
        let to_adas_browser = accounts.bind(SESSION, user("ada")).unwrap();
        assert_eq!(accounts.bind(SESSION, user("mallory")), Err(Refusal::SessionTaken));
        assert_eq!(accounts.bind(SESSION, user("ada")), Ok(to_adas_browser));
    }

    #[test]
    fn a_text_that_is_no_session_id_is_refused() {
        let accounts = Accounts::new("0123456789abcdef").unwrap();
        let refused = accounts.bind("' OR 1=1", user("ada")).unwrap_err();
        assert_eq!(refused.code(), "bad_session_id");
    }
}
