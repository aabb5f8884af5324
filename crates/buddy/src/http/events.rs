//! Server-sent events: where a stream is resumed, and the answer that goes on.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::header::CACHE_CONTROL;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::Stream;
use serde::Serialize;
use utoipa::ToSchema;

use super::problem::Problem;
use crate::listening::End;

pub(crate) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Read by nginx and by those who do as it does: with `no` an answer is handed on as it comes.
const BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// Shorter than any proxy's patience.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// What the caller has had before: the number in its `Last-Event-ID`, if it sends one.
pub(crate) struct Since(pub(crate) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for Since {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(LAST_EVENT_ID) else { return Ok(Self(None)) };
        let number = value.to_str().ok().and_then(|text| text.parse().ok()).filter(|number| *number >= 0);
        number.map(|number| Self(Some(number))).ok_or_else(|| {
            Problem::invalid_request(
                "Last-Event-ID must be the id of an event of this stream; leave it out to begin with the first.",
            )
        })
    }
}

/// An event of this name; the data is the JSON of `data`.
pub(crate) fn event(name: &str, data: &impl Serialize) -> Event {
    Event::default().event(name).json_data(data).expect("texts and numbers serialise")
}

/// The data of an `end` event: why nothing more comes.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndEvent {
    #[schema(pattern = "^(ended|revoked|stopping)$")]
    reason: &'static str,
}

/// The last event of a stream.
pub(crate) fn end_event(end: End) -> Event {
    event("end", &EndEvent { reason: end.as_str() })
}

/// The answer that goes on until the events end.
pub(crate) fn answer(events: impl Stream<Item = Event> + Send + 'static) -> Response {
    use futures_util::StreamExt as _;
    let events = Sse::new(events.map(Ok::<_, Infallible>));
    let mut response = events.keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response();
    // Not axum's own `no-cache`, which lets a cache keep it.
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(BUFFERING, HeaderValue::from_static("no"));
    response
}
