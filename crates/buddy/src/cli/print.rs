//! What the commands print, for eyes and for shells.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use serde_json::value::RawValue;
use terminal_size::{Width, terminal_size_of};

/// A line on standard output. A reader that has gone misses it, and the command goes on.
pub(super) fn show(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

/// Columns of the terminal that standard output is. `None`: it is none.
pub(super) fn columns() -> Option<usize> {
    terminal_size_of(io::stdout()).map(|(Width(columns), _)| usize::from(columns))
}

/// Text from elsewhere with nothing in it that a terminal acts on: as `\n` or `\u{1b}` instead.
pub(super) fn shown(text: &str) -> String {
    let sign = |letter: char| {
        if is_acted_on(letter) { letter.escape_default().to_string() } else { letter.to_string() }
    };
    text.chars().map(sign).collect()
}

/// JSON from elsewhere in one line, the same to who parses it, with nothing in it that a terminal acts on.
pub(super) fn json_line(json: &RawValue) -> String {
    let sign = |letter: char| match letter {
        // Within a string JSON has none of these: they are between its tokens.
        '\n' | '\r' | '\t' => " ".to_owned(),
        _ if is_acted_on(letter) => format!("\\u{:04x}", u32::from(letter)),
        _ => letter.to_string(),
    };
    json.get().chars().map(sign).collect()
}

/// Control characters, ends of lines, and what turns the direction of a text: all below U+10000.
fn is_acted_on(letter: char) -> bool {
    let turns = matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    letter.is_control() || matches!(letter, '\u{2028}' | '\u{2029}') || turns
}

/// A word that is to be found at once, in its colour.
pub(super) fn bold(colour: AnsiColor, word: &str) -> String {
    let style = Style::new().fg_color(Some(colour.into())).bold();
    format!("{style}{word}{style:#}")
}

/// How a report came out as a whole.
pub(super) fn sum(failed: usize, warned: usize) -> String {
    match (failed, warned) {
        (0, 0) => "All is well.".into(),
        (0, 1) => "Nothing failed; 1 warning.".into(),
        (0, warned) => format!("Nothing failed; {warned} warnings."),
        (failed, 0) => format!("{failed} failed."),
        (failed, 1) => format!("{failed} failed; 1 warning."),
        (failed, warned) => format!("{failed} failed; {warned} warnings."),
    }
}

/// Broken between words into lines of at most so many characters, but for a longer word.
pub(super) fn folded(text: &str, width: usize) -> Vec<String> {
    let mut folded = vec![String::new()];
    for word in text.split_whitespace() {
        let line = folded.last_mut().expect("there is always one");
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            folded.push(word.to_owned());
        } else {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    folded
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
    fn what_a_terminal_acts_on_is_shown_and_not_done() {
        let hostile = "a\u{1b}[2J\r\n\u{9b}1m\u{202e}é”";
        assert_eq!(shown(hostile), r"a\u{1b}[2J\r\n\u{9b}1m\u{202e}é”");
        let json = RawValue::from_string("{\n \"a\":\t\"\u{7f}\u{9b}\u{2066}é\\n\"\r}".to_owned()).unwrap();
        let line = json_line(&json);
        assert_eq!(line, r#"{  "a": "\u007f\u009b\u2066é\n" }"#);
        let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(value(&line), value(json.get()));
    }

    #[test]
    fn lines_are_broken_between_words() {
        assert_eq!(folded("one  two three", 7), ["one two", "three"]);
        assert_eq!(folded("afterwards, no", 4), ["afterwards,", "no"]);
        assert_eq!(folded("", 4), [""]);
    }

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
