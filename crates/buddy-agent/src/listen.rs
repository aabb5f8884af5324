//! The one stream of all sessions, taken up again where it was cut off.

use std::time::Duration;

use sse_stream::Sse;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::AgentError;
use crate::api::{Buddy, CallError, HandedOver};
use crate::chance::Backoff;
use crate::desk::Desk;
use crate::http::Fault;
use crate::limits::RETRY_MAX;

/// Hands over what comes, until the agent is to stop or the server will not have it.
pub(crate) async fn listen(
    buddy: &Buddy,
    desk: &mut Desk,
    stop: &CancellationToken,
) -> Result<(), AgentError> {
    let mut backoff = Backoff::default();
    let mut last = None;
    loop {
        let begun = Instant::now();
        let ended = tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            ended = hear(buddy, desk, &mut last, &mut backoff) => ended,
        };
        let asked = match &ended {
            CallError::KeyRefused => return Err(AgentError::KeyRefused),
            CallError::Refused { status, code } => {
                return Err(AgentError::Refused { status: *status, code: code.clone() });
            }
            CallError::Later { after, .. } => *after,
            CallError::Lost(_) => Duration::ZERO,
        };
        // One that lasted was a good one, though nobody may have said a word.
        if begun.elapsed() >= RETRY_MAX {
            backoff.reset();
        }
        let wait = backoff.next(asked);
        tracing::warn!(error = %ended, seconds = wait.as_secs_f32(), "not listening, and trying again");
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            () = sleep(wait) => {}
        }
    }
}

/// Hears one stream to its end, and says why it ended.
async fn hear(buddy: &Buddy, desk: &mut Desk, last: &mut Option<String>, backoff: &mut Backoff) -> CallError {
    let mut events = match buddy.listen(last.as_deref()).await {
        Ok(events) => events,
        Err(error) => return error,
    };
    tracing::info!(resumed = last.is_some(), "listening");
    loop {
        let event = match events.next().await {
            None => return Fault::CutOff.into(),
            Some(Err(fault)) => return fault.into(),
            Some(Ok(event)) => event,
        };
        let Sse { event: name, data, id, .. } = event;
        // An event of a kind that is not known yet is passed over; after an `end` the stream ends by itself.
        if name.as_deref() != Some("message") {
            continue;
        }
        let Ok(HandedOver { session_id }) = serde_json::from_str(&data.unwrap_or_default()) else {
            return Fault::NotAsAgreed("one of Buddy's").into();
        };
        backoff.reset();
        desk.hand_over(session_id).await;
        *last = id.or(last.take());
    }
}
