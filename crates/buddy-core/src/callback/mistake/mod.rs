//! How people get the signature wrong: each known mistake by a stable name, with the very header it leads to.
//!
//! [`diagnose`] goes from a signature to the mistake; [`Mistake::header`] from the mistake to the signature, so that an
//! endpoint can be asked which mistake it makes.

mod diagnose;
mod forge;
#[cfg(test)]
mod tests;
mod written;

pub use diagnose::{Diagnosis, Finding, Shape, diagnose, first_difference};

use std::fmt;
use std::str::FromStr;

use crate::reason::Unknown;
use crate::secret::CallbackSecret;

/// Which part of signing a mistake changes. Of each part a signature shows one mistake at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// How the signature is written in the header.
    Form,
    /// Which bytes are signed.
    Body,
    /// Which bytes are the key.
    Key,
    /// Which function signs.
    Function,
}

macro_rules! mistakes {
    ($($variant:ident = $name:literal, $part:ident, $mend:literal;)*) => {
        /// A known mistake in signing or verifying.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Mistake {
            $(#[doc = $mend] $variant,)*
        }

        impl Mistake {
            /// All of them; of two that lead to one signature the likelier comes first.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name as it is written everywhere.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Which part of signing it changes.
            pub fn part(self) -> Part {
                match self { $(Self::$variant => Part::$part,)* }
            }

            /// One sentence: what is wrong and what to do. Never a body or a secret.
            pub fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend,)* }
            }
        }
    };
}

mistakes! {
    Base64 = "base64", Form, "The signature is written in base64: write it in lower-case hex, 64 characters.";
    Base64Url = "base64url", Form, "The signature is written in base64url: write it in lower-case hex, 64 characters.";
    Base64OfHex = "base64_of_hex", Form, "The signature is written in hex and then again in base64: leave it in hex.";
    UpperCase = "upper_case", Form, "The signature is written in upper-case hex: write it in lower case.";
    Sha256Prefix = "sha256_prefix", Form, "The signature has `sha256=` before it: the header is the 64 hex digits alone.";
    VersionPrefix = "version_prefix", Form, "The signature has a version such as `v1=` before it: the header is the 64 hex digits alone.";

    BodyTrimmed = "body_trimmed", Body, "The signature is that of the body without the white space or byte order mark around it: keep the raw bytes, no line end added and none taken.";
    BodyAsSent = "body_as_sent", Body, "The signature is that of the body as Buddy sends it, and this body was written again since: keep the raw bytes, before anything parses them.";
    BodySpaced = "body_spaced", Body, "What was signed is the JSON written again with a space after each colon and comma, as Python's `json.dumps` does: sign the raw body.";
    BodySorted = "body_sorted", Body, "What was signed is the JSON written again with its members in alphabetical order: sign the raw body.";
    BodySortedSpaced = "body_sorted_spaced", Body, "What was signed is the JSON written again, sorted and with spaces, as `json.dumps(sort_keys=True)` does: sign the raw body.";
    BodyIndented2 = "body_indented_2", Body, "What was signed is the JSON written again on lines indented by 2 spaces: sign the raw body.";
    BodyIndented4 = "body_indented_4", Body, "What was signed is the JSON written again on lines indented by 4 spaces: sign the raw body.";
    BodyNewline = "body_newline", Body, "What was signed is the body and a line end (LF) after it, as `echo` adds one: sign the raw body and no more.";
    BodyCrlf = "body_crlf", Body, "What was signed is the body and a line end (CR LF) after it: sign the raw body and no more.";
    BodyQuoted = "body_quoted", Body, "What was signed is the body as a JSON string, in quotes and escaped: it was text already, so do not stringify it.";
    BodyPythonDict = "body_python_dict", Body, "What was signed is `str()` of the parsed body, as Python prints a dict: sign the raw body, `request.get_data()` or `await request.body()`.";
    BodyPythonBytes = "body_python_bytes", Body, "What was signed is `str()` of the raw bytes, with `b''` around them: give the bytes themselves to `hmac.new`.";
    BodyObjectObject = "body_object_object", Body, "What was signed is the text `[object Object]`, which JavaScript makes of a parsed body: sign the raw body.";
    BodyEmpty = "body_empty", Body, "What was signed is no bytes at all: the body was read by something else before, so take it first and keep it. Any body would pass with this signature.";
    BodyEmptyObject = "body_empty_object", Body, "What was signed is `{}`: the body was not parsed and is not the raw one either, so ask your framework for the raw body.";
    SessionIdOnly = "session_id_only", Body, "What was signed is the `sessionId` alone: sign the whole raw body, or the timestamp could be changed.";
    TimestampDotBody = "timestamp_dot_body", Body, "What was signed is the timestamp, a dot and the body, as Stripe does: sign the raw body alone, for the timestamp is in it.";
    VersionTimestampBody = "version_timestamp_body", Body, "What was signed is `v0`, the timestamp and the body with colons between, as Slack does: sign the raw body alone, for the timestamp is in it.";

    SecretNewline = "secret_newline", Key, "The secret has a line end (LF) after it, mostly from its file: strip it; the key is the secret's text alone.";
    SecretCrlf = "secret_crlf", Key, "The secret has a line end (CR LF) after it, mostly from its file: strip it; the key is the secret's text alone.";
    SecretSpace = "secret_space", Key, "The secret has a space after it: strip it; the key is the secret's text alone.";
    SecretQuoted = "secret_quoted", Key, "The secret has double quotes around it, mostly from an `.env` file: take them off; the key is the secret's text alone.";
    SecretSingleQuoted = "secret_single_quoted", Key, "The secret has single quotes around it, mostly from an `.env` file: take them off; the key is the secret's text alone.";
    SecretWithoutPrefix = "secret_without_prefix", Key, "The secret's prefix `bcs_` was left out of the key: it is part of it.";
    SecretBase64Decoded = "secret_base64_decoded", Key, "The secret was decoded from base64: the key is its text, whatever it looks like.";
    SecretRestBase64Decoded = "secret_rest_base64_decoded", Key, "What follows `bcs_` in the secret was decoded from base64: the key is the whole text, prefix included.";
    SecretHexDecoded = "secret_hex_decoded", Key, "The secret was decoded from hex: the key is its text, whatever it looks like.";
    SecretEmpty = "secret_empty", Key, "The key is empty, as from a variable that is not set: set it. Anybody can make such a signature.";
    SecretUndefined = "secret_undefined", Key, "The key is the word `undefined`, as from a variable that is not set: set it. Anybody can make such a signature.";
    SecretNone = "secret_none", Key, "The key is the word `None`, as from a variable that is not set: set it. Anybody can make such a signature.";

    Sha512 = "sha512", Function, "The function is HMAC-SHA512: it must be HMAC-SHA256.";
    PlainSha256 = "plain_sha256", Function, "The function is SHA-256 of the secret and the body, without HMAC: use your library's HMAC, for such a hash can be extended.";
    BodySha256 = "body_sha256", Function, "The function is SHA-256 of the body alone, without the secret: use HMAC-SHA256. Anybody can make such a signature.";
    Swapped = "swapped", Function, "The secret and the body are in each other's place: the secret is the key, the body the message.";
}

impl Mistake {
    /// The `X-Platform-Signature` which somebody who makes this mistake, and no other, computes for a body.
    ///
    /// It is valid header text. None where the mistake cannot be made, such as with a secret that is no hex, or where it
    /// leads to the right signature.
    pub fn header(self, secret: &CallbackSecret, body: &[u8]) -> Option<String> {
        let header = forge::header(self, secret, body)?;
        (header != super::signature::sign(secret, body)).then_some(header)
    }

    /// The bytes that are signed in the body's stead. None for a mistake that is not of [`Part::Body`].
    pub fn signed(self, body: &[u8]) -> Option<Vec<u8>> {
        written::written(self, body)
    }

    /// Whoever does not know the secret can make this signature: an endpoint that takes it is open to everybody.
    pub fn is_forgeable(self) -> bool {
        matches!(self, Self::SecretEmpty | Self::SecretUndefined | Self::SecretNone | Self::BodySha256)
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mistake {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        Self::ALL.iter().copied().find(|mistake| mistake.as_str() == text).ok_or(Unknown)
    }
}
