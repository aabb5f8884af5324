//! What `buddy tail` and `buddy trace` have in common: where the server is, the token, and what stands in the way.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;

use axum::Router;
use http::header::CONTENT_TYPE;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{misused, refused};
use crate::support::{ADMIN_TOKEN, Buddy, Setup};

const NO_SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";
const NO_AGENT: &str = "agt_01hz2v6yqdfqr9c2d4e6f8g0hj";
const TRACE: [&str; 2] = ["trace", NO_SESSION];
const TAIL: [&str; 3] = ["tail", "--agent", NO_AGENT];

fn setup(server: SocketAddr) -> Setup {
    Setup::new(None).env("BUDDY_SERVER", &format!("http://{server}"))
}

#[test]
fn the_help_says_where_the_server_and_the_token_are_looked_for() {
    for command in ["tail", "trace"] {
        let output = Setup::new(None).run(&[command, "--help"]);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let help = String::from_utf8(output.stdout).unwrap();
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for part in [
            "--server <URL>",
            "BUDDY_SERVER",
            "http://127.0.0.1:8700",
            "--data-dir <DIR>",
            "--ca <FILE>",
            "--json",
            "The admin token is read from BUDDY_ADMIN_TOKEN, or for a server on this machine from its data dir.",
            "ssh -L 8700:127.0.0.1:8700 the-server",
        ] {
            assert!(help.contains(part), "{command}: no {part} in {help}");
        }
        assert!(!help.contains("--token"), "{help}");
    }
}

#[test]
fn the_token_goes_nowhere_in_clear_but_to_this_machine() {
    for (url, said) in [
        (
            "http://buddy.example",
            "the admin token would go to buddy.example in clear: use https, or a tunnel (ssh -L 8700:127.0.0.1:8700 buddy.example) and the default --server.",
        ),
        ("http://10.0.0.1:8700", "the admin token would go to 10.0.0.1 in clear"),
        ("http://localhost.example", "the admin token would go to localhost.example in clear"),
        ("ftp://127.0.0.1", "must be http:// or https:// and a host, without a user name"),
        ("http://me:canary@127.0.0.1", "must be http:// or https:// and a host"),
        ("http://127.0.0.1/?a=b", "must be http:// or https:// and a host"),
    ] {
        for command in [&TRACE[..], &TAIL] {
            let message = misused(&Setup::new(None).run(&[command, &["--server", url]].concat()));
            assert!(
                message.starts_with(&format!("buddy: --server (BUDDY_SERVER): {said}")),
                "{url}: {message}"
            );
            assert!(!message.contains("canary") && !message.contains(ADMIN_TOKEN), "{message}");
        }
    }
}

#[test]
fn without_a_token_it_is_said_where_it_is_looked_for() {
    let none = || Setup::new(None).env("BUDDY_ADMIN_TOKEN", "");
    let elsewhere = ["--server", "https://buddy.example"];
    for command in [&TRACE[..], &TAIL] {
        assert_eq!(
            misused(&none().run(command)),
            "buddy: BUDDY_ADMIN_TOKEN is not set, and ./buddy-data/admin.token is not there: set it, or give the server's --data-dir.",
        );
        let message = misused(&none().run(&[command, &elsewhere].concat()));
        assert_eq!(
            message,
            "buddy: BUDDY_ADMIN_TOKEN is not set: it must hold the admin token of buddy.example."
        );
        let setup = none();
        let token = setup.data_dir().join("admin.token");
        std::fs::create_dir(setup.data_dir()).unwrap();
        std::fs::write(&token, "bat_0123456789\n").unwrap();
        std::fs::set_permissions(&token, PermissionsExt::from_mode(0o644)).unwrap();
        let message = misused(&setup.run(command));
        assert!(
            message.ends_with("can be read by other users of this machine: run `chmod 600` on it."),
            "{message}"
        );
        let message = misused(&Setup::new(None).env("BUDDY_ADMIN_TOKEN", "bat_\u{e9}\n").run(command));
        assert_eq!(message, "buddy: the admin token has characters that no token has.");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_the_servers_machine_the_token_is_found_in_its_data_dir() {
    let buddy = Setup::new(None).env("BUDDY_ADMIN_TOKEN", "").start();
    let data_dir = buddy.data_dir();
    let setup = setup(buddy.address).env("BUDDY_ADMIN_TOKEN", "");
    let message = refused(&setup.run(&["trace", NO_SESSION, "--data-dir", data_dir.to_str().unwrap()]));
    assert!(message.contains(&format!(" knows no {NO_SESSION}: check the id")), "{message}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_stands_in_the_way_is_said_with_what_to_do() {
    let buddy = Buddy::alone();
    let url = format!("http://{}", buddy.address);
    for command in [&TRACE[..], &TAIL] {
        let wrong = setup(buddy.address).env("BUDDY_ADMIN_TOKEN", "bat_wrong0123456789");
        assert_eq!(
            refused(&wrong.run(command)),
            format!(
                "buddy: {url} does not take this admin token: set BUDDY_ADMIN_TOKEN to the server's own, or give its --data-dir."
            ),
        );
        let elsewhere = format!("{url}/elsewhere");
        let message = refused(&setup(buddy.address).run(&[command, &["--server", &elsewhere]].concat()));
        let said =
            if command == TRACE { format!("knows no {NO_SESSION}: ") } else { "answered 404: ".to_owned() };
        assert!(message.starts_with(&format!("buddy: {elsewhere} {said}")), "{message}");
    }
    let known = setup(buddy.address);
    assert_eq!(
        refused(&known.run(&TRACE)),
        format!(
            "buddy: {url} knows no {NO_SESSION}: check the id, and --server; a resolution is kept for 7 days."
        ),
    );
    let message = refused(&known.run(&TAIL));
    assert!(message.starts_with(&format!("buddy: {url} answered 404: There is no such agent")), "{message}");
    let setup = buddy.kill();
    for command in [&TRACE[..], &TAIL] {
        assert_eq!(
            refused(&setup.run(&[command, &["--server", &url]].concat())),
            format!(
                "buddy: nothing answers at {url}: start it with `buddy serve`, or name another with --server (BUDDY_SERVER)."
            ),
        );
    }
}

/// A server that answers every call so.
async fn answering(status: u16, kind: &'static str, body: String) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer =
        move || async move { (http::StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, kind)], body) };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_a_server_says_is_acted_on_by_the_terminal() {
    let hostile = "\u{1b}[2J\u{9b}1m\u{202e}\r\nx";
    let problem = json!({"code": "X", "detail": hostile}).to_string();
    let resolutions = json!({"resolutions": [{"outcome": hostile}]}).to_string();
    let several: Value = [NO_AGENT; 2].iter().map(|id| json!({"agentId": id, "name": hostile})).collect();
    let agents = json!({"agents": several, "nextCursor": null}).to_string();
    for (status, kind, body, command) in [
        (500, "application/problem+json", problem, &TRACE[..]),
        (200, "application/json", resolutions, &TRACE),
        (200, "application/json", agents, &["tail"]),
        (200, "text/html", "<p>\u{1b}[2J".to_owned(), &TRACE),
        (200, "text/html", "<p>\u{1b}[2J".to_owned(), &TAIL),
        (404, "text/html", "\u{1b}[2J".to_owned(), &TAIL),
    ] {
        let server = answering(status, kind, body.clone()).await;
        let output = setup(server).run(command);
        assert!(!output.status.success() && output.stdout.is_empty(), "{output:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        let line = told.strip_suffix('\n').unwrap();
        let acted_on = |letter: char| letter.is_control() || letter == '\u{202e}';
        assert!(line.starts_with("buddy: ") && !line.contains(acted_on), "{body}: {line:?}");
        if status == 500 || command == ["tail"] {
            assert!(line.contains(r"\u{1b}[2J\u{9b}1m\u{202e}\r\nx"), "{line}");
        }
    }
}
