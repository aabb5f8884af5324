//! `X-Platform-Signature`: lower-case hex HMAC-SHA256 over exactly the bytes that are sent.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::secret::CallbackSecret;

/// The header that carries the signature: 64 characters, nothing else.
pub const SIGNATURE_HEADER: &str = "x-platform-signature";

/// Signs a body. The key is the secret's text as the business holds it, prefix included.
pub fn sign(secret: &CallbackSecret, body: &[u8]) -> String {
    hex::encode(mac(secret, body).finalize().into_bytes())
}

/// The keyed hash over `message`, for [`sign`] and for tickets.
pub(super) fn mac(secret: &CallbackSecret, message: &[u8]) -> Hmac<Sha256> {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac
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
    struct Vector {
        name: String,
        secret: String,
        body: String,
        signature: String,
    }

    #[test]
    fn signatures_are_those_of_the_vectors() {
        let file: Vectors =
            serde_json::from_str(include_str!("../../../../spec/vectors/signature.json")).unwrap();
        assert!(file.vectors.len() >= 10);
        for vector in file.vectors {
            let secret = CallbackSecret::parse(&vector.secret).unwrap();
            assert_eq!(sign(&secret, vector.body.as_bytes()), vector.signature, "{}", vector.name);
        }
    }
}
