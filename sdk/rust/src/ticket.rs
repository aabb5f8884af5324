//! The ticket of a session, and which texts are the id of one.

use crate::secret::hmac;

/// Keeps a ticket from ever being the signature of a callback, or the other way round.
const TICKET_PREFIX: &str = "buddy-ticket-v1:";

/// A text that is no session id, and is therefore not signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session id is sess_ and 26 characters of 0-9 and a-z")]
pub struct BadSessionId;

/// The ticket for a session: proof to Buddy, through the user's own page, that the business has noted whose session it is.
///
/// The session id comes from a browser, so its form is checked before it is signed. Give a ticket only to the user whom the
/// session has been bound to: [`session::Endpoint`](crate::session::Endpoint) does so.
///
/// # Errors
/// The session id does not match `^sess_[0-9a-z]{26}$`: answer 400.
pub fn ticket(secret: &str, session_id: &str) -> Result<String, BadSessionId> {
    if !is_session_id(session_id) {
        return Err(BadSessionId);
    }
    let message = format!("{TICKET_PREFIX}{session_id}");
    Ok(hex::encode(hmac(secret, message.as_bytes())))
}

pub(crate) fn is_session_id(text: &str) -> bool {
    let is_digit = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    text.strip_prefix("sess_").is_some_and(|rest| rest.len() == 26 && rest.bytes().all(is_digit))
}
