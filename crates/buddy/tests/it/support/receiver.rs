//! A receiver of traces, as OTLP/HTTP has it, whose every answer the test decides.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use buddy_shop::certificate::Authority;
use buddy_shop::serve;
use flate2::read::GzDecoder;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode as SpanStatus;
use prost::Message;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// One post as it came.
#[derive(Clone)]
pub(crate) struct Post {
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    /// Inflated.
    pub(crate) body: Vec<u8>,
    pub(crate) resource: BTreeMap<String, Value>,
}

/// What becomes of a post.
pub(crate) enum Takes {
    /// It is answered with this status.
    With(u16),
    /// It is never answered.
    Hang,
}

type Decide = Arc<dyn Fn(usize) -> Takes + Send + Sync>;

#[derive(Default)]
struct Got {
    posts: Vec<Post>,
    spans: Vec<Told>,
}

#[derive(Clone)]
struct Desk {
    decide: Decide,
    got: Arc<Mutex<Got>>,
    /// Posts and spans.
    counts: watch::Sender<(usize, usize)>,
}

/// A running receiver.
pub(crate) struct Receiver {
    /// The authority of one behind TLS.
    pub(crate) ca_pem: Option<String>,
    address: SocketAddr,
    desk: Desk,
    serving: JoinHandle<()>,
}

impl Receiver {
    /// Over plain HTTP, and takes everything.
    pub(crate) async fn open() -> Self {
        Self::deciding(|_| Takes::With(200)).await
    }

    /// Over plain HTTP; `decide` is given the number of the post, from 0.
    pub(crate) async fn deciding(decide: impl Fn(usize) -> Takes + Send + Sync + 'static) -> Self {
        Self::serve(Arc::new(decide), None).await
    }

    /// Behind TLS, under this authority.
    pub(crate) async fn open_under(authority: &Authority) -> Self {
        Self::serve(Arc::new(|_| Takes::With(200)), Some(authority)).await
    }

    async fn serve(decide: Decide, authority: Option<&Authority>) -> Self {
        let desk = Desk { decide, got: Arc::default(), counts: watch::Sender::default() };
        let router = Router::new().fallback(take).with_state(desk.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = match authority {
            Some(authority) => {
                let tls = authority.server_config("localhost").unwrap();
                tokio::spawn(serve::run(listener, tls, router))
            }
            None => tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }),
        };
        Self { ca_pem: authority.map(Authority::pem), address, desk, serving }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}", self.address.port())
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.desk.got.lock().unwrap().posts.clone()
    }

    pub(crate) fn spans(&self) -> Vec<Told> {
        self.desk.got.lock().unwrap().spans.clone()
    }

    /// Ends once so many posts have come.
    pub(crate) async fn has_posts(&self, count: usize) {
        self.desk.counts.subscribe().wait_for(|(posts, _)| *posts >= count).await.unwrap();
    }

    /// All spans, once there are so many.
    pub(crate) async fn has_spans(&self, count: usize) -> Vec<Told> {
        self.desk.counts.subscribe().wait_for(|(_, spans)| *spans >= count).await.unwrap();
        self.spans()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(State(desk): State<Desk>, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let mut inflated = Vec::new();
    assert_eq!(headers["content-encoding"], "gzip");
    GzDecoder::new(&body[..]).read_to_end(&mut inflated).expect("gzip");
    let request = ExportTraceServiceRequest::decode(&inflated[..]).expect("the message of OTLP");
    let [of_one] = &request.resource_spans[..] else { panic!("{request:?}") };
    let resource = attributes(&of_one.resource.as_ref().expect("a resource").attributes);
    let spans = of_one.scope_spans.iter().flat_map(|of_scope| &of_scope.spans).map(Told::of);
    let number = {
        let mut got = desk.got.lock().unwrap();
        got.spans.extend(spans);
        let path_and_query = uri.path_and_query().unwrap().to_string();
        got.posts.push(Post { path_and_query, headers, body: inflated, resource });
        desk.counts.send_replace((got.posts.len(), got.spans.len()));
        got.posts.len() - 1
    };
    match (desk.decide)(number) {
        Takes::With(status) => StatusCode::from_u16(status).unwrap().into_response(),
        Takes::Hang => std::future::pending().await,
    }
}

/// A span as the receiver has it, in words.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) trace_id: String,
    pub(crate) id: String,
    /// Empty: there is none.
    pub(crate) parent: String,
    pub(crate) name: String,
    /// `server`, `client`, `internal`, or what else there is by its number.
    pub(crate) kind: String,
    /// In nanoseconds.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) attributes: BTreeMap<String, Value>,
    /// Names and times.
    pub(crate) events: Vec<(String, u64)>,
    /// What its status says of an error.
    pub(crate) error: Option<String>,
}

impl Told {
    fn of(span: &Span) -> Self {
        let kind = match span.kind {
            1 => "internal".into(),
            2 => "server".into(),
            3 => "client".into(),
            other => other.to_string(),
        };
        let status = span.status.clone().unwrap_or_default();
        Self {
            trace_id: hex::encode(&span.trace_id),
            id: hex::encode(&span.span_id),
            parent: hex::encode(&span.parent_span_id),
            name: span.name.clone(),
            kind,
            start: span.start_time_unix_nano,
            end: span.end_time_unix_nano,
            attributes: attributes(&span.attributes),
            events: span.events.iter().map(|event| (event.name.clone(), event.time_unix_nano)).collect(),
            error: (status.code() == SpanStatus::Error).then_some(status.message),
        }
    }

    /// The one of this name among them.
    #[track_caller]
    pub(crate) fn named<'a>(spans: &'a [Self], name: &str) -> &'a Self {
        let found: Vec<_> = spans.iter().filter(|span| span.name == name).collect();
        let [one] = found[..] else { panic!("{} of {name} among {spans:?}", found.len()) };
        one
    }

    /// It is within the other one, and of the same trace.
    #[track_caller]
    pub(crate) fn assert_below(&self, above: &Self) {
        assert_eq!((&self.trace_id, &self.parent), (&above.trace_id, &above.id), "{self:?}");
        assert!(above.start <= self.start && self.start <= self.end, "{above:?} {self:?}");
    }
}

fn attributes(all: &[KeyValue]) -> BTreeMap<String, Value> {
    all.iter()
        .map(|KeyValue { key, value, .. }| {
            let value = match value.as_ref().and_then(|value| value.value.as_ref()) {
                Some(Any::StringValue(text)) => json!(text),
                Some(Any::IntValue(number)) => json!(number),
                Some(Any::BoolValue(yes)) => json!(yes),
                other => panic!("{key} is {other:?}"),
            };
            (key.clone(), value)
        })
        .collect()
}
