//! `buddy keys`: from one master key to the next while a server runs, and nothing that was sealed is lost.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Output;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use super::{misused, refused};
use crate::support::{Agent, Answer, Buddy, Endpoint, Session, Setup};

#[track_caller]
pub(super) fn told(output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{stderr}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn status(setup: &Setup) -> Value {
    serde_json::from_str(&told(&setup.run(&["keys", "status", "--json"]))).unwrap()
}

/// Each key: its role, and how many callbacks, sessions, messages and canaries it has sealed.
pub(super) fn sealed(setup: &Setup) -> Vec<(String, String, [u64; 4])> {
    let keys = status(setup)["keys"].as_array().unwrap().clone();
    let of = |key: &Value| {
        let text = |name: &str| key[name].as_str().unwrap().to_owned();
        let counts = ["callbacks", "sessions", "messages", "canary"].map(|name| key[name].as_u64().unwrap());
        (text("keyId"), text("role"), counts)
    };
    keys.iter().map(of).collect()
}

fn key_file(setup: &Setup) -> Vec<String> {
    let path = setup.data_dir().join("master.key");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

/// An identified session with a message.
pub(super) async fn said(buddy: &Buddy, agent: &Agent) -> Session {
    let session = buddy.session(agent).await;
    assert_eq!(session.view["status"], "authenticated");
    buddy.visitor("POST", &session, "/messages", Some(json!({"text": "hello"}))).await.expect_status(201);
    session
}

pub(super) async fn is_whole(buddy: &Buddy, agent: &Agent, session: &Session) {
    assert_eq!(buddy.identity(agent, session).await["identity"]["userId"], "42");
    let read = buddy.visitor("GET", session, "/messages", None).await.expect_status(200).json;
    assert_eq!(read["messages"][0]["text"], "hello", "{read}");
}

pub(super) async fn endpoint() -> Endpoint {
    Endpoint::open(|_| Answer::With(200, r#"{"userId":"42"}"#.into())).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_added_promoted_and_the_old_one_removed_and_all_still_opens() {
    let endpoint = endpoint().await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let first = said(&buddy, &agent).await;
    let old = sealed(buddy.setup())[0].0.clone();
    assert_eq!(sealed(buddy.setup()), [(old.clone(), "seals".into(), [1, 1, 1, 1])]);
    assert_eq!(status(buddy.setup())["next"], Value::Null);

    let text = told(&buddy.setup().run(&["keys", "add"]));
    let new = sealed(buddy.setup())[1].0.clone();
    assert!(text.contains(&format!("Key {new} was added to ./buddy-data/master.key; it opens")), "{text}");
    assert_eq!(key_file(buddy.setup()).len(), 2);
    let keys = sealed(buddy.setup());
    assert_eq!(keys[1], (new.clone(), "opens".into(), [0; 4]));

    let (_, _, setup) = buddy.stop();
    let buddy = setup.start();
    let second = said(&buddy, &agent).await;
    assert_eq!(sealed(buddy.setup())[0], (old.clone(), "seals".into(), [1, 2, 2, 1]));
    told(&buddy.setup().run(&["keys", "promote", &new]));
    assert_eq!(sealed(buddy.setup())[1], (old.clone(), "opens".into(), [1, 2, 2, 1]));
    let refusal = refused(&buddy.setup().run(&["keys", "remove", &old]));
    assert!(refusal.contains("has sealed 6 values"), "{refusal}");

    let (_, _, setup) = buddy.stop();
    let buddy = setup.start();
    let third = said(&buddy, &agent).await;
    let (_, _, setup) = buddy.stop();
    told(&setup.run(&["keys", "reseal"]));
    assert_eq!(
        sealed(&setup),
        [(new.clone(), "seals".into(), [1, 3, 3, 1]), (old.clone(), "opens".into(), [0; 4])]
    );
    let text = told(&setup.run(&["keys", "status"]));
    assert!(text.contains(&format!("buddy keys remove {old}")), "{text}");
    let text = told(&setup.run(&["keys", "remove", &old]));
    assert!(text.contains("Backups from before"), "{text}");
    assert_eq!(key_file(&setup).len(), 1);

    let buddy = setup.start();
    for session in [&first, &second, &third] {
        is_whole(&buddy, &agent, session).await;
    }
    let revoke = Some(json!({"userId": "42"}));
    let revoked = buddy.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200).json;
    assert_eq!(revoked, json!({"revoked": 3}));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_server_seals_anew_by_itself_and_one_node_needs_one_restart() {
    let endpoint = endpoint().await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = said(&buddy, &agent).await;
    told(&buddy.setup().run(&["keys", "add", "--first"]));
    let refusal = refused(&buddy.setup().run(&["keys", "reseal"]));
    assert!(refusal.contains("seals anew by itself") && refusal.contains("buddy keys status"), "{refusal}");
    let (_, _, setup) = buddy.stop();
    let buddy = setup.start();
    // Its first round of housekeeping is at its start, and beside it this looks again and again.
    let done = (0..2_000).any(|_| sealed(buddy.setup())[1].2 == [0; 4]);
    assert!(done, "{:?}", sealed(buddy.setup()));
    is_whole(&buddy, &agent, &session).await;
    assert_eq!(sealed(buddy.setup())[0].2, [1, 1, 1, 1]);
    let (_, _, setup) = buddy.stop();
    let line =
        setup.log().lines().find(|line| line.contains("sealed by the first master key")).unwrap().to_owned();
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&line["resealed"], &line["unopened"]), (&json!(4), &json!(0)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_environment_are_printed_and_nothing_else_is() {
    let one = BASE64_STANDARD.encode([1; 32]);
    let buddy = Setup::new(None).env("BUDDY_MASTER_KEY", &one).start();
    buddy.bare_agent().await;
    let (_, _, setup) = buddy.stop();
    let output = setup.run(&["keys", "add"]);
    let both = told(&output).trim().to_owned();
    let two = both.strip_prefix(&format!("{one},")).unwrap().to_owned();
    assert_eq!(BASE64_STANDARD.decode(&two).unwrap().len(), 32);
    let advice = String::from_utf8(output.stderr).unwrap();
    assert!(advice.contains("on every node") && !advice.contains(&one) && !advice.contains(&two), "{advice}");
    assert!(!setup.data_dir().join("master.key").exists());
    assert!(told(&setup.run(&["keys", "add", "--first"])).ends_with(&format!(",{one}\n")));

    let setup = setup.env("BUDDY_MASTER_KEY", &both);
    let keys = sealed(&setup);
    assert_eq!(keys.iter().map(|key| key.1.as_str()).collect::<Vec<_>>(), ["seals", "opens"]);
    let promoted = told(&setup.run(&["keys", "promote", &keys[1].0]));
    assert_eq!(promoted.trim(), format!("{two},{one}"));
    let setup = setup.env("BUDDY_MASTER_KEY", promoted.trim());
    let done = told(&setup.run(&["keys", "reseal"]));
    assert!(done.starts_with("1 values were sealed anew"), "{done}");
    let removed = told(&setup.run(&["keys", "remove", &keys[0].0]));
    assert_eq!(removed.trim(), two);
    let setup = setup.env("BUDDY_MASTER_KEY", &two);
    setup.start().operator("GET", "/v1/agents", None).await.expect_status(200);
}

#[tokio::test]
async fn what_would_lose_data_or_is_no_key_is_refused() {
    let setup = Setup::new(None);
    for arguments in [&["keys", "status"][..], &["keys", "add"], &["keys", "reseal"]] {
        let refusal = refused(&setup.run(arguments));
        assert!(refusal.contains("master.key is not there yet"), "{refusal}");
    }
    assert!(!setup.data_dir().exists());
    let buddy = setup.start();
    buddy.bare_agent().await;
    let (_, _, setup) = buddy.stop();
    let only = sealed(&setup)[0].0.clone();
    let refusal = refused(&setup.run(&["keys", "remove", &only]));
    assert!(refusal.contains("is the one that seals"), "{refusal}");
    let refusal = refused(&setup.run(&["keys", "promote", &only]));
    assert!(refusal.contains("is the first already"), "{refusal}");
    for command in ["promote", "remove"] {
        let refusal = misused(&setup.run(&["keys", command, "nonsense"]));
        assert!(refusal.contains(&format!("there are {only}.")), "{refusal}");
    }
    let kept = key_file(&setup);

    // A key that was taken away by hand is missed.
    told(&setup.run(&["keys", "add", "--first"]));
    let both = key_file(&setup);
    assert_eq!(both[1..], kept);
    fs::write(setup.data_dir().join("master.key"), &both[0]).unwrap();
    let text = told(&setup.run(&["keys", "status"]));
    assert!(text.contains("missing") && text.contains(&format!("Key {only} has sealed 1 values")), "{text}");
    for broken in [format!("{}\nnonsense", both[0]), format!("{},{}", both[0], both[1])] {
        fs::write(setup.data_dir().join("master.key"), broken).unwrap();
        let refusal = refused(&setup.run(&["serve"]));
        assert!(refusal.contains("master.key does not hold 32 bytes in base64"), "{refusal}");
        assert!(!refusal.contains(&both[0]), "{refusal}");
    }
    // What has a blank line at its end, or the line ends of another system, is good.
    fs::write(setup.data_dir().join("master.key"), format!("{}\r\n{}\r\n\r\n", both[0], both[1])).unwrap();
    setup.start().operator("GET", "/v1/agents", None).await.expect_status(200);
}
