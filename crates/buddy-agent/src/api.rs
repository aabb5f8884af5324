//! The five calls that an agent's software needs of Buddy: listen, read who it is, read what was said, write, and
//! write on.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Method, Request, StatusCode, request};
use http_body_util::Full;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::http::{Answer, Client, Events, Fault};
use crate::identity::{IdentityView, Who};
use crate::limits::{ANSWER_BYTES_MAX, CALL_WAIT, PAGE_MESSAGES, STREAM_SILENCE};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Why a call did not do what it was to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    /// The key is not good, or not any more.
    #[error("the API key is refused")]
    KeyRefused,
    /// There is nothing to be done: the session has ended, was revoked, is full.
    #[error("answered {status} {code}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Buddy's stable code for it, or nothing.
        code: String,
    },
    /// To be tried again.
    #[error("answered {status}")]
    Later {
        /// The HTTP status.
        status: u16,
        /// How long it asks to be left alone.
        after: Duration,
    },
    /// To be tried again; whether it was done is not known.
    #[error(transparent)]
    Lost(#[from] Fault),
}

impl CallError {
    /// How long the server wants to be left alone at least; `None` if there is no use in trying again.
    pub(crate) fn later(&self) -> Option<Duration> {
        match self {
            Self::KeyRefused | Self::Refused { .. } => None,
            Self::Later { after, .. } => Some(*after),
            Self::Lost(_) => Some(Duration::ZERO),
        }
    }
}

/// Who wrote a message.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speaker {
    Visitor,
    Agent,
}

/// A message as Buddy has it.
#[derive(Deserialize)]
pub(crate) struct Message {
    #[serde(rename = "messageId")]
    pub(crate) id: String,
    pub(crate) from: Speaker,
    pub(crate) text: String,
    pub(crate) done: bool,
}

/// A stretch of a session's messages, oldest first.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    pub(crate) messages: Vec<Message>,
    pub(crate) next_cursor: Option<String>,
}

/// What becomes of a message event: whose session there is something to answer in.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HandedOver {
    pub(crate) session_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    message_id: String,
}

#[derive(Deserialize)]
struct Problem {
    #[serde(default)]
    code: String,
}

/// Buddy, as an agent's software sees it.
pub(crate) struct Buddy {
    client: Client,
    authorization: HeaderValue,
}

impl Buddy {
    /// `None`: what is given for a key cannot be one.
    pub(crate) fn new(client: Client, key: &str) -> Option<Self> {
        let mut authorization = HeaderValue::try_from(format!("Bearer {key}")).ok()?;
        authorization.set_sensitive(true);
        Some(Self { client, authorization })
    }

    pub(crate) fn is_exposed(&self) -> bool {
        self.client.is_exposed()
    }

    /// All that is handed over, after this event or from the begin.
    pub(crate) async fn listen(&self, after: Option<&str>) -> Result<Events, CallError> {
        let mut request = self.request(Method::GET, &["v1", "messages", "stream"], &[]);
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(id) = after {
            request = request.header(LAST_EVENT_ID, id);
        }
        let answer = within(self.good(with_body(request, Bytes::new()))).await?;
        Ok(answer.events(STREAM_SILENCE)?)
    }

    /// Who the session's visitor is; `None` if it was revoked.
    pub(crate) async fn identity(&self, session: &str) -> Result<Option<Who>, CallError> {
        let request = self.request(Method::GET, &["v1", "sessions", session, "identity"], &[]);
        let view: IdentityView = self.call(with_body(request, Bytes::new())).await?;
        Ok(view.who())
    }

    pub(crate) async fn messages(&self, session: &str, cursor: Option<&str>) -> Result<Page, CallError> {
        let limit = PAGE_MESSAGES.to_string();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(cursor.map(|cursor| ("cursor", cursor)));
        let request = self.request(Method::GET, &["v1", "sessions", session, "messages"], &query);
        self.call(with_body(request, Bytes::new())).await
    }

    /// Begins a reply, and ends it at once if it is `done`. Returns the message's id.
    pub(crate) async fn write(&self, session: &str, text: &str, done: bool) -> Result<String, CallError> {
        let request = self.request(Method::POST, &["v1", "sessions", session, "messages"], &[]);
        let written: Written = self.call(with_json(request, &json!({"text": text, "done": done}))).await?;
        Ok(written.message_id)
    }

    /// Lets a reply grow, and ends it if it is `done`.
    pub(crate) async fn append(
        &self,
        session: &str,
        message: &str,
        text: &str,
        done: bool,
    ) -> Result<(), CallError> {
        let path = ["v1", "sessions", session, "messages", message, "append"];
        let request = self.request(Method::POST, &path, &[]);
        let _: Written = self.call(with_json(request, &json!({"text": text, "done": done}))).await?;
        Ok(())
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> request::Builder {
        self.client.request(method, path, query).header(AUTHORIZATION, self.authorization.clone())
    }

    async fn call<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, CallError> {
        within(async {
            let bytes = self.good(request).await?.whole(ANSWER_BYTES_MAX).await?;
            serde_json::from_slice(&bytes).map_err(|_| Fault::NotAsAgreed("one of Buddy's").into())
        })
        .await
    }

    /// The answer, if it is a good one.
    async fn good(&self, request: Request<Full<Bytes>>) -> Result<Answer<'_>, CallError> {
        let answer = self.client.send(request).await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer);
        }
        if status == StatusCode::UNAUTHORIZED {
            return Err(CallError::KeyRefused);
        }
        let after = answer.header(&RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).unwrap_or_default();
        let later = matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        if later || status.is_server_error() {
            return Err(CallError::Later { status: status.as_u16(), after: Duration::from_secs(after) });
        }
        let body = answer.whole(ANSWER_BYTES_MAX).await.unwrap_or_default();
        let code = serde_json::from_slice::<Problem>(&body).map(|problem| problem.code).unwrap_or_default();
        Err(CallError::Refused { status: status.as_u16(), code })
    }
}

async fn within<T>(call: impl Future<Output = Result<T, CallError>>) -> Result<T, CallError> {
    timeout(CALL_WAIT, call).await.unwrap_or(Err(CallError::Lost(Fault::TimedOut("answer"))))
}

fn with_body(request: request::Builder, body: Bytes) -> Request<Full<Bytes>> {
    request.body(Full::new(body)).expect("a URL and headers that were checked")
}

/// A POST of this JSON.
pub(crate) fn with_json(request: request::Builder, json: &Value) -> Request<Full<Bytes>> {
    with_body(request.header(CONTENT_TYPE, "application/json"), json.to_string().into())
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::http;

    /// What becomes of a call that is answered so.
    async fn answered(answer: &str) -> CallError {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let buddy = Buddy::new(Client::new(url, &http::tls(None).unwrap()).unwrap(), "bpk_1").unwrap();
        let serve = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 4096];
            let count = stream.read(&mut bytes).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        let (told, request) = futures_util::join!(buddy.messages("sess_1", Some("msg_0")), serve);
        assert!(request.starts_with("GET /v1/sessions/sess_1/messages?limit=50&cursor=msg_0 "), "{request}");
        assert!(request.contains("authorization: Bearer bpk_1\r\n"), "{request}");
        told.err().expect("no good answer")
    }

    #[tokio::test]
    async fn an_answer_says_whether_and_when_to_try_again() {
        let problem = "{\"code\":\"SESSION_REVOKED\",\"status\":409}";
        let length = problem.len();
        for (answer, later, said) in [
            (
                "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n".to_owned(),
                Some(7),
                "answered 429",
            ),
            (
                "HTTP/1.1 503 Down\r\nRetry-After: soon\r\ncontent-length: 0\r\n\r\n".to_owned(),
                Some(0),
                "answered 503",
            ),
            ("HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n".to_owned(), None, "the API key is refused"),
            (
                format!("HTTP/1.1 409 No\r\ncontent-length: {length}\r\n\r\n{problem}"),
                None,
                "answered 409 SESSION_REVOKED",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nnull".to_owned(),
                Some(0),
                "the answer is not one of Buddy's",
            ),
            (
                "HTTP/1.1 200 OK\r\ncontent-length: 999999999\r\n\r\n".to_owned(),
                Some(0),
                "the answer is too large",
            ),
            (String::new(), Some(0), "connection closed before message completed"),
        ] {
            let error = answered(&answer).await;
            assert_eq!((error.later(), error.to_string().as_str()), (later.map(Duration::from_secs), said));
        }
    }
}
