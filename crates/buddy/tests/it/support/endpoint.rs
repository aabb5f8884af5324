//! An endpoint behind real TLS whose every answer the test decides.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use buddy_shop::certificate::Authority;
use buddy_shop::serve;
use http_body_util::BodyExt;
use tokio::net::TcpListener;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path_and_query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
    }
}

/// What the endpoint does with a request.
pub(crate) enum Answer {
    /// Status and body.
    With(u16, String),
    /// Status, one header and body.
    WithHeader(u16, (&'static str, String), String),
    /// Status and body, once it is told to go on.
    After(Arc<Notify>, u16, String),
    /// It never answers.
    Hang,
}

impl Answer {
    #[expect(clippy::needless_pass_by_value, reason = "who calls it writes the value in its place")]
    pub(crate) fn json(json: serde_json::Value) -> Self {
        Self::With(200, json.to_string())
    }
}

type Decide = Arc<dyn Fn(&Seen) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Desk {
    decide: Decide,
    seen: Arc<Mutex<Vec<Seen>>>,
    count: watch::Sender<usize>,
}

/// A running endpoint.
pub(crate) struct Endpoint {
    pub(crate) ca_pem: String,
    address: SocketAddr,
    desk: Desk,
    serving: JoinHandle<()>,
}

impl Endpoint {
    pub(crate) async fn open(decide: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Self {
        Self::open_under(&Authority::new().unwrap(), decide).await
    }

    /// With a certificate of this authority.
    pub(crate) async fn open_under(
        authority: &Authority,
        decide: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let tls = authority.server_config("localhost").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk = Desk { decide: Arc::new(decide), seen: Arc::default(), count: watch::Sender::new(0) };
        let router = Router::new().fallback(answer).with_state(desk.clone());
        let serving = tokio::spawn(serve::run(listener, tls, router));
        Self { ca_pem: authority.pem(), address, desk, serving }
    }

    pub(crate) fn url(&self) -> String {
        format!("https://localhost:{}/buddy/identity?shop=1", self.address.port())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.desk.seen.lock().unwrap().clone()
    }

    /// Ends once so many requests have come.
    pub(crate) async fn has_seen(&self, count: usize) {
        self.desk.count.subscribe().wait_for(|seen| *seen >= count).await.unwrap();
    }
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(desk): State<Desk>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let seen = Seen {
        method: parts.method.to_string(),
        path_and_query: parts.uri.path_and_query().unwrap().to_string(),
        headers: parts.headers,
        body: body.collect().await.unwrap().to_bytes(),
    };
    let answer = (desk.decide)(&seen);
    desk.seen.lock().unwrap().push(seen);
    desk.count.send_modify(|count| *count += 1);
    match answer {
        Answer::With(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Answer::WithHeader(status, header, body) => {
            (StatusCode::from_u16(status).unwrap(), [header], body).into_response()
        }
        Answer::After(told, status, body) => {
            told.notified().await;
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Answer::Hang => std::future::pending().await,
    }
}
