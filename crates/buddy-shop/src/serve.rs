//! HTTPS for Buddy's questions, and a word of every visit.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use buddy_verify::{Answer, Request};
use hyper::server::conn::http1;
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::endpoint::Accounts;
use crate::{Event, Manner, Tell, Visit};

/// What is left of an answer whose writer broke off.
const CUT_OFF: &str = "{\"userId\":";

#[derive(Clone)]
struct Desk {
    accounts: Arc<Accounts>,
    tell: Tell,
}

pub(crate) fn router(accounts: Arc<Accounts>, tell: Tell) -> Router {
    Router::new()
        .route(Manner::Honest.path(), post(honest))
        .route(Manner::Slow.path(), post(slow))
        .route(Manner::Broken.path(), post(broken))
        .route(Manner::Error.path(), post(error))
        .route(Manner::BadJson.path(), post(bad_json))
        .with_state(Desk { accounts, tell })
}

async fn honest(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let lines = headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    let answer = desk.accounts.identify(&Request { method: "POST", headers: lines.collect(), body: &body });
    desk.note(&uri, &headers, &body, Some((answer.status, answer.body.clone())));
    response(answer)
}

/// An answer of the rules, as axum sends it.
pub(crate) fn response(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(*name, *value);
    }
    response.body(answer.body.into()).expect("the endpoint's answers are HTTP")
}

async fn slow(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    desk.note(&uri, &headers, &body, None);
    std::future::pending().await
}

async fn broken(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let page = "<!doctype html><title>Please log in</title>";
    desk.note(&uri, &headers, &body, Some((200, page.to_owned())));
    ([(CONTENT_TYPE, "text/html")], page).into_response()
}

async fn error(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    desk.note(&uri, &headers, &body, Some((500, String::new())));
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

async fn bad_json(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    desk.note(&uri, &headers, &body, Some((200, CUT_OFF.to_owned())));
    ([(CONTENT_TYPE, "application/json")], CUT_OFF).into_response()
}

impl Desk {
    fn note(&self, uri: &Uri, headers: &HeaderMap, body: &[u8], answer: Option<(u16, String)>) {
        let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let visit = Visit {
            line: format!("POST {}", uri.path()),
            headers: headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            body: String::from_utf8_lossy(body).into_owned(),
            answer,
        };
        (self.tell)(Event::Asked(visit));
    }
}

/// Serves `router` over TLS, HTTP/1.1, until it is dropped.
pub async fn run(listener: TcpListener, tls: Arc<ServerConfig>, router: Router) {
    let acceptor = TlsAcceptor::from(tls);
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, router) = (acceptor.clone(), router.clone());
        // Else the answer would wait for the client's acknowledgement of what the handshake sent last.
        let _ = stream.set_nodelay(true);
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = TowerToHyperService::new(router);
            // A client that goes away in the middle is none of the shop's business.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}
