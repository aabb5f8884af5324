//! The main job, with an endpoint as an integrator would write it: Node and Express, a process of its own, real TLS.

use serde_json::{Value, json};

use crate::support::{ADMIN_TOKEN, Buddy, Express, Session};

const SECRET: &str = "test-secret-0123456789";
const ADA: &str = r#"{"userId":"ada-1815","email":"ada@shop.example","role":"customer","customAttributes":{"plan":"gold","orders":[36,1.10]}}"#;
const TIMEOUT_MS: u32 = 300;

#[tokio::test]
async fn a_signed_in_visitor_is_known_to_the_agents_key_and_to_nobody_else() {
    let mut express = Express::start(SECRET, &[("USER_FOR_ALL", ADA)]);
    let buddy = Buddy::start(&express.ca_pem);
    let agent = buddy.agent(&express.url(), json!({})).await;

    let session = buddy.session(&agent).await;
    assert_eq!(session.view["status"], "authenticated");
    assert_eq!(session.view["method"], "identity_callback");
    let request = express.next_request();
    assert_eq!(request["signatureOk"], true);
    assert_eq!(request["attempt"], "1");

    let identity = buddy.identity(&agent, &session).await;
    assert_eq!(identity["status"], "authenticated");
    assert_eq!(identity["identity"], serde_json::from_str::<Value>(ADA).unwrap());
    assert_eq!(identity["error"], Value::Null);

    let path = format!("{}/identity", session.path());
    let other = buddy.bare_agent().await;
    let call = |bearer: Option<String>| {
        let (api, path) = (buddy.api.clone(), path.clone());
        async move { api.call("GET", &path, bearer.as_deref(), None).await }
    };
    call(None).await.expect_problem(401, "UNAUTHENTICATED");
    call(Some(session.token.clone())).await.expect_problem(401, "UNAUTHENTICATED");
    call(Some(ADMIN_TOKEN.into())).await.expect_problem(401, "UNAUTHENTICATED");
    call(Some(format!("{}x", agent.key))).await.expect_problem(401, "UNAUTHENTICATED");
    call(Some(other.key)).await.expect_problem(404, "NOT_FOUND");
    let visitors =
        buddy.api.call("GET", &session.path(), Some(&session.token), None).await.expect_status(200);
    assert!(!String::from_utf8_lossy(&visitors.body).contains("ada"));
}

#[tokio::test]
async fn nobody_signed_in_is_anonymous_without_an_error() {
    let express = Express::start(SECRET, &[]);
    let buddy = Buddy::start(&express.ca_pem);
    let agent = buddy.agent(&express.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["status"], "anonymous");
    assert_eq!(session.view["method"], "identity_callback");
    assert_eq!(session.view["error"], Value::Null);
    assert_eq!(buddy.resolution(&agent, &session).await["outcome"], "nobody");
}

#[tokio::test]
async fn the_wrong_secret_is_answered_401_and_asked_once() {
    let mut express = Express::start("another-secret-0123456789", &[("USER_FOR_ALL", ADA)]);
    let buddy = Buddy::start(&express.ca_pem);
    let agent = buddy.agent(&express.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    assert_failed(&session, "AUTH_CALLBACK_FAILED");
    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(resolution["reason"], "http_status");
    assert_eq!(resolution["attempts"].as_array().unwrap().len(), 1);
    assert_eq!(resolution["attempts"][0]["status"], 401);
    // It says so once its answer is out, which may be after the session was settled.
    assert_eq!(express.next_request()["signatureOk"], false);
    assert!(express.stop_and_read_rest().is_empty(), "asked once");
}

#[tokio::test]
async fn a_stopped_endpoint_is_connect_failed() {
    let mut express = Express::start(SECRET, &[("USER_FOR_ALL", ADA)]);
    let buddy = Buddy::start(&express.ca_pem);
    let agent = buddy.agent(&express.url(), json!({})).await;
    assert_eq!(buddy.session(&agent).await.view["status"], "authenticated");
    express.stop();
    let session = buddy.session(&agent).await;
    assert_failed(&session, "AUTH_CALLBACK_FAILED");
    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(resolution["reason"], "connect_failed");
    assert_eq!(resolution["attempts"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_hanging_endpoint_is_asked_exactly_twice_within_its_time() {
    let mut express = Express::start(SECRET, &[("HANG", "1")]);
    let buddy = Buddy::start(&express.ca_pem);
    let agent = buddy.agent(&express.url(), json!({"timeoutMs": TIMEOUT_MS})).await;
    let session = buddy.session(&agent).await;
    assert_failed(&session, "AUTH_CALLBACK_TIMEOUT");
    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(resolution["reason"], "timeout_headers");
    let attempts = resolution["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 2);
    assert_eq!((&attempts[0]["number"], &attempts[1]["number"]), (&json!(1), &json!(2)));
    // The promise is the server's own to keep and to measure: 2 × timeoutMs + 100 ms.
    let took = resolution["durationMs"].as_f64().unwrap();
    let promised = f64::from(2 * TIMEOUT_MS);
    assert!((promised..=promised + 100.0).contains(&took), "{took} ms");

    let requests = [express.next_request(), express.next_request()];
    assert!(express.stop_and_read_rest().is_empty(), "asked exactly twice");
    let attempts: Vec<_> = requests.iter().map(|request| request["attempt"].as_str().unwrap()).collect();
    assert_eq!(attempts, ["1", "2"]);
    assert_eq!(requests[0]["requestId"], requests[1]["requestId"]);
}

#[track_caller]
fn assert_failed(session: &Session, code: &str) {
    assert_eq!(session.view["status"], "anonymous");
    assert_eq!(session.view["error"]["code"], code);
    assert_eq!(session.view["error"].get("reason"), None, "a visitor is not told the reason");
}
