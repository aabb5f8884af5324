//! `buddy serve`: the first start, the next one, and the end.

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::refused;
use crate::support::{ADMIN_TOKEN, Answer, Buddy, Endpoint, Setup};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn master_key(byte: u8) -> String {
    BASE64_STANDARD.encode([byte; 32])
}

#[tokio::test]
async fn the_first_start_makes_its_secrets_and_the_next_one_reads_them() {
    let buddy = Setup::new(None).env("BUDDY_ADMIN_TOKEN", "").start();
    let (token_path, key_path) = (buddy.data_dir().join("admin.token"), buddy.data_dir().join("master.key"));
    assert_eq!((mode(&buddy.data_dir()), mode(&token_path), mode(&key_path)), (0o700, 0o600, 0o600));
    let (token, key) = (fs::read_to_string(&token_path).unwrap(), fs::read_to_string(&key_path).unwrap());
    let token = token.trim();
    assert!(token.starts_with("bat_") && token.len() == 47, "{token}");
    assert_eq!(BASE64_STANDARD.decode(key.trim()).unwrap().len(), 32);
    let new = Some(json!({"name": "Kept"}));
    let id = buddy.api.call("POST", "/v1/agents", Some(token), new).await.expect_status(201).text("agentId");
    let callback = Some(json!({"url": "https://localhost:1/"}));
    let path = format!("/v1/agents/{id}/callback");
    buddy.api.call("PUT", &path, Some(token), callback).await.expect_status(200);

    let (status, printed, setup) = buddy.stop();
    assert!(status.success());
    assert!(
        printed.lines().any(|line| line.starts_with("admin token: in ") && line.ends_with("admin.token"))
    );
    let (said, kept) = (printed + &setup.log(), key.clone());
    assert!(!said.contains(token) && !said.contains(kept.trim()), "{said}");

    let buddy = setup.start();
    buddy.api.call("GET", &path, Some(token), None).await.expect_status(200);
    assert_eq!(
        (fs::read_to_string(&token_path).unwrap().trim(), fs::read_to_string(&key_path).unwrap()),
        (token, key)
    );
}

/// Asks on a connection that is kept, and reads the answer's head and body.
fn ask(connection: &mut TcpStream) -> String {
    connection.write_all(b"GET /healthz HTTP/1.1\r\nhost: buddy\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let mut bytes = [0; 1024];
    while !answer.ends_with(b"ok\n") {
        let read = connection.read(&mut bytes).unwrap();
        assert!(read > 0, "closed after {}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&bytes[..read]);
    }
    String::from_utf8(answer).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a client of the server's, byte for byte")]
fn who_comes_when_all_connections_are_taken_waits_until_one_is_closed() {
    let buddy = Setup::new(None).env("BUDDY_MAX_CONNECTIONS", "1").start();
    let mut first = TcpStream::connect(buddy.address).unwrap();
    ask(&mut first);
    let mut second = TcpStream::connect(buddy.address).unwrap();
    second.write_all(b"GET /healthz HTTP/1.1\r\nhost: buddy\r\n\r\n").unwrap();
    second.set_nonblocking(true).unwrap();
    // Many times what one answer takes.
    for _ in 0..200 {
        ask(&mut first);
        let nothing = second.read(&mut [0; 1]).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
    }
    drop(first);
    second.set_nonblocking(false).unwrap();
    assert!(ask(&mut second).starts_with("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn a_secret_that_is_given_is_not_kept() {
    let buddy = Setup::new(None).env("BUDDY_MASTER_KEY", &master_key(1)).start();
    buddy.operator("GET", "/v1/agents", None).await.expect_status(200);
    let files = fs::read_dir(buddy.data_dir()).unwrap().map(|file| file.unwrap().path());
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let holds = |secret: &[u8]| bytes.windows(secret.len()).any(|part| part == secret);
        assert!(!holds(ADMIN_TOKEN.as_bytes()) && !holds(&[1; 32]), "{}", file.display());
        assert!(!holds(master_key(1).as_bytes()), "{}", file.display());
    }
    let (_, printed, setup) = buddy.stop();
    assert!(!printed.contains("admin token"), "{printed}");
    assert!(!setup.data_dir().join("master.key").exists() && !setup.data_dir().join("admin.token").exists());
}

#[tokio::test]
async fn data_opens_with_its_own_master_key_only_and_a_new_one_may_stand_before_it() {
    let buddy = Setup::new(None).env("BUDDY_MASTER_KEY", &master_key(1)).start();
    let agent = buddy.bare_agent().await;
    let callback = Some(json!({"url": "https://localhost:1/"}));
    buddy.operator("PUT", &(agent.path() + "/callback"), callback).await.expect_status(200);
    let (_, _, setup) = buddy.stop();
    let setup = setup.env("BUDDY_MASTER_KEY", &master_key(2));
    let message = refused(&setup.run(&["serve"]));
    assert!(message.contains("BUDDY_MASTER_KEY"), "{message}");
    let setup = setup.env("BUDDY_MASTER_KEY", "");
    let message = refused(&setup.run(&["serve"]));
    assert!(message.contains("BUDDY_MASTER_KEY") && message.contains("master.key"), "{message}");
    assert!(!setup.data_dir().join("master.key").exists(), "existing data is never given a new key");

    let both = format!("{},{}", master_key(2), master_key(1));
    let buddy = setup.env("BUDDY_MASTER_KEY", &both).start();
    buddy.operator("GET", &(agent.path() + "/callback"), None).await.expect_status(200);
}

#[tokio::test]
async fn a_data_dir_is_used_by_one_server() {
    let first = Buddy::alone();
    let dir = first.data_dir();
    let second = Setup::new(None).env("BUDDY_DATA_DIR", dir.to_str().unwrap());
    let message = refused(&second.run(&["serve"]));
    assert!(message.contains("--data-dir") && message.contains(dir.to_str().unwrap()), "{message}");
    first.operator("GET", "/v1/agents", None).await.expect_status(200);
    drop(first);
    // Its end, even a sudden one, lets the directory go.
    fs::create_dir_all(&dir).unwrap();
    second.start().operator("GET", "/v1/agents", None).await.expect_status(200);
}

#[test]
fn a_data_dir_that_cannot_be_used_stops_the_start() {
    for (dir, named) in [("file", "file"), ("file/inside", "file/inside"), ("/proc/buddy", "/proc/buddy")] {
        let setup = Setup::new(None).env("BUDDY_DATA_DIR", dir);
        fs::write(setup.path().join("file"), "").unwrap();
        let message = refused(&setup.run(&["serve"]));
        assert!(message.contains(named) && message.contains("--data-dir"), "{message}");
    }
}

#[test]
fn a_secret_of_the_data_dir_that_is_exposed_or_broken_stops_the_start() {
    for (file, text, mode, mend) in [
        ("admin.token", "bat_0123456789abcdef", 0o644, "chmod 600"),
        ("admin.token", "bat_0123456789abcdef", 0o640, "chmod 600"),
        ("admin.token", "\n", 0o600, "BUDDY_ADMIN_TOKEN"),
        ("master.key", &*master_key(1), 0o604, "chmod 600"),
        ("master.key", "nonsense", 0o600, "BUDDY_MASTER_KEY"),
        ("master.key", "", 0o600, "BUDDY_MASTER_KEY"),
    ] {
        let setup = Setup::new(None).env("BUDDY_ADMIN_TOKEN", "");
        fs::create_dir(setup.data_dir()).unwrap();
        let path = setup.data_dir().join(file);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let message = refused(&setup.run(&["serve"]));
        assert!(message.contains(file) && message.contains(mend), "{message}");
        assert!(text.len() < 10 || !message.contains(text), "{message}");
    }
}

#[test]
fn roots_that_are_none_stop_the_start() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for text in ["", "nonsense", broken] {
        let message = refused(&Setup::new(Some(text)).run(&["serve"]));
        assert!(message.contains("egress-ca"), "{message}");
    }
}

#[test]
fn an_address_that_is_taken_stops_the_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let setup = Setup::new(None).env("BUDDY_LISTEN", &address);
    let message = refused(&setup.run(&["serve"]));
    assert!(message.contains("BUDDY_LISTEN") && message.contains(&address), "{message}");
    assert!(!setup.data_dir().exists(), "nothing was made");
}

// The endpoint has a thread of its own while the test waits for the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sigterm_finishes_what_is_pending_before_the_end() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 300})).await;
    let session = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &session, "/identify", None).await.expect_status(202);
    endpoint.has_seen(1).await;
    let (status, _, setup) = buddy.stop();
    assert!(status.success(), "{status}");
    let lines: Vec<Value> =
        setup.log().lines().map(|line| serde_json::from_str(line).expect("a log line is JSON")).collect();
    let at = |message: &str| lines.iter().position(|line| line["message"] == message).expect("is logged");
    assert_eq!(lines[at("session settled")]["session"], session.id);
    assert!(at("stopping: no new connections, what is pending is finished") < at("session settled"));
    assert!(at("session settled") < at("stopped"));

    let buddy = setup.start();
    let told = buddy.identity(&agent, &session).await;
    assert_eq!(
        (&told["status"], &told["error"]["code"]),
        (&json!("anonymous"), &json!("AUTH_CALLBACK_TIMEOUT"))
    );
    let attempts = buddy.resolution(&agent, &session).await["attempts"].as_array().unwrap().len();
    assert_eq!((attempts, endpoint.seen().len()), (2, 2), "nothing was left for the next start");
}

#[tokio::test]
async fn an_interrupt_from_the_keyboard_is_an_end_like_any_other() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    buddy.session(&agent).await;
    let sent = Command::new("kill").arg("-INT").arg(buddy.process_id().to_string()).status().unwrap();
    assert!(sent.success());
    let (status, setup) = buddy.wait();
    assert!(status.success(), "{status}");
    assert!(setup.log().lines().last().unwrap().contains("\"stopped\""), "{}", setup.log());
}
