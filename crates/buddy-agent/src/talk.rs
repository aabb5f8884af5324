//! What was said in a session, and what of it is still to be answered.

use std::collections::VecDeque;

use crate::api::{Message, Speaker};
use crate::limits::{CONTEXT_CHARS_MAX, CONTEXT_MESSAGES_MAX};

/// One message, as the answerer is shown it. Never printed.
pub(crate) struct Line {
    pub(crate) speaker: Speaker,
    pub(crate) text: String,
    open: bool,
}

/// A session's messages, read from the oldest on; the last ones are kept.
#[derive(Default)]
pub(crate) struct Talk {
    /// The last message of the visitor that was answered, as far as this program remembers.
    answered: Option<String>,
    remembers: bool,
    lines: VecDeque<Line>,
    /// The last one that is still to be answered.
    open: Option<String>,
    /// A reply that nobody writes any more.
    unfinished: Option<String>,
    last: Option<String>,
}

impl Talk {
    /// `answered` is the last message that is known to be answered. Without one, whatever is followed by an agent's
    /// message counts as answered.
    pub(crate) fn after(answered: Option<String>) -> Self {
        Self { answered, ..Self::default() }
    }

    /// The next message.
    pub(crate) fn push(&mut self, message: Message) {
        let Message { id, from: speaker, text, done } = message;
        self.lines.push_back(Line { speaker, text, open: speaker == Speaker::Visitor });
        if self.lines.len() > CONTEXT_MESSAGES_MAX {
            self.lines.pop_front();
        }
        match speaker {
            Speaker::Visitor if self.answered.as_ref() == Some(&id) => {
                self.remembers = true;
                self.settle();
            }
            Speaker::Visitor => self.open = Some(id.clone()),
            // What the visitor wrote while this was being written is still open, which the order does not show.
            Speaker::Agent if self.remembers => {}
            Speaker::Agent => self.settle(),
        }
        if speaker == Speaker::Agent && !done {
            self.unfinished = Some(id.clone());
        }
        self.last = Some(id);
    }

    fn settle(&mut self) {
        self.open = None;
        for line in &mut self.lines {
            line.open = false;
        }
    }

    /// The last message that is to be answered.
    pub(crate) fn open(&self) -> Option<&str> {
        self.open.as_deref()
    }

    /// A reply of the agent's that was left in the middle.
    pub(crate) fn unfinished(&self) -> Option<&str> {
        self.unfinished.as_deref()
    }

    /// The last message there is.
    pub(crate) fn last(&self) -> Option<&str> {
        self.last.as_deref()
    }

    /// What the answerer is shown: the last messages, as many as fit, and those that are to be answered at the end.
    pub(crate) fn into_lines(self) -> Vec<Line> {
        let (open, settled): (Vec<_>, Vec<_>) = self.lines.into_iter().partition(|line| line.open);
        let mut chars = 0;
        let newest_first = open.into_iter().rev().chain(settled.into_iter().rev());
        let fits = |line: &Line| {
            chars += line.text.chars().count();
            chars <= CONTEXT_CHARS_MAX
        };
        let mut lines: Vec<_> = newest_first.take_while(fits).collect();
        lines.reverse();
        lines
    }
}

/// The messages that are to be answered, of what the answerer is shown.
pub(crate) fn open(lines: &[Line]) -> impl Iterator<Item = &Line> {
    lines.iter().filter(|line| line.open)
}

#[cfg(test)]
impl Line {
    pub(crate) fn new(speaker: Speaker, text: &str) -> Self {
        Self { speaker, text: text.to_owned(), open: speaker == Speaker::Visitor }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `v1` is the visitor's, `a1` the agent's, `a1…` one that still grows.
    fn talk(answered: Option<&str>, said: &str) -> Talk {
        let mut talk = Talk::after(answered.map(str::to_owned));
        for id in said.split_whitespace() {
            let from = if id.starts_with('v') { Speaker::Visitor } else { Speaker::Agent };
            let (id, done) = id.strip_suffix('…').map_or((id, true), |id| (id, false));
            talk.push(Message { id: id.to_owned(), from, text: id.to_owned(), done });
        }
        talk
    }

    fn shown(talk: Talk) -> String {
        talk.into_lines().iter().map(|line| line.text.clone()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn without_a_memory_what_an_agent_wrote_after_is_answered() {
        for (said, open) in [
            ("", None),
            ("v1", Some("v1")),
            ("v1 v2", Some("v2")),
            ("v1 a1", None),
            ("v1 a1 v2", Some("v2")),
            ("v1 v2 a1", None),
            ("a0", None),
        ] {
            assert_eq!(talk(None, said).open(), open, "{said}");
        }
    }

    #[test]
    fn what_was_written_while_a_reply_was_under_way_is_open_and_comes_last() {
        for (answered, said, open, lines) in [
            ("v1", "v1 v2 a1", Some("v2"), "v1 a1 v2"),
            ("v1", "v1 v2 a1 v3", Some("v3"), "v1 a1 v2 v3"),
            ("v1", "v1 a1", None, "v1 a1"),
            ("v2", "v1 a1 v2 a2 v3", Some("v3"), "v1 a1 v2 a2 v3"),
            ("v2", "v1 v2 a1", None, "v1 v2 a1"),
        ] {
            let talk = talk(Some(answered), said);
            assert_eq!(talk.open(), open, "{said}");
            assert_eq!(shown(talk), lines);
        }
    }

    #[test]
    fn a_reply_that_was_left_in_the_middle_is_found() {
        assert_eq!(talk(None, "v1 a1… v2").unfinished(), Some("a1"));
        assert_eq!(talk(None, "v1 a1 v2").unfinished(), None);
        assert_eq!(talk(None, "v1 a1…").open(), None);
        assert_eq!(talk(None, "v1 a1 v2").last(), Some("v2"));
    }

    #[test]
    fn the_last_messages_are_shown_as_many_as_fit() {
        let mut said: Vec<_> =
            (0..CONTEXT_MESSAGES_MAX).map(|number| format!("v{number} a{number}")).collect();
        said.push("v99".to_owned());
        let lines = talk(None, &said.join(" ")).into_lines();
        assert_eq!(lines.len(), CONTEXT_MESSAGES_MAX);
        assert_eq!(lines.last().unwrap().text, "v99");
        assert_eq!(open(&lines).count(), 1);

        let mut talk = Talk::after(None);
        for (id, from) in [("1", Speaker::Agent), ("2", Speaker::Visitor), ("3", Speaker::Visitor)] {
            let text = "é".repeat(CONTEXT_CHARS_MAX / 2);
            talk.push(Message { id: id.to_owned(), from, text, done: true });
        }
        let lines = talk.into_lines();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.speaker == Speaker::Visitor));
    }
}
