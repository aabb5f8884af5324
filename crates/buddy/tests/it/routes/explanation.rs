//! `GET /v1/agents/{agentId}/resolutions/{resolutionId}/explanation`

use serde_json::{Value, json};

use super::NO_RESOLUTION;
use crate::support::{Agent, Answer, Buddy, Endpoint, Session};

async fn explained(buddy: &Buddy, agent: &Agent, session: &Session) -> Value {
    let id = buddy.resolution(agent, session).await["resolutionId"].as_str().unwrap().to_owned();
    let path = format!("{}/resolutions/{id}/explanation", agent.path());
    let told = buddy.operator("GET", &path, None).await.expect_status(200).json;
    assert_eq!(told["resolutionId"], id);
    told
}

#[tokio::test]
async fn a_resolution_is_explained_without_a_value_of_the_answer() {
    let endpoint = Endpoint::open(|_| Answer::json(json!({"user_id": "ada12345", "own": "gold"}))).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let told = explained(&buddy, &agent, &session).await;
    assert_eq!(told["cause"], "The answer has no userId.");
    assert_eq!(told["rule"]["answered"], "2xx, and userId missing or null");
    assert_eq!(told["rule"]["becomes"], "AUTH_CALLBACK_BAD_RESPONSE, not tried again");
    assert_eq!(told["mend"], "Send one, or answer 204 when nobody is signed in.");
    assert_eq!(told["page"], "/e/AUTH_CALLBACK_BAD_RESPONSE");
    let seen = &endpoint.seen()[0];
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let sending = json!({
        "number": 1,
        "timestamp": body["timestamp"],
        "signatureBegin": &seen.header("x-platform-signature")[..8],
        "answer": "user_id: string(8), 1 other",
    });
    assert_eq!(told["sendings"], json!([sending]));
}

#[tokio::test]
async fn what_nobody_was_asked_about_is_explained_too() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let told = explained(&buddy, &agent, &buddy.session(&agent).await).await;
    assert_eq!(told["cause"], "The agent has no enabled callback.");
    assert_eq!((&told["page"], &told["sendings"]), (&json!("/e/AUTH_NOT_CONFIGURED"), &json!([])));
    let other = buddy.bare_agent().await;
    let id = told["resolutionId"].as_str().unwrap();
    for path in [
        format!("{}/resolutions/{id}/explanation", other.path()),
        format!("{}/resolutions/{NO_RESOLUTION}/explanation", agent.path()),
    ] {
        buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    }
}
