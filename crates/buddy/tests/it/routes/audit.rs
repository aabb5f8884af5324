//! `/v1/audit`: what operators did, each call once, and never a secret.

use std::collections::BTreeSet;

use axum::body::Body;
use serde_json::{Value, json};

use super::{NO_AGENT, NO_KEY, lists_well, members, time};
use crate::support::{ADMIN_TOKEN, Buddy, GOLDEN, Reply, Setup};

const CANARY: &str = "canary-4f1d";

/// The newest entries.
async fn entries(buddy: &Buddy, query: &str) -> Vec<Value> {
    let page = buddy.operator("GET", &format!("/v1/audit?limit=200{query}"), None).await.expect_status(200);
    page.json["entries"].as_array().unwrap().clone()
}

/// Every call of the document that is the operator's and does not only read.
fn changing_calls() -> BTreeSet<String> {
    let document: Value = serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap());
    let changing = operations.filter(|(method, operation)| {
        *method != "get" && operation["security"].as_array().unwrap().contains(&json!({"adminToken": []}))
    });
    changing.map(|(_, operation)| operation["operationId"].as_str().unwrap().to_owned()).collect()
}

/// An operator at work: each call, and the entry that it leaves.
struct Work {
    buddy: Buddy,
    left: usize,
    done: BTreeSet<String>,
}

impl Work {
    async fn does(
        &mut self,
        action: &str,
        settings: &[&str],
        (method, path): (&str, &str),
        body: Option<Value>,
    ) -> Reply {
        let reply = self.buddy.operator(method, path, body).await;
        assert!(reply.status.is_success(), "{action}: {reply:?}");
        let entries = entries(&self.buddy, "").await;
        self.left += 1;
        assert_eq!(entries.len(), self.left, "{action} leaves one entry");
        let entry = &entries[0];
        assert_eq!((&entry["action"], &entry["outcome"]), (&json!(action), &json!("done")));
        assert_eq!((&entry["actor"], &entry["address"]), (&json!("admin"), &json!("127.0.0.1")));
        assert_eq!(entry["settings"], json!(settings));
        self.done.insert(action.to_owned());
        reply
    }
}

/// Every call once or twice, with the canary in all that is said; the agent's path and the key that was made.
async fn every_call(work: &mut Work) -> (String, Reply) {
    let new = json!({"name": CANARY, "allowedOrigins": [format!("https://{CANARY}.example")]});
    let every = ["name", "allowedOrigins", "sessionTtlSeconds"];
    let made = work.does("createAgent", &every, ("POST", "/v1/agents"), Some(new)).await;
    let agent = format!("/v1/agents/{}", made.text("agentId"));
    let renamed = json!({"name": format!("{CANARY} 2"), "sessionTtlSeconds": 86_400});
    work.does("updateAgent", &["name"], ("PATCH", &agent), Some(renamed)).await;
    let callback = format!("{agent}/callback");
    let url = format!("https://localhost:1/?{CANARY}");
    let settings = json!({"url": url, "secret": format!("{CANARY}-secret-0")});
    let every = ["url", "timeoutMs", "maxConcurrent", "requireTicket", "enabled", "secret"];
    work.does("putCallback", &every, ("PUT", &callback), Some(settings)).await;
    let slower = json!({"url": url, "timeoutMs": 1000});
    work.does("putCallback", &["timeoutMs"], ("PUT", &callback), Some(slower)).await;
    let next = json!({"secret": format!("{CANARY}-secret-1")});
    work.does("rotateCallbackSecret", &["secret"], ("POST", &format!("{callback}/secret")), Some(next)).await;
    work.does("checkCallback", &[], ("POST", &format!("{callback}/check")), None).await;
    let keys = format!("{agent}/api-keys");
    let key = work.does("createApiKey", &[], ("POST", &keys), Some(json!({"label": CANARY}))).await;
    let path = format!("{keys}/{}", key.text("keyId"));
    work.does("deleteApiKey", &[], ("DELETE", &path), None).await;
    work.does("deleteCallback", &[], ("DELETE", &callback), None).await;
    work.does("deleteAgent", &[], ("DELETE", &agent), None).await;
    (agent, key)
}

#[tokio::test]
async fn each_call_that_changes_something_leaves_one_entry_and_none_holds_a_secret_or_a_value() {
    let mut work = Work { buddy: Buddy::alone(), left: 0, done: BTreeSet::new() };
    let (agent, key) = every_call(&mut work).await;
    assert_eq!(work.done, changing_calls(), "every call of the document was tried");
    let entries = entries(&work.buddy, "").await;
    let text = json!(entries).to_string();
    for hidden in [CANARY, ADMIN_TOKEN, &key.text("key"), "localhost", "bcs_", "bpk_"] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    let all = ["entryId", "at", "actor", "address", "action", "agentId", "keyId", "settings", "outcome"];
    assert!(entries.iter().all(|entry| members(entry) == BTreeSet::from(all)));
    assert!(entries.iter().all(|entry| agent.ends_with(entry["agentId"].as_str().unwrap())));
    let named = entries.iter().filter(|entry| entry["keyId"] == json!(key.text("keyId")));
    assert_eq!(named.count(), 2, "made and removed");
    assert!(entries.is_sorted_by_key(|entry| std::cmp::Reverse(time(&entry["at"]))));
}

#[tokio::test]
async fn what_is_refused_is_noted_with_its_code_and_what_only_reads_or_is_not_understood_is_not() {
    let buddy = Buddy::alone();
    let agent = buddy.agent("https://localhost:1/", json!({})).await;
    let secret = format!("{}/callback/secret", agent.path());
    buddy.operator("POST", &secret, None).await.expect_status(200);
    let before = entries(&buddy, "").await.len();
    let nobodys = |path: &str| format!("/v1/agents/{NO_AGENT}{path}");
    let (callback, key) = (agent.path() + "/callback", format!("{}/api-keys/{NO_KEY}", agent.path()));
    let refused = [
        ("PATCH", nobodys(""), json!({"name": "x"}), "updateAgent", "NOT_FOUND"),
        ("DELETE", nobodys(""), Value::Null, "deleteAgent", "NOT_FOUND"),
        ("POST", "/v1/agents".to_owned(), json!({"name": ""}), "createAgent", "INVALID_VALUE"),
        ("PUT", callback, json!({"url": "http://x"}), "putCallback", "INVALID_CALLBACK_URL"),
        ("POST", secret, Value::Null, "rotateCallbackSecret", "ROTATION_OPEN"),
        ("DELETE", nobodys("/callback"), Value::Null, "deleteCallback", "NOT_FOUND"),
        ("POST", nobodys("/callback/check"), Value::Null, "checkCallback", "NOT_FOUND"),
        ("POST", nobodys("/api-keys"), Value::Null, "createApiKey", "NOT_FOUND"),
        ("DELETE", key, Value::Null, "deleteApiKey", "NOT_FOUND"),
    ];
    for (number, (method, path, body, action, code)) in (1..).zip(&refused) {
        let body = (!body.is_null()).then(|| body.clone());
        assert!(buddy.operator(method, path, body).await.status.is_client_error());
        let entries = entries(&buddy, "").await;
        assert_eq!(entries.len(), before + number, "{action}");
        assert_eq!((&entries[0]["action"], &entries[0]["outcome"]), (&json!(action), &json!(code)));
        assert_eq!(entries[0]["settings"], json!([]));
    }
    let after = before + refused.len();
    buddy.operator("POST", "/v1/agents", Some(json!({"nonsense": 1}))).await.expect_status(400);
    buddy.operator("DELETE", "/v1/agents/nonsense", None).await.expect_status(404);
    buddy.api.call("DELETE", &agent.path(), Some("bat_wrong"), None).await.expect_status(401);
    buddy.operator("GET", &agent.path(), None).await.expect_status(200);
    buddy.session(&agent).await;
    assert_eq!(entries(&buddy, "").await.len(), after);
}

#[tokio::test]
async fn entries_are_listed_newest_first_in_stretches_and_are_there_after_a_restart() {
    let buddy = Buddy::alone();
    for number in 0..5 {
        let new = json!({"name": format!("Agent {number}")});
        buddy.operator("POST", "/v1/agents", Some(new)).await.expect_status(201);
    }
    let agents = buddy.operator("GET", "/v1/agents", None).await.json["agents"].as_array().unwrap().clone();
    let listed = entries(&buddy, "").await;
    let of = |entries: &[Value]| entries.iter().map(|one| one["agentId"].clone()).collect::<Vec<_>>();
    assert_eq!(of(&listed), of(&agents), "both are newest first");
    let id = |entry: &Value| entry["entryId"].as_str().unwrap().to_owned();
    let made: Vec<_> = listed.iter().rev().map(id).collect();
    lists_well(&buddy, "/v1/audit", "entries", "entryId", &made).await;
    let buddy = buddy.kill().start();
    assert_eq!(entries(&buddy, "").await, listed);
}

#[tokio::test]
async fn the_log_of_one_agent_outlives_it() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
    let of_agent = entries(&buddy, &format!("&agentId={}", agent.id)).await;
    let actions: Vec<_> = of_agent.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["deleteAgent", "createApiKey", "createAgent"]);
    assert_eq!(entries(&buddy, &format!("&agentId={}", other.id)).await.len(), 2);
    assert_eq!(entries(&buddy, &format!("&agentId={NO_AGENT}")).await.len(), 0);
    for query in ["agentId=nonsense", "agentId="] {
        let refused = buddy.operator("GET", &format!("/v1/audit?{query}"), None).await;
        refused.expect_problem(422, "INVALID_VALUE");
    }
}

#[tokio::test]
async fn an_entry_says_from_where_as_far_as_a_trusted_proxy_is_believed() {
    let buddy = Setup::new(None).env("BUDDY_TRUSTED_PROXIES", "127.0.0.0/8").start();
    for (forwarded, address) in [("203.0.113.9", "203.0.113.9"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::")] {
        let request = buddy.api.request("POST", "/v1/agents");
        let request = request.header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        let request = request.header("content-type", "application/json").header("x-forwarded-for", forwarded);
        let new = Body::from(json!({"name": "Test"}).to_string());
        buddy.api.send(request.body(new).unwrap()).await.expect_status(201);
        assert_eq!(entries(&buddy, "").await[0]["address"], address);
    }
}
