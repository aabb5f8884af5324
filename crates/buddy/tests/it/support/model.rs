//! A model's endpoint, OpenAI-compatible, whose every word the test decides.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use buddy_shop::certificate::Authority;
use buddy_shop::serve;
use futures_util::stream::unfold;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

const EVENTS: [(&str, &str); 1] = [("content-type", "text/event-stream; charset=utf-8")];

/// What the model does with a request.
pub(crate) enum Says {
    /// These pieces, and the end.
    All(Vec<String>),
    /// What the test sends, as it stands; the body ends with the sender.
    Told(mpsc::UnboundedReceiver<String>),
    /// Status and body.
    Status(u16, &'static str),
    /// A body of this type.
    Raw(&'static str, String),
    /// Nothing, ever.
    Nothing,
}

impl Says {
    /// This, and the end.
    pub(crate) fn text(text: &str) -> Self {
        Self::All(vec![text.to_owned()])
    }

    /// What the test says through the sender, to one request.
    pub(crate) fn told() -> (mpsc::UnboundedSender<String>, impl Fn() -> Self + Send + Sync) {
        let (tell, told) = mpsc::unbounded_channel();
        let told = Mutex::new(Some(told));
        (tell, move || Self::Told(told.lock().unwrap().take().expect("one request is told so")))
    }

    /// One piece, as it is sent.
    pub(crate) fn piece(text: &str) -> String {
        format!("data: {}\n\n", json!({"choices": [{"index": 0, "delta": {"content": text}}]}))
    }

    /// The last of a stream.
    pub(crate) fn end() -> String {
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"
            .to_owned()
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Asked {
    /// The system message.
    pub(crate) fn system(&self) -> &str {
        assert_eq!(self.body["messages"][0]["role"], "system");
        self.body["messages"][0]["content"].as_str().unwrap()
    }

    /// What was said after it, as `role: text`.
    pub(crate) fn said(&self) -> Vec<String> {
        let text = |message: &Value, member: &str| message[member].as_str().unwrap().to_owned();
        let messages = self.body["messages"].as_array().unwrap();
        messages[1..]
            .iter()
            .map(|said| format!("{}: {}", text(said, "role"), text(said, "content")))
            .collect()
    }
}

type Decide = Arc<dyn Fn(usize, &Asked) -> Says + Send + Sync>;

#[derive(Clone)]
struct Desk {
    decide: Decide,
    asked: Arc<Mutex<Vec<Asked>>>,
    count: watch::Sender<usize>,
}

/// A running endpoint.
pub(crate) struct Model {
    /// The authority of one behind TLS.
    pub(crate) ca_pem: Option<String>,
    address: SocketAddr,
    desk: Desk,
    serving: JoinHandle<()>,
}

impl Model {
    /// Over plain HTTP; `decide` is also given the number of the request, from 0.
    pub(crate) async fn open(decide: impl Fn(usize, &Asked) -> Says + Send + Sync + 'static) -> Self {
        Self::serve(decide, false).await
    }

    /// The same behind TLS.
    pub(crate) async fn open_secure(decide: impl Fn(usize, &Asked) -> Says + Send + Sync + 'static) -> Self {
        Self::serve(decide, true).await
    }

    async fn serve(decide: impl Fn(usize, &Asked) -> Says + Send + Sync + 'static, secure: bool) -> Self {
        let desk = Desk { decide: Arc::new(decide), asked: Arc::default(), count: watch::Sender::new(0) };
        let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(desk.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ca_pem, serving) = if secure {
            let authority = Authority::new().unwrap();
            let tls = authority.server_config("localhost").unwrap();
            (Some(authority.pem()), tokio::spawn(serve::run(listener, tls, router)))
        } else {
            (None, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
        };
        Self { ca_pem, address, desk, serving }
    }

    pub(crate) fn base_url(&self) -> String {
        let scheme = if self.ca_pem.is_some() { "https" } else { "http" };
        format!("{scheme}://localhost:{}/v1", self.address.port())
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.desk.asked.lock().unwrap().clone()
    }

    /// Ends once so many requests have come.
    pub(crate) async fn has_been_asked(&self, count: usize) {
        self.desk.count.subscribe().wait_for(|asked| *asked >= count).await.unwrap();
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(desk): State<Desk>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let asked = Asked { headers, body };
    let number = {
        let mut all = desk.asked.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    let says = (desk.decide)(number, &asked);
    desk.count.send_modify(|count| *count += 1);
    match says {
        Says::All(pieces) => {
            let pieces: String = pieces.iter().map(|piece| Says::piece(piece)).collect();
            (EVENTS, pieces + &Says::end()).into_response()
        }
        Says::Told(told) => {
            let parts = unfold(told, |mut told| async move {
                let part = told.recv().await?;
                Some((Ok::<_, std::convert::Infallible>(part), told))
            });
            (EVENTS, Body::from_stream(parts)).into_response()
        }
        Says::Status(status, body) => (StatusCode::from_u16(status).unwrap(), body).into_response(),
        Says::Raw(kind, body) => ([("content-type", kind)], body).into_response(),
        Says::Nothing => std::future::pending().await,
    }
}
