//! A client of the API.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use super::openapi;

#[derive(Clone)]
pub(crate) struct Api {
    client: Client<HttpConnector, Body>,
    base: String,
}

/// An answer. Its JSON, if it is that.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) json: Value,
    /// The call, for messages.
    call: String,
}

impl Reply {
    #[track_caller]
    pub(crate) fn expect_status(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}: {}", self.call, String::from_utf8_lossy(&self.body));
        self
    }

    /// A problem of this status and code, whole.
    #[track_caller]
    pub(crate) fn expect_problem(self, status: u16, code: &str) -> Self {
        let reply = self.expect_status(status);
        let call = &reply.call;
        assert_eq!(reply.headers["content-type"], "application/problem+json", "{call}");
        assert_eq!(reply.json["code"], code, "{call}: {}", reply.json);
        assert_eq!(reply.json["status"], status, "{call}: {}", reply.json);
        assert!(
            reply.json["detail"].as_str().is_some_and(|detail| detail.len() > 10),
            "{call}: {}",
            reply.json
        );
        reply
    }

    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> String {
        let text = self.json[member].as_str();
        text.unwrap_or_else(|| panic!("{}: no {member} in {}", self.call, self.json)).to_owned()
    }
}

impl Api {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { client: Client::builder(TokioExecutor::new()).build_http(), base: format!("http://{address}") }
    }

    /// A client with a connection for each call, as a balancer that chooses anew each time has them.
    pub(crate) fn without_keep_alive(address: SocketAddr) -> Self {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Self { client, ..Self::new(address) }
    }

    /// A call with JSON, or with nothing.
    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Reply {
        let mut request = self.request(method, path);
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let body = match body {
            Some(json) => {
                request = request.header("content-type", "application/json");
                Body::from(json.to_string())
            }
            None => Body::empty(),
        };
        self.send(request.body(body).unwrap()).await
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> http::request::Builder {
        Request::builder().method(method).uri(format!("{}{path}", self.base))
    }

    /// Sends it, and returns the answer while its body still comes.
    pub(crate) async fn open(&self, request: Request<Body>) -> http::Response<hyper::body::Incoming> {
        self.client.request(request).await.expect("an answer")
    }

    /// Sends it, and holds the answer against what is promised of every answer.
    pub(crate) async fn send(&self, request: Request<Body>) -> Reply {
        let reply = self.try_send(request).await.expect("an answer");
        assert!(reply.headers.contains_key("x-request-id"), "{}: no X-Request-Id", reply.call);
        assert_eq!(reply.headers["cache-control"], "no-store", "{}", reply.call);
        reply
    }

    /// The same for a server that may be gone.
    pub(crate) async fn try_send(
        &self,
        request: Request<Body>,
    ) -> Result<Reply, hyper_util::client::legacy::Error> {
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let call = format!("{method} {}", request.uri());
        let answer = self.client.request(request).await?;
        let (parts, body) = answer.into_parts();
        // A body cut off by a killed server is as good as no answer; callers of a living one check the JSON.
        let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        let reply = Reply { status: parts.status, headers: parts.headers, body, json, call };
        if method != http::Method::OPTIONS {
            openapi::hold(method.as_str(), &path, &reply);
        }
        Ok(reply)
    }
}
