//! The receiver of traces, over a connection that buddy-egress opens: it is the operator's own, and no customer's.

use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use buddy_core::reason::Reason;
use buddy_egress::{Egress, EgressError, EgressSettings, Target};
use bytes::Bytes;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use opentelemetry_http::{HttpClient, HttpError};
use tokio::time::{Instant, timeout};
use url::{Position, Url};

use crate::config::everywhere;

const AGENT: &str = concat!("Buddy/", env!("CARGO_PKG_VERSION"));
/// For one try, the answer included: a receiver queues what it takes, and answers at once.
const TRY_TIME: Duration = Duration::from_secs(5);
/// An answer is a handful of bytes, or a sentence on what is wrong.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why no traces can be sent at all, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CollectorError {
    #[error(transparent)]
    Egress(#[from] EgressError),
    /// The URL leads nowhere.
    #[error("--otlp-endpoint (BUDDY_OTLP_ENDPOINT) cannot be called ({0}): name another receiver.")]
    Target(Reason),
    /// The library takes the settings for wrong.
    #[error("--otlp-endpoint (BUDDY_OTLP_ENDPOINT) cannot be used: {0}.")]
    Exporter(String),
}

/// Why the last try failed before there was an answer.
#[derive(Default)]
pub(super) struct LastTrouble(Mutex<Option<String>>);

impl LastTrouble {
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, trouble: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

/// Speaks to one receiver, over one connection that is kept.
pub(super) struct Collector {
    egress: Egress,
    target: Target,
    uri: Uri,
    headers: HeaderMap,
    idle: Mutex<Option<SendRequest<Full<Bytes>>>>,
    trouble: Arc<LastTrouble>,
}

/// Without the headers: there are secrets in them.
impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").finish_non_exhaustive()
    }
}

impl Collector {
    /// Opens nothing yet. `headers` go with each request.
    pub(super) fn new(
        url: &Url,
        mut headers: HeaderMap,
        roots_pem: Option<&[u8]>,
    ) -> Result<(Self, Arc<LastTrouble>), CollectorError> {
        let egress = Egress::new(EgressSettings {
            allow: everywhere().to_vec(),
            allow_http: true,
            extra_roots_pem: roots_pem.map(<[u8]>::to_vec),
            ..EgressSettings::default()
        })?;
        let target = egress.target(url.as_str()).map_err(CollectorError::Target)?;
        let host = HeaderValue::from_str(&url[Position::BeforeHost..Position::AfterPort]);
        headers.insert(HOST, host.expect("a URL's host is header text"));
        headers.entry(USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
        let uri = url[Position::BeforePath..].parse().expect("a URL's path is one of a request");
        let trouble = Arc::<LastTrouble>::default();
        let collector =
            Self { egress, target, uri, headers, idle: Mutex::default(), trouble: trouble.clone() };
        Ok((collector, trouble))
    }

    /// The idle connection if it is still open, or a new one.
    async fn connection(&self) -> Result<SendRequest<Full<Bytes>>, HttpError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut sender) = idle
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let line = self.egress.line(&self.target, Instant::now() + TRY_TIME).await;
        let line = line.map_err(|trouble| format!("no connection ({})", trouble.reason))?;
        let (sender, connection) = handshake(TokioIo::new(line)).await?;
        // It ends with its sender, whose user is told what went wrong with it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }

    /// Of the headers that the library has made only those of the body go out: it adds what it finds in the environment.
    fn request(&self, made: Request<Bytes>) -> Request<Full<Bytes>> {
        let (made, body) = made.into_parts();
        let mut request = Request::post(self.uri.clone()).body(Full::new(body)).expect("made of a good URL");
        let headers = request.headers_mut();
        headers.clone_from(&self.headers);
        for name in [CONTENT_TYPE, CONTENT_ENCODING] {
            if let Some(value) = made.headers.get(&name) {
                headers.insert(name, value.clone());
            }
        }
        request
    }

    async fn exchange(&self, made: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let mut sender = self.connection().await?;
        let (head, body) = sender.send_request(self.request(made)).await?.into_parts();
        let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        Ok(Response::from_parts(head, body))
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let answered = timeout(TRY_TIME, self.exchange(request)).await;
        let answered = answered.unwrap_or_else(|_| Err("it does not answer in time".into()));
        self.trouble.set(answered.as_ref().err().map(|error| said(&**error)));
        answered
    }
}

/// The error and what is behind it: hyper says the cause in its source only.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(behind) = cause {
        said = format!("{said}: {behind}");
        cause = behind.source();
    }
    said
}
