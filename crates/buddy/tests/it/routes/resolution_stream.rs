//! `/v1/agents/{agentId}/resolutions/stream`: what happens, as it happens; resumed, filtered, bounded.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tokio::sync::Notify;

use super::{NO_AGENT, ada};
use crate::support::{ADMIN_TOKEN, Answer, Buddy, Endpoint, Stream};

/// The sessions of the next resolutions.
async fn sessions(stream: &mut Stream, count: usize) -> Vec<String> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        let event = stream.event().await;
        assert_eq!(event.name, "resolution", "{event:?}");
        sessions.push(event.text("sessionId").to_owned());
    }
    sessions
}

#[tokio::test]
async fn what_happens_is_told_as_the_list_has_it_and_only_from_now_on() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let other = buddy.bare_agent().await;
    buddy.session(&agent).await;
    let mut stream = buddy.listen_to_resolutions(&agent, "", None).await;
    buddy.session(&other).await;
    let session = buddy.session(&agent).await;
    let event = stream.event().await;
    assert_eq!((event.name.as_str(), event.text("sessionId")), ("resolution", session.id.as_str()));
    assert_eq!(event.data, buddy.resolution(&agent, &session).await);
}

#[tokio::test]
async fn a_session_that_nobody_is_asked_about_is_told_of_whenever_it_is_identified() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let mut stream = buddy.listen_to_resolutions(&agent, "", None).await;
    let at_once = buddy.session(&agent).await;
    assert_eq!(sessions(&mut stream, 1).await, [at_once.id]);
    let later = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &later, "/identify", None).await.expect_status(200);
    assert_eq!(sessions(&mut stream, 1).await, [later.id]);
}

#[tokio::test]
async fn a_stream_is_resumed_where_it_was_cut_off_also_before_its_first_event_and_after_a_restart() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    buddy.session(&agent).await;
    let mut stream = buddy.listen_to_resolutions(&agent, "", None).await;
    let first = buddy.session(&agent).await;
    let event = stream.event().await;
    let mut made = Vec::new();
    for _ in 0..3 {
        made.push(buddy.session(&agent).await.id);
    }
    drop(stream);
    let buddy = buddy.kill().start();
    made.push(buddy.session(&agent).await.id);
    let mut stream = buddy.listen_to_resolutions(&agent, "", event.id.as_deref()).await;
    assert_eq!(sessions(&mut stream, 4).await, made);
    let mut again = buddy.listen_to_resolutions(&agent, "", Some("0")).await;
    assert_eq!(sessions(&mut again, 2).await[1], first.id, "from the first that is kept");

    // Nothing has come, but what to resume after.
    let begun = buddy.session_to_identify(&agent).await;
    let mut quiet = buddy.listen_to_resolutions(&agent, "", None).await;
    let after = quiet.id_to_resume_after().await;
    drop(quiet);
    buddy.visitor("POST", &begun, "/identify", None).await.expect_status(200);
    let mut resumed = buddy.listen_to_resolutions(&agent, "", Some(&after)).await;
    assert_eq!(sessions(&mut resumed, 1).await, [begun.id]);
}

#[tokio::test]
async fn only_what_the_filters_let_through_is_told() {
    let endpoint = Endpoint::open(|seen| match seen.header("x-platform-attempt") {
        "1" if seen.path_and_query.ends_with("html") => Answer::With(200, "<html>".into()),
        _ => Answer::With(500, String::new()),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let mut all = buddy.listen_to_resolutions(&agent, "", None).await;
    let mut status = buddy.listen_to_resolutions(&agent, "reason=http_status", None).await;
    let mut bad = buddy.listen_to_resolutions(&agent, "code=AUTH_CALLBACK_BAD_RESPONSE", None).await;
    let mut both =
        buddy.listen_to_resolutions(&agent, "code=AUTH_CALLBACK_FAILED&reason=html", Some("0")).await;
    let first = buddy.session(&agent).await.id;
    let html = json!({"url": format!("{}&html", endpoint.url()), "secret": agent.secret});
    buddy.operator("PUT", &(agent.path() + "/callback"), Some(html)).await.expect_status(200);
    let second = buddy.session(&agent).await.id;
    let mut one = buddy.listen_to_resolutions(&agent, &format!("sessionId={second}"), Some("0")).await;
    assert_eq!(sessions(&mut all, 2).await, [first.clone(), second]);
    assert_eq!(sessions(&mut status, 1).await, [first]);
    assert_eq!(sessions(&mut bad, 1).await, sessions(&mut one, 1).await);
    // Nothing was let through, so that the end is the first that comes.
    buddy.terminate();
    assert_eq!(both.event().await.name, "end");
    for mut stream in [all, status, bad, one] {
        assert_eq!(stream.event().await.name, "end");
    }
}

#[tokio::test]
async fn a_slow_session_is_told_of_once_it_is_settled() {
    let go_on = Arc::new(Notify::new());
    let told = go_on.clone();
    let endpoint = Endpoint::open(move |_| Answer::After(told.clone(), 204, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let mut stream = buddy.listen_to_resolutions(&agent, "", None).await;
    let session = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &session, "/identify", None).await.expect_status(202);
    endpoint.has_seen(1).await;
    go_on.notify_one();
    let event = stream.event().await;
    assert_eq!((event.text("sessionId"), event.text("outcome")), (session.id.as_str(), "nobody"));
}

#[tokio::test]
async fn a_stream_ends_with_the_server_and_does_not_hold_it_up() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let stream = buddy.listen_to_resolutions(&agent, "", None).await;
    buddy.terminate();
    stream.ends("stopping").await;
    let (status, setup) = buddy.wait();
    assert!(status.success());
    assert!(!setup.log().contains("not everything was finished"), "{}", setup.log());
}

#[tokio::test]
async fn so_many_streams_of_an_agent_are_open_and_no_more_until_one_is_closed() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let mut streams = Vec::new();
    for _ in 0..16 {
        streams.push(buddy.listen_to_resolutions(&agent, "", None).await);
    }
    let path = agent.path() + "/resolutions/stream";
    buddy.operator("GET", &path, None).await.expect_problem(429, "TOO_MANY_STREAMS");
    drop(buddy.listen_to_resolutions(&other, "", None).await);
    drop(streams.pop());
    // The server learns of a closed connection soon, but not at once.
    let open = async || {
        let request =
            buddy.api.request("GET", &path).header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        buddy.api.open(request.body(Body::empty()).unwrap()).await.status()
    };
    let again = async { while open().await != 200 {} };
    tokio::time::timeout(Duration::from_mins(1), again).await.expect("a place comes free");
}

#[tokio::test]
async fn what_is_not_as_it_must_be_is_refused() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/resolutions/stream";
    for (query, status, code) in [
        ("code=AUTH_NONSENSE", 422, "INVALID_VALUE"),
        ("reason=", 422, "INVALID_VALUE"),
        ("sessionId=nonsense", 422, "INVALID_VALUE"),
        ("limit=1", 400, "INVALID_REQUEST"),
    ] {
        buddy.operator("GET", &format!("{path}?{query}"), None).await.expect_problem(status, code);
    }
    for id in ["x", "", "-1", "1.5", "99999999999999999999"] {
        let request =
            buddy.api.request("GET", &path).header("authorization", format!("Bearer {ADMIN_TOKEN}"));
        let request = request.header("last-event-id", id).body(Body::empty()).unwrap();
        buddy.api.send(request).await.expect_problem(400, "INVALID_REQUEST");
    }
    let nobodys = format!("/v1/agents/{NO_AGENT}/resolutions/stream");
    buddy.operator("GET", &nobodys, None).await.expect_problem(404, "NOT_FOUND");
}
