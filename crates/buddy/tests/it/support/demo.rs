//! `buddy demo` as a process, and a browser without a screen.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::place::Place;
use super::server::Setup;
use super::{Api, Reply, Session};

/// Far more than the slow endpoint's two attempts of 1.5 seconds.
const PATIENCE: Duration = Duration::from_secs(20);

/// A running demo; killed when dropped.
pub(crate) struct Demo {
    /// The origin of the shop and the stage.
    pub(crate) origin: String,
    /// Buddy itself.
    pub(crate) api: Api,
    address: SocketAddr,
    scratch: PathBuf,
    process: Child,
    stdout: BufReader<ChildStdout>,
    _setup: Setup,
    _place: Place,
}

/// What a page or a file was answered.
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Page {
    /// What is between these two texts, the first time.
    #[track_caller]
    pub(crate) fn between(&self, before: &str, after: &str) -> String {
        let rest = self.body.split_once(before).unwrap_or_else(|| panic!("no {before} in {}", self.body)).1;
        rest.split_once(after).unwrap_or_else(|| panic!("no {after} in {rest}")).0.to_owned()
    }

    pub(crate) fn policy(&self) -> &str {
        self.headers["content-security-policy"].to_str().unwrap()
    }
}

impl Demo {
    /// Starts it, and waits for the address that it prints at once.
    pub(crate) fn start() -> Self {
        let place = Place::among_others();
        let setup = Setup::new(None);
        let scratch = setup.path().join("tmp");
        std::fs::create_dir(&scratch).unwrap();
        let mut command = setup.command(&["demo", "--no-open", "--port", "0"]);
        command.env("TMPDIR", &scratch).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut after = |label: &str| {
            let mut line = String::new();
            while !line.trim().starts_with(label) {
                line.clear();
                assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it has ended before it said {label}");
            }
            line.trim().strip_prefix(label).unwrap().trim().to_owned()
        };
        let origin = after("open").strip_suffix("/demo").expect("the stage's path").to_owned();
        let address = after("Buddy ").strip_prefix("http://").expect("an address").parse().unwrap();
        Self {
            origin,
            api: Api::new(address),
            address,
            scratch,
            process,
            stdout,
            _setup: setup,
            _place: place,
        }
    }

    /// A request to the shop, the stage, or the other site, with these headers and no others.
    pub(crate) async fn ask(&self, method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Page {
        let (parts, body) = self.open(method, url, headers, body).await.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8(body.to_vec()).unwrap();
        Page { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    async fn open(
        &self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> http::Response<Incoming> {
        // A connection for each: a kept one would hold up the end.
        let client: Client<HttpConnector, Body> =
            Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        let mut request = Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        client.request(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    /// What the stage is told, from the begin.
    pub(crate) async fn events(&self) -> Events {
        self.listen(&format!("{}/demo/events", self.origin), ("sec-fetch-site", "same-origin")).await
    }

    /// What the session's visitor is told, from the begin.
    pub(crate) async fn conversation(&self, session: &Session) -> Events {
        let url = format!("http://{}{}/messages/stream", self.address, session.path());
        self.listen(&url, ("authorization", &format!("Bearer {}", session.token))).await
    }

    async fn listen(&self, url: &str, header: (&str, &str)) -> Events {
        let answer = self.open("GET", url, &[header], "").await;
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Events { body: answer.into_body(), come: String::new(), all: String::new() }
    }

    /// SIGTERM, the wait for the end, and what it has printed since its first lines.
    pub(crate) fn stop(mut self) -> (ExitStatus, String, Vec<PathBuf>) {
        let sent = Command::new("kill").arg("-TERM").arg(self.process.id().to_string()).status().unwrap();
        assert!(sent.success());
        let mut printed = String::new();
        self.stdout.read_to_string(&mut printed).unwrap();
        let status = self.process.wait().unwrap();
        let left = std::fs::read_dir(&self.scratch).unwrap().map(|entry| entry.unwrap().path());
        (status, printed, left.collect())
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// An open stream; closed when dropped.
pub(crate) struct Events {
    body: Incoming,
    come: String,
    /// Everything that has come.
    pub(crate) all: String,
}

impl Events {
    /// The data of the next event of this name that is as wanted.
    pub(crate) async fn wait_for(&mut self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            while let Some((block, rest)) = self.come.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
                let data = field("data: ").filter(|_| field("event: ") == Some(name));
                let data = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
                self.come = rest.to_owned();
                if let Some(data) = data.filter(&wanted) {
                    return data;
                }
            }
            let frame = timeout(PATIENCE, self.body.frame()).await;
            let frame = frame.unwrap_or_else(|_| panic!("no such {name} in time: {}", self.all));
            let data = frame.expect("the stream goes on").unwrap().into_data().unwrap();
            let text = String::from_utf8(data.to_vec()).unwrap();
            self.all.push_str(&text);
            self.come.push_str(&text);
        }
    }

    /// The session's trace, once it is settled.
    pub(crate) async fn settled(&mut self, session_id: &str) -> Value {
        self.wait_for("trace", |trace| trace["sessionId"] == session_id && !trace["settled"].is_null()).await
    }
}

/// The shop's page as a browser has it.
pub(crate) struct Browser<'a> {
    demo: &'a Demo,
    /// As the `Cookie` header has it.
    pub(crate) cookie: String,
    agent_id: String,
}

impl<'a> Browser<'a> {
    /// Opens the stage, and with it the shop's page.
    pub(crate) async fn open(demo: &'a Demo) -> Self {
        let stage = demo.ask("GET", &format!("{}/demo", demo.origin), &[], "").await;
        let cookie = cookie_of(&stage);
        let page = demo.ask("GET", &format!("{}/", demo.origin), &[("cookie", &cookie)], "").await;
        Self { demo, cookie, agent_id: page.between("data-agent=\"", "\"") }
    }

    /// What the shop's own page asks of the shop.
    pub(crate) async fn post(&self, path: &str, kind: &str, body: &str) -> Page {
        let own =
            [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin"), ("content-type", kind)];
        self.demo.ask("POST", &format!("{}{path}", self.demo.origin), &own, body).await
    }

    pub(crate) async fn act(&self, act: &str) {
        let done = self.post("/demo/act", "application/json", &json!({"act": act}).to_string()).await;
        assert_eq!(done.status, 204, "{act}: {}", done.body);
    }

    /// Signs in as this user, or out.
    pub(crate) async fn sign(&mut self, user: Option<&str>) {
        const FORM: &str = "application/x-www-form-urlencoded";
        let page = match user {
            Some(user) => self.post("/sign-in", FORM, &format!("user={user}")).await,
            None => self.post("/sign-out", FORM, "").await,
        };
        assert_eq!(page.status, 303);
        self.cookie = cookie_of(&page);
    }

    /// A session, begun, bound and identified as the chat does it; and what the chat was answered.
    pub(crate) async fn chat(&self) -> (Session, Reply) {
        let begin = json!({"agentId": self.agent_id, "identify": false}).to_string();
        let request =
            self.demo.api.request("POST", "/v1/sessions").header("content-type", "application/json");
        let request = request.header("origin", &self.demo.origin).body(Body::from(begin)).unwrap();
        let session = Session::of(self.demo.api.send(request).await.expect_status(201));
        let claim = json!({"sessionId": session.id, "agentId": self.agent_id}).to_string();
        let bound = self.post("/buddy/session", "application/json", &claim).await;
        let ticket = match bound.status {
            204 => json!({}),
            status => {
                assert_eq!(status, 200, "{}", bound.body);
                serde_json::from_str(&bound.body).unwrap()
            }
        };
        let path = session.path() + "/identify?wait=30";
        let settled = self.demo.api.call("POST", &path, Some(&session.token), Some(ticket)).await;
        (session, settled.expect_status(200))
    }
}

fn cookie_of(page: &Page) -> String {
    let cookie = page.headers["set-cookie"].to_str().unwrap();
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}
