//! However often and from wherever a session is asked for, its endpoint is asked once.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use crate::support::{Answer, Buddy, Endpoint};

#[tokio::test]
async fn a_hundred_calls_to_identify_make_one_callback_and_hear_one_answer() {
    let endpoint = Endpoint::open(|_| Answer::json(json!({"userId": "42"}))).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session_to_identify(&agent).await;
    let mut calls = JoinSet::new();
    for _ in 0..100 {
        let (api, session) = (buddy.api.clone(), session.clone());
        calls.spawn(async move {
            let path = format!("{}/identify?wait=30", session.path());
            api.call("POST", &path, Some(&session.token), None).await.expect_status(200).text("status")
        });
    }
    assert!(calls.join_all().await.iter().all(|status| status == "authenticated"));
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn the_chat_never_waits_for_the_endpoint() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let body = json!({"agentId": agent.id});
    let begun = buddy.api.call("POST", "/v1/sessions", None, Some(body)).await.expect_status(201);
    assert_eq!(begun.json["status"], "pending");
    endpoint.has_seen(1).await;
    let path = format!("/v1/sessions/{}", begun.text("sessionId"));
    let token = begun.text("sessionToken");
    let read = buddy.api.call("GET", &path, Some(&token), None).await.expect_status(200);
    assert_eq!(read.json["status"], "pending");
    assert_eq!(read.json["method"], Value::Null);
    let joined =
        buddy.api.call("POST", &format!("{path}/identify"), Some(&token), None).await.expect_status(202);
    assert_eq!(joined.json["status"], "pending");
    assert_eq!(endpoint.seen().len(), 1);
}

// The server's end is waited for while the endpoint goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_is_heard_by_those_who_wait_and_outlives_the_callback() {
    // The endpoint answers only after the session was revoked.
    let release = Arc::new(Notify::new());
    let told = release.clone();
    let body = json!({"userId": "42"}).to_string();
    let endpoint = Endpoint::open(move |_| Answer::After(told.clone(), 200, body.clone())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let body = json!({"agentId": agent.id});
    let begun = buddy.api.call("POST", "/v1/sessions", None, Some(body)).await.expect_status(201);
    let (id, token) = (begun.text("sessionId"), begun.text("sessionToken"));
    let waiting = tokio::spawn({
        let (api, path) = (buddy.api.clone(), format!("/v1/sessions/{id}?wait=30"));
        async move { api.call("GET", &path, Some(&token), None).await.expect_status(200).text("status") }
    });
    let revoke = json!({"sessionId": id});
    let revoked = buddy.api.call("POST", "/v1/sessions/revoke", Some(&agent.key), Some(revoke)).await;
    assert_eq!(revoked.expect_status(200).json["revoked"], 1);
    assert_eq!(waiting.await.unwrap(), "revoked");
    release.notify_one();
    // A server that is told to stop finishes what is pending first.
    buddy.terminate();
    let (_, setup) = buddy.wait();
    let buddy = setup.start();
    let path = format!("/v1/agents/{}/resolutions?sessionId={id}", agent.id);
    let page = buddy.operator("GET", &path, None).await.expect_status(200).json;
    assert_eq!(
        page["resolutions"][0]["outcome"], "authenticated",
        "what was done is kept, what it found is not"
    );
    let identity = format!("/v1/sessions/{id}/identity");
    let identity = buddy.api.call("GET", &identity, Some(&agent.key), None).await.expect_status(200).json;
    assert_eq!((&identity["status"], &identity["identity"]), (&json!("revoked"), &Value::Null));
}

#[tokio::test]
async fn a_call_that_begins_a_session_and_waits_hears_of_its_revocation() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let waiting = tokio::spawn({
        let (api, body) = (buddy.api.clone(), json!({"agentId": agent.id}));
        async move { api.call("POST", "/v1/sessions?wait=30", None, Some(body)).await.expect_status(201) }
    });
    endpoint.has_seen(1).await;
    let asked: Value = serde_json::from_slice(&endpoint.seen()[0].body).unwrap();
    let revoke = json!({"sessionId": asked["sessionId"]});
    let revoked = buddy.api.call("POST", "/v1/sessions/revoke", Some(&agent.key), Some(revoke)).await;
    assert_eq!(revoked.expect_status(200).json["revoked"], 1);
    assert_eq!(waiting.await.unwrap().text("status"), "revoked");
    assert_eq!(endpoint.seen().len(), 1, "the answer was not the end of the callback");
}

#[tokio::test]
async fn an_endpoint_that_asks_about_a_session_that_is_waited_for_finds_it_pending() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let waiting = tokio::spawn({
        let (api, body) = (buddy.api.clone(), json!({"agentId": agent.id}));
        async move { api.call("POST", "/v1/sessions?wait=1", None, Some(body)).await.expect_status(201) }
    });
    endpoint.has_seen(1).await;
    let asked: Value = serde_json::from_slice(&endpoint.seen()[0].body).unwrap();
    let path = format!("/v1/sessions/{}/identity", asked["sessionId"].as_str().unwrap());
    let told = buddy.api.call("GET", &path, Some(&agent.key), None).await.expect_status(200);
    assert_eq!(told.json["status"], "pending");

    // The wait ends before the outcome is there: what is answered is on disk.
    let begun = waiting.await.unwrap();
    assert_eq!(
        (begun.text("status"), begun.json["sessionId"].clone()),
        ("pending".into(), asked["sessionId"].clone())
    );
    let buddy = buddy.kill().start();
    let path = format!("/v1/sessions/{}", begun.text("sessionId"));
    let token = begun.text("sessionToken");
    buddy.api.call("GET", &path, Some(&token), None).await.expect_status(200);
}
