//! Every bound of the agent, with its reason.

use std::time::Duration;

/// Sessions that are answered at once: what one model's endpoint bears. The stream is read on when one is free.
pub(crate) const SESSIONS_AT_ONCE: usize = 64;

/// A host that is up answers a connection, TLS and all, well within this.
pub(crate) const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// One call to Buddy, to the last byte of its answer.
pub(crate) const CALL_WAIT: Duration = Duration::from_secs(30);
/// Buddy's stream comments every 15 s: after three that did not come the connection is dead.
pub(crate) const STREAM_SILENCE: Duration = Duration::from_secs(45);

/// The first wait after a failed call; it doubles with each further one.
pub(crate) const RETRY_FIRST: Duration = Duration::from_millis(250);
/// A server that comes back is found within this.
pub(crate) const RETRY_MAX: Duration = Duration::from_secs(30);
/// A `Retry-After` beyond this is taken for a mistake, and cut to it.
pub(crate) const RETRY_AFTER_MAX: Duration = Duration::from_mins(10);

/// An idle connection is used again within this: common servers close theirs at 5 s.
pub(crate) const IDLE_MAX: Duration = Duration::from_secs(4);
/// An answer's status line and headers, and what is read at once of its body.
pub(crate) const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Messages asked for at once.
pub(crate) const PAGE_MESSAGES: usize = 50;
/// Lists of messages: a session has 500, and further pages are a mistake.
pub(crate) const PAGES_MAX: usize = 20;
/// An answer of Buddy's: a page of the longest replies, in the longest UTF-8, with the names around them.
pub(crate) const ANSWER_BYTES_MAX: usize = PAGE_MESSAGES * (REPLY_CHARS_MAX * 4 + 1024);
/// One event: the longest message four times over, for its JSON may escape.
pub(crate) const EVENT_BYTES_MAX: usize = 128 * 1024;

/// Characters of one write: what Buddy takes.
pub(crate) const WRITE_CHARS_MAX: usize = 8_000;
/// Characters that a reply may grow to: what Buddy takes.
pub(crate) const REPLY_CHARS_MAX: usize = 32_000;
/// Characters of a model's reply: room is left for a closing sentence.
pub(crate) const MODEL_CHARS_MAX: usize = REPLY_CHARS_MAX - 200;
/// A reply that has grown so much is written on, however little time has passed.
pub(crate) const BATCH_CHARS: usize = 200;
/// Ten times a second looks like typing, and costs few calls.
pub(crate) const BATCH_WAIT: Duration = Duration::from_millis(100);

/// Messages of a session that the model is shown: the last ones.
pub(crate) const CONTEXT_MESSAGES_MAX: usize = 40;
/// Characters of them: some 8,000 tokens, which the small local models take too.
pub(crate) const CONTEXT_CHARS_MAX: usize = 32_000;
/// Bytes of `customAttributes` that the model is shown, in JSON.
pub(crate) const ATTRIBUTES_BYTES_MAX: usize = 8 * 1024;
/// Bytes of the business's own instructions: longer ones leave a small model no room to answer.
pub const INSTRUCTIONS_BYTES_MAX: usize = 64 * 1024;

/// Bytes of identities that are remembered; one is 64 KiB at most, and mostly one.
pub(crate) const REMEMBERED_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// A conversation that was silent for so long is forgotten, and read anew if it goes on.
pub(crate) const REMEMBERED_IDLE: Duration = Duration::from_mins(15);

/// A stopping agent ends the replies under way within this.
pub(crate) const STOP_GRACE: Duration = Duration::from_secs(5);

/// How long a model is waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the first piece of the reply: a local model may have to be loaded first.
    pub first: Duration,
    /// For the next bytes.
    pub idle: Duration,
    /// For the whole reply.
    pub total: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { first: Duration::from_mins(1), idle: Duration::from_secs(30), total: Duration::from_mins(5) }
    }
}
