//! One request after another, on connections that are kept.

use std::cell::RefCell;
use std::net::SocketAddr;

use buddy_bench_peers::{Failure, callback};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::rt::{Read, Write};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio_rustls::TlsConnector;

type Connection = SendRequest<Full<Bytes>>;

/// What is sent for one agent.
pub(crate) struct Request {
    pub(crate) body: Bytes,
    /// Of a direct call.
    pub(crate) signature: Option<String>,
}

pub(crate) struct Client {
    address: SocketAddr,
    tls: Option<TlsConnector>,
    path: String,
    requests: Vec<Request>,
    expect: String,
    idle: RefCell<Vec<Connection>>,
}

impl Client {
    pub(crate) fn new(
        address: SocketAddr,
        tls: Option<TlsConnector>,
        path: String,
        requests: Vec<Request>,
        expect: String,
    ) -> Self {
        Self { address, tls, path, requests, expect, idle: RefCell::default() }
    }

    /// Sends the request of the agent whose turn it is; true if the answer is right.
    pub(crate) async fn call(&self, turn: u32) -> Result<bool, Failure> {
        let request = &self.requests[turn as usize % self.requests.len()];
        let mut connection = self.connection().await?;
        let mut head = hyper::Request::post(&self.path)
            .header(HOST, self.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(signature) = &request.signature {
            head = head.header(callback::SIGNATURE, signature);
        }
        let answer = connection.send_request(head.body(Full::new(request.body.clone()))?).await?;
        let succeeded = answer.status().is_success();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle.borrow_mut().push(connection);
        Ok(succeeded && body.windows(self.expect.len()).any(|part| part == self.expect.as_bytes()))
    }

    async fn connection(&self) -> Result<Connection, Failure> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let Some(mut connection) = idle else { break };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        match &self.tls {
            Some(tls) => {
                let name = ServerName::IpAddress(self.address.ip().into());
                opened(tls.connect(name, stream).await?).await
            }
            None => opened(stream).await,
        }
    }
}

async fn opened<S>(stream: S) -> Result<Connection, Failure>
where
    TokioIo<S>: Read + Write + Unpin + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(connection);
    Ok(sender)
}
