//! The smallest client of the operator's calls: one connection for each.

use std::error::Error;
use std::time::Duration;

use axum::body::Bytes;
use buddy_core::reason::Reason;
use buddy_egress::{CertificateFault, Egress, Target, Trouble};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};
use url::{Position, Url};

use super::Misused;
use super::events::Events;
use crate::cli::print::shown;

const AGENT: &str = concat!("buddy/", env!("CARGO_PKG_VERSION"));
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// A server that is there accepts within this, over any ocean.
const CONNECT_WAIT: Duration = Duration::from_secs(10);
/// For the whole of an answer: reads take milliseconds.
const ANSWER_WAIT: Duration = Duration::from_secs(30);
/// Two hundred resolutions, with all their sendings, are a fraction of this.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Why there is no good answer, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum CallError {
    /// No connection came about.
    #[error("{0}")]
    Unreachable(String),
    /// The server said no; with a code, if it is Buddy that said it.
    #[error("{sentence}")]
    Refused { status: StatusCode, code: Option<String>, sentence: String },
    /// It came to no end.
    #[error("{0}")]
    CutOff(String),
}

impl CallError {
    /// It may go better soon.
    pub(in crate::cli) fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable(_) | Self::CutOff(_) => true,
            Self::Refused { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
        }
    }

    /// There is no such thing, and it is Buddy that says so.
    pub(in crate::cli) fn is_not_found(&self) -> bool {
        matches!(self, Self::Refused { status: StatusCode::NOT_FOUND, code: Some(_), .. })
    }
}

/// What is read of an answer that says no.
#[derive(Deserialize)]
struct Said {
    code: String,
    detail: String,
}

/// Calls one server.
pub(in crate::cli) struct Client {
    egress: Egress,
    target: Target,
    base: Url,
    host: HeaderValue,
    bearer: HeaderValue,
}

impl Client {
    pub(super) fn new(egress: Egress, target: Target, base: Url, token: &str) -> Result<Self, Misused> {
        let bad = |_| Misused("the admin token has characters that no token has.".to_owned());
        let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(bad)?;
        bearer.set_sensitive(true);
        let host = HeaderValue::from_str(&base[Position::BeforeHost..Position::AfterPort]);
        let host = host.expect("a URL's host is header text");
        Ok(Self { egress, target, base, host, bearer })
    }

    /// Where the server is, to be shown.
    pub(in crate::cli) fn url(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// Reads what is there.
    pub(in crate::cli) async fn get<T: DeserializeOwned>(&self, path: &[&str]) -> Result<T, CallError> {
        let got = async {
            let response = self.send(path, &[], None).await?;
            let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect().await;
            let body = body.map_err(|error| self.cut_off(&*error))?.to_bytes();
            serde_json::from_slice(&body)
                .map_err(|_| self.not_buddy("what it answers is no answer of Buddy's"))
        };
        timeout(ANSWER_WAIT, got).await.unwrap_or_else(|_| Err(self.too_slow()))
    }

    /// Listens from now on, or after the event of this id.
    pub(in crate::cli) async fn listen(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        after: Option<&str>,
    ) -> Result<Events, CallError> {
        let opened = timeout(ANSWER_WAIT, self.send(path, query, after)).await;
        let response = opened.unwrap_or_else(|_| Err(self.too_slow()))?;
        let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
        if !kind.starts_with(b"text/event-stream") {
            return Err(self.not_buddy("what it answers is no stream of events"));
        }
        Ok(Events::new(response.into_body(), self.url().to_owned()))
    }

    async fn send(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        after: Option<&str>,
    ) -> Result<Response<Incoming>, CallError> {
        let line = self.egress.line(&self.target, Instant::now() + CONNECT_WAIT).await;
        let line = line.map_err(|trouble| CallError::Unreachable(self.trouble(&trouble)))?;
        let spoken = http1::handshake(TokioIo::new(line)).await;
        let (mut sender, connection) = spoken.map_err(|error| self.cut_off(&error))?;
        // It ends with the answer's body, whose reader is told what went wrong with it.
        tokio::spawn(async move { drop(connection.await) });
        let response = sender.send_request(self.request(path, query, after)).await;
        let response = response.map_err(|error| self.cut_off(&error))?;
        if response.status().is_success() { Ok(response) } else { Err(self.refused(response).await) }
    }

    fn request(&self, path: &[&str], query: &[(&str, &str)], after: Option<&str>) -> Request<Empty<Bytes>> {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("HTTP has a path").pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::get(&url[Position::BeforePath..])
            .header(HOST, self.host.clone())
            .header(AUTHORIZATION, self.bearer.clone())
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json, text/event-stream");
        if let Some(id) = after {
            request = request.header(LAST_EVENT_ID, id);
        }
        request.body(Empty::new()).expect("made of a URL, and of an id that has come in a stream")
    }

    async fn refused(&self, response: Response<Incoming>) -> CallError {
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_BYTES_MAX).collect();
        // What it says is of use; that it says no is known without.
        let body = timeout(ANSWER_WAIT, body).await.ok().and_then(Result::ok);
        let said = body.and_then(|body| serde_json::from_slice::<Said>(&body.to_bytes()).ok());
        let server = self.url();
        let sentence = match (status, &said) {
            (StatusCode::UNAUTHORIZED, Some(_)) => format!(
                "{server} does not take this admin token: set BUDDY_ADMIN_TOKEN to the server's own, or give its --data-dir."
            ),
            (_, Some(said)) => format!("{server} answered {}: {}", status.as_u16(), shown(&said.detail)),
            (_, None) => {
                format!(
                    "{server} answered {}, and not as Buddy does: check --server (BUDDY_SERVER).",
                    status.as_u16()
                )
            }
        };
        CallError::Refused { status, code: said.map(|said| said.code), sentence }
    }

    fn trouble(&self, trouble: &Trouble) -> String {
        let server = self.url();
        match (trouble.reason, &trouble.certificate) {
            (Reason::ConnectFailed | Reason::TimeoutConnect, _) => {
                format!(
                    "nothing answers at {server}: start it with `buddy serve`, or name another with --server (BUDDY_SERVER)."
                )
            }
            (Reason::DnsFailed | Reason::TimeoutDns, _) => {
                format!("the name in {server} was not found: check --server (BUDDY_SERVER).")
            }
            (Reason::TlsFailed, Some(CertificateFault::UnknownIssuer)) => format!(
                "nobody who is believed has signed the certificate of {server}: give its authority with --ca."
            ),
            (Reason::TlsFailed, _) => format!("TLS with {server} failed: check its certificate."),
            (reason, _) => format!("{server} cannot be called ({reason}): check --server (BUDDY_SERVER)."),
        }
    }

    fn not_buddy(&self, what: &str) -> CallError {
        let sentence = format!("{}: {what}: check --server (BUDDY_SERVER).", self.url());
        CallError::Refused { status: StatusCode::OK, code: None, sentence }
    }

    fn too_slow(&self) -> CallError {
        CallError::CutOff(format!("{} did not answer in time: try again, and see its log.", self.url()))
    }

    fn cut_off(&self, error: &(dyn Error + 'static)) -> CallError {
        CallError::CutOff(format!("{} broke off ({error}): try again, and see its log.", self.url()))
    }
}
