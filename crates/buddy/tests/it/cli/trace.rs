//! `buddy trace`: what happened to one session, and why it ended so.

use serde_json::{Value, json};

use crate::support::{Answer, Buddy, Endpoint, Setup};

const CANARY: &str = "CANARY3c9a";

/// What it printed, with nothing on standard error.
#[track_caller]
fn traced(buddy: &Buddy, arguments: &[&str]) -> String {
    let setup = Setup::new(None).env("BUDDY_SERVER", &format!("http://{}", buddy.address));
    let output = setup.run(&[&["trace"], arguments].concat());
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success() && stderr.is_empty(), "{stdout}{stderr}");
    assert!(!stdout.contains('\u{1b}') && !stdout.to_lowercase().contains("canary"), "{stdout}");
    stdout
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_traced_in_the_consoles_words_and_without_a_value() {
    let identity =
        json!({"userId": null, "email": CANARY, "role": CANARY, "customAttributes": {CANARY: CANARY}});
    let endpoint = Endpoint::open(move |_| Answer::json(identity.clone())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let resolution = buddy.resolution(&agent, &session).await;
    let id = resolution["resolutionId"].as_str().unwrap();
    let path = format!("{}/resolutions/{id}/explanation", agent.path());
    let explained = buddy.operator("GET", &path, None).await.expect_status(200).json;

    let told = traced(&buddy, &[&session.id]);
    let seen = &endpoint.seen()[0];
    let signature = seen.header("x-platform-signature");
    let body = std::str::from_utf8(&seen.body).unwrap();
    for part in [
        format!("{}  failed, no_user_id, AUTH_CALLBACK_BAD_RESPONSE\n", session.id),
        format!("why         {}\n", explained["cause"].as_str().unwrap()),
        format!("what to do  {}\n", explained["mend"].as_str().unwrap()),
        format!("page        http://{}/e/AUTH_CALLBACK_BAD_RESPONSE\n", buddy.address),
        format!("request id  {id}"),
        "\nAttempt 1: 200, no_user_id, took ".to_owned(),
        format!("POST {} HTTP/1.1\nhost: localhost:", seen.path_and_query),
        format!("x-platform-signature: {}…\n", &signature[..8]),
        format!("\n{body}\n"),
        format!("curl -i --globoff --http1.1 --url '{}'", endpoint.url()),
    ] {
        assert!(told.contains(&part), "no {part:?} in {told}");
    }
    let in_one_line = told.split_whitespace().collect::<Vec<_>>().join(" ");
    let answer = format!("Attempt 1 {} The request", explained["sendings"][0]["answer"].as_str().unwrap());
    assert!(in_one_line.contains(&answer), "no {answer} in {told}");
    for phase in ["queue", "DNS", "connect", "TLS", "first byte", "body"] {
        assert!(
            told.lines().any(|line| line.starts_with(&format!("  {phase:10} │"))),
            "no {phase} in {told}"
        );
    }
    assert!(!told.contains(signature) && !told.contains(&agent.secret), "{told}");

    let lines = traced(&buddy, &[&session.id, "--json"]);
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines, [resolution, explained]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_attempts_are_shown_and_what_was_dropped() {
    let endpoint = Endpoint::open(|seen| match seen.header("x-platform-attempt") {
        "1" => Answer::Hang,
        _ => Answer::json(json!({"userId": CANARY, "role": 7})),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 1000})).await;
    let session = buddy.session(&agent).await;
    let told = traced(&buddy, &[&session.id]);
    for part in [
        "  authenticated\n",
        "warning     role was dropped: send a string, null, or leave it out.\n",
        "\nAttempt 1: no answer, timeout_headers, took 1.",
        "\nAttempt 2: 200, took ",
        "userId: string(10)",
    ] {
        assert!(told.contains(part), "no {part:?} in {told}");
    }
    assert_eq!(
        told.matches("x-platform-request-id: res_").count(),
        3,
        "two that were sent, and by hand: {told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_settled_and_what_nobody_was_asked_about_is_said_so() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let begun = buddy.session_to_identify(&agent).await;
    let told = traced(&buddy, &[&begun.id]);
    assert!(told.starts_with(&format!("{} is not settled: ", begun.id)), "{told}");
    assert_eq!(traced(&buddy, &[&begun.id, "--json"]), "");
    let bare = buddy.session(&agent).await;
    let told = traced(&buddy, &[&bare.id]);
    assert!(told.contains("  failed, not_configured, AUTH_NOT_CONFIGURED\n"), "{told}");
    assert!(!told.contains('│') && !told.contains("curl"), "{told}");
}
