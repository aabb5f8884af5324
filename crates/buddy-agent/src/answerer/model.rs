//! A model behind `POST {base-url}/chat/completions`, asked to stream.

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderValue, Method, Request, StatusCode};
use http_body_util::Full;
use serde::Deserialize;
use serde_json::json;
use sse_stream::Sse;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::{BadModel, Model};
use crate::api::with_json;
use crate::chance::random;
use crate::http::{Client, Events, Fault};
use crate::identity::Who;
use crate::limits::Patience;
use crate::prompt;
use crate::talk::Line;

/// The last event of a stream.
const END: &str = "[DONE]";

/// Why a model gave no whole answer. For the log: it shows nothing of what was said.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Lost(#[from] Fault),
    #[error("it answered {0}{hint}", hint = hint(*.0))]
    Status(StatusCode),
    #[error("it sent what is no piece of a chat completion")]
    Garbage,
    #[error("it reported an error of its own")]
    Reported,
    #[error("its answer is empty")]
    Empty,
    #[error("its answer took too long to {0}")]
    TimedOut(&'static str),
}

fn hint(status: StatusCode) -> &'static str {
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => ": is the model's key right?",
        StatusCode::NOT_FOUND => ": are --base-url and --model right?",
        StatusCode::TOO_MANY_REQUESTS => ": it is asked more than it takes",
        _ => "",
    }
}

/// The endpoint of a model.
pub(crate) struct Endpoint {
    client: Client,
    name: String,
    authorization: Option<HeaderValue>,
    instructions: Option<String>,
    patience: Patience,
}

impl Endpoint {
    pub(super) fn new(model: Model, tls: &TlsConnector) -> Result<Self, BadModel> {
        let Model { base_url, name, key, instructions, patience } = model;
        let client = Client::new(base_url, tls).map_err(BadModel::Url)?;
        let bearer = |key: &zeroize::Zeroizing<String>| {
            let mut value =
                HeaderValue::try_from(format!("Bearer {}", key.as_str())).map_err(|_| BadModel::Key)?;
            value.set_sensitive(true);
            Ok(value)
        };
        let authorization = key.as_ref().map(bearer).transpose()?;
        Ok(Self { client, name, authorization, instructions, patience })
    }

    pub(super) fn is_exposed(&self) -> bool {
        self.client.is_exposed()
    }

    /// Asks it; the first piece is waited for when it is asked for.
    pub(super) fn ask<'a>(&'a self, who: &Who, said: &'a [Line]) -> Pieces<'a> {
        let now = Instant::now();
        let Patience { first, idle, total } = self.patience;
        let request = self.request(who, said);
        let opening = async move {
            let answer = self.client.send(request).await?;
            match answer.status() {
                StatusCode::OK => Ok(answer.events(idle)?),
                other => Err(Failure::Status(other)),
            }
        };
        Pieces {
            state: State::Opening(opening.boxed()),
            first: Some(now + first.min(total)),
            end: now + total,
        }
    }

    fn request(&self, who: &Who, said: &[Line]) -> Request<Full<Bytes>> {
        let system = prompt::system(self.instructions.as_deref(), who, random());
        let messages = prompt::messages(&system, said);
        let body = json!({"model": self.name, "messages": messages, "stream": true});
        let mut request = self.client.request(Method::POST, &["chat", "completions"], &[]);
        request = request.header(ACCEPT, "text/event-stream");
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        with_json(request, &body)
    }
}

enum State<'a> {
    Opening(BoxFuture<'a, Result<Events, Failure>>),
    Open(Events),
    Ended,
}

/// What a model says, as it comes.
pub(crate) struct Pieces<'a> {
    state: State<'a>,
    /// Until when the first piece must have come, while it has not.
    first: Option<Instant>,
    end: Instant,
}

impl Pieces<'_> {
    pub(super) async fn next(&mut self) -> Option<Result<String, Failure>> {
        let (deadline, what) = self.first.map_or((self.end, "end"), |first| (first, "begin"));
        let next = timeout_at(deadline, self.read()).await;
        let next = next.unwrap_or(Err(Failure::TimedOut(what))).transpose();
        match &next {
            Some(Ok(_)) => self.first = None,
            Some(Err(_)) | None => self.state = State::Ended,
        }
        next
    }

    /// The next piece that says something.
    async fn read(&mut self) -> Result<Option<String>, Failure> {
        loop {
            match &mut self.state {
                State::Ended => return Ok(None),
                State::Opening(opening) => self.state = State::Open(opening.await?),
                State::Open(events) => {
                    let event = events.next().await.unwrap_or(Err(Fault::CutOff))?;
                    match piece(event)? {
                        Piece::Says(text) if text.is_empty() => {}
                        Piece::Says(text) => return Ok(Some(text)),
                        // What follows its last words are counts.
                        Piece::EndsWith(text) => {
                            self.state = State::Ended;
                            return Ok(Some(text).filter(|text| !text.is_empty()));
                        }
                    }
                }
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Says(String),
    EndsWith(String),
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Delta,
    finish_reason: Option<String>,
}

#[derive(Default, Deserialize)]
struct Delta {
    content: Option<String>,
}

fn piece(event: Sse) -> Result<Piece, Failure> {
    let data = event.data.unwrap_or_default();
    if data.trim() == END {
        return Ok(Piece::EndsWith(String::new()));
    }
    if data.is_empty() {
        return Ok(Piece::Says(data));
    }
    let chunk: Chunk = serde_json::from_str(&data).map_err(|_| Failure::Garbage)?;
    if chunk.error.is_some() {
        return Err(Failure::Reported);
    }
    // One answer was asked for. A chunk without one has counts, or nothing.
    let Some(Choice { delta, finish_reason }) = chunk.choices.into_iter().next() else {
        return Ok(Piece::Says(String::new()));
    };
    let text = delta.content.unwrap_or_default();
    Ok(if finish_reason.is_some() { Piece::EndsWith(text) } else { Piece::Says(text) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(data: &str) -> Result<Piece, String> {
        piece(Sse::default().data(data)).map_err(|failure| failure.to_string())
    }

    #[test]
    fn a_piece_is_read_as_the_usual_servers_write_it() {
        let says = |text: &str| Ok(Piece::Says(text.to_owned()));
        let ends = |text: &str| Ok(Piece::EndsWith(text.to_owned()));
        for (data, expected) in [
            (
                r#"{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}"#,
                says(""),
            ),
            (r#"{"id":"1","choices":[{"delta":{"content":"Hi"}}]}"#, says("Hi")),
            (r#"{"choices":[{"delta":{"content":null,"tool_calls":[{}]}}]}"#, says("")),
            (r#"{"choices":[{"delta":{"reasoning_content":"…"}}]}"#, says("")),
            (r#"{"choices":[],"usage":{"total_tokens":7}}"#, says("")),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, ends("")),
            (r#"{"choices":[{"delta":{"content":"."},"finish_reason":"length"}]}"#, ends(".")),
            ("[DONE]", ends("")),
        ] {
            assert_eq!(read(data), expected, "{data}");
        }
    }

    #[test]
    fn what_is_no_piece_is_a_failure_that_shows_nothing_of_it() {
        for data in [r#"{"error":{"message":"canary"}}"#, "canary", "<html>", "[]", r#"{"choices":7}"#, "{"] {
            let failure = read(data).unwrap_err();
            assert!(failure.starts_with("it ") && !failure.contains("canary"), "{failure}");
        }
        let status = |status| Failure::Status(status).to_string();
        assert_eq!(
            status(StatusCode::UNAUTHORIZED),
            "it answered 401 Unauthorized: is the model's key right?"
        );
        assert_eq!(status(StatusCode::BAD_GATEWAY), "it answered 502 Bad Gateway");
    }
}
