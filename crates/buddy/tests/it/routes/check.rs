//! `POST /v1/agents/{agentId}/callback/check`.

use buddy_verify::verify;
use serde_json::{Value, json};

use super::{NO_AGENT, members};
use crate::support::{Agent, Answer, Buddy, Endpoint, Seen, unix_now};

/// The header of an endpoint's request, if it has one.
fn signature(seen: &Seen) -> Option<&str> {
    seen.headers.get("x-platform-signature").map(|value| value.to_str().unwrap())
}

/// An endpoint with this secret that knows every session as Ada's.
async fn everybody_is_ada(secret: &'static str) -> Endpoint {
    Endpoint::open(move |seen| match verify(&seen.body, signature(seen), &[secret], unix_now()) {
        Ok(_) => Answer::json(json!({"userId": "1815-ada", "email": "ada@shop.example"})),
        Err(_) => Answer::With(401, String::new()),
    })
    .await
}

async fn check(buddy: &Buddy, agent: &Agent, body: Option<Value>) -> Value {
    let path = agent.path() + "/callback/check";
    buddy.operator("POST", &path, body).await.expect_status(200).json
}

/// `check` and `verdict` of each finding.
fn verdicts(report: &Value) -> Vec<(&str, &str)> {
    let findings = report["findings"].as_array().expect("a list");
    findings
        .iter()
        .map(|finding| (finding["check"].as_str().unwrap(), finding["verdict"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_right_endpoint_passes_in_everything_and_no_session_is_touched() {
    let endpoint = Endpoint::open(|seen| {
        match verify(&seen.body, signature(seen), &["test-secret-0123456789"], unix_now()) {
            Ok(_) => Answer::With(204, String::new()),
            Err(_) => Answer::With(401, String::new()),
        }
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"enabled": false})).await;
    let report = check(&buddy, &agent, None).await;
    assert_eq!(members(&report), ["findings", "ok"].into());
    assert_eq!(report["ok"], true, "{report:#}");
    let all = [
        "reach",
        "certificate",
        "right_signature",
        "raw_body",
        "wrong_signature",
        "missing_signature",
        "other_body",
        "other_secret",
        "old_request",
        "unknown_session",
        "latency",
        "keep_alive",
        "clock",
    ];
    assert_eq!(verdicts(&report), all.map(|check| (check, "pass")), "{report:#}");
    for finding in report["findings"].as_array().unwrap() {
        assert_eq!(members(finding), ["check", "verdict", "message", "mend"].into());
        assert_eq!(finding["mend"], Value::Null);
    }
    let path = format!("{}/resolutions", agent.path());
    let resolutions = buddy.operator("GET", &path, None).await.expect_status(200).json;
    assert_eq!(resolutions["resolutions"], json!([]));
}

#[tokio::test]
async fn an_identity_is_told_by_its_shape_and_never_by_its_values() {
    let endpoint = everybody_is_ada("test-secret-0123456789").await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session_id = "sess_01hz2v6yqefws8h3k5n7p9r1tv";
    let report = check(&buddy, &agent, Some(json!({"sessionId": session_id}))).await;
    let failed: Vec<_> = verdicts(&report).into_iter().filter(|(_, verdict)| *verdict != "pass").collect();
    assert_eq!(failed, [("unknown_session", "fail")], "everybody is that user: {report:#}");
    assert_eq!(report["ok"], false);
    let text = report.to_string();
    assert!(text.contains("a usable identity (userId, email)"), "{text}");
    for value in ["1815", "ada@", agent.secret.as_str()] {
        assert!(!text.contains(value), "{value} in {text}");
    }
    let seen = endpoint.seen();
    assert!(std::str::from_utf8(&seen[0].body).unwrap().contains(session_id));
    assert!(seen.iter().all(|seen| seen.header("x-platform-request-id").starts_with("res_")));
}

#[tokio::test]
async fn while_a_rotation_is_open_the_next_secret_is_as_good() {
    let endpoint = everybody_is_ada("the-next-secret-0123456789").await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let report = check(&buddy, &agent, None).await;
    assert!(verdicts(&report).contains(&("right_signature", "fail")), "{report:#}");
    let secret = agent.path() + "/callback/secret";
    let next = json!({"secret": "the-next-secret-0123456789"});
    buddy.operator("POST", &secret, Some(next)).await.expect_status(200);
    let report = check(&buddy, &agent, None).await;
    assert!(verdicts(&report).contains(&("right_signature", "pass")), "{report:#}");
    assert!(verdicts(&report).contains(&("other_secret", "pass")), "{report:#}");
    // A check proves nothing to the rotation: a session does.
    let callback = buddy.operator("GET", &(agent.path() + "/callback"), None).await.expect_status(200).json;
    assert_ne!(callback["rotation"], Value::Null);
}

#[tokio::test]
async fn an_endpoint_that_holds_the_next_secret_is_told_its_other_faults() {
    const NEXT: &str = "the-next-secret-0123456789";
    let endpoint = Endpoint::open(|seen| {
        let status = if verify(&seen.body, signature(seen), &[NEXT], unix_now()).is_ok() { 500 } else { 401 };
        Answer::With(status, String::new())
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let rotation = Some(json!({"secret": NEXT}));
    buddy.operator("POST", &(agent.path() + "/callback/secret"), rotation).await.expect_status(200);
    let report = check(&buddy, &agent, None).await;
    let failed: Vec<_> = verdicts(&report).into_iter().filter(|(_, verdict)| *verdict == "fail").collect();
    assert_eq!(failed, [("unknown_session", "fail")], "{report:#}");
}

#[tokio::test]
async fn what_cannot_be_checked_is_refused() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/callback/check";
    buddy.operator("POST", &path, None).await.expect_problem(404, "NOT_FOUND");
    let none = format!("/v1/agents/{NO_AGENT}/callback/check");
    buddy.operator("POST", &none, None).await.expect_problem(404, "NOT_FOUND");
    let odd = Some(json!({"sessionId": "sess_x"}));
    buddy.operator("POST", &path, odd).await.expect_problem(400, "INVALID_REQUEST");
}
