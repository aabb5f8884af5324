//! Strict reading of what is asked: JSON bodies, queries and ids, each refused with a problem that says what to do.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::problem::Problem;

/// The largest body that any call takes: fifty origins of three hundred bytes and room to spare.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;

/// A body of at most 64 KiB that takes longer is not meant to end.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(10);

/// A JSON body whose type refuses unknown members.
pub(crate) struct StrictJson<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for StrictJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let has_type = has_json_type(&request);
        let body = read(request, state).await?;
        if has_type { parse(&body).map(Self) } else { Err(unsupported_type()) }
    }
}

/// The same, where no body at all is as good as `{}`.
pub(crate) struct OptionalJson<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let has_type = has_json_type(&request);
        let body = read(request, state).await?;
        match (body.is_empty(), has_type) {
            (true, _) => Ok(Self(T::default())),
            (false, true) => parse(&body).map(Self),
            (false, false) => Err(unsupported_type()),
        }
    }
}

fn has_json_type(request: &Request) -> bool {
    let content_type =
        request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let essence = content_type.split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case("application/json")
}

fn unsupported_type() -> Problem {
    Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UNSUPPORTED_MEDIA_TYPE",
        "Send a JSON body with the header Content-Type: application/json.",
    )
}

async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    let unread = || Problem::invalid_request("The body could not be read to its end; send it whole.");
    let body = timeout(BODY_TIME, Bytes::from_request(request, state)).await.map_err(|_| unread())?;
    body.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => Problem::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "PAYLOAD_TOO_LARGE",
            format!("The body is over {BODY_BYTES_MAX} bytes; no call takes as much."),
        ),
        _ => unread(),
    })
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    // serde would take an array, too: for the members in the order in which they happen to be declared.
    if !body.trim_ascii_start().starts_with(b"{") {
        return Err(Problem::invalid_request("The body must be a JSON object."));
    }
    serde_json::from_slice(body).map_err(|error| {
        // serde's text names members and types, and may quote a wrong value: it goes to nobody but its sender.
        Problem::invalid_request(format!("The body is not as it must be: {error}."))
    })
}

/// A query whose type refuses unknown parameters.
pub(crate) struct StrictQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for StrictQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(query) = Query::<T>::from_request_parts(parts, state).await.map_err(|rejection| {
            Problem::invalid_request(format!("The query is not as it must be: {}.", rejection.body_text()))
        })?;
        Ok(Self(query))
    }
}

/// The query of a call that takes none: a parameter that does nothing is a slip of its sender.
pub(crate) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match parts.uri.query() {
            None | Some("") => Ok(Self),
            Some(_) => Err(Problem::invalid_request("This call takes no query; send its path alone.")),
        }
    }
}

/// Ids of the path. One of the wrong form names nothing, so it is not found.
pub(crate) struct Ids<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Ids<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found("thing"))
    }
}
