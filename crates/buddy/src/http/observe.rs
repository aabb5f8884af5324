//! What every request gets: an id, a log line, a count; and no answer of the framework's own making.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONNECTION, CONTENT_TYPE, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use buddy_core::id::ResolutionKind;
use futures_util::FutureExt;
use tokio::time::Instant;

use super::json::BODY_BYTES_MAX;
use super::limit::{Peer, is_trusted};
use super::problem::{self, Problem};
use super::v1::sessions;
use crate::app::App;
use crate::logs;
use crate::traces::{Answered, Trace};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// A proxy's request id is kept if it is no longer than this and made of plain characters.
const REQUEST_ID_BYTES_MAX: usize = 64;
/// What begins a session, and what identifies one.
const TRACED: [&str; 2] = [sessions::BEGIN_PATH, "/v1/sessions/{sessionId}/identify"];

/// Gives a request its id, sees to it that it is answered, and logs and counts the answer. `route`: the template of its path,
/// if there is one.
pub(super) async fn observed<F: Future<Output = Response>>(
    app: &App,
    mut request: Request,
    route: Option<&str>,
    answer: impl FnOnce(Request) -> F,
) -> Response {
    let begun = Instant::now();
    let id = given_id(&request).unwrap_or_else(|| new_id(app));
    let method = method_name(request.method());
    let trace = traced(app, &request, route);
    DefaultBodyLimit::max(BODY_BYTES_MAX).apply(&mut request);
    logs::of_request(id.clone(), trace.clone(), async move {
        let answered = AssertUnwindSafe(answer(request)).catch_unwind().await;
        let mut response = answered.map_or_else(|_| Problem::internal().into_response(), never_plain);
        let (status, took) = (response.status().as_u16(), begun.elapsed());
        let route = route.unwrap_or("none");
        app.metrics.request(method, route, status, took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::debug!(method, route, status, micros, "request answered");
        if let Some(trace) = trace {
            let scheme = app.public_origin.split_once(':').map_or("http", |(scheme, _)| scheme);
            trace.answered(&Answered { method, route, scheme, request_id: &id, status });
        }
        let headers = response.headers_mut();
        headers.insert(REQUEST_ID, id);
        if app.draining.is_cancelled() {
            // The next request is to come on a new connection, and so to another node.
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        response
    })
    .await
}

/// The same as a layer round the routes, of the one that the router has found.
pub(super) async fn each_request(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map(MatchedPath::as_str);
    observed(&app, request, route, |request| next.run(request)).await
}

/// The trace of a request that begins or identifies a session: of nothing else is any made.
fn traced(app: &App, request: &Request, route: Option<&str>) -> Option<Trace> {
    if app.traces.are_off() || request.method() != Method::POST || !TRACED.contains(&route?) {
        return None;
    }
    let through_proxy = || {
        let peer = request.extensions().get();
        peer.is_some_and(|Peer(address)| is_trusted(*address, &app.trusted_proxies))
    };
    app.traces.of_request(request.headers(), through_proxy)
}

fn given_id(request: &Request) -> Option<HeaderValue> {
    let id = request.headers().get(REQUEST_ID)?;
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let good = (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain);
    good.then(|| id.clone())
}

fn new_id(app: &App) -> HeaderValue {
    let id = app.ambient.id::<ResolutionKind>().uuid().simple().to_string();
    HeaderValue::from_str(&id).expect("hex is header text")
}

/// A bounded label: anybody may send a method of their own invention.
fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

/// The router answers some faults by itself, in plain text or with nothing; callers are promised problem+json.
fn never_plain(response: Response) -> Response {
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    // The router's own are plain text, or nothing; the console's are pages.
    let ours = response.headers().get(CONTENT_TYPE).is_some_and(|value| {
        value == "application/problem+json" || value.as_bytes().starts_with(b"text/html")
    });
    match status {
        _ if ours => response,
        StatusCode::METHOD_NOT_ALLOWED => problem::no_method(&response),
        StatusCode::NOT_FOUND => problem::no_path().into_response(),
        _ if status.is_client_error() => {
            Problem::invalid_request("The request is not as it must be.").into_response()
        }
        _ => response,
    }
}
