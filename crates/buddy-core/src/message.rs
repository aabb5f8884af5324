//! What the two sides of a conversation say: the visitor, and the agent's own software.

use std::fmt;
use std::str::FromStr;

use crate::agent::BadSetting;
use crate::id::{MessageId, SessionId};
use crate::limits::{MESSAGE_CHARS_MAX, REPLY_CHARS_MAX};
use crate::reason::Unknown;
use crate::time::UnixMillis;

/// Who wrote a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The visitor, with the session's token.
    Visitor,
    /// The agent's software, with its key.
    Agent,
}

impl Sender {
    /// As it is written in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::Agent => "agent",
        }
    }
}

impl FromStr for Sender {
    type Err = Unknown;

    fn from_str(text: &str) -> Result<Self, Unknown> {
        [Self::Visitor, Self::Agent].into_iter().find(|sender| sender.as_str() == text).ok_or(Unknown)
    }
}

/// What was said. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// 1–8,000 characters, and of control characters only the line feed and the tab.
    pub fn parse(text: String) -> Result<Self, BadSetting> {
        if text.is_empty() || !is_sendable(&text) {
            return Err(bad_text(1));
        }
        Ok(Self(text))
    }

    /// What a growing reply gains: as a message is, but nothing at all is good too.
    pub fn parse_gain(text: String) -> Result<Self, BadSetting> {
        if is_sendable(&text) { Ok(Self(text)) } else { Err(bad_text(0)) }
    }

    /// A text that was checked before, as the store has it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This text and `gain` after it, if a reply may grow so far.
    pub fn grown(&self, gain: &Self) -> Option<Self> {
        let text = format!("{}{}", self.0, gain.0);
        (text.chars().count() <= REPLY_CHARS_MAX).then_some(Self(text))
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Text(…)")
    }
}

fn is_sendable(text: &str) -> bool {
    let allowed = |character: char| !character.is_control() || matches!(character, '\n' | '\t');
    text.chars().count() <= MESSAGE_CHARS_MAX && text.chars().all(allowed)
}

fn bad_text(least: usize) -> BadSetting {
    let must = format!(
        "must be {least} to {MESSAGE_CHARS_MAX} characters, without control characters but \\n and \\t."
    );
    BadSetting::new("text", must)
}

/// One message as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its name.
    pub id: MessageId,
    /// The conversation that it is of.
    pub session_id: SessionId,
    /// Who wrote it.
    pub from: Sender,
    /// What it says so far.
    pub text: Text,
    /// It will not grow any more.
    pub done: bool,
    /// When it was begun. Later within a session for a later message, so that this is their order.
    pub created_at: UnixMillis,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_of_1_to_8000_characters_and_no_control_characters() {
        let just = "🦀".repeat(8_000);
        for good in ["a", " ", "a\n\tb", "\u{2028}", "é\u{301}", &just] {
            assert_eq!(Text::parse(good.to_owned()).unwrap().as_str(), good);
        }
        let long = "a".repeat(8_001);
        for bad in ["", "a\r\n", "\0", "\u{1b}[31m", "\u{7f}", "\u{85}", &long] {
            let refused = Text::parse(bad.to_owned()).unwrap_err();
            assert!(refused.to_string().starts_with("text: must be 1 to 8000 characters"), "{refused}");
        }
    }

    #[test]
    fn a_gain_may_be_nothing_and_is_bounded_as_a_message_is() {
        assert_eq!(Text::parse_gain(String::new()).unwrap().as_str(), "");
        assert!(Text::parse_gain("a".repeat(8_001)).is_err());
        assert!(Text::parse_gain("\r".to_owned()).is_err());
    }

    #[test]
    fn a_reply_grows_to_32000_characters_and_no_further() {
        let gain = Text::parse("é".repeat(8_000)).unwrap();
        let mut reply = gain.clone();
        for _ in 1..4 {
            reply = reply.grown(&gain).unwrap();
        }
        assert_eq!(reply.as_str(), "é".repeat(32_000));
        assert!(reply.grown(&Text::stored("a".to_owned())).is_none());
        assert_eq!(reply.grown(&Text::stored(String::new())).unwrap(), reply);
    }

    #[test]
    fn a_sender_reads_back_and_a_text_is_never_printed() {
        for sender in [Sender::Visitor, Sender::Agent] {
            assert_eq!(sender.as_str().parse(), Ok(sender));
        }
        assert!("Visitor".parse::<Sender>().is_err());
        assert_eq!(format!("{:?}", Text::parse("secret".to_owned()).unwrap()), "Text(…)");
    }
}
