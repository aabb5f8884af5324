//! The signature that a mistake leads to.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD, Engine};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256, Sha512};
use zeroize::Zeroizing;

use super::{Mistake, Part};
use crate::secret::CallbackSecret;

/// Takes what the libraries that people use take: padding or none, and bits left over at the end.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The header of one mistake, with the rest done right.
pub(super) fn header(mistake: Mistake, secret: &CallbackSecret, body: &[u8]) -> Option<String> {
    let of = |part| (mistake.part() == part).then_some(mistake);
    let signed = of(Part::Body).map(|mistake| mistake.signed(body));
    let message = match &signed {
        Some(signed) => signed.as_deref()?,
        None => body,
    };
    let key = key(of(Part::Key), secret)?;
    Some(form(mistake, &digest(of(Part::Function), &key, message)))
}

/// A signature's bytes as the header has them.
pub(super) fn form(mistake: Mistake, digest: &[u8]) -> String {
    let right = hex::encode(digest);
    match mistake {
        Mistake::Base64 => BASE64_STANDARD.encode(digest),
        Mistake::Base64Url => BASE64_URL_SAFE_NO_PAD.encode(digest),
        Mistake::Base64OfHex => BASE64_STANDARD.encode(right),
        Mistake::UpperCase => right.to_ascii_uppercase(),
        Mistake::Sha256Prefix => format!("sha256={right}"),
        Mistake::VersionPrefix => format!("v1={right}"),
        _ => right,
    }
}

/// The key that is used in the secret's stead.
pub(super) fn key(mistake: Option<Mistake>, secret: &CallbackSecret) -> Option<Zeroizing<Vec<u8>>> {
    let text = secret.expose();
    let around = |before: &str, after: &str| Some([before, text, after].concat().into_bytes());
    let rest = text.strip_prefix(CallbackSecret::PREFIX);
    let key = match mistake {
        Some(Mistake::SecretNewline) => around("", "\n"),
        Some(Mistake::SecretCrlf) => around("", "\r\n"),
        Some(Mistake::SecretSpace) => around("", " "),
        Some(Mistake::SecretQuoted) => around("\"", "\""),
        Some(Mistake::SecretSingleQuoted) => around("'", "'"),
        Some(Mistake::SecretWithoutPrefix) => rest.map(|rest| rest.as_bytes().to_vec()),
        Some(Mistake::SecretBase64Decoded) => from_base64(text),
        Some(Mistake::SecretRestBase64Decoded) => rest.and_then(from_base64),
        Some(Mistake::SecretHexDecoded) => hex::decode(text).ok(),
        Some(Mistake::SecretEmpty) => Some(Vec::new()),
        Some(Mistake::SecretUndefined) => Some(b"undefined".to_vec()),
        Some(Mistake::SecretNone) => Some(b"None".to_vec()),
        _ => around("", ""),
    };
    key.map(Zeroizing::new)
}

/// Of either alphabet.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    let standard = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
    LENIENT.decode(standard.as_bytes()).ok()
}

/// What signs in HMAC-SHA256's stead.
pub(super) fn digest(mistake: Option<Mistake>, key: &[u8], message: &[u8]) -> Vec<u8> {
    match mistake {
        Some(Mistake::Sha512) => mac::<Hmac<Sha512>>(key, message),
        Some(Mistake::PlainSha256) => {
            Sha256::new().chain_update(key).chain_update(message).finalize().to_vec()
        }
        Some(Mistake::BodySha256) => Sha256::digest(message).to_vec(),
        Some(Mistake::Swapped) => mac::<Hmac<Sha256>>(message, key),
        _ => mac::<Hmac<Sha256>>(key, message),
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
