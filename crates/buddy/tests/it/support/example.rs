//! A shop of `examples/`, as a process of its own, and a browser of sorts that visits it.

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use axum::body::Body;
use http::header::{CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples");

/// A running shop; it ends with all that it has started when it is dropped.
pub(crate) struct Example {
    process: Child,
    port: u16,
}

impl Example {
    /// Runs its `start`, and ends once it says that it listens. `setup` must have been run.
    pub(crate) fn start(name: &str, env: &[(&str, &str)]) -> Self {
        let start = Path::new(DIRECTORY).join(name).join("start");
        let port = free_port();
        let mut process = Command::new("bash")
            .args(["-c", r#"exec "$0" 2>&1"#])
            .arg(start)
            .env("PORT", port.to_string())
            .envs(env.iter().copied())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash is installed");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let said = read_until_listening(&mut output, port);
        // What it goes on to say must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        let example = Self { process, port };
        if let Err(said) = said {
            panic!("{name} did not start; was examples/{name}/setup run? It said: {said}");
        }
        example
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A browser that has not been there.
    pub(crate) fn visitor(&self) -> Browser {
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
        Browser { client, base: self.url(""), cookies: Vec::new() }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // Workers and wrappers are of its group.
        let group = format!("-{}", self.process.id());
        let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
    }
}

/// Not every server of them says which port it took.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn read_until_listening(output: &mut BufReader<impl Read>, port: u16) -> Result<(), String> {
    let listens = format!("127.0.0.1:{port}");
    let mut said = String::new();
    loop {
        let from = said.len();
        match output.read_line(&mut said) {
            Ok(0) | Err(_) => return Err(said),
            Ok(_) if said[from..].contains(&listens) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// A browser, as far as a session endpoint can tell.
pub(crate) struct Browser {
    client: Client<HttpConnector, Body>,
    base: String,
    cookies: Vec<(String, String)>,
}

/// What came back.
pub(crate) struct Page {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) json: Value,
}

impl Browser {
    pub(crate) async fn sign_in(&mut self, user: &str) {
        let page = self.post("/login", "application/x-www-form-urlencoded", &format!("user={user}")).await;
        assert_eq!(page.status, 204, "{user} signs in");
    }

    /// The page's own call of the session endpoint, from a page of this kind of site.
    pub(crate) async fn bind(&mut self, session_id: &str, agent_id: &str, site: &str) -> Page {
        let body = serde_json::json!({"sessionId": session_id, "agentId": agent_id}).to_string();
        self.send("/buddy/session", &[("content-type", "application/json"), ("sec-fetch-site", site)], body)
            .await
    }

    async fn post(&mut self, path: &str, content_type: &str, body: &str) -> Page {
        self.send(path, &[(CONTENT_TYPE.as_str(), content_type)], body.to_owned()).await
    }

    async fn send(&mut self, path: &str, headers: &[(&str, &str)], body: String) -> Page {
        let mut request = Request::post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header(COOKIE, cookies.join("; "));
        }
        let answer = self.client.request(request.body(Body::from(body)).unwrap()).await.expect("an answer");
        let (parts, body) = answer.into_parts();
        self.keep_cookies(&parts.headers);
        let body = body.collect().await.expect("a whole answer").to_bytes();
        let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Page { status: parts.status, headers: parts.headers, json }
    }

    fn keep_cookies(&mut self, headers: &HeaderMap) {
        for cookie in headers.get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(other, _)| other != name);
            self.cookies.push((name.to_owned(), value.to_owned()));
        }
    }
}
