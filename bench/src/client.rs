//! A client with keep-alive, as small as the measurement needs.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::request::Builder;
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use crate::Failure;

pub(crate) type Body = Full<Bytes>;

pub(crate) struct Client {
    address: SocketAddr,
    idle: Mutex<Vec<SendRequest<Body>>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: Mutex::default() }
    }

    pub(crate) async fn call(
        &self,
        method: &str,
        path: &str,
        bearer: Option<&str>,
        body: &Value,
    ) -> Result<Value, Failure> {
        let body = body.to_string();
        let (head, bytes) = self
            .send(|| {
                let request = self.request(method, path).header("content-type", "application/json");
                let request = match bearer {
                    Some(token) => request.header("authorization", format!("Bearer {token}")),
                    None => request,
                };
                request.body(Body::from(body.clone()))
            })
            .await?;
        if head.status.is_success() {
            Ok(serde_json::from_slice(&bytes)?)
        } else {
            Err(format!("{method} {path}: {} {}", head.status, String::from_utf8_lossy(&bytes)).into())
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> Builder {
        hyper::Request::builder().method(method).uri(path).header("host", self.address.to_string())
    }

    /// Sends what `request` makes, on a connection that has answered before if there is one.
    pub(crate) async fn send(
        &self,
        request: impl Fn() -> Result<Request<Body>, hyper::http::Error>,
    ) -> Result<(Parts, Bytes), Failure> {
        let (connection, answer) = loop {
            let mut connection = self.connection().await?;
            match connection.send_request(request()?).await {
                Ok(answer) => break (connection, answer),
                // The server was closing it for its long idleness, and has not seen the request.
                Err(error) if error.is_canceled() => {}
                Err(error) => return Err(error.into()),
            }
        };
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await?.to_bytes();
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        Ok((head, bytes))
    }

    async fn connection(&self) -> Result<SendRequest<Body>, Failure> {
        loop {
            let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let Some(mut connection) = idle else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        #[expect(clippy::disallowed_methods, reason = "the benchmark calls the server that it started")]
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let (connection, driver) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(driver);
        Ok(connection)
    }
}
