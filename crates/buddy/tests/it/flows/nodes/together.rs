//! What is begun, said, changed or taken back at one node is so at the others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::Notify;
use tokio::time::timeout;

use super::scene::{node, shared_database};
use crate::support::{ADMIN_TOKEN, Answer, Buddy, Endpoint};

/// Two nodes and an endpoint.
async fn scene(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (Endpoint, Buddy, Buddy) {
    let endpoint = Endpoint::open(move |_| answer()).await;
    let database = shared_database();
    let [here, there] = [(); 2].map(|()| node(&database, &endpoint.ca_pem).start());
    (endpoint, here, there)
}

fn user(id: &str) -> Answer {
    Answer::json(json!({"userId": id}))
}

#[tokio::test]
async fn a_session_begun_at_one_node_is_waited_for_at_another() {
    let go_on = Arc::new(Notify::new());
    let told = go_on.clone();
    let answer = move || Answer::After(told.clone(), 200, json!({"userId": "42"}).to_string());
    let (endpoint, here, there) = scene(answer).await;
    let agent = here.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let session = here.session_to_identify(&agent).await;
    let pending = here.visitor("POST", &session, "/identify", None).await.expect_status(202);
    assert_eq!(pending.text("status"), "pending");
    endpoint.has_seen(1).await;
    // Joined there, and never asked about again.
    let joined = there.visitor("POST", &session, "/identify", None).await.expect_status(202);
    assert_eq!(joined.text("status"), "pending");
    let waited = there.visitor("GET", &session, "?wait=30", None);
    let released = async { go_on.notify_one() };
    let (settled, ()) = tokio::join!(waited, released);
    assert_eq!(settled.expect_status(200).text("status"), "authenticated");
    let identity = there.identity(&agent, &session).await;
    assert_eq!(identity["identity"]["userId"], "42");
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn the_endpoint_may_ask_any_node_about_the_session_that_it_is_asked_about() {
    let go_on = Arc::new(Notify::new());
    let told = go_on.clone();
    let answer = move || Answer::After(told.clone(), 200, json!({"userId": "42"}).to_string());
    let (endpoint, here, there) = scene(answer).await;
    let agent = here.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let body = json!({"agentId": agent.id});
    let begun = here.api.call("POST", "/v1/sessions?wait=30", None, Some(body));
    let asked = async {
        endpoint.has_seen(1).await;
        let about: serde_json::Value = serde_json::from_slice(&endpoint.seen()[0].body).unwrap();
        let path = format!("/v1/sessions/{}/identity", about["sessionId"].as_str().unwrap());
        let found = there.software("GET", &agent, &path, None).await.expect_status(200);
        assert_eq!(found.text("status"), "pending");
        go_on.notify_one();
    };
    let (begun, ()) = tokio::join!(begun, asked);
    assert_eq!(begun.expect_status(201).text("status"), "authenticated");
}

#[tokio::test]
async fn what_is_taken_back_at_one_node_is_gone_at_the_other() {
    let (endpoint, here, there) = scene(|| user("42")).await;
    let agent = here.agent(&endpoint.url(), json!({})).await;
    let sessions = [here.session(&agent).await, there.session(&agent).await];
    for session in &sessions {
        assert_eq!(there.identity(&agent, session).await["status"], "authenticated");
    }
    let revoke = Some(json!({"userId": "42"}));
    let revoked = here.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200);
    assert_eq!(revoked.json["revoked"], 2);
    for session in &sessions {
        let identity = there.identity(&agent, session).await;
        assert_eq!((&identity["status"], &identity["identity"]), (&json!("revoked"), &json!(null)));
    }
}

#[tokio::test]
async fn settings_changed_at_one_node_count_at_the_other() {
    let (endpoint, here, there) = scene(|| user("42")).await;
    let agent = here.agent(&endpoint.url(), json!({})).await;
    there.session(&agent).await;
    assert_eq!(endpoint.seen().len(), 1);
    let path = format!("{}/callback", agent.path());
    here.api.call("DELETE", &path, Some(ADMIN_TOKEN), None).await.expect_status(204);
    let heard = async { while there.session(&agent).await.view["error"]["code"] != "AUTH_NOT_CONFIGURED" {} };
    timeout(Duration::from_secs(30), heard).await.expect("it is heard of");
}

#[tokio::test]
async fn a_conversation_is_heard_at_any_node() {
    let (endpoint, here, there) = scene(|| user("42")).await;
    let agent = here.agent(&endpoint.url(), json!({})).await;
    let session = here.session(&agent).await;
    let mut of_visitor = there.listen(&session, None).await;
    let mut of_agent = there.listen_to_all(&agent, None).await;
    let said = json!({"text": "Where is my order?"});
    here.visitor("POST", &session, "/messages", Some(said)).await.expect_status(201);
    // Sooner than a stream looks by itself: it was told.
    let heard = of_visitor.event().await;
    assert_eq!(heard.text("text"), "Where is my order?");
    let handed_over = of_agent.event().await;
    assert_eq!(handed_over.data["text"], "Where is my order?");
}

#[tokio::test]
async fn resolutions_are_heard_at_any_node() {
    let (endpoint, here, there) = scene(|| user("42")).await;
    let agent = here.agent(&endpoint.url(), json!({})).await;
    let mut resolutions = there.listen_to_resolutions(&agent, "", None).await;
    let session = here.session(&agent).await;
    let mut heard = resolutions.event().await;
    while heard.name != "resolution" {
        heard = resolutions.event().await;
    }
    assert_eq!(heard.text("sessionId"), session.id);
}
