//! The page that shows it all: on the left the shop's own page, on the right what becomes of its session. It is of the shop's
//! origin, so that the shop's cookie is sent from the frame as from a page of its own.

use std::io;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY, SET_COOKIE,
};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::sse::Event;
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use buddy_shop::guard::own_pages_only;
use buddy_shop::pages::{Chat, Front};
use buddy_shop::users::{Shopper, Visitor};
use futures_util::{Stream, StreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::acts::{self, Act};
use super::attacker::Attacker;
use super::{Agent, Backstage, Failure};
use crate::http::events;

const PAGE: &str = include_str!("stage/stage.html");
const FILES: [(&str, &str, &str); 4] = [
    ("/demo/stage.css", "text/css", include_str!("stage/stage.css")),
    ("/demo/stage.js", "text/javascript", include_str!("stage/stage.js")),
    ("/demo/trace.js", "text/javascript", include_str!("stage/trace.js")),
    ("/demo/icon.svg", "image/svg+xml", include_str!("stage/icon.svg")),
];
const PATH: &str = "/demo";

/// A stage that is open while this is kept.
pub(super) struct Opened {
    /// Where to see it.
    pub(super) url: String,
    /// The agent of the shop's page.
    pub(super) agent: Arc<Agent>,
    /// Its servers: of the shop and the stage, and of the other site.
    pub(super) serving: JoinSet<io::Result<()>>,
}

#[derive(Clone)]
struct Stage(Arc<Parts>);

struct Parts {
    backstage: Arc<Backstage>,
    agent: Arc<Agent>,
    front: Front,
    /// `localhost` and the port: a cookie of this name is no other site's.
    host: String,
    attacker: String,
}

/// Opens the stage at this listener, and what plays on it.
pub(super) async fn open(backstage: &Arc<Backstage>, listener: TcpListener) -> Result<Opened, Failure> {
    let host = format!("localhost:{}", listener.local_addr()?.port());
    let origin = format!("http://{host}");
    let url = Act::Healthy.url(&backstage.shop)?;
    let callback = acts::callback(&url, &backstage.secret);
    let agent = Arc::new(backstage.agent("Fern & Field", &[&origin], callback).await?);
    backstage.board.act(Act::Healthy, url);

    let elsewhere = TcpListener::bind("127.0.0.1:0").await?;
    let attacker = format!("http://{}", elsewhere.local_addr()?);
    let other_site = Attacker::new(backstage.clone(), agent.clone(), origin.clone()).router();

    let chat = Chat { base: format!("http://{}", backstage.address), agent_id: agent.id.clone() };
    let front = backstage.shop.front(chat);
    let shop = front.router();
    let parts = Parts { backstage: backstage.clone(), agent: agent.clone(), front, host, attacker };
    let stage = Stage(Arc::new(parts));
    let router = shop.merge(stage.router()).layer(from_fn_with_state(stage, at_its_name));

    let mut serving = JoinSet::new();
    serving.spawn(axum::serve(listener, router).into_future());
    serving.spawn(axum::serve(elsewhere, other_site).into_future());
    Ok(Opened { url: origin + PATH, agent, serving })
}

impl Stage {
    fn router(&self) -> Router {
        let own = Router::new()
            .route("/demo/events", get(listen))
            .route("/demo/visitor", get(visitor))
            .route("/demo/act", post(act))
            .layer(from_fn(own_pages_only));
        let mut router = Router::new().route(PATH, get(page)).merge(own).with_state(self.clone());
        for (path, kind, text) in FILES {
            router = router.route(path, get(([(CONTENT_TYPE, kind), (CACHE_CONTROL, "no-store")], text)));
        }
        router
    }

    fn policy(&self) -> String {
        format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
             frame-src 'self' {}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
             require-trusted-types-for 'script'; trusted-types 'none'",
            self.0.attacker
        )
    }
}

/// By another name, such as that of its address, the browser would hold the pages for another site's.
async fn at_its_name(State(stage): State<Stage>, request: Request, next: Next) -> Response {
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    if host == Some(stage.0.host.as_bytes()) {
        return next.run(request).await;
    }
    if request.method() == Method::GET {
        return Redirect::temporary(&format!("http://{}{PATH}", stage.0.host)).into_response();
    }
    StatusCode::MISDIRECTED_REQUEST.into_response()
}

/// Whoever comes for the first time is Ada, so that there is something to see.
async fn page(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    let policy = stage.policy();
    let answer = [
        (CONTENT_SECURITY_POLICY, policy.as_str()),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ];
    let mut response = (answer, Html(PAGE)).into_response();
    if stage.0.front.whose(&headers).is_none() {
        let cookie = stage.0.front.sign_in(&headers, Visitor::SignedIn(Shopper::Ada));
        let cookie = HeaderValue::from_str(&cookie).expect("a name and hexadecimal digits");
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Who is signed in to the shop in this browser.
async fn visitor(State(stage): State<Stage>, headers: HeaderMap) -> Response {
    let name = match stage.0.front.whose(&headers) {
        Some(Visitor::SignedIn(shopper)) => Some(shopper.name()),
        Some(Visitor::Guest) | None => None,
    };
    ([(CACHE_CONTROL, "no-store")], Json(json!({"name": name}))).into_response()
}

#[derive(Deserialize)]
struct Wanted {
    act: Act,
}

async fn act(State(stage): State<Stage>, Json(wanted): Json<Wanted>) -> Result<StatusCode, StatusCode> {
    let Parts { backstage, agent, .. } = &*stage.0;
    let played = acts::play(backstage, &agent.id, wanted.act).await;
    played.map(|()| StatusCode::NO_CONTENT).map_err(|failure| backstage.failed(&failure))
}

/// First what the page needs to know, then all traces there are, then each as it changes.
async fn listen(State(stage): State<Stage>) -> Response {
    let Parts { backstage, attacker, .. } = &*stage.0;
    let users: Vec<_> = Shopper::ALL
        .into_iter()
        .map(|shopper| json!({"name": shopper.name(), "traces": shopper.traces()}))
        .collect();
    let buddy = format!("http://{}", backstage.address);
    let hello = events::event("stage", &json!({"buddy": buddy, "attacker": attacker, "users": users}));
    let first = stream::iter([hello]);
    events::answer(first.chain(changes(stage)))
}

fn changes(stage: Stage) -> impl Stream<Item = Event> {
    let waking = stage.0.backstage.board.changes();
    let batches = stream::unfold((stage, waking, 0), async |(stage, mut waking, had)| {
        loop {
            // Before it is read: a change in between wakes at once.
            waking.borrow_and_update();
            let (up_to, news) = stage.0.backstage.board.since(had, &stage.0.agent.id);
            if !news.is_empty() {
                return Some((stream::iter(news), (stage, waking, up_to)));
            }
            waking.changed().await.ok()?;
        }
    });
    batches.flatten().map(|(name, data)| events::event(name, &data))
}
