//! `buddy doctor`: a good deployment is green, and each broken one is named with what to do.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use axum::Router;
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use axum::routing::get;
use buddy_shop::certificate::{Authority, Credentials};
use buddy_shop::serve;
use rcgen::date_time_ymd;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::support::{Answer, Buddy, Endpoint, Setup};

/// A finished look.
pub(super) struct Looked {
    pub(super) status: Option<i32>,
    pub(super) report: Value,
}

impl Looked {
    fn of(output: &Output) -> Self {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout);
        Self { status: output.status.code(), report: report.unwrap_or_else(|_| panic!("no JSON: {stderr}")) }
    }

    pub(super) fn finding(&self, check: &str) -> &Value {
        let findings = self.report["findings"].as_array().unwrap();
        let finding = findings.iter().find(|finding| finding["check"] == check);
        finding.unwrap_or_else(|| panic!("no {check} in {:#}", self.report))
    }

    #[track_caller]
    pub(super) fn says(&self, check: &str, verdict: &str, words: &str) {
        let finding = self.finding(check);
        assert_eq!(finding["verdict"], verdict, "{finding:#}");
        let message = finding["message"].as_str().unwrap();
        assert!(message.contains(words), "{message}");
        assert_eq!(finding["mend"].is_null(), verdict == "ok", "{finding:#}");
        let failed =
            self.report["findings"].as_array().unwrap().iter().any(|finding| finding["verdict"] == "fail");
        assert_eq!((self.status, &self.report["ok"]), (Some(i32::from(failed)), &json!(!failed)));
    }
}

/// Runs it as the server of this set-up is run, with further flags.
pub(super) async fn look(setup: &Setup, flags: &[&str]) -> Looked {
    let mut command = setup.command(&[&["doctor", "--json"], flags].concat());
    Looked::of(&tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap())
}

/// Every file of the data dir with all of its bytes and its mode, but for the readers' marks.
fn files(directory: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let entries = fs::read_dir(directory).into_iter().flatten().map(Result::unwrap);
    let read = entries.map(|entry| {
        let mode = entry.metadata().unwrap().permissions().mode();
        (entry.file_name().into_string().unwrap(), (mode, fs::read(entry.path()).unwrap()))
    });
    read.filter(|(name, _)| !name.ends_with("-shm")).collect()
}

async fn endpoint() -> Endpoint {
    Endpoint::open(|_| Answer::With(401, String::new())).await
}

/// The authority is believed by callbacks and by the machine.
fn setup(ca_pem: &str) -> Setup {
    let setup = Setup::new(Some(ca_pem));
    let roots = setup.path().join("ca.pem").to_str().unwrap().to_owned();
    setup.env("SSL_CERT_FILE", &roots).env("BUDDY_ADMIN_TOKEN", "")
}

async fn put_callback(buddy: &Buddy, url: &str) {
    let token = fs::read_to_string(buddy.data_dir().join("admin.token")).unwrap();
    let call = async |method: &str, path: &str, body: Value| {
        buddy.api.call(method, path, Some(token.trim()), Some(body)).await
    };
    let id = call("POST", "/v1/agents", json!({"name": "Shop"})).await.expect_status(201).text("agentId");
    let path = format!("/v1/agents/{id}/callback");
    call("PUT", &path, json!({"url": url})).await.expect_status(200);
}

/// A proxy with TLS before a Buddy, as far as `/healthz` goes.
async fn proxy(credentials: Credentials, version: Option<&'static str>) -> String {
    let answer = move || async move {
        let mut headers = HeaderMap::new();
        if let Some(version) = version {
            headers.insert("x-buddy-version", version.parse().unwrap());
        }
        (headers, "ok\n").into_response()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().route("/healthz", get(answer));
    tokio::spawn(serve::run(listener, credentials.server_config().unwrap(), router));
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_deployment_is_green_beside_its_server_and_nothing_is_changed_or_signed() {
    let authority = Authority::new().unwrap();
    let endpoint = Endpoint::open_under(&authority, |_| Answer::With(401, String::new())).await;
    let public = proxy(authority.issue("localhost", |_| {}).unwrap(), Some(env!("CARGO_PKG_VERSION"))).await;
    let buddy = setup(&endpoint.ca_pem).start();
    put_callback(&buddy, &endpoint.url()).await;
    let before = files(&buddy.data_dir());
    let listen = buddy.address.to_string();
    let looked = look(buddy.setup(), &["--listen", &listen, "--public-url", &public]).await;
    let findings = looked.report["findings"].as_array().unwrap();
    let told: Vec<_> = findings.iter().map(|finding| finding["check"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        ["config", "disk", "key_files", "database", "port", "public_url", "dns", "egress", "clock"]
    );
    for (check, words) in [
        ("config", listen.as_str()),
        ("key_files", "opens the database"),
        ("database", "its pages fit together"),
        ("port", concat!("Buddy ", env!("CARGO_PKG_VERSION"), " answers")),
        ("public_url", concat!("is answered by Buddy ", env!("CARGO_PKG_VERSION"))),
        ("dns", "1 host resolved"),
        ("egress", "connected to 1 host"),
        ("clock", "the Date header of localhost"),
    ] {
        looked.says(check, "ok", words);
    }
    // Of the disk only that it is told: how full the machine is that tests this, nobody knows.
    assert!(looked.finding("disk")["message"].as_str().unwrap().contains("MiB"));
    assert_eq!(files(&buddy.data_dir()), before);
    let seen = endpoint.seen();
    assert_eq!(seen.len(), 1);
    assert_eq!(
        (seen[0].method.as_str(), seen[0].path_and_query.as_str(), seen[0].body.len()),
        ("HEAD", "/", 0)
    );
    assert!(!seen[0].headers.keys().any(|name| name.as_str().starts_with("x-platform")), "{seen:?}");
    let (_, _, setup) = buddy.stop();
    let before = files(&setup.data_dir());
    let looked = look(&setup, &["--listen", &listen, "--public-url", &public]).await;
    looked.says("port", "ok", "is free");
    looked.says("database", "ok", "its pages fit together");
    assert_eq!(files(&setup.data_dir()), before);
}

#[tokio::test]
async fn before_the_first_start_nothing_is_made_and_nothing_fails() {
    let setup = Setup::new(None).env("BUDDY_ADMIN_TOKEN", "");
    let looked = look(&setup, &[]).await;
    looked.says("disk", "warn", "does not exist yet");
    looked.says(
        "key_files",
        "ok",
        "master key: made at the first start; admin token: made at the first start",
    );
    looked.says("database", "ok", "none yet");
    looked.says("public_url", "warn", "not set");
    looked.says("clock", "warn", "not compared");
    assert_eq!(looked.status, Some(0));
    assert_eq!(fs::read_dir(setup.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_wrong_setting_is_told_in_the_words_of_the_start() {
    let setup = Setup::new(None);
    let looked = look(&setup, &["--listen", "nonsense"]).await;
    looked.says("config", "fail", "--listen: must be an address and a port, such as 127.0.0.1:8700");
    assert_eq!(looked.report["findings"].as_array().unwrap().len(), 1);
    let output = setup.run(&["doctor", "--lisen", "127.0.0.1:1"]);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let broken = look(&Setup::new(Some("nonsense")), &[]).await;
    broken.says("config", "fail", "--egress-ca (BUDDY_EGRESS_CA) holds no certificate");
}

#[tokio::test]
async fn secrets_that_others_may_read_or_that_are_none_fail() {
    let (status, _, setup) = setup(&endpoint().await.ca_pem).start().stop();
    assert!(status.success());
    let (key, token) = (setup.data_dir().join("master.key"), setup.data_dir().join("admin.token"));
    let chmod = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    for path in [&key, &token] {
        chmod(path, 0o644);
        look(&setup, &[]).await.says("key_files", "fail", "can be read by other users of this machine");
        chmod(path, 0o600);
    }
    chmod(&setup.data_dir(), 0o755);
    look(&setup, &[]).await.says("key_files", "warn", "is open to other users of this machine");
    chmod(&setup.data_dir(), 0o700);
    let good = fs::read_to_string(&key).unwrap();
    fs::write(&key, "not a key").unwrap();
    look(&setup, &[]).await.says("key_files", "fail", "does not hold 32 bytes in base64");
    let another = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n";
    fs::write(&key, another).unwrap();
    let wrong = look(&setup, &[]).await;
    wrong.says("key_files", "fail", "BUDDY_MASTER_KEY does not open this data");
    assert!(
        !wrong.report.to_string().contains(another.trim()) && !wrong.report.to_string().contains(good.trim())
    );
    fs::remove_file(&key).unwrap();
    look(&setup, &[]).await.says("key_files", "fail", "is missing beside an existing database");
    assert!(!key.exists(), "and no new one was made");
    fs::write(setup.data_dir().join("buddy.sqlite3"), [b'x'; 5_000]).unwrap();
    look(&setup, &[]).await.says("database", "fail", "cannot be used");
}

#[tokio::test]
async fn a_port_that_another_program_holds_fails() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let setup = Setup::new(None);
    let looked = look(&setup, &["--listen", "192.0.2.1:8700"]).await;
    looked.says("port", "fail", "is no address of this machine");
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = taken.accept().unwrap();
        std::io::Write::write_all(&mut stream, b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n").unwrap();
        (stream, taken)
    });
    let looked = look(&setup, &["--listen", &listen]).await;
    looked.says("port", "fail", "is held by a program that does not answer as Buddy");
    drop(answering.join().unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hosts_that_cannot_be_found_or_reached_fail() {
    let endpoint = endpoint().await;
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed_port = closed.local_addr().unwrap().port();
    drop(closed);
    for (url, check, words) in [
        ("https://nowhere.invalid/x".to_owned(), "dns", "nowhere.invalid does not resolve"),
        (format!("https://localhost:{closed_port}/x"), "egress", "no connection (connect_failed)"),
        (endpoint.url().replace("localhost", "127.0.0.1"), "egress", "its certificate is for another host"),
    ] {
        let buddy = setup(&endpoint.ca_pem).start();
        put_callback(&buddy, &url).await;
        look(buddy.setup(), &[]).await.says(check, "fail", words);
        // Of two hosts one is another's business.
        put_callback(&buddy, &endpoint.url()).await;
        look(buddy.setup(), &[]).await.says(check, "warn", words);
    }
    // What the policy opens no more.
    let buddy = setup(&endpoint.ca_pem).start();
    put_callback(&buddy, &endpoint.url()).await;
    let looked = look(buddy.setup(), &["--egress-allow", "10.0.0.0/8"]).await;
    looked.says("dns", "fail", "which may not be called (address_blocked)");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_url_that_browsers_would_not_take_is_named() {
    let authority = Authority::new().unwrap();
    let setup = setup(&authority.pem());
    let issue = |change: fn(&mut rcgen::CertificateParams)| authority.issue("localhost", change).unwrap();
    let here = Some(env!("CARGO_PKG_VERSION"));
    for (credentials, version, verdict, words) in [
        (
            issue(|params| {
                params.not_before = date_time_ymd(2020, 1, 1);
                params.not_after = date_time_ymd(2020, 2, 1);
            }),
            here,
            "fail",
            "its certificate has expired",
        ),
        (
            Authority::new().unwrap().issue("localhost", |_| {}).unwrap(),
            here,
            "fail",
            "nobody who is believed",
        ),
        (authority.issue("shop.example", |_| {}).unwrap(), here, "fail", "is for another host"),
        (issue(|_| {}), Some("0.0.1"), "warn", "is answered by Buddy 0.0.1"),
        (issue(|_| {}), None, "warn", "is not answered by Buddy"),
    ] {
        let url = proxy(credentials, version).await;
        look(&setup, &["--public-url", &url]).await.says("public_url", verdict, words);
    }
}

#[test]
fn people_see_a_line_a_finding_and_what_to_do_without_colours_in_a_pipe() {
    let setup = Setup::new(None);
    let output = setup.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("buddy doctor\n\n  ok    config      listens on 127.0.0.1:0"), "{text}");
    assert!(text.contains("  warn  public_url  not set") && text.contains("→ Set --public-url"), "{text}");
    assert!(text.ends_with("\nNothing failed; 3 warnings.\n"), "{text}");
    assert!(!text.contains('\x1b') && text.lines().all(|line| line.chars().count() <= 102), "{text}");
}
