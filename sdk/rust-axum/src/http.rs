//! Between axum's types and those of `buddy-verify`.

use axum::body::Body;
use axum::extract;
use axum::http::header::{CONTENT_LENGTH, HOST};
use axum::http::request::Parts;
use axum::response::Response;
use buddy_verify::{Answer, BODY_BYTES_MAX, Request};
use http_body_util::BodyExt;

use crate::found::Error;

/// The request, and of its body no more than it takes to know that it is too large. None: the body broke off.
pub(crate) async fn receive(request: extract::Request) -> Result<Option<(Parts, Vec<u8>)>, Error> {
    let (parts, body) = request.into_parts();
    let body = match read(body).await {
        Ok(body) => body,
        Err(error) => {
            tracing::debug!("buddy: a body broke off: {error}");
            return Ok(None);
        }
    };
    match declared_length(&parts) {
        Some(declared) if body.len() <= BODY_BYTES_MAX && body.len() != declared => Err(format!(
            "of a body of {declared} bytes this endpoint was given {}: a middleware before it has read or changed the \
             body. The signature is over the raw body, so add this endpoint's route after that middleware's `.layer(…)`",
            body.len()
        )
        .into()),
        _ => Ok(Some((parts, body))),
    }
}

async fn read(mut body: Body) -> Result<Vec<u8>, axum::Error> {
    let mut bytes = Vec::new();
    while bytes.len() <= BODY_BYTES_MAX
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    Ok(bytes)
}

fn declared_length(parts: &Parts) -> Option<usize> {
    parts.headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// As the rules see it. In HTTP/2 the host is in the URI.
pub(crate) fn plain<'a>(parts: &'a Parts, body: &'a [u8]) -> Request<'a> {
    let authority = parts.uri.authority();
    let headers = parts.headers.iter().filter(|(name, _)| authority.is_none() || *name != HOST);
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let host = authority.map(|authority| (HOST.as_str(), authority.as_str().as_bytes()));
    Request { method: parts.method.as_str(), headers: headers.chain(host).collect(), body }
}

pub(crate) fn response(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(*name, *value);
    }
    response.body(answer.body.into()).expect("the rules' answers are HTTP")
}

/// The client went away in the middle, or a limit of the server's stopped it.
pub(crate) fn broken_off() -> Answer {
    Answer { status: 400, ..Answer::failed() }
}

/// A mistake on the business's own side, for its own log: whoever asked learns nothing of it.
pub(crate) fn failure(error: &Error) -> Response {
    tracing::error!("buddy: {error}");
    response(Answer::failed())
}
