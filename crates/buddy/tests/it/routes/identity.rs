//! `/v1/sessions/{sessionId}/identity` and `/v1/sessions/revoke`: for the agent's own software.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{NO_SESSION, ada, members, time};
use crate::support::{ADMIN_TOKEN, Agent, Answer, Buddy, Endpoint, Session};

const REVOKE: &str = "/v1/sessions/revoke";

async fn revoke(buddy: &Buddy, agent: &Agent, whose: Value) -> Value {
    let answer = buddy.software("POST", agent, REVOKE, Some(whose)).await.expect_status(200).json;
    assert_eq!(members(&answer), BTreeSet::from(["revoked"]));
    answer["revoked"].clone()
}

#[tokio::test]
async fn all_that_the_endpoint_said_of_the_user_is_told_as_it_was() {
    let attributes = r#"{"z":1.50,"a":{"deep":[null,true,12345678901234567890123]},"é":"ü"}"#;
    let body = format!(
        r#"{{"userId":"1815","email":"ada@shop.example","role":"customer","customAttributes":{attributes},"other":1}}"#
    );
    let endpoint = Endpoint::open(move |_| Answer::With(200, body.clone())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let path = format!("{}/identity", session.path());
    let told = buddy.software("GET", &agent, &path, None).await.expect_status(200);
    let all = ["sessionId", "agentId", "status", "method", "identity", "error", "resolvedAt"];
    assert_eq!(members(&told.json), BTreeSet::from(all));
    assert_eq!((&told.json["sessionId"], &told.json["agentId"]), (&json!(session.id), &json!(agent.id)));
    assert_eq!(
        (&told.json["status"], &told.json["method"]),
        (&json!("authenticated"), &json!("identity_callback"))
    );
    assert_eq!(told.json["error"], Value::Null);
    assert!(time(&told.json["resolvedAt"]) < time(&session.view["expiresAt"]));
    let identity = &told.json["identity"];
    assert_eq!(members(identity), BTreeSet::from(["userId", "email", "role", "customAttributes"]));
    assert_eq!(
        (&identity["userId"], &identity["email"], &identity["role"]),
        (&json!("1815"), &json!("ada@shop.example"), &json!("customer"))
    );
    let text = std::str::from_utf8(&told.body).unwrap();
    assert!(text.contains(attributes), "digits and order are kept: {text}");
}

#[tokio::test]
async fn what_the_endpoint_left_out_is_null() {
    let endpoint = Endpoint::open(|_| Answer::With(200, r#"{"userId":-7,"email":null}"#.into())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let identity = buddy.identity(&agent, &session).await["identity"].clone();
    assert_eq!(identity, json!({"userId": "-7", "email": null, "role": null, "customAttributes": null}));
}

#[tokio::test]
async fn without_a_user_the_identity_is_null_and_the_error_has_its_reason() {
    let endpoint = Endpoint::open(|_| Answer::With(500, "out of order".into())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let waiting = buddy.session_to_identify(&agent).await;
    let path = format!("{}/identity", waiting.path());
    let told = buddy.software("GET", &agent, &path, None).await.expect_status(200).json;
    assert_eq!((&told["status"], &told["identity"]), (&json!("created"), &Value::Null));
    assert_eq!((&told["error"], &told["resolvedAt"]), (&Value::Null, &Value::Null));

    let failed = buddy.session(&agent).await;
    let told = buddy.identity(&agent, &failed).await;
    assert_eq!((&told["status"], &told["identity"]), (&json!("anonymous"), &Value::Null));
    assert_eq!(told["method"], "identity_callback");
    let error = &told["error"];
    assert_eq!((&error["code"], &error["reason"]), (&json!("AUTH_CALLBACK_FAILED"), &json!("http_status")));
    assert_eq!(members(error), BTreeSet::from(["code", "message", "reason"]));
    assert!(!time(&told["resolvedAt"]).is_zero());
}

#[tokio::test]
async fn an_identity_is_for_the_holder_of_that_agents_key_alone() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let other = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let path = format!("{}/identity", session.path());
    buddy.software("GET", &other, &path, None).await.expect_problem(404, "NOT_FOUND");
    for bearer in [None, Some(&*session.token), Some(ADMIN_TOKEN), Some("bpk_unknown"), Some(&*session.id)] {
        buddy.api.call("GET", &path, bearer, None).await.expect_problem(401, "UNAUTHENTICATED");
        let revoke = Some(json!({"sessionId": session.id}));
        buddy.api.call("POST", REVOKE, bearer, revoke).await.expect_problem(401, "UNAUTHENTICATED");
    }
    for id in [NO_SESSION, "nonsense", &agent.id] {
        let path = format!("/v1/sessions/{id}/identity");
        buddy.software("GET", &agent, &path, None).await.expect_problem(404, "NOT_FOUND");
    }
    assert_eq!(revoke(&buddy, &other, json!({"sessionId": session.id})).await, 0);
    assert_eq!(revoke(&buddy, &other, json!({"userId": "1815"})).await, 0);
    assert_eq!(buddy.identity(&agent, &session).await["status"], "authenticated");
    buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
    buddy.software("GET", &agent, &path, None).await.expect_problem(401, "UNAUTHENTICATED");
    buddy.software("GET", &other, &path, None).await.expect_problem(404, "NOT_FOUND");
}

/// Both callers see that nothing is left of the user.
async fn is_revoked(buddy: &Buddy, agent: &Agent, session: &Session) {
    let view = buddy.visitor("GET", session, "", None).await.expect_status(200).json;
    assert_eq!((&view["status"], &view["error"]), (&json!("revoked"), &Value::Null));
    let told = buddy.identity(agent, session).await;
    assert_eq!((&told["status"], &told["identity"]), (&json!("revoked"), &Value::Null));
}

#[tokio::test]
async fn a_session_is_revoked_once_and_stays_so() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let (session, other) = (buddy.session(&agent).await, buddy.session(&agent).await);
    let created = buddy.session_to_identify(&agent).await;
    for session in [&session, &created] {
        assert_eq!(revoke(&buddy, &agent, json!({"sessionId": session.id})).await, 1);
        is_revoked(&buddy, &agent, session).await;
        assert_eq!(revoke(&buddy, &agent, json!({"sessionId": session.id})).await, 0);
        let view = buddy.visitor("POST", session, "/identify?wait=30", None).await.expect_status(200).json;
        assert_eq!(view["status"], "revoked");
        is_revoked(&buddy, &agent, session).await;
    }
    assert_eq!(revoke(&buddy, &agent, json!({"sessionId": NO_SESSION})).await, 0);
    assert_eq!(buddy.identity(&agent, &other).await["status"], "authenticated");
    assert_eq!(endpoint.seen().len(), 2);
}

#[tokio::test]
async fn a_user_is_revoked_in_all_of_an_agents_sessions_whichever_way_the_id_was_written() {
    let turn = std::sync::atomic::AtomicUsize::new(0);
    let bodies = [r#"{"userId":42}"#, r#"{"userId":"42"}"#, r#"{"userId":42}"#, r#"{"userId":"042"}"#];
    let endpoint = Endpoint::open(move |_| {
        let turn = turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Answer::With(200, bodies[turn % bodies.len()].into())
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let mut sessions = Vec::new();
    for _ in bodies {
        sessions.push(buddy.session(&agent).await);
    }
    let other = buddy.agent(&endpoint.url(), json!({})).await;
    let of_other = buddy.session(&other).await;
    assert_eq!(buddy.identity(&other, &of_other).await["identity"]["userId"], "42");

    assert_eq!(revoke(&buddy, &agent, json!({"userId": "43"})).await, 0);
    assert_eq!(revoke(&buddy, &agent, json!({"userId": ""})).await, 0);
    assert_eq!(revoke(&buddy, &agent, json!({"userId": "42"})).await, 3);
    for session in &sessions[..3] {
        is_revoked(&buddy, &agent, session).await;
    }
    assert_eq!(revoke(&buddy, &agent, json!({"userId": "42"})).await, 0);
    assert_eq!(buddy.identity(&agent, &sessions[3]).await["identity"]["userId"], "042");
    assert_eq!(buddy.identity(&other, &of_other).await["status"], "authenticated");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_revoked_while_pending_stays_revoked_whatever_the_endpoint_says_then() {
    let (give, given) = std::sync::mpsc::channel::<()>();
    let given = std::sync::Mutex::new(given);
    let endpoint = Endpoint::open(move |_| {
        // The endpoint's answer comes when the test says so.
        tokio::task::block_in_place(|| given.lock().unwrap().recv()).unwrap();
        ada()
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let session = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &session, "/identify", None).await.expect_status(202);
    assert_eq!(revoke(&buddy, &agent, json!({"sessionId": session.id})).await, 1);
    is_revoked(&buddy, &agent, &session).await;
    give.send(()).unwrap();
    endpoint.has_seen(1).await;
    // The server's end waits for what runs, so that the late answer has been dealt with.
    let (status, _, setup) = buddy.stop();
    assert!(status.success());
    let buddy = setup.start();
    is_revoked(&buddy, &agent, &session).await;
    assert_eq!(revoke(&buddy, &agent, json!({"userId": "1815"})).await, 0);
}

#[tokio::test]
async fn one_of_the_two_is_revoked_and_not_both_or_neither() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    for wrong in [
        json!({}),
        json!({"sessionId": NO_SESSION, "userId": "1"}),
        json!({"sessionId": null}),
        json!({"sessionId": "nonsense"}),
        json!({"sessionId": agent.id}),
        json!({"userId": 1}),
    ] {
        let reply = buddy.software("POST", &agent, REVOKE, Some(wrong)).await;
        reply.expect_problem(400, "INVALID_REQUEST");
    }
}
