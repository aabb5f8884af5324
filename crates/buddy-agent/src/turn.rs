//! One turn: what is open in a session is read, answered, and remembered as answered.

use std::sync::Arc;

use moka::future::Cache;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use crate::answerer::{Failure, Pieces, Ready};
use crate::api::{Buddy, CallError};
use crate::identity::Who;
use crate::limits::{REMEMBERED_BYTES_MAX, REMEMBERED_IDLE};
use crate::reply::{Reply, patiently, read};
use crate::talk;

/// What a visitor reads when there is no answer. Never why: that is for the log.
const SORRY: &str = "Sorry, I can't answer right now. Please try again in a moment.";
/// What ends a reply that was not finished.
const INTERRUPTED: &str = "Sorry, I was interrupted here. Please ask me again.";
/// What ends one that is too long.
const CUT: &str = "… This is as much as fits here. Please ask on.";

/// What is remembered of a session.
#[derive(Clone)]
struct Remembered {
    who: Who,
    /// The last message of the visitor that was answered.
    answered: Option<String>,
}

/// Answers sessions, each in its turn.
pub(crate) struct Clerk {
    buddy: Arc<Buddy>,
    answerer: Ready,
    sessions: Cache<String, Remembered>,
}

impl Clerk {
    pub(crate) fn new(buddy: Arc<Buddy>, answerer: Ready) -> Self {
        let weight = |session: &String, remembered: &Remembered| {
            let answered = remembered.answered.as_ref().map_or(0, String::len);
            u32::try_from(session.len() + answered + remembered.who.bytes()).unwrap_or(u32::MAX)
        };
        let sessions = Cache::builder()
            .max_capacity(REMEMBERED_BYTES_MAX)
            .weigher(weight)
            .time_to_idle(REMEMBERED_IDLE)
            .build();
        Self { buddy, answerer, sessions }
    }

    /// Answers what is open in a session, if anything is.
    pub(crate) async fn take_turn(&self, session: &str, stop: &CancellationToken) {
        let Err(error) = self.turn(session, stop).await else { return };
        // Whoever it was, it was taken back, or has ended.
        self.sessions.invalidate(session).await;
        tracing::info!(session, %error, "a session is left as it is");
    }

    async fn turn(&self, session: &str, stop: &CancellationToken) -> Result<(), CallError> {
        let remembered = self.sessions.get(session).await;
        let answered = remembered.as_ref().and_then(|remembered| remembered.answered.clone());
        let talk = patiently(stop, || read(&self.buddy, session, answered.clone())).await?;
        if let Some(message) = talk.unfinished() {
            self.finish(session, message, stop).await?;
        }
        let (Some(open), Some(before)) = (talk.open().map(str::to_owned), talk.last().map(str::to_owned))
        else {
            return Ok(());
        };
        let who = match remembered {
            Some(Remembered { who, .. }) => who,
            None => match patiently(stop, || self.buddy.identity(session)).await? {
                Some(who) => who,
                None => return Ok(()),
            },
        };
        let lines = talk.into_lines();
        let messages = talk::open(&lines).count();
        let pieces = self.answerer.answer(&who, &lines);
        let mut reply = Reply::new(&self.buddy, session, stop, before);
        if let Err(failure) = speak(pieces, &mut reply, stop).await? {
            tracing::warn!(session, %failure, "the model gave no whole answer");
        }
        if reply.is_begun() {
            self.sessions.insert(session.to_owned(), Remembered { who, answered: Some(open) }).await;
            tracing::info!(session, messages, characters = reply.chars(), "answered");
        }
        Ok(())
    }

    /// Ends a reply that another run of this program, or a failed one, has left in the middle.
    async fn finish(&self, session: &str, message: &str, stop: &CancellationToken) -> Result<(), CallError> {
        let sentence = format!("\n\n{INTERRUPTED}");
        let appended = patiently(stop, || self.buddy.append(session, message, &sentence, true)).await;
        match appended {
            // It has ended meanwhile, or there is no room for the sentence.
            Err(CallError::Refused { status: 409 | 422, .. }) => {
                tracing::debug!(session, "a reply that was left in the middle could not be ended");
                Ok(())
            }
            other => other,
        }
    }
}

/// Lets a reply grow as its pieces come, and ends it whatever happens. The failure is the answerer's.
async fn speak(
    mut pieces: Pieces<'_>,
    reply: &mut Reply<'_>,
    stop: &CancellationToken,
) -> Result<Result<(), Failure>, CallError> {
    let mut failure = None;
    loop {
        let due = reply.due();
        let piece = tokio::select! {
            biased;
            () = stop.cancelled() => {
                // What nobody has begun to answer is answered after the next start.
                if reply.is_begun() {
                    reply.close(INTERRUPTED);
                    reply.write(true).await?;
                }
                return Ok(Ok(()));
            }
            () = async { sleep_until(due.expect("checked")).await }, if due.is_some() => {
                reply.write(false).await?;
                continue;
            }
            piece = pieces.next() => piece,
        };
        match piece {
            Some(Ok(text)) if reply.add(&text) => {
                if reply.is_due() {
                    reply.write(false).await?;
                }
            }
            Some(Ok(_)) => {
                reply.close(CUT);
                break;
            }
            Some(Err(failed)) => {
                failure = Some(failed);
                break;
            }
            None => break,
        }
    }
    if reply.is_empty() {
        failure = failure.or(Some(Failure::Empty));
        reply.close(SORRY);
    } else if failure.is_some() {
        reply.close(INTERRUPTED);
    }
    reply.write(true).await?;
    Ok(failure.map_or(Ok(()), Err))
}
