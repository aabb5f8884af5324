//! The smallest client that speaks to the demo's own server.

use std::net::SocketAddr;

use axum::body::{Body, Bytes};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::Failure;

/// Calls one address.
pub(super) struct Client {
    address: SocketAddr,
}

impl Client {
    pub(super) fn new(address: SocketAddr) -> Self {
        Self { address }
    }

    /// One call; an answer other than 2xx is an error that shows it.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Result<Value, Failure> {
        let (status, answer) = self.ask(method, path, bearer, body).await?;
        if !status.is_success() {
            return Err(format!("{method} {path} was answered {status}: {answer}").into());
        }
        Ok(answer)
    }

    /// One call, and whatever is answered.
    pub(super) async fn ask(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: Option<Value>,
    ) -> Result<(StatusCode, Value), Failure> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(path)
            .header("host", self.address.to_string())
            .header("content-type", "application/json");
        if let Some(token) = bearer {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Body::from(body.map_or_else(String::new, |body| body.to_string())))?;
        let (status, bytes) = self.send(request).await?;
        Ok((status, if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes)? }))
    }

    async fn send(&self, request: http::Request<Body>) -> Result<(StatusCode, Bytes), Failure> {
        #[expect(clippy::disallowed_methods, reason = "the demo calls the server that it started itself")]
        let stream = TcpStream::connect(self.address).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let driver = tokio::spawn(connection);
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let bytes = answer.into_body().collect().await?.to_bytes();
        driver.abort();
        Ok((status, bytes))
    }
}

/// A member that is a text, or nothing.
pub(super) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member].as_str().unwrap_or_default()
}
