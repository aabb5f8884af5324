//! `/v1/agents`: made, read, changed, listed, removed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{NO_AGENT, lists_well, members, time};
use crate::support::Buddy;

const AGENTS: &str = "/v1/agents";

#[tokio::test]
async fn an_agent_is_made_with_defaults_and_read_as_it_was_made() {
    let buddy = Buddy::alone();
    let made = buddy.operator("POST", AGENTS, Some(json!({"name": "Bücher & Co"}))).await.expect_status(201);
    let all = ["agentId", "name", "allowedOrigins", "sessionTtlSeconds", "callback", "createdAt"];
    assert_eq!(members(&made.json), BTreeSet::from(all));
    let id = made.text("agentId");
    assert!(id.starts_with("agt_") && id.len() == 30, "{id}");
    assert_eq!(made.json["name"], "Bücher & Co");
    assert_eq!(made.json["allowedOrigins"], json!([]));
    assert_eq!(made.json["sessionTtlSeconds"], 86_400);
    assert_eq!(made.json["callback"], Value::Null);
    assert!(made.text("createdAt").ends_with('Z'));
    let read = buddy.operator("GET", &format!("{AGENTS}/{id}"), None).await.expect_status(200).json;
    assert_eq!(read, made.json);
    let listed = buddy.operator("GET", AGENTS, None).await.expect_status(200).json;
    assert_eq!(listed, json!({"agents": [read], "nextCursor": null}));
}

#[tokio::test]
async fn a_change_leaves_the_rest() {
    let buddy = Buddy::alone();
    let new = json!({"name": "One", "allowedOrigins": ["https://a.example"], "sessionTtlSeconds": 60});
    let made = buddy.operator("POST", AGENTS, Some(new)).await.expect_status(201);
    let path = format!("{AGENTS}/{}", made.text("agentId"));
    let url = json!({"url": "https://localhost:1/"});
    buddy.operator("PUT", &format!("{path}/callback"), Some(url)).await.expect_status(200);
    let mut expected = buddy.operator("GET", &path, None).await.expect_status(200).json;
    assert_ne!(expected["callback"], Value::Null);
    let twice = json!(["https://b.example", "https://c.example:8443", "https://b.example"]);
    for (member, sent, kept) in [
        ("name", json!("Two"), json!("Two")),
        ("allowedOrigins", twice, json!(["https://b.example", "https://c.example:8443"])),
        ("sessionTtlSeconds", json!(604_800), json!(604_800)),
        ("allowedOrigins", json!([]), json!([])),
        ("name", Value::Null, json!("Two")),
    ] {
        let changed = buddy.operator("PATCH", &path, Some(json!({member: sent}))).await.expect_status(200);
        expected[member] = kept;
        assert_eq!(changed.json, expected);
        assert_eq!(buddy.operator("GET", &path, None).await.json, expected);
    }
    let same = buddy.operator("PATCH", &path, Some(json!({}))).await.expect_status(200).json;
    assert_eq!(same, expected);
}

#[tokio::test]
async fn every_setting_has_its_bounds_and_a_refused_one_changes_nothing() {
    let buddy = Buddy::alone();
    let made = buddy.operator("POST", AGENTS, Some(json!({"name": "One"}))).await.expect_status(201);
    let path = format!("{AGENTS}/{}", made.text("agentId"));
    let origins =
        |count: usize| json!((0..count).map(|n| format!("https://a{n}.example")).collect::<Vec<_>>());
    for (member, value, good) in [
        ("sessionTtlSeconds", json!(59), false),
        ("sessionTtlSeconds", json!(60), true),
        ("sessionTtlSeconds", json!(604_800), true),
        ("sessionTtlSeconds", json!(604_801), false),
        ("sessionTtlSeconds", json!(0), false),
        ("name", json!(""), false),
        ("name", json!(" \u{2003}"), false),
        ("name", json!("a\nb"), false),
        ("name", json!("é".repeat(200)), true),
        ("name", json!("é".repeat(201)), false),
        ("allowedOrigins", origins(50), true),
        ("allowedOrigins", origins(51), false),
        ("allowedOrigins", json!(["http://localhost:3000"]), true),
        ("allowedOrigins", json!(["*"]), false),
        ("allowedOrigins", json!(["null"]), false),
        ("allowedOrigins", json!(["https://shop.example/"]), false),
        ("allowedOrigins", json!(["https://Shop.example"]), false),
        ("allowedOrigins", json!(["https://shop.example:443"]), false),
        ("allowedOrigins", json!(["https://*.shop.example"]), false),
        ("allowedOrigins", json!(["https://good.example", "shop.example"]), false),
    ] {
        let before = buddy.operator("GET", &path, None).await.json;
        let mut new = json!({"name": "New", "allowedOrigins": []});
        new[member] = value.clone();
        let made = buddy.operator("POST", AGENTS, Some(new)).await;
        let changed = buddy.operator("PATCH", &path, Some(json!({member: value}))).await;
        if good {
            assert_eq!(made.expect_status(201).json[member], value);
            assert_eq!(changed.expect_status(200).json[member], value);
        } else {
            for refused in [made, changed] {
                let refused = refused.expect_problem(422, "INVALID_VALUE");
                assert!(refused.text("detail").starts_with(member), "{}", refused.json);
            }
            assert_eq!(buddy.operator("GET", &path, None).await.json, before);
        }
    }
}

#[tokio::test]
async fn agents_are_listed_newest_first_in_stretches() {
    let buddy = Buddy::alone();
    let mut made = Vec::new();
    for number in 0..5 {
        let new = json!({"name": format!("Agent {number}")});
        made.push(buddy.operator("POST", AGENTS, Some(new)).await.expect_status(201).text("agentId"));
    }
    lists_well(&buddy, AGENTS, "agents", "agentId", &made).await;
    let listed = buddy.operator("GET", AGENTS, None).await.json["agents"].clone();
    let times: Vec<_> = listed.as_array().unwrap().iter().map(|agent| time(&agent["createdAt"])).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older));
}

#[tokio::test]
async fn a_removed_agent_is_gone_with_all_that_was_its() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    buddy.session(&agent).await;
    let path = agent.path();
    buddy.operator("DELETE", &path, None).await.expect_status(204);
    for path in [path, format!("{AGENTS}/{NO_AGENT}"), format!("{AGENTS}/nonsense")] {
        for (method, call, body) in [
            ("GET", "", None),
            ("PATCH", "", Some(json!({"name": "New"}))),
            ("DELETE", "", None),
            ("GET", "/callback", None),
            ("PUT", "/callback", Some(json!({"url": "https://localhost:1/"}))),
            ("DELETE", "/callback", None),
            ("POST", "/callback/secret", None),
            ("GET", "/api-keys", None),
            ("POST", "/api-keys", None),
            ("GET", "/resolutions", None),
        ] {
            let reply = buddy.operator(method, &(path.clone() + call), body).await;
            reply.expect_problem(404, "NOT_FOUND");
        }
    }
    let left = buddy.operator("GET", AGENTS, None).await.json["agents"].clone();
    assert_eq!(left.as_array().unwrap().len(), 1);
    assert_eq!(left[0]["agentId"], other.id);
}
