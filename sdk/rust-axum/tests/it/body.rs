//! The body comes raw, or the mistake is said; and it is never read beyond its limit.

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::post;
use buddy_verify_axum::{BODY_BYTES_MAX, User, identity_endpoint, memory_store, session_endpoint};
use http_body_util::BodyExt;
use tower_http::limit::RequestBodyLimitLayer;

use crate::endpoint_rows::{Sent, identity_rows, session_rows};
use crate::log::Log;
use crate::support::Server;

/// The endpoint, and a callback that it takes.
fn endpoint() -> (Router, Sent) {
    let rows = identity_rows();
    let row = rows.vectors[0].clone();
    let identity = identity_endpoint(row.secrets, |_| async { Some(User::new("ada")) }).unwrap();
    (Router::new().route("/", post(identity.clock(move || rows.now))), row.sent)
}

#[tokio::test]
async fn a_middleware_that_reads_the_body_and_hands_it_on_is_no_hindrance() {
    async fn peek(request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        assert!(serde_json::from_slice::<serde_json::Value>(&bytes).is_ok());
        next.run(Request::from_parts(parts, Body::from(bytes))).await
    }
    let (app, sent) = endpoint();
    let server = Server::open(app.layer(middleware::from_fn(peek))).await;
    assert_eq!(server.ask("/", &sent).await.status, 200);
}

#[tokio::test]
async fn a_middleware_that_takes_the_body_is_named_in_the_log() {
    async fn take(request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        body.collect().await.unwrap();
        next.run(Request::from_parts(parts, Body::empty())).await
    }
    let (app, sent) = endpoint();
    let server = Server::open(app.layer(middleware::from_fn(take))).await;
    let log = Log::begin();
    let seen = server.ask("/", &sent).await;
    assert_eq!((seen.status, seen.body.as_str()), (500, ""));
    let log = log.end();
    assert!(
        log.contains("ERROR") && log.contains(&format!("of a body of {} bytes", sent.body.len())),
        "{log}"
    );
    assert!(log.contains("add this endpoint's route after that middleware's `.layer(…)`"), "{log}");
}

#[tokio::test]
async fn a_middleware_that_writes_the_body_again_is_named_in_the_log() {
    async fn write_again(request: Request, next: Next) -> Response {
        let (parts, body) = request.into_parts();
        let value: serde_json::Value =
            serde_json::from_slice(&body.collect().await.unwrap().to_bytes()).unwrap();
        next.run(Request::from_parts(parts, Body::from(format!("{value:#}")))).await
    }
    let (app, sent) = endpoint();
    let server = Server::open(app.layer(middleware::from_fn(write_again))).await;
    let log = Log::begin();
    assert_eq!(server.ask("/", &sent).await.status, 500);
    assert!(log.end().contains("has read or changed the body"));
}

#[tokio::test]
async fn a_body_too_large_is_refused_before_it_has_come_whole() {
    let (app, mut sent) = endpoint();
    let server = Server::open(app).await;
    sent.body = " ".repeat(BODY_BYTES_MAX + 1);
    let seen = server.ask_framed("/", &sent, "Content-Length: 1000000000").await;
    assert_eq!(seen.status, 413, "{}", seen.body);
}

#[tokio::test]
async fn a_body_that_breaks_off_at_a_limit_of_the_server_is_answered_400() {
    let (app, mut sent) = endpoint();
    let server = Server::open(app.layer(RequestBodyLimitLayer::new(16))).await;
    sent.body = format!("{:x}\r\n{}\r\n0\r\n\r\n", sent.body.len(), sent.body);
    assert_eq!(server.ask_framed("/", &sent, "Transfer-Encoding: chunked").await.status, 400);
}

/// So do HTTP/2 and a proxy that asks in absolute form.
#[tokio::test]
async fn the_host_of_the_request_target_outranks_the_header() {
    let rows = session_rows();
    let mut sent = rows.vectors[0].sent.clone();
    sent.headers.remove("Sec-Fetch-Site");
    sent.headers.insert("Origin".into(), "https://shop.example".into());
    sent.headers.insert("Host".into(), "evil.example".into());
    let session =
        session_endpoint(rows.secret, memory_store(), |_| async { Some("ada".to_owned()) }).unwrap();
    let server = Server::open(Router::new().route("/", post(session))).await;
    assert_eq!(server.ask("http://shop.example/", &sent).await.status, 200);
    assert_eq!(server.ask("/", &sent).await.status, 403);
}
