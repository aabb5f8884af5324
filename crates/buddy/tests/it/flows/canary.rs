//! What must not leak does not: a canary in every field of an identity and in every secret is in no log line at any
//! level, in no file, no metric, no trace, and no answer to a visitor or an operator.

use std::path::Path;

use serde_json::json;

use crate::support::{Agent, Answer, Buddy, Endpoint, Post, Receiver, Session, Setup, Told};

/// One string that stands in every place that is to be kept secret.
const CANARY: &str = "CANARYe5b1";

// The receiver has a thread of its own while the test waits for the process.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_user_and_no_secret_is_anywhere_but_in_the_agents_answer() {
    let identity = json!({
        "userId": format!("id-{CANARY}"),
        "email": format!("{CANARY}@shop.example"),
        "role": format!("role-{CANARY}"),
        "customAttributes": {format!("name-{CANARY}"): format!("value-{CANARY}")},
    });
    let answer = identity.clone();
    let endpoint = Endpoint::open(move |_| Answer::json(answer.clone())).await;
    let receiver = Receiver::open().await;
    let buddy = Setup::new(Some(&endpoint.ca_pem))
        .env("BUDDY_LOG", "trace")
        .env("BUDDY_OTLP_ENDPOINT", &receiver.url())
        .env("BUDDY_OTLP_HEADERS", &format!("x-key={CANARY}"))
        .start();
    let (secret, next) = (format!("secret-{CANARY}-0123"), format!("next-{CANARY}-0123456"));
    let agent = buddy.agent(&endpoint.url(), json!({"secret": secret})).await;

    let mut answers = Vec::new();
    let session = buddy.session(&agent).await;
    answers.push(session.view.to_string());
    let visitor = buddy.api.call("GET", &session.path(), Some(&session.token), None).await;
    answers.push(String::from_utf8_lossy(&visitor.body).into_owned());
    assert_eq!(buddy.identity(&agent, &session).await["identity"], identity, "the agent's software is told");

    // A second session that is revoked, a wrong ticket, and a rotation: what they write must not leak either.
    let revoked = buddy.session(&agent).await;
    let user = json!({"userId": format!("id-{CANARY}")});
    let count = buddy.api.call("POST", "/v1/sessions/revoke", Some(&agent.key), Some(user)).await;
    assert_eq!(count.expect_status(200).json["revoked"], 2);
    answers.push(buddy.identity(&agent, &revoked).await.to_string());
    let created = buddy.session_to_identify(&agent).await;
    let path = format!("{}/identify", created.path());
    let wrong = Some(json!({"ticket": CANARY}));
    let refused = buddy.api.call("POST", &path, Some(&created.token), wrong).await;
    answers.push(refused.expect_problem(403, "INVALID_TICKET").json.to_string());
    let rotation = format!("/v1/agents/{}/callback/secret", agent.id);
    let rotated = buddy.operator("POST", &rotation, Some(json!({"secret": next}))).await.expect_status(200);
    answers.push(rotated.json.to_string());
    let kept = buddy.session(&agent).await;
    assert_eq!(kept.view["status"], "authenticated");

    converse(&buddy, &agent, &kept).await;

    let id = &agent.id;
    for path in [
        "/v1/agents".to_owned(),
        format!("/v1/agents/{id}"),
        format!("/v1/agents/{id}/callback"),
        format!("/v1/agents/{id}/api-keys"),
        format!("/v1/agents/{id}/resolutions"),
        "/metrics".to_owned(),
    ] {
        let answer = buddy.operator("GET", &path, None).await.expect_status(200);
        answers.push(String::from_utf8_lossy(&answer.body).into_owned());
    }
    for answer in &answers {
        assert!(!answer.contains(CANARY), "{answer}");
    }

    assert_clean_directory(&buddy.data_dir());
    buddy.terminate();
    let (status, setup) = buddy.wait();
    assert!(status.success());
    assert_clean_directory(&setup.data_dir());
    let log = setup.log();
    assert!(log.contains("session settled") && log.contains(&session.id), "the log is on: {log}");
    for secret in [CANARY, session.token.as_str(), agent.key.as_str(), crate::support::ADMIN_TOKEN] {
        assert!(!log.contains(secret), "{secret} is in the log");
        assert_not_traced(&receiver, secret);
    }
    let traced = receiver.spans();
    let of_session = |span: &Told| span.attributes.get("buddy.session.id") == Some(&json!(session.id));
    assert!(traced.iter().any(of_session), "traces are on: {traced:?}");
    // What stands in the endpoint's URL after the host may be a secret of its own.
    assert_not_traced(&receiver, "shop=1");
}

#[track_caller]
fn assert_not_traced(receiver: &Receiver, secret: &str) {
    let holds = |post: &Post| post.body.windows(secret.len()).any(|part| part == secret.as_bytes());
    assert!(!receiver.posts().iter().any(holds), "{secret} is in a trace");
}

/// What both sides say to each other is the canary too, and reaches its readers.
async fn converse(buddy: &Buddy, agent: &Agent, session: &Session) {
    let mut visitor = buddy.listen(session, None).await;
    let mut software = buddy.listen_to_all(agent, None).await;
    let text = format!("said-{CANARY}");
    let said = buddy.visitor("POST", session, "/messages", Some(json!({"text": text}))).await;
    said.expect_status(201);
    assert_eq!((visitor.texts(1).await, software.texts(1).await), (vec![text.clone()], vec![text.clone()]));
    let path = session.path() + "/messages";
    let begun = Some(json!({"text": format!("reply-{CANARY}"), "done": false}));
    let begun = buddy.software("POST", agent, &path, begun).await.expect_status(201);
    let path = format!("{path}/{}/append", begun.text("messageId"));
    let gain = Some(json!({"text": format!(" and {CANARY}"), "done": true}));
    let grown = buddy.software("POST", agent, &path, gain).await.expect_status(200).text("text");
    assert_eq!(grown.matches(CANARY).count(), 2);
    // What is refused is as little to be seen.
    for bad in [json!({"text": format!("\r{CANARY}")}), json!({"text": 1, CANARY: 1})] {
        let refused = buddy.visitor("POST", session, "/messages", Some(bad)).await;
        assert!(refused.status.is_client_error(), "{refused:?}");
    }
}

/// No file holds the canary in clear.
fn assert_clean_directory(directory: &Path) {
    let mut files = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        files += 1;
        let found = bytes.windows(CANARY.len()).any(|window| window.eq_ignore_ascii_case(CANARY.as_bytes()));
        assert!(!found, "{} holds the canary", path.display());
    }
    assert!(files >= 2, "the database and the key are there");
}
