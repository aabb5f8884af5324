//! What the commands print, for eyes and for shells.

use std::io::{self, Write};

/// A line on standard output. A reader that has gone misses it, and the command goes on.
pub(super) fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// As a shell takes it for one word.
pub(super) fn quoted(word: &str) -> String {
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
