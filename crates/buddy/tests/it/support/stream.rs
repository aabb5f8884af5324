//! A client of event streams, over the socket: it reads what has come, and waits for what comes next.

use std::time::Duration;

use axum::body::Body;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;
use tokio::time::timeout;

use super::{ADMIN_TOKEN, Agent, Api, Buddy, Session, openapi};

/// Shorter than the 15 seconds after which a stream looks by itself: what comes must have been announced.
const PATIENCE: Duration = Duration::from_secs(12);

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

impl Event {
    #[track_caller]
    pub(crate) fn text(&self, member: &str) -> &str {
        self.data[member].as_str().unwrap_or_else(|| panic!("no {member} in {self:?}"))
    }
}

/// An open stream; closed when dropped.
pub(crate) struct Stream {
    body: Incoming,
    come: Vec<u8>,
    schema: &'static str,
    /// What to resume after.
    pub(crate) last_id: Option<String>,
}

impl Buddy {
    /// Listens as the visitor, after this event or from the begin.
    pub(crate) async fn listen(&self, session: &Session, after: Option<&str>) -> Stream {
        let path = session.path() + "/messages/stream";
        Stream::open(&self.api, &path, &session.token, after, "MessageView").await
    }

    /// Listens as the agent's software.
    pub(crate) async fn listen_to_all(&self, agent: &Agent, after: Option<&str>) -> Stream {
        Stream::open(&self.api, "/v1/messages/stream", &agent.key, after, "HandedOverEvent").await
    }

    /// Listens as the operator to the agent's resolutions that the query lets through.
    pub(crate) async fn listen_to_resolutions(
        &self,
        agent: &Agent,
        query: &str,
        after: Option<&str>,
    ) -> Stream {
        let path = format!("{}/resolutions/stream?{query}", agent.path());
        Stream::open(&self.api, &path, ADMIN_TOKEN, after, "ResolutionView").await
    }
}

impl Stream {
    async fn open(api: &Api, path: &str, token: &str, after: Option<&str>, schema: &'static str) -> Self {
        let mut request = api.request("GET", path).header("authorization", format!("Bearer {token}"));
        if let Some(id) = after {
            request = request.header("last-event-id", id);
        }
        let answer = api.open(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        let headers = answer.headers();
        assert_eq!(headers["content-type"], "text/event-stream");
        assert_eq!(headers["cache-control"], "no-store");
        assert_eq!(headers["x-accel-buffering"], "no", "nginx hands it on as it comes");
        assert!(headers.contains_key("x-request-id") && !headers.contains_key("content-encoding"));
        Self { body: answer.into_body(), come: Vec::new(), schema, last_id: after.map(str::to_owned) }
    }

    /// The next event. `None`: the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(end) = self.come.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.come.drain(..end + 2).collect();
                match self.read(std::str::from_utf8(&block).unwrap()) {
                    Some(event) => return Some(event),
                    None => continue,
                }
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("the next event in time");
            let Some(frame) = frame else {
                assert!(self.come.is_empty(), "cut off within an event");
                return None;
            };
            self.come.extend_from_slice(frame.expect("not cut off").data_ref().expect("data"));
        }
    }

    /// The next event, which there is.
    pub(crate) async fn event(&mut self) -> Event {
        self.next().await.expect("the stream goes on")
    }

    /// The texts of the next messages, each whole.
    pub(crate) async fn texts(&mut self, count: usize) -> Vec<String> {
        let mut texts = Vec::new();
        for _ in 0..count {
            let event = self.event().await;
            assert_eq!(event.name, "message", "{event:?}");
            texts.push(event.text("text").to_owned());
        }
        texts
    }

    /// The id with which the stream begins, before there is any event.
    pub(crate) async fn id_to_resume_after(&mut self) -> String {
        while self.last_id.is_none() {
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("an id in time").expect("no end");
            self.come.extend_from_slice(frame.expect("not cut off").data_ref().expect("data"));
            if let Some(end) = self.come.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.come.drain(..end + 2).collect();
                assert_eq!(self.read(std::str::from_utf8(&block).unwrap()), None);
            }
        }
        self.last_id.clone().expect("it has come")
    }

    /// The stream says why, and ends.
    pub(crate) async fn ends(mut self, reason: &str) {
        let last = self.event().await;
        assert_eq!((last.name.as_str(), last.text("reason")), ("end", reason));
        assert_eq!(self.next().await, None);
    }

    /// `None`: a comment, or no more than an id to resume after.
    fn read(&mut self, block: &str) -> Option<Event> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
        if let Some(id) = field("id: ") {
            self.last_id = Some(id.to_owned());
        }
        let name = field("event: ")?.to_owned();
        let data = serde_json::from_str(field("data: ").expect("data")).expect("JSON");
        let schema = match name.as_str() {
            "message" | "resolution" => self.schema,
            "append" => "AppendEvent",
            "end" => "EndEvent",
            other => panic!("the document knows no {other}"),
        };
        openapi::hold_event(schema, &data);
        let id = field("id: ").map(str::to_owned);
        assert_eq!(id.is_some(), name != "end", "{block}");
        Some(Event { name, id, data })
    }
}
