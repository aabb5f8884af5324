//! Tickets: what the customer's package makes is what the server takes, and nothing else is.

use buddy_core::callback::ticket::verify;
use buddy_core::id::SessionId;
use buddy_core::secret::CallbackSecret;

/// `data` is three lines: a session id from a browser, a secret, a ticket that is presented (`=`: the right one).
pub fn ticket(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let mut lines = text.splitn(3, '\n');
    let (Some(session), Some(secret), Some(presented)) = (lines.next(), lines.next(), lines.next()) else {
        return false;
    };
    let made = buddy_verify::ticket(secret, session);
    assert_eq!(made.is_ok(), is_session_id(session), "{session:?}");
    let Ok(session_id) = session.parse::<SessionId>() else { return false };
    assert_eq!(session_id.to_string(), session, "one session has one spelling");
    let made = made.expect("a session's id has the form that the customer checks");
    let Ok(secret) = CallbackSecret::parse(secret) else { return false };

    let presented = if presented == "=" { &made } else { presented };
    assert_eq!(verify(&secret, session_id, presented), presented == made);
    assert_neighbours_fail(&secret, session_id, &made, data.len());
    presented == made
}

fn assert_neighbours_fail(secret: &CallbackSecret, session_id: SessionId, made: &str, seed: usize) {
    assert!(verify(secret, session_id, made));
    let at = seed % made.len();
    let other = if made.as_bytes()[at] == b'0' { '1' } else { '0' };
    let flipped = format!("{}{other}{}", &made[..at], &made[at + 1..]);
    let upper = made.to_uppercase();
    for ticket in [flipped.as_str(), &made[1..], &made[..63], &format!("{made}0"), &format!("{made}\n"), ""] {
        assert!(!verify(secret, session_id, ticket), "{ticket:?}");
    }
    assert!(upper == made || !verify(secret, session_id, &upper));

    let longer = format!("{}x", &secret.expose()[1..]);
    let other_secret = CallbackSecret::parse(&longer).expect("of the same length and characters");
    assert!(other_secret == *secret || !verify(&other_secret, session_id, made));
}

/// `^sess_[0-9a-z]{26}$`
pub(crate) fn is_session_id(text: &str) -> bool {
    let bytes = text.as_bytes();
    let suffix = bytes.strip_prefix(b"sess_").unwrap_or_default();
    suffix.len() == 26 && suffix.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'z'))
}
