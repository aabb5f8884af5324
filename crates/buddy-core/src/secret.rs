//! Secrets: never printed, zeroed on drop, told apart by prefix so that scanners find them.

use std::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::limits::{SECRET_CHARS_MAX, SECRET_CHARS_MIN};

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// ⌈256 / log2(62)⌉: every 32-byte value fits.
const BASE62_OF_32_BYTES: usize = 43;
const BASE: u32 = 62;
/// So many digits of base 62 fit 32 bits.
const DIGITS_AT_ONCE: usize = 5;

/// The secret that a business and its agent share; signs callbacks and tickets.
///
/// The HMAC key is the UTF-8 bytes of the text as the business holds it, prefix included.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct CallbackSecret(String);

/// Why a text cannot be a callback secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a secret is {SECRET_CHARS_MIN} to {SECRET_CHARS_MAX} visible ASCII characters (0x21 to 0x7e, so no spaces or line ends)"
)]
pub struct BadSecret;

impl CallbackSecret {
    /// The prefix of the secrets that Buddy makes.
    pub const PREFIX: &str = "bcs_";

    /// A secret of Buddy's making: `bcs_` and 256 random bits.
    pub fn generate(random: [u8; 32]) -> Self {
        Self(prefixed(Self::PREFIX, random))
    }

    /// A secret of the business's own.
    pub fn parse(text: &str) -> Result<Self, BadSecret> {
        let fits = (SECRET_CHARS_MIN..=SECRET_CHARS_MAX).contains(&text.len());
        let visible = text.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
        if fits && visible { Ok(Self(text.to_owned())) } else { Err(BadSecret) }
    }

    /// The text, for signing, sealing and the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for CallbackSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CallbackSecret(…)")
    }
}

/// Who a bearer token speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// The visitor's browser, for one session.
    Session,
    /// The agent's own software.
    ApiKey,
    /// The operator.
    Admin,
}

impl TokenKind {
    /// The prefix of this kind's tokens.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Session => "bst_",
            Self::ApiKey => "bpk_",
            Self::Admin => "bat_",
        }
    }
}

/// A bearer token. Kept in clear only until it was shown once; the store has its [`TokenHash`].
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Token(String);

impl Token {
    /// A token of 256 random bits.
    pub fn generate(kind: TokenKind, random: [u8; 32]) -> Self {
        Self(prefixed(kind.prefix(), random))
    }

    /// The text, for the one answer that shows it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept in its stead.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// SHA-256 of a token. A token has 256 random bits, so it needs no salt and no slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

impl TokenHash {
    /// The hash of a token as it was presented.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Equal, found out in constant time.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

fn prefixed(prefix: &str, random: [u8; 32]) -> String {
    let random = Zeroizing::new(random);
    let mut rest = Zeroizing::new([0_u32; 8]);
    for (limb, bytes) in rest.iter_mut().zip(random.as_chunks().0) {
        *limb = u32::from_be_bytes(*bytes);
    }
    let mut digits = Zeroizing::new([0_u8; BASE62_OF_32_BYTES]);
    for chunk in digits.rchunks_mut(DIGITS_AT_ONCE) {
        let mut remainder =
            divide(&mut rest, BASE.pow(u32::try_from(chunk.len()).expect("five digits at most")));
        for digit in chunk.iter_mut().rev() {
            *digit = BASE62[(remainder % BASE) as usize];
            remainder /= BASE;
        }
    }
    let mut text = String::with_capacity(prefix.len() + BASE62_OF_32_BYTES);
    text.push_str(prefix);
    text.extend(digits.iter().map(|&digit| char::from(digit)));
    text
}

/// Divides the big-endian number in place, and gives the remainder.
fn divide(number: &mut [u32; 8], divisor: u32) -> u32 {
    let mut remainder = 0;
    for limb in number.iter_mut() {
        let value = u64::from(remainder) << 32 | u64::from(*limb);
        let divisor = u64::from(divisor);
        *limb =
            u32::try_from(value / divisor).expect("the remainder is below the divisor, so the quotient fits");
        remainder = u32::try_from(value % divisor).expect("below the divisor");
    }
    remainder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_secrets_have_prefix_43_characters_and_all_bits() {
        assert_eq!(CallbackSecret::generate([0; 32]).expose(), format!("bcs_{}", "0".repeat(43)));
        let full = CallbackSecret::generate([255; 32]);
        // 2^256 - 1 in base 62, computed elsewhere.
        assert_eq!(full.expose(), "bcs_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp1");
        assert_eq!(Token::generate(TokenKind::Admin, [1; 32]).expose().get(..4), Some("bat_"));
    }

    #[test]
    fn own_secrets_are_16_to_256_visible_characters() {
        for good in ["a".repeat(16), "~!".repeat(128), "0123456789abcdef".into()] {
            assert!(CallbackSecret::parse(&good).is_ok(), "{good}");
        }
        for bad in [
            "a".repeat(15),
            "a".repeat(257),
            "with a space in it".into(),
            "0123456789abcdef\n".into(),
            "é".repeat(16),
        ] {
            assert_eq!(CallbackSecret::parse(&bad), Err(BadSecret), "{bad}");
        }
    }

    #[test]
    fn debug_prints_nothing_of_a_secret() {
        let secret = CallbackSecret::parse("canary-0123456789").unwrap();
        let token = Token::generate(TokenKind::Session, [3; 32]);
        let printed = format!("{secret:?} {token:?} {:?}", token.hash());
        assert_eq!(printed, "CallbackSecret(…) Token(…) TokenHash(…)");
    }
}
