//! Server-sent events as they come. What ends them ends them for good.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use sse_stream::SseByteStream;
use tokio::time::timeout;

use super::client::CallError;

/// The server sends a comment every 15 seconds: after two that did not come nobody is there.
const SILENCE_MAX: Duration = Duration::from_secs(40);
/// One resolution with all its sendings is a fraction of this.
const EVENT_BYTES_MAX: usize = 256 * 1024;

/// One event, or no more than an id to resume after.
pub(in crate::cli) struct Event {
    pub(in crate::cli) id: Option<String>,
    pub(in crate::cli) name: Option<String>,
    pub(in crate::cli) data: Option<String>,
}

/// An open stream.
pub(in crate::cli) struct Events {
    decoded: SseByteStream<BoxStream<'static, io::Result<Bytes>>>,
    /// Bytes since the last event.
    gathered: Arc<AtomicUsize>,
    server: String,
}

impl Events {
    pub(super) fn new(body: Incoming, server: String) -> Self {
        let gathered = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&gathered);
        let bytes = unfold((body, count), |(mut body, count)| async move {
            let come = match timeout(SILENCE_MAX, body.frame()).await {
                Err(_) => Err(io::Error::other("nothing came for long")),
                Ok(None) => return None,
                Ok(Some(Err(error))) => Err(io::Error::other(error)),
                Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
            };
            let come = come.and_then(|bytes| counted(&count, bytes));
            Some((come, (body, count)))
        });
        Self { decoded: SseByteStream::new(bytes.boxed()), gathered, server }
    }

    /// The next event. `None`: the stream has ended.
    pub(in crate::cli) async fn next(&mut self) -> Result<Option<Event>, CallError> {
        let Some(event) = self.decoded.next().await else { return Ok(None) };
        self.gathered.store(0, Ordering::Relaxed);
        let event = event.map_err(|error| {
            CallError::CutOff(format!("the stream of {} broke off ({error}).", self.server))
        })?;
        Ok(Some(Event { id: event.id, name: event.event, data: event.data }))
    }
}

/// What becomes one event is bounded: the decoder itself would gather for ever.
fn counted(gathered: &AtomicUsize, bytes: Bytes) -> io::Result<Bytes> {
    let total = gathered.fetch_add(bytes.len(), Ordering::Relaxed) + bytes.len();
    if total > EVENT_BYTES_MAX { Err(io::Error::other("an event is too large")) } else { Ok(bytes) }
}
