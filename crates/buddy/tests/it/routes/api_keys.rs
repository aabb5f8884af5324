//! `/v1/agents/{agentId}/api-keys`: made, listed, used, removed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{NO_KEY, lists_well, members, time};
use crate::support::{Agent, Buddy};

/// An agent as its operator first has it: without keys.
async fn agent_without_keys(buddy: &Buddy) -> (Agent, String) {
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/api-keys";
    let listed = buddy.operator("GET", &path, None).await.json["apiKeys"].clone();
    let first = format!("{path}/{}", listed[0]["keyId"].as_str().unwrap());
    buddy.operator("DELETE", &first, None).await.expect_status(204);
    (agent, path)
}

/// The one key that the agent has.
async fn listed(buddy: &Buddy, path: &str) -> Value {
    let page = buddy.operator("GET", path, None).await.expect_status(200);
    assert_eq!(page.json["apiKeys"].as_array().unwrap().len(), 1);
    page.json["apiKeys"][0].clone()
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_gone_when_removed() {
    let buddy = Buddy::alone();
    let (agent, path) = agent_without_keys(&buddy).await;
    let made =
        buddy.operator("POST", &path, Some(json!({"label": "Shop's server"}))).await.expect_status(201);
    assert_eq!(members(&made.json), BTreeSet::from(["keyId", "key", "label", "createdAt"]));
    let (id, key) = (made.text("keyId"), made.text("key"));
    assert!(id.starts_with("key_") && key.starts_with("bpk_") && key.len() == 47, "{id} {key}");
    assert_eq!(made.json["label"], "Shop's server");

    let unused = listed(&buddy, &path).await;
    assert_eq!(members(&unused), BTreeSet::from(["keyId", "label", "createdAt", "lastUsedAt"]));
    assert_eq!(unused["lastUsedAt"], Value::Null);
    assert_eq!((&unused["keyId"], &unused["label"]), (&made.json["keyId"], &made.json["label"]));
    assert_eq!(unused["createdAt"], made.json["createdAt"]);
    let raw = buddy.operator("GET", &path, None).await.body;
    assert!(!String::from_utf8_lossy(&raw).contains(&key));

    let begin = Some(json!({"agentId": agent.id}));
    buddy.api.call("POST", "/v1/sessions", Some(&key), begin.clone()).await.expect_status(201);
    let used = listed(&buddy, &path).await;
    assert!(time(&used["lastUsedAt"]) >= time(&used["createdAt"]));

    let own = format!("{path}/{id}");
    buddy.operator("DELETE", &own, None).await.expect_status(204);
    buddy.api.call("POST", "/v1/sessions", Some(&key), begin).await.expect_problem(401, "UNAUTHENTICATED");
    buddy.operator("DELETE", &own, None).await.expect_problem(404, "NOT_FOUND");
    assert_eq!(buddy.operator("GET", &path, None).await.json, json!({"apiKeys": [], "nextCursor": null}));
}

#[tokio::test]
async fn a_label_is_for_people_and_may_be_left_out() {
    let buddy = Buddy::alone();
    let (_, path) = agent_without_keys(&buddy).await;
    for body in [None, Some(json!({})), Some(json!({"label": null}))] {
        assert_eq!(buddy.operator("POST", &path, body).await.expect_status(201).json["label"], Value::Null);
    }
    buddy.operator("POST", &path, Some(json!({"label": "é".repeat(200)}))).await.expect_status(201);
    for bad in [String::new(), "  ".into(), "a\tb".into(), "é".repeat(201)] {
        let reply = buddy.operator("POST", &path, Some(json!({"label": bad}))).await;
        reply.expect_problem(422, "INVALID_VALUE");
    }
    let listed = buddy.operator("GET", &path, None).await.json["apiKeys"].as_array().unwrap().len();
    assert_eq!(listed, 4, "a refused label makes no key");
}

#[tokio::test]
async fn keys_are_listed_newest_first_in_stretches() {
    let buddy = Buddy::alone();
    let (_, path) = agent_without_keys(&buddy).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(buddy.operator("POST", &path, None).await.expect_status(201).text("keyId"));
    }
    lists_well(&buddy, &path, "apiKeys", "keyId", &made).await;
}

#[tokio::test]
async fn a_key_is_removed_under_its_own_agent_only() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let key = listed(&buddy, &(agent.path() + "/api-keys")).await["keyId"].as_str().unwrap().to_owned();
    for path in [
        format!("{}/api-keys/{key}", other.path()),
        format!("{}/api-keys/{NO_KEY}", agent.path()),
        format!("{}/api-keys/nonsense", agent.path()),
        format!("{}/api-keys/{}", agent.path(), agent.id),
    ] {
        buddy.operator("DELETE", &path, None).await.expect_problem(404, "NOT_FOUND");
    }
    let begin = Some(json!({"agentId": agent.id}));
    buddy.software("POST", &agent, "/v1/sessions", begin).await.expect_status(201);
}
