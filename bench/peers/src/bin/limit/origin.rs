//! One endpoint's address, and its connections that are idle.

use std::cell::RefCell;
use std::net::SocketAddr;

use buddy_bench_peers::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::spawn_local;
use tokio_rustls::TlsConnector;

pub(crate) type Body = Full<Bytes>;

pub(crate) struct Origin {
    address: SocketAddr,
    tls: TlsConnector,
    idle: RefCell<Vec<SendRequest<Body>>>,
}

impl Origin {
    /// Of an https URL whose host is an address.
    pub(crate) fn of(url: &Uri, tls: TlsConnector) -> Result<Self, Failure> {
        let authority = url.authority().ok_or("a callback's URL has no host")?;
        Ok(Self { address: authority.as_str().parse()?, tls, idle: RefCell::default() })
    }

    /// The body of a 200, on a connection that was used before if there is one.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Bytes, Failure> {
        let mut connection = self.connection().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        self.idle.borrow_mut().push(connection);
        if status == 200 { Ok(body) } else { Err(format!("status {status}").into()) }
    }

    async fn connection(&self) -> Result<SendRequest<Body>, Failure> {
        loop {
            let idle = self.idle.borrow_mut().pop();
            let Some(mut connection) = idle else { return self.connect().await };
            if connection.ready().await.is_ok() {
                return Ok(connection);
            }
        }
    }

    async fn connect(&self) -> Result<SendRequest<Body>, Failure> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream = self.tls.connect(ServerName::IpAddress(self.address.ip().into()), stream).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        spawn_local(connection);
        Ok(sender)
    }
}
