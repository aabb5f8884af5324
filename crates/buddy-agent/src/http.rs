//! The one place that connects: HTTP/1.1, over TLS or plain, to the host that the operator named. No redirect is
//! followed, no proxy variable is read.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, StreamExt, unfold};
use http::header::{ACCEPT_ENCODING, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use sse_stream::{Sse, SseByteStream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::limits::{CONNECT_WAIT, EVENT_BYTES_MAX, HEAD_BYTES_MAX, IDLE_MAX};

const AGENT: &str = concat!("buddy-agent/", env!("CARGO_PKG_VERSION"));

/// A URL that nothing can be called at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be http:// or https:// and a host, without a user name, a query or a fragment")]
pub struct BadUrl;

/// A file of roots that is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("holds no certificate in PEM that can be read")]
pub struct BadRoots;

/// Why there is no whole answer. Never shows what was sent or came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("TLS failed: {0}")]
    Tls(io::Error),
    #[error("{0}")]
    Http(#[from] hyper::Error),
    #[error("took too long to {0}")]
    TimedOut(&'static str),
    #[error("the answer is too large")]
    TooLarge,
    #[error("the stream was cut off")]
    CutOff,
    #[error("the answer is not {0}")]
    NotAsAgreed(&'static str),
}

/// Mozilla's roots and the operator's own; verification is always on.
pub(crate) fn tls(roots_pem: Option<&[u8]>) -> Result<TlsConnector, BadRoots> {
    let mut roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    if let Some(pem) = roots_pem {
        let before = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            roots.add(certificate.map_err(|_| BadRoots)?).map_err(|_| BadRoots)?;
        }
        if roots.len() == before {
            return Err(BadRoots);
        }
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has suites for TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsConnector::from(Arc::new(config)))
}

type Sender = SendRequest<Full<Bytes>>;

/// Calls one host.
pub(crate) struct Client {
    base: Url,
    host: Host<String>,
    port: u16,
    host_header: HeaderValue,
    /// With the name that the certificate must be for; `None` is plain HTTP.
    tls: Option<(TlsConnector, ServerName<'static>)>,
    idle: Mutex<Vec<(Sender, Instant)>>,
}

impl Client {
    pub(crate) fn new(base: Url, tls: &TlsConnector) -> Result<Self, BadUrl> {
        let named = base.username().is_empty() && base.password().is_none();
        let bare = base.query().is_none() && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !named || !bare {
            return Err(BadUrl);
        }
        let host = base.host().ok_or(BadUrl)?.to_owned();
        let port = base.port_or_known_default().ok_or(BadUrl)?;
        let server_name = match &host {
            Host::Domain(name) => ServerName::try_from(name.clone()).map_err(|_| BadUrl)?,
            Host::Ipv4(address) => ServerName::from(std::net::IpAddr::from(*address)),
            Host::Ipv6(address) => ServerName::from(std::net::IpAddr::from(*address)),
        };
        let authority = base.port().map_or_else(|| host.to_string(), |port| format!("{host}:{port}"));
        let host_header = HeaderValue::try_from(authority).map_err(|_| BadUrl)?;
        let tls = (base.scheme() == "https").then(|| (tls.clone(), server_name));
        Ok(Self { base, host, port, host_header, tls, idle: Mutex::default() })
    }

    /// What is sent there can be read on the way: plain HTTP to another machine.
    pub(crate) fn is_exposed(&self) -> bool {
        let here = match &self.host {
            Host::Domain(name) => name == "localhost",
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        self.tls.is_none() && !here
    }

    /// A request for what is below the base URL.
    pub(crate) fn request(&self, method: Method, below: &[&str], query: &[(&str, &str)]) -> request::Builder {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("HTTP has a path").pop_if_empty().extend(below);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Request::builder()
            .method(method)
            .uri(&url[url::Position::BeforePath..])
            .header(HOST, self.host_header.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT_ENCODING, "identity")
    }

    /// Sends it and waits for the head of the answer; how long is the caller's to say.
    pub(crate) async fn send(&self, mut request: Request<Full<Bytes>>) -> Result<Answer<'_>, Fault> {
        while let Some(mut sender) = self.take_idle() {
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(Answer { client: self, sender, response }),
                // The connection had ended meanwhile, and nothing of the request has left.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(error.into_error().into()),
                },
            }
        }
        let mut sender = self.open().await?;
        let response = sender.send_request(request).await?;
        Ok(Answer { client: self, sender, response })
    }

    async fn open(&self) -> Result<Sender, Fault> {
        let opened = timeout(CONNECT_WAIT, async {
            let tcp = self.dial().await.map_err(Fault::Connect)?;
            match &self.tls {
                None => speak(tcp).await,
                Some((tls, name)) => speak(tls.connect(name.clone(), tcp).await.map_err(Fault::Tls)?).await,
            }
        });
        opened.await.unwrap_or(Err(Fault::TimedOut("connect")))
    }

    #[expect(clippy::disallowed_methods, reason = "the customer's program calls what its own operator named")]
    async fn dial(&self) -> io::Result<TcpStream> {
        let tcp = match &self.host {
            Host::Domain(name) => TcpStream::connect((name.as_str(), self.port)).await?,
            Host::Ipv4(address) => TcpStream::connect((*address, self.port)).await?,
            Host::Ipv6(address) => TcpStream::connect((*address, self.port)).await?,
        };
        tcp.set_nodelay(true)?;
        Ok(tcp)
    }

    fn take_idle(&self) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(sender, since)| since.elapsed() < IDLE_MAX && !sender.is_closed());
        idle.pop().map(|(sender, _)| sender)
    }

    fn keep(&self, sender: Sender) {
        if sender.is_ready() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push((sender, Instant::now()));
        }
    }
}

/// The task that drives the connection ends with the last that holds on to it.
async fn speak(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Result<Sender, Fault> {
    let mut builder = http1::Builder::new();
    builder.max_buf_size(HEAD_BYTES_MAX);
    let (sender, connection) = builder.handshake(TokioIo::new(stream)).await?;
    // Whoever waits for an answer is told the same.
    tokio::spawn(async move { drop(connection.await) });
    Ok(sender)
}

/// An answer whose body may still come.
pub(crate) struct Answer<'a> {
    client: &'a Client,
    sender: Sender,
    response: Response<Incoming>,
}

impl Answer<'_> {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn header(&self, name: &http::HeaderName) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// The whole body, if it is no larger than this.
    pub(crate) async fn whole(self, bytes_max: usize) -> Result<Bytes, Fault> {
        let body = self.response.into_body();
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(Fault::TooLarge);
        }
        let whole = Limited::new(body, bytes_max).collect().await;
        let bytes = whole.map_err(|error| match error.downcast::<hyper::Error>() {
            Ok(error) => Fault::Http(*error),
            Err(error) if error.is::<LengthLimitError>() => Fault::TooLarge,
            Err(_) => Fault::CutOff,
        })?;
        self.client.keep(self.sender);
        Ok(bytes.to_bytes())
    }

    /// The body as server-sent events; the wait for further bytes is at most `silence`.
    pub(crate) fn events(self, silence: Duration) -> Result<Events, Fault> {
        let kind = self.header(&http::header::CONTENT_TYPE).unwrap_or_default();
        if !kind.to_ascii_lowercase().starts_with("text/event-stream") {
            return Err(Fault::NotAsAgreed("a stream of events"));
        }
        Ok(Events::new(self.response.into_body(), silence))
    }
}

/// Server-sent events as they come. What ends it ends it for good.
pub(crate) struct Events {
    events: SseByteStream<BoxStream<'static, Result<Bytes, Fault>>>,
    /// Bytes since the last event.
    gathered: Arc<Mutex<usize>>,
}

impl Events {
    fn new(body: Incoming, silence: Duration) -> Self {
        let gathered = Arc::new(Mutex::new(0));
        let count = Arc::clone(&gathered);
        let bytes = unfold((body, count), move |(mut body, count)| async move {
            let frame = match timeout(silence, body.frame()).await {
                Err(_) => Err(Fault::TimedOut("send more")),
                Ok(None) => return None,
                Ok(Some(Err(error))) => Err(error.into()),
                Ok(Some(Ok(frame))) => Ok(frame.into_data().unwrap_or_default()),
            };
            let frame = frame.and_then(|bytes| counted(&count, bytes));
            Some((frame, (body, count)))
        });
        Self { events: SseByteStream::new(bytes.boxed()), gathered }
    }

    /// The next event; `None` at the end. It may be given up, and is not lost by that.
    pub(crate) async fn next(&mut self) -> Option<Result<Sse, Fault>> {
        let event = self.events.next().await?;
        *self.gathered.lock().unwrap_or_else(PoisonError::into_inner) = 0;
        Some(event.map_err(|error| match error {
            sse_stream::Error::Body(cause) => cause.downcast::<Fault>().map_or(Fault::CutOff, |fault| *fault),
            _ => Fault::NotAsAgreed("a stream of events"),
        }))
    }
}

/// What becomes one event is bounded: the decoder itself would gather for ever.
fn counted(gathered: &Mutex<usize>, bytes: Bytes) -> Result<Bytes, Fault> {
    let mut gathered = gathered.lock().unwrap_or_else(PoisonError::into_inner);
    *gathered += bytes.len();
    if *gathered > EVENT_BYTES_MAX { Err(Fault::TooLarge) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str) -> Result<Client, BadUrl> {
        Client::new(url.parse().unwrap(), &tls(None).unwrap())
    }

    #[test]
    fn what_is_called_is_below_the_base_url() {
        for (base, path, host) in [
            ("http://localhost:8700", "/v1/a%2Fb?q=%26", "localhost:8700"),
            ("https://shop.example/", "/v1/a%2Fb?q=%26", "shop.example"),
            ("https://shop.example/chat/api/", "/chat/api/v1/a%2Fb?q=%26", "shop.example"),
            ("http://[::1]:9/api", "/api/v1/a%2Fb?q=%26", "[::1]:9"),
        ] {
            let request = client(base).unwrap().request(Method::GET, &["v1", "a/b"], &[("q", "&")]);
            let request = request.body(()).unwrap();
            assert_eq!(
                (request.uri().to_string().as_str(), &request.headers()[HOST]),
                (path, &HeaderValue::try_from(host).unwrap())
            );
        }
    }

    #[test]
    fn what_cannot_be_called_is_refused() {
        for url in
            ["ftp://a", "http://a@b", "http://:p@b", "http://a/?b", "http://a/#b", "file:///a", "mailto:a@b"]
        {
            assert!(client(url).is_err(), "{url}");
        }
    }

    #[test]
    fn plain_http_to_another_machine_is_exposed() {
        for (url, exposed) in [
            ("http://localhost:1", false),
            ("http://127.0.0.2", false),
            ("http://[::1]", false),
            ("https://shop.example", false),
            ("http://shop.example", true),
            ("http://10.0.0.1", true),
        ] {
            assert_eq!(client(url).unwrap().is_exposed(), exposed, "{url}");
        }
    }

    #[test]
    fn roots_that_are_none_are_refused() {
        let garbage = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        for pem in ["", "no PEM at all", garbage, "-----BEGIN CERTIFICATE-----\n%%%\n"] {
            assert!(tls(Some(pem.as_bytes())).is_err(), "{pem:?}");
        }
        assert_eq!(tls(None).unwrap().config().alpn_protocols, [b"http/1.1".to_vec()]);
    }
}
