//! The business's endpoint that every peer asks: it verifies the signature and answers one user, after a delay.
//!
//! `POST /d/MILLISECONDS` answers after so long, `POST /hang` never. What it has counted is told over plain HTTP on a
//! port of its own, so that asking for it changes nothing of what is counted.

mod alarm;

use std::cell::Cell;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use buddy_bench_peers::{Failure, callback, listen, tls};
use bytes::Bytes;
use clap::Parser;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::{LocalSet, spawn_local};
use tokio_rustls::TlsAcceptor;

use crate::alarm::Alarm;

type Body = Full<Bytes>;

#[derive(Parser)]
struct Options {
    /// The certificates it shows, in PEM
    #[arg(long)]
    certificate: PathBuf,
    /// The key of the first, in PEM
    #[arg(long)]
    key: PathBuf,
}

struct Endpoint {
    key: hmac::Key,
    alarm: Alarm,
    /// Calls whose signature was right.
    verified: Cell<u64>,
    /// Calls whose signature was wrong.
    refused: Cell<u64>,
    /// TLS connections that came.
    connections: Cell<u64>,
    /// Calls that wait for their answer.
    pending: Cell<u64>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let options = Options::parse();
    let tls = tls::acceptor(&options.certificate, &options.key)?;
    let endpoint = Rc::new(Endpoint {
        key: callback::key(),
        alarm: Alarm::start(),
        verified: Cell::default(),
        refused: Cell::default(),
        connections: Cell::default(),
        pending: Cell::default(),
    });
    let (calls, counts) = (listen::announced("https").await?, listen::announced("http").await?);
    let serving = async { tokio::try_join!(serve(&endpoint, calls, tls), tell(&endpoint, counts)) };
    LocalSet::new().run_until(serving).await.map(|((), ())| ())
}

async fn serve(endpoint: &Rc<Endpoint>, listener: TcpListener, tls: TlsAcceptor) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let (endpoint, tls) = (Rc::clone(endpoint), tls.clone());
        spawn_local(async move {
            // Whoever breaks off ends its own connection only.
            let Ok(stream) = tls.accept(stream).await else { return };
            add(&endpoint.connections, 1);
            let service = service_fn(|request| endpoint.answer(request));
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn tell(endpoint: &Rc<Endpoint>, listener: TcpListener) -> Result<(), Failure> {
    loop {
        let (stream, _) = listener.accept().await?;
        let endpoint = Rc::clone(endpoint);
        spawn_local(async move {
            let service = service_fn(|_| async { Ok::<_, Failure>(endpoint.counts()) });
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Endpoint {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Failure> {
        let begun = Instant::now();
        let (head, body) = request.into_parts();
        let body = body.collect().await?.to_bytes();
        let signature = head.headers.get(callback::SIGNATURE).map(HeaderValue::as_bytes);
        if !callback::verify(&self.key, &body, signature.unwrap_or_default()) {
            add(&self.refused, 1);
            return Ok(status(StatusCode::UNAUTHORIZED));
        }
        add(&self.verified, 1);
        let _pending = Pending::new(&self.pending);
        if head.uri.path() == "/hang" {
            std::future::pending::<()>().await;
        }
        let Some(delay) = head.uri.path().strip_prefix("/d/").and_then(|delay| delay.parse().ok()) else {
            return Ok(status(StatusCode::NOT_FOUND));
        };
        if delay > 0 {
            self.alarm.at(begun + Duration::from_millis(delay)).await;
        }
        Ok(json(Bytes::from_static(callback::ANSWER)))
    }

    fn counts(&self) -> Response<Body> {
        let counts = json!({
            "verified": self.verified.get(),
            "refused": self.refused.get(),
            "connections": self.connections.get(),
            "pending": self.pending.get(),
        });
        json(counts.to_string().into())
    }
}

/// One call more until it is dropped: answered, or left by whoever asked.
struct Pending<'a>(&'a Cell<u64>);

impl<'a> Pending<'a> {
    fn new(count: &'a Cell<u64>) -> Self {
        add(count, 1);
        Self(count)
    }
}

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

fn add(count: &Cell<u64>, number: u64) {
    count.set(count.get() + number);
}

fn json(body: Bytes) -> Response<Body> {
    let mut response = Response::new(Full::new(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
