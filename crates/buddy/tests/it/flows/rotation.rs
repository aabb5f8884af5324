//! A secret is rotated while sessions go on: none is lost, whenever the business changes its setting.

use std::sync::{Arc, Mutex};

use buddy_core::callback::signature::sign;
use buddy_core::secret::CallbackSecret;
use serde_json::{Value, json};

use crate::support::{Agent, Answer, Buddy, Endpoint, Session};

const NEXT: &str = "the-next-secret-0123456789";

/// An endpoint that holds one secret, as a business's does.
async fn holding(secret: &Arc<Mutex<String>>) -> Endpoint {
    let held = Arc::clone(secret);
    Endpoint::open(move |seen| {
        let secret = CallbackSecret::parse(&held.lock().unwrap()).unwrap();
        if seen.header("x-platform-signature") == sign(&secret, &seen.body) {
            Answer::json(json!({"userId": "42"}))
        } else {
            Answer::With(401, String::new())
        }
    })
    .await
}

async fn rotate(buddy: &Buddy, agent: &Agent, body: Value) -> Value {
    let path = format!("/v1/agents/{}/callback/secret", agent.id);
    buddy.operator("POST", &path, Some(body)).await.expect_status(200).json
}

async fn attempts(buddy: &Buddy, agent: &Agent, session: &Session) -> Vec<(u64, String, u64)> {
    let resolution = buddy.resolution(agent, session).await;
    let attempts = resolution["attempts"].as_array().unwrap().iter();
    let row = |attempt: &Value| {
        (
            attempt["number"].as_u64().unwrap(),
            attempt["signedWith"].as_str().unwrap().to_owned(),
            attempt["status"].as_u64().unwrap_or(0),
        )
    };
    attempts.map(row).collect()
}

#[tokio::test]
async fn the_business_changes_its_setting_when_it_likes_and_no_session_is_lost() {
    let held = Arc::new(Mutex::new("test-secret-0123456789".to_owned()));
    let endpoint = holding(&held).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let opened = rotate(&buddy, &agent, json!({"secret": NEXT})).await;
    assert!(opened["overlapEndsAt"].is_string());
    let callback = format!("/v1/agents/{}/callback", agent.id);
    assert!(buddy.operator("GET", &callback, None).await.json["rotation"]["overlapEndsAt"].is_string());

    let before = buddy.session(&agent).await;
    assert_eq!(before.view["status"], "authenticated");
    assert_eq!(attempts(&buddy, &agent, &before).await, [(1, "current".into(), 200)]);

    NEXT.clone_into(&mut held.lock().unwrap());
    let turning = buddy.session(&agent).await;
    assert_eq!(turning.view["status"], "authenticated");
    assert_eq!(
        attempts(&buddy, &agent, &turning).await,
        [(1, "current".into(), 401), (1, "next".into(), 200)]
    );

    let after = buddy.session(&agent).await;
    assert_eq!(attempts(&buddy, &agent, &after).await, [(1, "current".into(), 200)]);
    assert_eq!(buddy.operator("GET", &callback, None).await.json["rotation"], Value::Null);
}

#[tokio::test]
async fn a_secret_that_neither_side_of_the_rotation_holds_fails_after_both_were_tried() {
    let held = Arc::new(Mutex::new("a-third-secret-0123456789".to_owned()));
    let endpoint = holding(&held).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    rotate(&buddy, &agent, json!({"secret": NEXT})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["error"]["code"], "AUTH_CALLBACK_FAILED");
    assert_eq!(
        attempts(&buddy, &agent, &session).await,
        [(1, "current".into(), 401), (1, "next".into(), 401)]
    );
}

#[tokio::test]
async fn while_a_rotation_is_open_tickets_of_both_secrets_count() {
    let held = Arc::new(Mutex::new("test-secret-0123456789".to_owned()));
    let endpoint = holding(&held).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"requireTicket": true})).await;
    rotate(&buddy, &agent, json!({"secret": NEXT})).await;
    for secret in [agent.secret.as_str(), NEXT] {
        let session = buddy.session_to_identify(&agent).await;
        let ticket = buddy_verify::ticket(secret, &session.id).unwrap();
        let path = format!("{}/identify?wait=30", session.path());
        let body = Some(json!({"ticket": ticket}));
        let settled = buddy.api.call("POST", &path, Some(&session.token), body).await.expect_status(200);
        assert_eq!(settled.json["status"], "authenticated");
    }
}
