//! The ticket: the business's proof, handed back through the user's own page, that it has bound this session.

use hmac::Mac;

use super::signature::mac;
use crate::id::SessionId;
use crate::secret::CallbackSecret;

const PREFIX: &str = "buddy-ticket-v1:";

/// The ticket is good: `lower-case hex HMAC-SHA256(secret, "buddy-ticket-v1:" + sessionId)`.
///
/// Compares in constant time.
pub fn verify(secret: &CallbackSecret, session_id: SessionId, ticket: &str) -> bool {
    let mut presented = [0_u8; 32];
    let lower_case = !ticket.bytes().any(|byte| byte.is_ascii_uppercase());
    let decoded = lower_case && hex::decode_to_slice(ticket, &mut presented).is_ok();
    let message = format!("{PREFIX}{session_id}");
    decoded && mac(secret, message.as_bytes()).verify_slice(&presented).is_ok()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Vector {
        name: String,
        secret: String,
        session_id: String,
        ticket: String,
    }

    #[test]
    fn the_vectors_tickets_are_good_and_their_neighbours_are_not() {
        let file: Vectors =
            serde_json::from_str(include_str!("../../../../spec/vectors/ticket.json")).unwrap();
        assert!(file.vectors.len() >= 3);
        for Vector { name, secret, session_id, ticket } in file.vectors {
            let secret = CallbackSecret::parse(&secret).unwrap();
            let session_id: SessionId = session_id.parse().unwrap();
            assert!(verify(&secret, session_id, &ticket), "{name}");
            assert!(!verify(&secret, session_id, &ticket.to_uppercase()), "{name}: upper case");
            assert!(!verify(&secret, session_id, &ticket[1..]), "{name}: short");
            assert!(!verify(&secret, session_id, &format!("{ticket}00")), "{name}: long");
            assert!(!verify(&secret, session_id, ""), "{name}: empty");
            let other = CallbackSecret::parse("another-secret-00").unwrap();
            assert!(!verify(&other, session_id, &ticket), "{name}: another secret");
        }
    }
}
