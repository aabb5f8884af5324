//! `buddy sign`: what it prints is run by a shell, and is what the server would send.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use http::{HeaderMap, HeaderName};
use serde_json::json;

use super::misused;
use crate::support::{Answer, Buddy, Endpoint, Seen, Setup};

const SECRET: &str = "bcs_4Jt0lYqN7vXw2RkPz9HsEa6BcUdGfMiQoT1y3V5K8Wx";
const SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";
const AGENT: &str = "agt_01hz2v6yqdfqr9c2d4e6f8g0hj";

fn setup() -> Setup {
    Setup::new(None).env("SECRET", SECRET)
}

fn sign(setup: &Setup, further: &[&str]) -> String {
    printed(setup.run(&[&["sign", "--secret-env", "SECRET"], further].concat()))
}

#[track_caller]
fn printed(output: Output) -> String {
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(!stdout.contains(SECRET), "{stdout}");
    stdout
}

/// Gives the command to a shell, as a person would, and returns what the endpoint saw.
async fn run(setup: &Setup, endpoint: &Endpoint, command: &str) -> Seen {
    let ca = setup.path().join("endpoint.pem");
    std::fs::write(&ca, &endpoint.ca_pem).unwrap();
    let mut bash = Command::new("bash");
    bash.args(["-c", command]).current_dir(setup.path()).env("CURL_CA_BUNDLE", ca).env("HOME", setup.path());
    let output = tokio::task::spawn_blocking(move || bash.output().unwrap()).await.unwrap();
    let answered = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(answered.starts_with("HTTP/1.1 204 No Content\r\n"), "{answered}");
    endpoint.seen().pop().expect("a request")
}

async fn endpoint() -> Endpoint {
    Endpoint::open(|_| Answer::With(204, String::new())).await
}

fn names(headers: &HeaderMap) -> Vec<&HeaderName> {
    let mut names: Vec<_> = headers.keys().collect();
    names.sort_by_key(|name| name.as_str());
    names
}

#[tokio::test]
async fn the_command_sends_what_the_server_sends() {
    let endpoint = endpoint().await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    buddy.session(&agent).await;
    let real = endpoint.seen().pop().unwrap();

    let setup = setup();
    let by_hand = run(&setup, &endpoint, &sign(&setup, &["--url", &endpoint.url()])).await;
    assert_eq!((&by_hand.method, &by_hand.path_and_query), (&real.method, &real.path_and_query));
    assert_eq!(names(&by_hand.headers), names(&real.headers));
    let differing =
        ["x-platform-signature", "x-platform-request-id", "x-platform-deadline-ms", "traceparent"];
    for name in names(&real.headers).into_iter().filter(|name| !differing.contains(&name.as_str())) {
        assert_eq!(by_hand.headers[name], real.headers[name], "{name}");
    }
    assert!(by_hand.header("x-platform-request-id").starts_with("res_"));
    assert_eq!(by_hand.header("traceparent").len(), real.header("traceparent").len());

    let sent: serde_json::Value = serde_json::from_slice(&real.body).unwrap();
    let now = sent["timestamp"].as_i64().unwrap();
    let read = |seen: &Seen, secret: &str| {
        buddy_verify::verify(&seen.body, Some(seen.header("x-platform-signature")), &[secret], now).unwrap()
    };
    let (asked, by_server) = (read(&by_hand, SECRET), read(&real, &agent.secret));
    let placed = |callback: &buddy_verify::Callback, body: &[u8]| {
        let text = String::from_utf8(body.to_vec()).unwrap();
        text.replace(&callback.session_id, "S")
            .replace(&callback.agent_id, "A")
            .replace(&callback.timestamp.to_string(), "T")
    };
    assert_eq!(placed(&asked, &by_hand.body), placed(&by_server, &real.body));
}

#[tokio::test]
async fn the_bytes_that_are_sent_are_those_that_were_signed() {
    let endpoint = endpoint().await;
    let setup = setup();
    let file = "it's a \"body\" $HOME.json";
    let bodies: [&[u8]; 5] = [b"{\"a\": 1}\n", b"\r\n'\"$(true)\\ \n\n", b"\0\xff\x1b[2J", b"@body", b""];
    for body in bodies {
        std::fs::write(setup.path().join(file), body).unwrap();
        let command = sign(&setup, &["--url", &endpoint.url(), "--body", file]);
        let seen = run(&setup, &endpoint, &command).await;
        assert_eq!(&seen.body[..], body);
        let signature = sign(&setup, &["--body", file, "--signature-only"]);
        assert_eq!(signature, format!("{}\n", seen.header("x-platform-signature")));
    }
    for body in ["{\"a\": \"it's\"}\n", "@body", "$HOME `true` \\\t\n\n", ""] {
        let arguments = ["sign", "--secret-env", "SECRET", "--url", &endpoint.url(), "--body", "-"];
        let command = printed(with_stdin(&setup, &arguments, body.as_bytes()));
        let seen = run(&setup, &endpoint, &command).await;
        assert_eq!(&seen.body[..], body.as_bytes());
    }
}

fn with_stdin(setup: &Setup, arguments: &[&str], input: &[u8]) -> Output {
    let mut command = setup.command(arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    process.stdin.take().unwrap().write_all(input).unwrap();
    process.wait_with_output().unwrap()
}

#[test]
fn what_is_asked_for_is_in_the_command() {
    let setup = setup();
    let ids = ["--session-id", SESSION, "--agent-id", AGENT, "--timestamp", "1717000000"];
    let command = sign(&setup, &ids);
    // What is made anew each time is of this form.
    let (before, rest) = command.split_once("x-platform-request-id: ").unwrap();
    let (request_id, rest) = rest.split_at(30);
    let (between, rest) = rest.split_once("traceparent: ").unwrap();
    let (traceparent, after) = rest.split_at(55);
    assert!(request_id.starts_with("res_") && traceparent.starts_with("00-"), "{command}");
    let version = env!("CARGO_PKG_VERSION");
    let signature = "fcd21bc62af7b0fa710476a41d1ee9d7927fcc5f9495a5a976cd89df2b0a8120";
    assert_eq!(
        before,
        format!(
            "curl -i --globoff --http1.1 --url https://shop.example/buddy/identity \\\n  -H 'content-type: application/json' \\\n  -H 'x-platform-signature: {signature}' \\\n  -H 'user-agent: Buddy/{version}' \\\n  -H 'accept: application/json' \\\n  -H 'accept-encoding: identity' \\\n  -H '"
        )
    );
    assert_eq!(between, "' \\\n  -H 'x-platform-attempt: 1' \\\n  -H '");
    assert_eq!(
        after,
        format!(
            "' \\\n  -H 'x-platform-deadline-ms: 3000' \\\n  --data-raw '{{\"sessionId\":\"{SESSION}\",\"agentId\":\"{AGENT}\",\"timestamp\":1717000000}}'\n"
        )
    );
    assert_eq!(sign(&setup, &[&ids[..], &["--signature-only"]].concat()), format!("{signature}\n"));
    let strange = sign(&setup, &["--url", "https://shop.example/it's?a={1}&b=$(x)"]);
    let word = r"--url 'https://shop.example/it'\''s?a={1}&b=$(x)' \";
    assert!(strange.lines().next().unwrap().ends_with(word), "{strange}");
}

#[test]
fn what_cannot_be_signed_is_one_sentence() {
    let setup = setup();
    let output = setup.run(&["sign", "--secret-env", "SECRET", "--url", "file:///etc/passwd"]);
    assert_eq!(misused(&output), "buddy: --url: must begin with https:// or http://.");
    let output = setup.run(&["sign", "--secret-env", "NOWHERE"]);
    let unset = "buddy: --secret-env: NOWHERE: this variable is not set; it must hold the callback secret.";
    assert_eq!(misused(&output), unset);
    for body in [&b"\0"[..], b"\x1b[2J", b"\xff"] {
        let output = with_stdin(&setup, &["sign", "--secret-env", "SECRET", "--body", "-"], body);
        let said = "buddy: --body -: has bytes that cannot stand in a command; put them into a file, and give its name.";
        assert_eq!(misused(&output), said);
    }
    for further in [
        &["--body", "-", "--timestamp", "1"][..],
        &["--body", "-", "--session-id", SESSION],
        &["--timestamp", "253402300800"],
        &["--session-id", AGENT],
        &["--url", "shop.example"],
    ] {
        let output = setup.run(&[&["sign", "--secret-env", "SECRET"], further].concat());
        assert_eq!(output.status.code(), Some(2), "{further:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{further:?}");
    }
}
