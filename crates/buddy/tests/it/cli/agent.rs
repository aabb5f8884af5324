//! `buddy agent`: what it needs to be told, and how it ends where it cannot go on.

use serde_json::json;

use super::{misused, refused};
use crate::support::{Buddy, Relay, RunningAgent, Setup};

/// A set-up with a key of the right form.
fn setup() -> Setup {
    Setup::new(None).env("BUDDY_API_KEY", "bpk_0123456789")
}

#[test]
fn the_help_says_what_can_be_said_and_shows_how_to_run_it() {
    let output = setup().run(&["agent", "--help"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "--server <URL>",
        "[default: http://127.0.0.1:8700]",
        "--key-env <VARIABLE>",
        "[default: BUDDY_API_KEY]",
        "--model <NAME>",
        "--base-url <URL>",
        "--model-key-env <VARIABLE>",
        "--system <FILE>",
        "--ca <FILE>",
        "--log <LEVEL>",
        "buddy agent --base-url http://127.0.0.1:11434/v1 --model llama3.2",
    ] {
        assert!(help.contains(part), "no {part} in {help}");
    }
    let all = setup().run(&["--help"]);
    assert!(String::from_utf8(all.stdout).unwrap().contains("  agent "), "the overview has it");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_flag_it_is_about() {
    let setup = setup()
        .env("ADMIN", "bat_0123456789")
        .env("EMPTY", "")
        .env("LINES", "bpk_01\n23")
        .env("MODEL_LINES", "sk\n01");
    let file = |name: &str, bytes: &[u8]| std::fs::write(setup.path().join(name), bytes).unwrap();
    file("empty", b" \n");
    file("latin", b"caf\xe9");
    file("large", &vec![b'a'; 64 * 1024 + 1]);
    file("not.pem", b"no PEM");
    let model = ["--model", "m", "--base-url", "http://127.0.0.1:9/v1"];
    let with_model = |more: &[&'static str]| [&model[..], more].concat();
    for (arguments, said) in [
        (
            vec!["--key-env", "NOWHERE"],
            "--key-env: NOWHERE: this variable is not set; it must hold the agent's API key.",
        ),
        (vec!["--key-env", "EMPTY"], "--key-env: EMPTY: this variable is empty"),
        (
            vec!["--key-env", "ADMIN"],
            "--key-env: ADMIN: must hold an API key of the agent, bpk_…, made with POST",
        ),
        (vec!["--key-env", "LINES"], "--key-env: LINES: has characters that no key has."),
        (vec!["--key-env", "bpk_0123456789"], "--key-env: a secret is given by the name of the variable"),
        (vec!["--server", "ftp://127.0.0.1"], "--server: must be http:// or https:// and a host"),
        (vec!["--server", "http://me:canary@127.0.0.1"], "--server: must be http:// or https:// and a host"),
        (
            vec!["--model", "m", "--base-url", "file:///v1"],
            "--base-url: must be http:// or https:// and a host",
        ),
        (
            vec!["--model", "m", "--base-url", "http://h/?v=1"],
            "--base-url: must be http:// or https:// and a host",
        ),
        (with_model(&["--model-key-env", "NOWHERE"]), "--model-key-env: NOWHERE: this variable is not set"),
        (
            with_model(&["--model-key-env", "MODEL_LINES"]),
            "--model-key-env: MODEL_LINES: has characters that no key has.",
        ),
        (with_model(&["--system", "nowhere.txt"]), "--system nowhere.txt: No such file"),
        (with_model(&["--system", "empty"]), "--system empty: must be your instructions, and is empty."),
        (with_model(&["--system", "latin"]), "--system latin: must be text in UTF-8."),
        (with_model(&["--system", "large"]), "--system large: must be at most 64 KiB."),
        (vec!["--ca", "nowhere.pem"], "--ca nowhere.pem: No such file"),
        (vec!["--ca", "not.pem"], "--ca not.pem: holds no certificate in PEM that can be read."),
    ] {
        let message = misused(&setup.run(&[&["agent"], &arguments[..]].concat()));
        assert!(message.starts_with(&format!("buddy: {said}")), "{arguments:?}: {message}");
        assert!(!message.contains("canary"), "{message}");
    }
}

#[test]
fn flags_that_are_of_use_together_only_are_asked_for_together() {
    for (arguments, missing) in [
        (vec!["--model", "m"], "--base-url"),
        (vec!["--base-url", "http://127.0.0.1:9"], "--model"),
        (vec!["--system", "file"], "--model"),
        (vec!["--model-key-env", "NAME"], "--model"),
        (vec!["--server", "127.0.0.1:8700"], "--server"),
        (vec!["--log", "loud"], "--log"),
    ] {
        let output = setup().run(&[&["agent"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(missing), "{arguments:?}: {output:?}");
    }
}

/// Runs it to its end, which comes by itself, and returns why.
fn ended(arguments: &[&str]) -> String {
    let mut output = setup().run(&[&["agent", "--log", "off"], arguments].concat());
    let printed = String::from_utf8(std::mem::take(&mut output.stdout)).unwrap();
    assert!(printed.starts_with("buddy agent answers sessions of http://127.0.0.1:"), "{printed}");
    refused(&output)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_is_not_good_ends_it() {
    let buddy = Buddy::alone();
    let server = format!("http://{}", buddy.address);
    let refusal = "buddy: the server refuses the API key: make one with POST /v1/agents/{agentId}/api-keys.";
    assert_eq!(ended(&["--server", &server]), refusal);
    // What answers 404 is no server of Buddy's.
    let message = ended(&["--server", &format!("{server}/elsewhere")]);
    assert!(
        message.contains("answers 404") && message.ends_with("is this the URL of a Buddy server?"),
        "{message}"
    );

    // A good one is good until it is deleted.
    let agent = buddy.bare_agent().await;
    let relay = Relay::open(Some(buddy.address)).await;
    let mut running = RunningAgent::start(relay.address, &agent);
    let session = buddy.session(&agent).await;
    let mut visitor = buddy.listen(&session, None).await;
    buddy.visitor("POST", &session, "/messages", Some(json!({"text": "Hello"}))).await.expect_status(201);
    assert_eq!(visitor.event().await.data["from"], "visitor");
    assert_eq!(visitor.event().await.data["from"], "agent");
    let keys = format!("/v1/agents/{}/api-keys", agent.id);
    let list = buddy.operator("GET", &keys, None).await.expect_status(200).json;
    let path = format!("{keys}/{}", list["apiKeys"][0]["keyId"].as_str().unwrap());
    buddy.operator("DELETE", &path, None).await.expect_status(204);
    relay.lead(Some(buddy.address));
    let (status, log) = running.wait();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.trim_end().ends_with(refusal), "{log}");
}
