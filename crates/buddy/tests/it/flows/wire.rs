//! The wire format, as the endpoint sees it: exact bytes, headers, connections.

use std::sync::atomic::{AtomicUsize, Ordering};

use buddy_core::callback::signature::sign;
use buddy_core::secret::CallbackSecret;
use serde_json::{Value, json};

use crate::support::{Answer, Buddy, Endpoint, Seen};

#[tokio::test]
async fn a_callback_is_these_bytes_and_these_headers() {
    let endpoint = Endpoint::open(|_| Answer::json(json!({"userId": 7}))).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(buddy.identity(&agent, &session).await["identity"]["userId"], "7");

    let [seen] = &endpoint.seen()[..] else { panic!("one request") };
    assert_eq!((seen.method.as_str(), seen.path_and_query.as_str()), ("POST", "/buddy/identity?shop=1"));
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let timestamp = body["timestamp"].as_u64().unwrap();
    let exact =
        format!(r#"{{"sessionId":"{}","agentId":"{}","timestamp":{timestamp}}}"#, session.id, agent.id);
    assert_eq!(seen.body, exact.as_bytes());
    assert_signed(seen, &agent.secret);

    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("accept"), "application/json");
    assert_eq!(seen.header("accept-encoding"), "identity");
    assert_eq!(seen.header("user-agent"), concat!("Buddy/", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.header("x-platform-attempt"), "1");
    assert_eq!(seen.header("x-platform-request-id"), resolution["resolutionId"].as_str().unwrap());
    let left: u32 = seen.header("x-platform-deadline-ms").parse().unwrap();
    assert!((1..=3000).contains(&left), "{left}");
    assert_traceparent(seen.header("traceparent"));
    let mut names: Vec<_> = seen.headers.keys().map(http::HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "accept-encoding",
            "content-length",
            "content-type",
            "host",
            "traceparent",
            "user-agent",
            "x-platform-attempt",
            "x-platform-deadline-ms",
            "x-platform-request-id",
            "x-platform-signature",
        ]
    );
}

#[tokio::test]
async fn a_retry_is_a_new_request_for_the_same_resolution() {
    let asked = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang,
        _ => Answer::json(json!({"userId": "late"})),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    // Long enough that the second attempt falls into another second of the timestamp.
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 1100})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["status"], "authenticated");

    let [first, second] = &endpoint.seen()[..] else { panic!("two requests") };
    for seen in [first, second] {
        assert_signed(seen, &agent.secret);
    }
    let body = |seen: &Seen| serde_json::from_slice::<Value>(&seen.body).unwrap();
    assert_eq!(body(first)["sessionId"], body(second)["sessionId"]);
    assert!(body(first)["timestamp"].as_u64() < body(second)["timestamp"].as_u64());
    assert_ne!(first.header("x-platform-signature"), second.header("x-platform-signature"));
    assert_eq!(first.header("x-platform-request-id"), second.header("x-platform-request-id"));
    assert_eq!((first.header("x-platform-attempt"), second.header("x-platform-attempt")), ("1", "2"));

    let resolution = buddy.resolution(&agent, &session).await;
    let attempts = resolution["attempts"].as_array().unwrap();
    assert_eq!(attempts[0]["reason"], "timeout_headers");
    assert_eq!(attempts[1]["status"], 200);
    assert_eq!(attempts[1]["reusedConnection"], false);
    assert!(attempts[1]["phases"]["connectMs"].is_number(), "a fresh connection: {resolution}");
}

#[tokio::test]
async fn a_connection_is_used_again_for_the_same_agent_and_never_for_another() {
    let endpoint = Endpoint::open(|_| Answer::With(204, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let other = buddy.agent(&endpoint.url(), json!({})).await;
    let mut reused = Vec::new();
    for agent in [&agent, &agent, &other] {
        let session = buddy.session(agent).await;
        let resolution = buddy.resolution(agent, &session).await;
        let attempt = &resolution["attempts"][0];
        assert_eq!(attempt["reusedConnection"], attempt["phases"]["tlsMs"].is_null(), "{resolution}");
        reused.push(attempt["reusedConnection"].as_bool().unwrap());
    }
    assert_eq!(reused, [false, true, false]);
}

#[tokio::test]
async fn answers_become_what_the_table_says() {
    let rows = [
        (200, "<html>", "AUTH_CALLBACK_BAD_RESPONSE", "html"),
        (200, "[]", "AUTH_CALLBACK_BAD_RESPONSE", "not_an_object"),
        (200, "{}", "AUTH_CALLBACK_BAD_RESPONSE", "no_user_id"),
        (200, "", "AUTH_CALLBACK_BAD_RESPONSE", "empty_body"),
        (200, r#"{"userId":" "}"#, "AUTH_CALLBACK_BAD_RESPONSE", "invalid_user_id"),
        (200, r#"{"userId":"1","a":{"b":1,"b":2}}"#, "AUTH_CALLBACK_BAD_RESPONSE", "duplicate_member"),
        (302, "", "AUTH_CALLBACK_FAILED", "redirect"),
        (404, "", "AUTH_CALLBACK_FAILED", "http_status"),
        (500, r#"{"userId":"1"}"#, "AUTH_CALLBACK_FAILED", "http_status"),
    ];
    let asked = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| {
        let (status, body, ..) = rows[asked.fetch_add(1, Ordering::SeqCst)];
        Answer::With(status, body.to_owned())
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    for (status, body, code, reason) in rows {
        let session = buddy.session(&agent).await;
        let identity = buddy.identity(&agent, &session).await;
        assert_eq!(identity["status"], "anonymous", "{status} {body}");
        assert_eq!(identity["error"]["code"], code, "{status} {body}");
        assert_eq!(identity["error"]["reason"], reason, "{status} {body}");
        assert_eq!(buddy.resolution(&agent, &session).await["attempts"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_dropped_attribute_is_a_warning_and_the_rest_is_kept_as_it_was() {
    let body = r#"{"userId":"u","email":7,"customAttributes":{"z":1.10,"a":123456789012345678901234567890}}"#;
    let endpoint = Endpoint::open(move |_| Answer::With(200, body.to_owned())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let path = format!("{}/identity", session.path());
    let identity = buddy.api.call("GET", &path, Some(&agent.key), None).await.expect_status(200);
    let kept = r#""identity":{"userId":"u","email":null,"role":null,"customAttributes":{"z":1.10,"a":123456789012345678901234567890}}"#;
    assert!(String::from_utf8_lossy(&identity.body).contains(kept), "{:?}", identity.body);
    let resolution = buddy.resolution(&agent, &session).await;
    assert_eq!(resolution["warnings"][0]["code"], "email_not_a_string");
}

/// The contract's own words: lower-case hex HMAC-SHA256 of the raw body.
#[track_caller]
fn assert_signed(seen: &Seen, secret: &str) {
    let secret = CallbackSecret::parse(secret).unwrap();
    assert_eq!(seen.header("x-platform-signature"), sign(&secret, &seen.body));
}

#[track_caller]
fn assert_traceparent(value: &str) {
    let parts: Vec<_> = value.split('-').collect();
    let lengths: Vec<_> = parts.iter().map(|part| part.len()).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{value}");
    assert!(parts.concat().bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')), "{value}");
    assert!(parts[1].contains(|digit| digit != '0') && parts[2].contains(|digit| digit != '0'), "{value}");
}
