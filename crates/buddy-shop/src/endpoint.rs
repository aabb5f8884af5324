//! What a customer writes: bind a session to the user who is signed in, and answer who that was.

use buddy_verify::{Answer, MemoryStore, Refusal, Request, VerifyError, identity, session};

use crate::unix_now;
use crate::users::Shopper;

/// What became of a page's wish to bind a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is this user's now, and the page has its ticket.
    Bound(Shopper),
    /// Nobody is signed in.
    Nobody,
    /// No ticket.
    Refused(Refusal),
}

/// Both endpoints' rules, and whose session is whose.
pub struct Accounts {
    identity: identity::Endpoint,
    session: session::Endpoint,
    store: MemoryStore,
}

impl Accounts {
    pub(crate) fn new(secret: &str) -> Result<Self, VerifyError> {
        Ok(Self {
            identity: identity::Endpoint::new([secret])?,
            session: session::Endpoint::new(secret)?,
            store: MemoryStore::new(unix_now),
        })
    }

    /// The session endpoint: the page says which session, the shop's cookie says which user. The ticket is for the first who
    /// binds the session: who comes later is refused, for with a ticket he would be taken for the first.
    pub fn session(&self, request: &Request<'_>, signed_in: Option<Shopper>) -> (Outcome, Answer) {
        let claim = match self.session.check(request) {
            Ok(claim) => claim,
            Err(refusal) => return (Outcome::Refused(refusal), refusal.into()),
        };
        let Some(shopper) = signed_in else { return (Outcome::Nobody, Answer::nobody()) };
        let is_bound = self.store.bind(claim.session_id(), shopper.user_id());
        let outcome =
            if is_bound { Outcome::Bound(shopper) } else { Outcome::Refused(Refusal::SessionTaken) };
        (outcome, claim.answer(is_bound))
    }

    /// The same for a page that the demo plays by itself.
    pub fn bind(&self, session_id: &str, shopper: Shopper) -> Result<String, Refusal> {
        let claim = self.session.claim(session_id)?;
        let is_bound = self.store.bind(claim.session_id(), shopper.user_id());
        claim.ticket(is_bound)
    }

    /// The identity endpoint: 401 to anybody but Buddy, 204 where nobody is signed in, else the user.
    pub fn identify(&self, request: &Request<'_>) -> Answer {
        let callback = match self.identity.check(request, unix_now()) {
            Ok(callback) => callback,
            Err(refusal) => return refusal.into(),
        };
        let shopper = self.store.find(&callback.session_id).and_then(|user_id| Shopper::of_id(&user_id));
        identity::answer(shopper.map(Shopper::facts).as_ref()).unwrap_or_else(|_| Answer::failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";

    /// Mallory begins a session, makes Ada's browser bind it, and asks for a ticket himself. With one, Buddy would ask the shop
    /// about his session, and hear that he is Ada.
    #[test]
    fn whoever_lures_a_user_into_binding_his_session_gets_no_ticket() {
        let accounts = Accounts::new("0123456789abcdef").unwrap();
        let to_adas_browser = accounts.bind(SESSION, Shopper::Ada).unwrap();
        assert_eq!(accounts.bind(SESSION, Shopper::Grace), Err(Refusal::SessionTaken));
        assert_eq!(accounts.bind(SESSION, Shopper::Ada), Ok(to_adas_browser));
    }

    #[test]
    fn a_text_that_is_no_session_id_is_refused() {
        let accounts = Accounts::new("0123456789abcdef").unwrap();
        let refused = accounts.bind("' OR 1=1", Shopper::Ada).unwrap_err();
        assert_eq!(refused.code(), "bad_session_id");
    }
}
