//! A callback as a curl command, for shells.

use std::fmt::Write as _;

use buddy_egress::Request;
use http::HeaderValue;

use crate::ambient::Ambient;
use crate::identify::request::{Sending, compose};

/// All headers of a callback, but what curl adds itself: `Host` and `Content-Length`.
pub(crate) fn headers(sending: Sending, timeout_ms: u32, ambient: &Ambient) -> Vec<(String, String)> {
    let Request { mut headers, deadline_header, .. } = compose(sending, ambient);
    headers.insert(deadline_header, HeaderValue::from(timeout_ms));
    let text = |value: &HeaderValue| value.to_str().expect("what is composed is text").to_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// The command. Headers and data are words as the shell is to take them.
pub(crate) fn command(url: &str, headers: impl Iterator<Item = String>, data: &str) -> String {
    let mut command = format!("curl -i --globoff --http1.1 --url {}", quoted(url));
    for header in headers {
        let _ = write!(command, " \\\n  -H {header}");
    }
    let _ = write!(command, " \\\n  {data}");
    command
}

/// As a shell takes it for one word.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+:@%".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_word_is_one_word() {
        for (word, in_shell) in [
            ("plain/a_b-1.pem", "plain/a_b-1.pem"),
            ("", "''"),
            ("two words", "'two words'"),
            ("it's $HOME `x` \\", r"'it'\''s $HOME `x` \'"),
            ("a\nb", "'a\nb'"),
        ] {
            assert_eq!(quoted(word), in_shell);
        }
    }
}
