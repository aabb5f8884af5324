//! Endpoints that do exactly what a test says, and the way out to them.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_egress::{Egress, EgressSettings, Exchange, Pool, Request};
use buddy_mock::dns::{NameServer, RecordType, Says};
use buddy_mock::wire::{self, Duplex};
pub(crate) use buddy_mock::wire::{header, read_request, until_closed};
use buddy_shop::certificate::{Authority, Credentials};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use rcgen::CertificateParams;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"userId\":\"42\"}";
/// Connections that a pool may keep: more than any test uses.
pub(crate) const IDLE_MAX: usize = 64;
/// Long enough for a loaded machine where the time is not what is tested.
pub(crate) const AMPLE: Duration = Duration::from_secs(20);
/// Where a timeout is what is tested.
pub(crate) const SHORT: Duration = Duration::from_millis(500);

/// One accepted connection, TLS taken off.
pub(crate) type Line = Box<dyn Duplex>;

/// A certificate authority that the way out believes.
pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(|| Authority::new().expect("an authority"))
}

/// A certificate for a name or address, and its key.
pub(crate) fn issue(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Credentials {
    authority().issue(name, change).expect("a certificate")
}

pub(crate) fn acceptor_for(credentials: Credentials) -> TlsAcceptor {
    TlsAcceptor::from(credentials.server_config().expect("a certificate with its key"))
}

/// TLS with a good certificate for 127.0.0.1.
pub(crate) fn good_tls() -> TlsAcceptor {
    acceptor_for(issue("127.0.0.1", |_| {}))
}

/// A listening endpoint.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) fn https(&self) -> String {
        format!("https://{}/cb?x=1", self.address)
    }

    pub(crate) fn http(&self) -> String {
        format!("http://{}/cb?x=1", self.address)
    }

    /// How many connections came.
    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Hands each accepted socket, as it is, with its number to `handler`.
pub(crate) async fn raw_site<F, Fut>(ip: &str, handler: F) -> Site
where
    F: Fn(usize, TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind((ip, 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&accepted);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            stream.set_nodelay(true).expect("an option that exists");
            tokio::spawn(handler(counter.fetch_add(1, Ordering::SeqCst), stream));
        }
    });
    Site { address, accepted }
}

pub(crate) async fn plain_site<F, Fut>(handler: F) -> Site
where
    F: Fn(usize, Line) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    raw_site("127.0.0.1", move |number, stream| handler(number, Box::new(stream))).await
}

pub(crate) async fn tls_site<F, Fut>(tls: TlsAcceptor, handler: F) -> Site
where
    F: Fn(usize, Line) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let handler = Arc::new(handler);
    raw_site("127.0.0.1", move |number, stream| {
        let (tls, handler) = (tls.clone(), Arc::clone(&handler));
        async move {
            if let Ok(stream) = tls.accept(stream).await {
                handler(number, Box::new(stream)).await;
            }
        }
    })
    .await
}

/// A site that nobody may reach.
pub(crate) async fn tripwire(ip: &str) -> Site {
    raw_site(ip, |_, stream| async move { drop(stream) }).await
}

pub(crate) async fn write(line: &mut Line, bytes: impl AsRef<[u8]>) {
    // A client that has heard enough may be gone already.
    let _ = wire::write(line, bytes).await;
}

/// Answers every request alike until the connection ends.
pub(crate) async fn answer_all(mut line: Line, answer: &str) {
    while read_request(&mut line).await.is_some() {
        write(&mut line, answer).await;
    }
}

/// The way out, with loopback opened and the test authority believed.
pub(crate) fn settings() -> EgressSettings {
    EgressSettings {
        allow: vec!["127.0.0.0/8".parse().expect("a network")],
        allow_http: true,
        extra_roots_pem: Some(authority().pem().into_bytes()),
        ..EgressSettings::default()
    }
}

pub(crate) fn egress() -> Egress {
    Egress::new(settings()).expect("good settings")
}

pub(crate) fn request() -> Request {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-platform-signature", HeaderValue::from_static("ab12"));
    Request {
        headers,
        body: Bytes::from_static(b"{\"a\":1}"),
        deadline_header: HeaderName::from_static("x-platform-deadline-ms"),
        fresh_connection: false,
    }
}

pub(crate) async fn ask(egress: &Egress, pool: &Pool, url: &str, time: Duration) -> Exchange {
    let target = egress.target(url).expect("a good URL");
    egress.exchange(pool, &target, request(), Instant::now() + time).await
}

/// Asks once with everything fresh.
pub(crate) async fn ask_once(url: &str, time: Duration) -> Exchange {
    let egress = egress();
    ask(&egress, &egress.pool(IDLE_MAX), url, time).await
}

#[track_caller]
pub(crate) fn assert_user(exchange: &Exchange) {
    let answer = exchange.result.as_ref().unwrap_or_else(|reason| panic!("{reason}: {exchange:?}"));
    assert_eq!((answer.status, &answer.body[..]), (200, &b"{\"userId\":\"42\"}"[..]));
    assert_eq!(exchange.status, Some(200));
}

#[track_caller]
pub(crate) fn assert_failed(exchange: &Exchange, expected: Reason, what: &str) {
    assert_eq!(exchange.result.as_ref().err(), Some(&expected), "{what}: {exchange:?}");
}

/// `zone`: the name, the family, how often that was asked before.
pub(crate) async fn name_server(
    zone: impl Fn(&str, RecordType, usize) -> Says + Send + Sync + 'static,
) -> NameServer {
    NameServer::start(zone).await.expect("a free port")
}
