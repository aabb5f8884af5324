//! The callback of `spec/callback.md`, as far as its price goes.

use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac::{self, HMAC_SHA256};

/// What signs it; the key is the text itself.
pub const SECRET: &[u8] = b"buddy-bench-secret";
/// The header with the signature, lower-case hex.
pub const SIGNATURE: &str = "x-platform-signature";
/// The user whom the endpoint knows.
pub const ANSWER: &[u8] = br#"{"userId":"user_123","email":"ada@example.com","role":"customer","customAttributes":{"plan":"pro","lifetimeValue":4200}}"#;

/// The secret as a key, set up once.
pub fn key() -> hmac::Key {
    hmac::Key::new(HMAC_SHA256, SECRET)
}

/// The body, byte for byte as it is signed.
pub fn body(session_id: &str, agent_id: &str, unix_seconds: u64) -> String {
    format!(r#"{{"sessionId":"{session_id}","agentId":"{agent_id}","timestamp":{unix_seconds}}}"#)
}

/// The signature of a body.
pub fn sign(key: &hmac::Key, body: &[u8]) -> String {
    hex::encode(hmac::sign(key, body))
}

/// Whether `signature` is that of `body`.
pub fn verify(key: &hmac::Key, body: &[u8], signature: &[u8]) -> bool {
    let mut bytes = [0; 32];
    hex::decode_to_slice(signature, &mut bytes).is_ok() && hmac::verify(key, body, &bytes).is_ok()
}

/// Milliseconds since 1970.
pub fn unix_millis() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or_default()
}
