//! The secret shared with Buddy: its form, and what is made with it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::verify::VerifyError;

/// The shortest secret Buddy takes; an empty one, from a setting that was not set, would let anybody sign.
const SECRET_CHARS_MIN: usize = 16;
/// The longest secret Buddy takes.
const SECRET_CHARS_MAX: usize = 256;

/// A secret of good form, which no log sees.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(text: String) -> Result<Self, VerifyError> {
        check(&[&text])?;
        Ok(Self(text))
    }
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

pub(crate) fn check(secrets: &[impl AsRef<str>]) -> Result<(), VerifyError> {
    let is_good = |secret: &str| {
        (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&secret.len())
            && secret.bytes().all(|byte| byte.is_ascii_graphic())
    };
    match secrets {
        [] => Err(VerifyError::NoSecret),
        _ if secrets.iter().all(|secret| is_good(secret.as_ref())) => Ok(()),
        _ => Err(VerifyError::BadSecret),
    }
}

pub(crate) fn hmac(secret: &str, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
