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

/// Bytes of either text before and after the place where they begin to differ.
const CONTEXT: usize = 24;

/// Two texts of bytes around their first difference, one under the other, with nothing in them that cannot be seen.
///
/// Both parts and the offset of the mark below them.
pub(super) fn around(at: usize, one: &[u8], other: &[u8]) -> (String, String, usize) {
    let from = at.saturating_sub(CONTEXT);
    let part = |bytes: &[u8]| {
        let to = bytes.len().min(at + CONTEXT);
        let (before, after) = (if from > 0 { "…" } else { "" }, if to < bytes.len() { "…" } else { "" });
        format!("{before}{}{after}", visible(&bytes[from..to]))
    };
    let mark = usize::from(from > 0) + visible(&one[from..at]).len();
    (part(one), part(other), mark)
}

/// Bytes as text: `\n` for a line end, `\x00` and the like for what has no sign of its own.
fn visible(bytes: &[u8]) -> String {
    let sign = |&byte: &u8| match byte {
        b'\'' | b'"' => char::from(byte).to_string(),
        _ => std::ascii::escape_default(byte).to_string(),
    };
    bytes.iter().map(sign).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_shown_with_what_is_around_it() {
        let long = "x".repeat(30);
        for (at, one, other, expected) in [
            (0, "", "{}", ("", "{}", 0)),
            (2, "{}\n", "{}", (r"{}\n", "{}", 2)),
            (1, "\r\0b", "\r\t\u{e9}", (r"\r\x00b", r"\r\t\xc3\xa9", 2)),
            (
                30,
                &format!("{long}a"),
                &format!("{long}b{long}"),
                (&format!("…{}a", "x".repeat(24)), &format!("…{}b{}…", "x".repeat(24), "x".repeat(23)), 25),
            ),
        ] {
            let (one, other, mark) = around(at, one.as_bytes(), other.as_bytes());
            assert_eq!((one.as_str(), other.as_str(), mark), expected);
        }
    }
}
