//! The parts: a database, nodes on it, a balancer before them, an endpoint that counts who asks, and visitors.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use buddy_cluster::Cluster;
use buddy_shop::certificate::Authority;
use buddy_shop::serve;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{MissedTickBehavior, interval};

use crate::support::{Agent, Api, Buddy, Reply, Session, Setup};

/// The same on all nodes, as a set-up of several has to have it.
const MASTER_KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
/// Ten looks of the balancer, and as much again for a machine that is busy.
const DRAIN_SECONDS: &str = "2";
/// 300 sessions a second.
const PACE: Duration = Duration::from_micros(3333);
/// Every so many callbacks one hangs, so that there is always something pending.
const HANGS_EVERY: usize = 4;

/// A node of a set-up that shares this database.
pub(super) fn node(database_url: &str, ca_pem: &str) -> Setup {
    Setup::new(Some(ca_pem))
        .env("BUDDY_DATABASE_URL", database_url)
        .env("BUDDY_MASTER_KEY", MASTER_KEY)
        .env("BUDDY_DRAIN_SECONDS", DRAIN_SECONDS)
}

/// A database of one's own in the cluster that the tests share.
pub(super) fn shared_database() -> String {
    let cluster = Cluster::shared();
    cluster.url(&cluster.create_database(None))
}

/// Who asks about which session, now and ever.
#[derive(Default)]
struct Desk {
    asked: AtomicUsize,
    now: Mutex<HashMap<String, Vec<String>>>,
    two_at_once: Mutex<HashSet<String>>,
}

/// Is asked by one node at a time, until dropped.
struct Asking {
    desk: Arc<Desk>,
    session: String,
    resolution: String,
}

impl Asking {
    fn begin(desk: Arc<Desk>, session: String, resolution: String) -> Self {
        let mut now = desk.now.lock().unwrap();
        let asking = now.entry(session.clone()).or_default();
        if asking.iter().any(|other| *other != resolution) {
            desk.two_at_once.lock().unwrap().insert(session.clone());
        }
        asking.push(resolution.clone());
        drop(now);
        Self { desk, session, resolution }
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        let mut now = self.desk.now.lock().unwrap();
        let asking = now.get_mut(&self.session).unwrap();
        let at = asking.iter().position(|resolution| *resolution == self.resolution).unwrap();
        asking.remove(at);
    }
}

/// An endpoint of which some callbacks hang, and which knows if two resolutions of a session ever ask at once.
pub(super) struct CountingEndpoint {
    pub(super) ca_pem: String,
    pub(super) url: String,
    desk: Arc<Desk>,
    serving: JoinHandle<()>,
}

impl CountingEndpoint {
    pub(super) async fn open() -> Self {
        let authority = Authority::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/buddy", listener.local_addr().unwrap().port());
        let desk = Arc::<Desk>::default();
        let router = Router::new().fallback(answer).with_state(desk.clone());
        let tls = authority.server_config("localhost").unwrap();
        let serving = tokio::spawn(serve::run(listener, tls, router));
        Self { ca_pem: authority.pem(), url, desk, serving }
    }

    /// Sessions that two resolutions asked about at the same time.
    pub(super) fn two_at_once(&self) -> HashSet<String> {
        self.desk.two_at_once.lock().unwrap().clone()
    }
}

impl Drop for CountingEndpoint {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn answer(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Bytes) -> (StatusCode, String) {
    let asked: Value = serde_json::from_slice(&body).unwrap();
    let session = asked["sessionId"].as_str().unwrap().to_owned();
    let resolution = headers["x-platform-request-id"].to_str().unwrap().to_owned();
    let _asking = Asking::begin(desk.clone(), session, resolution);
    if desk.asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(HANGS_EVERY) {
        std::future::pending::<()>().await;
    }
    (StatusCode::OK, json!({"userId": "42"}).to_string())
}

/// A session that was answered 201, or how else a start ended.
pub(super) enum Begun {
    Session(Session),
    /// Another answer.
    Refused(Reply),
    /// None: the connection was cut, for this reason as far as it is known.
    Cut(String),
}

/// Visitors who begin sessions at the pace, every other one with a wait, until dropped.
pub(super) struct Visitors {
    begun: mpsc::UnboundedReceiver<Begun>,
    coming: JoinHandle<()>,
}

impl Visitors {
    pub(super) fn come(api: Api, agent: Arc<Agent>) -> Self {
        let (tell, begun) = mpsc::unbounded_channel();
        let coming = tokio::spawn(async move {
            let mut visits = JoinSet::new();
            let mut pace = interval(PACE);
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            for number in 0_u64.. {
                pace.tick().await;
                while visits.try_join_next().is_some() {}
                let path = if number % 2 == 0 { "/v1/sessions" } else { "/v1/sessions?wait=1" };
                let (api, agent, tell) = (api.clone(), agent.clone(), tell.clone());
                visits.spawn(async move {
                    // Nobody need be listening any more.
                    let _ = tell.send(visit(&api, path, &agent).await);
                });
            }
        });
        Self { begun, coming }
    }

    /// The next start that has ended.
    pub(super) async fn next(&mut self) -> Begun {
        self.begun.recv().await.expect("they come until they are told not to")
    }

    /// No more come; what those have who are on their way.
    pub(super) async fn stop(self) -> Vec<Begun> {
        let Self { mut begun, coming } = self;
        coming.abort();
        let mut rest = Vec::new();
        while let Some(last) = begun.recv().await {
            rest.push(last);
        }
        rest
    }
}

async fn visit(api: &Api, path: &str, agent: &Agent) -> Begun {
    let request = api.request("POST", path).header("content-type", "application/json");
    let request = request.body(Body::from(json!({"agentId": agent.id}).to_string())).unwrap();
    match api.try_send(request).await {
        Ok(reply) if reply.status == 201 && !reply.json.is_null() => Begun::Session(Session::of(reply)),
        // The head came, and its node was gone before the body.
        Ok(reply) if reply.status == 201 => Begun::Cut("within the answer".to_owned()),
        Ok(reply) => Begun::Refused(reply),
        Err(error) => Begun::Cut(format!("{error:?}")),
    }
}

/// Each session is there, is or will soon be settled, and has one resolution.
pub(super) async fn all_end_well(node: &Buddy, agent: &Agent, sessions: &[Session]) {
    for session in sessions {
        let call = "?wait=30";
        let seen = node.visitor("GET", session, call, None).await.expect_status(200);
        let status = seen.text("status");
        assert!(status == "authenticated" || status == "anonymous", "{} is {status}", session.id);
        node.resolution(agent, session).await;
    }
}
