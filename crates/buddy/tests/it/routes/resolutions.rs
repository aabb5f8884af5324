//! `/v1/agents/{agentId}/resolutions`: what happened, newest first, and never anything about the user.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{NO_RESOLUTION, NO_SESSION, all_that_is_read, lists_well, members, time};
use crate::support::{Agent, Answer, Buddy, Endpoint, Session};

const IDENTIFIED: &str =
    r#"{"userId":"1815","email":"ada@shop.example","role":7,"customAttributes":{"plan":"gold"}}"#;

/// An agent with a session of each kind: identified with a warning, nobody, an error status, a login page, another
/// error status.
async fn history() -> (Endpoint, Buddy, Agent, Vec<Session>) {
    let answers = [(200, IDENTIFIED), (204, ""), (500, "oops"), (200, "<html>Please log in"), (503, "later")];
    let turn = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| {
        let (status, body) = answers[turn.fetch_add(1, Ordering::Relaxed)];
        Answer::With(status, body.into())
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let mut sessions = Vec::new();
    for _ in answers {
        sessions.push(buddy.session(&agent).await);
    }
    (endpoint, buddy, agent, sessions)
}

/// The sessions of the resolutions that the query finds.
async fn found(buddy: &Buddy, agent: &Agent, query: &str) -> Vec<String> {
    let path = format!("{}/resolutions?{query}", agent.path());
    let page = buddy.operator("GET", &path, None).await.expect_status(200).json;
    let sessions = page["resolutions"].as_array().unwrap().iter();
    sessions.map(|resolution| resolution["sessionId"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_resolution_tells_all_that_was_done_and_nothing_of_the_user() {
    let (_endpoint, buddy, agent, sessions) = history().await;
    let resolution = buddy.resolution(&agent, &sessions[0]).await;
    let all = [
        "resolutionId",
        "sessionId",
        "agentId",
        "outcome",
        "code",
        "reason",
        "warnings",
        "startedAt",
        "durationMs",
        "attempts",
    ];
    assert_eq!(members(&resolution), BTreeSet::from(all));
    assert_eq!((&resolution["outcome"], &resolution["code"]), (&json!("authenticated"), &Value::Null));
    assert_eq!(resolution["warnings"].as_array().unwrap().len(), 1, "the role was no text");
    assert_eq!(members(&resolution["warnings"][0]), BTreeSet::from(["code", "message"]));
    assert_eq!(resolution["attempts"].as_array().unwrap().len(), 1);
    let attempt = &resolution["attempts"][0];
    let all =
        ["number", "startedAt", "durationMs", "status", "reason", "signedWith", "reusedConnection", "phases"];
    assert_eq!(members(attempt), BTreeSet::from(all));
    assert_eq!((&attempt["number"], &attempt["status"]), (&json!(1), &json!(200)));
    assert_eq!((&attempt["signedWith"], &attempt["reusedConnection"]), (&json!("current"), &json!(false)));
    let all = ["queueMs", "dnsMs", "connectMs", "tlsMs", "headersMs", "bodyMs"];
    assert_eq!(members(&attempt["phases"]), BTreeSet::from(all));
    let phases: f64 = all.iter().filter_map(|phase| attempt["phases"][phase].as_f64()).sum();
    assert!(phases <= attempt["durationMs"].as_f64().unwrap() + 1.0, "{attempt}");
    assert!(time(&attempt["startedAt"]) >= time(&resolution["startedAt"]));

    let path = format!("{}/resolutions/{}", agent.path(), resolution["resolutionId"].as_str().unwrap());
    assert_eq!(buddy.operator("GET", &path, None).await.expect_status(200).json, resolution);
    let text = all_that_is_read(&buddy, &agent).await + &resolution.to_string();
    for hidden in
        ["1815", "ada@shop", "gold", "oops", "log in", &agent.secret, &agent.key, &sessions[0].token]
    {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

#[tokio::test]
async fn a_session_that_nobody_was_asked_about_has_its_resolution_too() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let session = buddy.session(&agent).await;
    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(
        (&resolution["outcome"], &resolution["code"]),
        (&json!("failed"), &json!("AUTH_NOT_CONFIGURED"))
    );
    assert_eq!(resolution["reason"], "not_configured");
    assert_eq!(resolution["attempts"], json!([]));
}

#[tokio::test]
async fn resolutions_are_found_by_code_reason_and_session() {
    let (_endpoint, buddy, agent, sessions) = history().await;
    let id = |index: usize| sessions[index].id.clone();
    let of_third = format!("sessionId={}", id(2));
    for (query, expected) in [
        ("", vec![id(4), id(3), id(2), id(1), id(0)]),
        ("code=AUTH_CALLBACK_FAILED", vec![id(4), id(2)]),
        ("code=AUTH_CALLBACK_BAD_RESPONSE", vec![id(3)]),
        ("code=AUTH_CALLBACK_TIMEOUT", vec![]),
        ("reason=http_status", vec![id(4), id(2)]),
        ("reason=html", vec![id(3)]),
        ("reason=html&code=AUTH_CALLBACK_BAD_RESPONSE", vec![id(3)]),
        ("reason=html&code=AUTH_CALLBACK_FAILED", vec![]),
        (&of_third, vec![id(2)]),
        (&format!("{of_third}&code=AUTH_CALLBACK_FAILED&reason=http_status&limit=1"), vec![id(2)]),
        (&format!("{of_third}&reason=html"), vec![]),
        (&format!("sessionId={NO_SESSION}"), vec![]),
    ] {
        assert_eq!(found(&buddy, &agent, query).await, expected, "{query}");
    }
    for query in
        ["code=AUTH_NONSENSE", "code=", "reason=nonsense", "reason=HTML", "sessionId=nonsense", "sessionId="]
    {
        let path = format!("{}/resolutions?{query}", agent.path());
        buddy.operator("GET", &path, None).await.expect_problem(422, "INVALID_VALUE");
    }
    // A stretch of what was filtered goes on with what was filtered.
    let path = format!("{}/resolutions?code=AUTH_CALLBACK_FAILED&limit=1", agent.path());
    let first = buddy.operator("GET", &path, None).await.expect_status(200);
    let rest = format!("{path}&cursor={}", first.text("nextCursor"));
    let rest = buddy.operator("GET", &rest, None).await.expect_status(200).json;
    assert_eq!((&rest["resolutions"][0]["sessionId"], &rest["nextCursor"]), (&json!(id(2)), &Value::Null));
}

#[tokio::test]
async fn resolutions_are_listed_newest_first_in_stretches() {
    let (_endpoint, buddy, agent, sessions) = history().await;
    let mut made = Vec::new();
    for session in &sessions {
        let resolution = buddy.resolution(&agent, session).await;
        made.push(resolution["resolutionId"].as_str().unwrap().to_owned());
    }
    lists_well(&buddy, &(agent.path() + "/resolutions"), "resolutions", "resolutionId", &made).await;
}

#[tokio::test]
async fn a_resolution_is_read_under_its_own_agent_only() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let session = buddy.session(&agent).await;
    let id = buddy.resolution(&agent, &session).await["resolutionId"].as_str().unwrap().to_owned();
    for path in [
        format!("{}/resolutions/{id}", other.path()),
        format!("{}/resolutions/{NO_RESOLUTION}", agent.path()),
        format!("{}/resolutions/nonsense", agent.path()),
        format!("{}/resolutions/{}", agent.path(), session.id),
    ] {
        buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    }
    assert!(found(&buddy, &other, &format!("sessionId={}", session.id)).await.is_empty());
}

#[tokio::test]
async fn a_sessions_resolutions_are_found_without_its_agent() {
    let (_endpoint, buddy, agent, sessions) = history().await;
    for session in &sessions {
        let path = session.path() + "/resolutions";
        let page = buddy.operator("GET", &path, None).await.expect_status(200).json;
        let expected = json!({"resolutions": [buddy.resolution(&agent, session).await], "nextCursor": null});
        assert_eq!(page, expected);
    }
    let unsettled = buddy.session_to_identify(&agent).await;
    let page = buddy.operator("GET", &(unsettled.path() + "/resolutions"), None).await.expect_status(200);
    assert_eq!(page.json, json!({"resolutions": [], "nextCursor": null}));
    let nobodys = format!("/v1/sessions/{NO_SESSION}/resolutions");
    buddy.operator("GET", &nobodys, None).await.expect_problem(404, "NOT_FOUND");
    // Neither side of the conversation is told what went wrong at the endpoint.
    let path = sessions[0].path() + "/resolutions";
    for token in [&sessions[0].token, &agent.key] {
        buddy.api.call("GET", &path, Some(token), None).await.expect_problem(401, "UNAUTHENTICATED");
    }
}
