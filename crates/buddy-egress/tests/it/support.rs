//! Endpoints that do exactly what a test says, and the way out to them.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use buddy_core::reason::Reason;
use buddy_egress::{Egress, EgressSettings, Exchange, Pool, Request};
use bytes::Bytes;
use hickory_resolver::proto::op::{Message, ResponseCode};
use hickory_resolver::proto::rr::{RData, Record, RecordType};
use http::{HeaderMap, HeaderName, HeaderValue};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

pub(crate) const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"userId\":\"42\"}";
/// Long enough for a loaded machine where the time is not what is tested.
pub(crate) const AMPLE: Duration = Duration::from_secs(20);
/// Where a timeout is what is tested.
pub(crate) const SHORT: Duration = Duration::from_millis(500);

pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}
/// One accepted connection, TLS taken off.
pub(crate) type Line = Box<dyn Duplex>;

/// A certificate authority that the way out believes.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

pub(crate) fn authority() -> &'static Authority {
    static AUTHORITY: OnceLock<Authority> = OnceLock::new();
    AUTHORITY.get_or_init(Authority::new)
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let issuer = Issuer::new(params, key);
        Self { pem: certificate.pem(), certificate: certificate.into(), issuer }
    }

    /// A certificate for a name or address, and its key.
    pub(crate) fn issue(
        &self,
        name: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        (vec![certificate.into()], PrivateKeyDer::try_from(key.serialize_der()).expect("a PKCS#8 key"))
    }
}

pub(crate) fn acceptor_for(
    (chain, key): (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>),
) -> TlsAcceptor {
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("TLS versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate with its key");
    TlsAcceptor::from(Arc::new(config))
}

/// TLS with a good certificate for 127.0.0.1.
pub(crate) fn good_tls() -> TlsAcceptor {
    acceptor_for(authority().issue("127.0.0.1", |_| {}))
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

/// One request as it came over the wire, head and body; `None` at the connection's end.
pub(crate) async fn read_request(line: &mut Line) -> Option<String> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        bytes.push(line.read_u8().await.ok()?);
    };
    let text = String::from_utf8(bytes).expect("text");
    let length = header(&text, "content-length").expect("a length").parse::<usize>().expect("a number");
    let mut body = vec![0; length];
    line.read_exact(&mut body).await.ok()?;
    assert_eq!(text.len(), head);
    Some(text + std::str::from_utf8(&body).expect("text"))
}

pub(crate) fn header<'a>(message: &'a str, wanted: &str) -> Option<&'a str> {
    let mut lines = message.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case(wanted).then_some(value)
    })
}

pub(crate) async fn write(line: &mut Line, bytes: impl AsRef<[u8]>) {
    // A client that has heard enough may be gone already.
    let _ = line.write_all(bytes.as_ref()).await;
    let _ = line.flush().await;
}

/// Answers every request alike until the connection ends.
pub(crate) async fn answer_all(mut line: Line, answer: &str) {
    while read_request(&mut line).await.is_some() {
        write(&mut line, answer).await;
    }
}

/// Waits until the other side has closed.
pub(crate) async fn until_closed(mut line: impl AsyncRead + Unpin) {
    let mut sink = [0; 1024];
    while line.read(&mut sink).await.is_ok_and(|read| read > 0) {}
}

/// The way out, with loopback opened and the test authority believed.
pub(crate) fn settings() -> EgressSettings {
    EgressSettings {
        allow: vec!["127.0.0.0/8".parse().expect("a network")],
        allow_http: true,
        extra_roots_pem: Some(authority().pem.clone().into_bytes()),
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
    ask(&egress, &egress.pool(), url, time).await
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

/// An address whose queue of connections is full: what comes now gets no answer, not even a refusal.
pub(crate) struct Deaf {
    pub(crate) address: SocketAddr,
    _listener: Socket,
    _queue: Vec<Socket>,
}

impl Deaf {
    pub(crate) fn listen(address: SocketAddr) -> Self {
        let socket = || Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        let listener = socket();
        listener.bind(&address.into()).expect("a free port");
        listener.listen(0).expect("a listening socket");
        let address =
            listener.local_addr().ok().and_then(|address| address.as_socket()).expect("its address");
        let queue = std::iter::repeat_with(socket).take(8).collect::<Vec<_>>();
        for waiting in &queue {
            waiting.set_nonblocking(true).expect("an option that exists");
            // In progress, which is an error to the type.
            let _ = waiting.connect(&address.into());
        }
        Self { address, _listener: listener, _queue: queue }
    }
}

/// What the name server says.
pub(crate) enum Says {
    Addresses(Vec<&'static str>),
    NoSuchName,
    ServerFailure,
    Nothing,
}

/// A name server on loopback that counts what it is asked.
pub(crate) struct NameServer {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<HashMap<(String, RecordType), usize>>>,
}

impl NameServer {
    /// `zone`: the name, the family, how often that was asked before.
    pub(crate) async fn start(zone: impl Fn(&str, RecordType, usize) -> Says + Send + 'static) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address");
        let asked = Arc::new(Mutex::new(HashMap::new()));
        let counts = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut datagram = [0; 1024];
            while let Ok((length, from)) = socket.recv_from(&mut datagram).await {
                let query = Message::from_vec(&datagram[..length]).expect("a query");
                let question = query.queries.first().expect("a question");
                let name = question.name().to_utf8();
                let times = count(&counts, &name, question.query_type());
                if let Some(answer) = answer(&query, &zone(&name, question.query_type(), times)) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Self { address, asked }
    }

    /// How often a name was asked for, by family.
    pub(crate) fn asked(&self, name: &str) -> (usize, usize) {
        let asked = self.asked.lock().expect("no panic");
        let times = |family| asked.get(&(name.to_owned(), family)).copied().unwrap_or_default();
        (times(RecordType::A), times(RecordType::AAAA))
    }

    pub(crate) fn all_asked(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("no panic");
        let mut names = asked.keys().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        names.sort_unstable();
        names.dedup();
        names
    }
}

fn count(counts: &Mutex<HashMap<(String, RecordType), usize>>, name: &str, family: RecordType) -> usize {
    let mut counts = counts.lock().expect("no panic");
    let times = counts.entry((name.to_owned(), family)).or_default();
    *times += 1;
    *times - 1
}

fn answer(query: &Message, says: &Says) -> Option<Vec<u8>> {
    let question = query.queries.first().expect("a question");
    let mut message = Message::response(query.metadata.id, query.metadata.op_code);
    message.metadata.recursion_available = true;
    message.add_query(question.clone());
    match says {
        Says::Nothing => return None,
        Says::NoSuchName => message.metadata.response_code = ResponseCode::NXDomain,
        Says::ServerFailure => message.metadata.response_code = ResponseCode::ServFail,
        Says::Addresses(addresses) => {
            for address in addresses {
                let address: IpAddr = address.parse().expect("an address");
                let data = RData::from(address);
                if data.record_type() == question.query_type() {
                    // No TTL at all, as in an attack by rebinding.
                    message.add_answer(Record::from_rdata(question.name().clone(), 0, data));
                }
            }
        }
    }
    Some(message.to_vec().expect("an answer"))
}
