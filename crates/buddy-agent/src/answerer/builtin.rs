//! A few sentences about a shop. They say whether somebody is verified, and nothing about who.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// Words of one piece.
const PIECE_WORDS: usize = 3;
/// Slow enough for eyes to see that a reply grows.
const PACE: Duration = Duration::from_millis(40);

/// What is asked about.
struct Topic {
    /// The begins of words; those with a space after them are whole ones.
    words: &'static [&'static str],
    signed_in: &'static str,
    guest: &'static str,
}

/// The first one of which a word is asked about.
const TOPICS: [Topic; 7] = [
    Topic {
        words: &[
            "who am i",
            "know me",
            "know who",
            "my name",
            "my email",
            "my account",
            "logged in",
            "signed in",
        ],
        signed_in: "You're signed in: the shop's own server has told me who you are, and your page holds nothing about it.",
        guest: "I don't know who you are: nobody is signed in here. Sign in to the shop, and begin a new chat.",
    },
    Topic {
        words: &["return", "refund", "send back", "exchange", "warranty"],
        signed_in: "You can send anything back within 30 days. As you're signed in, I could begin the return of one of your orders right here.",
        guest: "You can send anything back within 30 days. To begin the return of an order, sign in first: I can't see whose it is.",
    },
    Topic {
        words: &["deliver", "shipping", "parcel", "arrive", "track"],
        signed_in: "Parcels take two to three days. As you're signed in, I could look up where yours is.",
        guest: "Parcels take two to three days. Where one of yours is I can only tell once you have signed in.",
    },
    Topic {
        words: &["order", "invoice", "bought", "purchase"],
        signed_in: "You're signed in, so I can look at your own orders. This is the built-in answerer, though: connect a model, and it knows more.",
        guest: "I don't know who you are, so I can't look at any orders. Sign in to the shop, and begin a new chat.",
    },
    Topic {
        words: &["open", "hours", "closed", "when are you"],
        signed_in: "The shop is open from 9 to 18 o'clock, Monday to Saturday. Online it never closes.",
        guest: "The shop is open from 9 to 18 o'clock, Monday to Saturday. Online it never closes.",
    },
    Topic {
        words: &["thank", "bye "],
        signed_in: "You're welcome. Write again whenever you like.",
        guest: "You're welcome. Write again whenever you like.",
    },
    Topic {
        words: &["hello", "hi ", "hey ", "good morning", "good evening"],
        signed_in: "Hello! You're signed in, so you may ask me about your own orders too: where they are, or how to send one back.",
        guest: "Hello! I don't know who you are, so I can only tell what anyone may know: delivery, returns, opening hours.",
    },
];

const OTHERWISE: Topic = Topic {
    words: &[],
    signed_in: "You're signed in, so I can look at your own orders. I know a little about orders, delivery, returns and opening hours: what would you like to know?",
    guest: "I don't know who you are, so I can only tell what anyone may know: I know a little about delivery, returns and opening hours. What would you like to know?",
};

/// The answer to a question.
fn answer(question: &str, verified: bool) -> &'static str {
    let words = plain(question);
    let asks = |topic: &&Topic| topic.words.iter().any(|word| words.contains(&format!(" {word}")));
    let topic = TOPICS.iter().find(asks).unwrap_or(&OTHERWISE);
    if verified { topic.signed_in } else { topic.guest }
}

/// Its words in lower case, each between spaces.
fn plain(question: &str) -> String {
    let lower = question.to_lowercase();
    let words: Vec<_> =
        lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    format!(" {} ", words.join(" "))
}

/// An answer, a few words at a time.
pub(crate) struct Pieces {
    pieces: VecDeque<String>,
    due: Instant,
}

impl Pieces {
    pub(super) fn new(question: &str, verified: bool) -> Self {
        let words: Vec<_> = answer(question, verified).split_inclusive(' ').collect();
        let pieces = words.chunks(PIECE_WORDS).map(<[_]>::concat).collect();
        Self { pieces, due: Instant::now() }
    }

    pub(super) async fn next(&mut self) -> Option<String> {
        if self.pieces.is_empty() {
            return None;
        }
        sleep_until(self.due).await;
        self.due = Instant::now() + PACE;
        self.pieces.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_finds_its_topic_and_a_guest_hears_nothing_of_own_orders() {
        for (question, topic) in [
            ("Who am I?", 0),
            ("can I RETURN this", 1),
            ("Where is my parcel?\nIs it tracked?", 2),
            ("where is my order", 3),
            ("When are you open", 4),
            ("Thanks!", 5),
            ("Hi", 6),
            ("hello there", 6),
        ] {
            assert_eq!(answer(question, true), TOPICS[topic].signed_in, "{question}");
            assert_eq!(answer(question, false), TOPICS[topic].guest, "{question}");
        }
        for question in ["", "Which colour is it?", "history", "💐"] {
            assert_eq!(answer(question, true), OTHERWISE.signed_in, "{question}");
            assert_eq!(answer(question, false), OTHERWISE.guest, "{question}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_comes_in_pieces_that_make_up_the_whole() {
        let mut pieces = Pieces::new("hello", true);
        let mut told = Vec::new();
        let begun = Instant::now();
        while let Some(piece) = pieces.next().await {
            told.push(piece);
        }
        assert!(told.len() > 3);
        assert_eq!(told.concat(), TOPICS[6].signed_in);
        assert_eq!(begun.elapsed().as_millis() / PACE.as_millis(), told.len() as u128 - 1);
    }
}
