//! A reply that grows: gathered in batches, and written whatever becomes of the connection meanwhile. When it is not
//! known whether a write was done, Buddy is asked what it has, so that nothing is said twice.

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::api::{Buddy, CallError, Speaker};
use crate::chance::Backoff;
use crate::limits::{BATCH_CHARS, BATCH_WAIT, MODEL_CHARS_MAX, PAGES_MAX, REPLY_CHARS_MAX, WRITE_CHARS_MAX};
use crate::talk::Talk;

/// Reads all that was said in a session.
pub(crate) async fn read(buddy: &Buddy, session: &str, answered: Option<String>) -> Result<Talk, CallError> {
    let mut talk = Talk::after(answered);
    let mut cursor = None;
    for _ in 0..PAGES_MAX {
        let page = buddy.messages(session, cursor.as_deref()).await?;
        page.messages.into_iter().for_each(|message| talk.push(message));
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    Ok(talk)
}

/// Calls until it is done, or there is no use in it, or the agent is to stop.
pub(crate) async fn patiently<T, F: Future<Output = Result<T, CallError>>>(
    stop: &CancellationToken,
    call: impl Fn() -> F,
) -> Result<T, CallError> {
    let mut backoff = Backoff::default();
    loop {
        let error = match call().await {
            Ok(done) => return Ok(done),
            Err(error) => error,
        };
        wait(&mut backoff, stop, error).await?;
    }
}

/// The wait before it is tried again; the error itself if it is not to be.
async fn wait(backoff: &mut Backoff, stop: &CancellationToken, error: CallError) -> Result<(), CallError> {
    let Some(asked) = error.later() else { return Err(error) };
    let wait = backoff.next(asked);
    tracing::warn!(%error, seconds = wait.as_secs_f32(), "a call to the server failed, and is tried again");
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(error),
        () = tokio::time::sleep(wait) => Ok(()),
    }
}

/// One reply, on its way.
pub(crate) struct Reply<'a> {
    buddy: &'a Buddy,
    session: &'a str,
    stop: &'a CancellationToken,
    /// The last message before it.
    before: String,
    /// All of it so far.
    text: String,
    chars: usize,
    /// How much of it Buddy has, in bytes.
    written: usize,
    unwritten_chars: usize,
    message: Option<String>,
    ended: bool,
    due: Instant,
}

impl<'a> Reply<'a> {
    pub(crate) fn new(
        buddy: &'a Buddy,
        session: &'a str,
        stop: &'a CancellationToken,
        before: String,
    ) -> Self {
        Self {
            buddy,
            session,
            stop,
            before,
            text: String::new(),
            chars: 0,
            written: 0,
            unwritten_chars: 0,
            message: None,
            ended: false,
            due: Instant::now(),
        }
    }

    /// Nothing was said yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Something of it was written.
    pub(crate) fn is_begun(&self) -> bool {
        self.message.is_some()
    }

    /// Its characters so far.
    pub(crate) fn chars(&self) -> usize {
        self.chars
    }

    /// Enough has come to be written at once: the first piece, or a batch.
    pub(crate) fn is_due(&self) -> bool {
        self.unwritten_chars > 0 && (self.message.is_none() || self.unwritten_chars >= BATCH_CHARS)
    }

    /// When what has come is to be written, however little it is.
    pub(crate) fn due(&self) -> Option<Instant> {
        (self.unwritten_chars > 0).then_some(self.due)
    }

    /// What a model says next. `false`: it has said all that it may.
    pub(crate) fn add(&mut self, piece: &str) -> bool {
        // Models like to begin with line feeds.
        let piece = if self.text.is_empty() { piece.trim_start() } else { piece };
        self.push(piece, MODEL_CHARS_MAX)
    }

    /// A sentence of ours, for which there is room.
    pub(crate) fn close(&mut self, sentence: &str) {
        if !self.text.is_empty() {
            self.push("\n\n", REPLY_CHARS_MAX);
        }
        self.push(sentence, REPLY_CHARS_MAX);
    }

    /// Without what Buddy would not take.
    fn push(&mut self, piece: &str, chars_max: usize) -> bool {
        for letter in piece.chars().filter(|letter| !letter.is_control() || matches!(letter, '\n' | '\t')) {
            if self.chars == chars_max {
                return false;
            }
            self.text.push(letter);
            self.chars += 1;
            self.unwritten_chars += 1;
        }
        true
    }

    /// Writes what has come; with `done` the reply has ended then.
    pub(crate) async fn write(&mut self, done: bool) -> Result<(), CallError> {
        let mut backoff = Backoff::default();
        let mut unsure = false;
        while !self.ended && (done || self.written < self.text.len()) {
            let stepped = if unsure { self.look().await } else { self.step(done).await };
            match stepped {
                Ok(()) => unsure = false,
                Err(error) => {
                    wait(&mut backoff, self.stop, error).await?;
                    unsure = true;
                }
            }
        }
        self.unwritten_chars = 0;
        self.due = Instant::now() + BATCH_WAIT;
        Ok(())
    }

    /// One write, as large as Buddy takes it.
    async fn step(&mut self, done: bool) -> Result<(), CallError> {
        let to = self.next_end();
        let part = &self.text[self.written..to];
        let done = done && to == self.text.len();
        match &self.message {
            None => self.message = Some(self.buddy.write(self.session, part, done).await?),
            Some(message) => self.buddy.append(self.session, message, part, done).await?,
        }
        (self.written, self.ended) = (to, done);
        Ok(())
    }

    /// Where the next write ends.
    fn next_end(&self) -> usize {
        let rest = &self.text[self.written..];
        rest.char_indices().nth(WRITE_CHARS_MAX).map_or(self.text.len(), |(at, _)| self.written + at)
    }

    /// Learns what Buddy has of this reply.
    async fn look(&mut self) -> Result<(), CallError> {
        let (first, mut cursor) = (&self.text[..self.next_end()], Some(self.before.clone()));
        for _ in 0..PAGES_MAX {
            let page = self.buddy.messages(self.session, cursor.as_deref()).await?;
            let found = page.messages.into_iter().find(|message| match &self.message {
                Some(ours) => message.id == *ours,
                None => message.from == Speaker::Agent && message.text == first,
            });
            if let Some(message) = found {
                if self.text.starts_with(&message.text) {
                    (self.written, self.ended) = (message.text.len(), message.done);
                }
                self.message = Some(message.id);
                return Ok(());
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use super::*;
    use crate::http::{self, Client, Fault};

    #[tokio::test(start_paused = true)]
    async fn a_server_that_asks_to_be_left_alone_is_and_is_then_asked_again() {
        let (asked, tries) = (Duration::from_secs(7), Cell::new(0));
        let stop = CancellationToken::new();
        let begun = Instant::now();
        let done = patiently(&stop, || async {
            tries.set(tries.get() + 1);
            match tries.get() {
                1 => Err(CallError::Later { status: 429, after: asked }),
                2 => Err(Fault::CutOff.into()),
                tries => Ok(tries),
            }
        });
        assert_eq!(done.await.unwrap(), 3);
        assert!((asked..asked * 2).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_there_is_no_use_in_is_not_tried_again() {
        let (stop, tries) = (CancellationToken::new(), Cell::new(0));
        let fails = |error: fn() -> CallError| {
            let (stop, tries) = (&stop, &tries);
            patiently(stop, move || async move {
                tries.set(tries.get() + 1);
                Err::<(), _>(error())
            })
        };
        assert!(fails(|| CallError::KeyRefused).await.is_err());
        assert!(fails(|| CallError::Refused { status: 404, code: String::new() }).await.is_err());
        assert_eq!(tries.get(), 2);
        // Nor is anything by an agent that is to stop.
        stop.cancel();
        assert!(fails(|| Fault::CutOff.into()).await.is_err());
        assert_eq!(tries.get(), 3);
    }

    #[test]
    fn a_reply_takes_what_buddy_takes_and_no_more() {
        let client = Client::new("http://127.0.0.1:9".parse().unwrap(), &http::tls(None).unwrap()).unwrap();
        let (buddy, stop) = (Buddy::new(client, "bpk_1").unwrap(), CancellationToken::new());
        let mut reply = Reply::new(&buddy, "sess_1", &stop, "msg_1".to_owned());
        assert!(reply.add("\n\n ") && reply.is_empty() && !reply.is_due(), "nothing was said yet");
        assert!(reply.add("\r\u{1b}a\tb\n\u{85}c\0"));
        assert_eq!((reply.text.as_str(), reply.chars()), ("a\tb\nc", 5));
        assert!(reply.is_due() && reply.due().is_some(), "the first piece is not waited with");

        assert!(reply.add(&"é".repeat(WRITE_CHARS_MAX)));
        let end = reply.next_end();
        assert_eq!(reply.text[..end].chars().count(), WRITE_CHARS_MAX);
        assert!(!reply.add(&"é".repeat(REPLY_CHARS_MAX)), "it is full");
        assert_eq!(reply.chars(), MODEL_CHARS_MAX);
        reply.close("The end.");
        assert!(reply.text.ends_with("é\n\nThe end.") && reply.chars() <= REPLY_CHARS_MAX);
    }
}
