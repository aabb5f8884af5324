//! How often strangers may begin sessions, and how many may be pending.

use axum::body::Body;
use serde_json::{Value, json};

use crate::support::{Agent, Answer, Buddy, Endpoint, Reply, Session, Setup};

#[tokio::test]
async fn the_fourth_start_of_three_a_minute_is_refused_and_told_when_to_try_again() {
    let buddy = Setup::new(None).env("BUDDY_SESSIONS_PER_MINUTE", "3").start();
    let agent = buddy.bare_agent().await;
    let begin = || Some(json!({"agentId": agent.id, "identify": false}));
    let mut begun = Vec::new();
    for _ in 0..3 {
        begun.push(buddy.session_to_identify(&agent).await);
    }
    for _ in 0..2 {
        let refused = buddy.api.call("POST", "/v1/sessions", None, begin()).await;
        let refused = refused.expect_problem(429, "RATE_LIMITED");
        let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=20).contains(&retry_after), "three a minute is one each 20 s: {retry_after}");
    }
    for _ in 0..5 {
        let by_key = buddy.software("POST", &agent, "/v1/sessions", begin()).await.expect_status(201);
        begun.push(Session::of(by_key));
    }
    for session in begun {
        buddy.visitor("GET", &session, "", None).await.expect_status(200);
        buddy.visitor("POST", &session, "/identify", None).await.expect_status(200);
    }
}

#[tokio::test]
async fn zero_is_no_limit_and_120_the_default() {
    for (per_minute, limited) in [("0", false), ("", true)] {
        let buddy = Setup::new(None).env("BUDDY_SESSIONS_PER_MINUTE", per_minute).start();
        let agent = buddy.bare_agent().await;
        for _ in 0..120 {
            assert!(!starts_refused(&buddy, &agent.id).await);
        }
        // Two places a second come free while they are counted: many more starts than that find none.
        let mut refused = false;
        for _ in 0..100 {
            refused = refused || starts_refused(&buddy, &agent.id).await;
        }
        assert_eq!(refused, limited, "{per_minute}");
    }
}

async fn starts_refused(buddy: &Buddy, agent_id: &str) -> bool {
    let begin = Some(json!({"agentId": agent_id, "identify": false}));
    buddy.api.call("POST", "/v1/sessions", None, begin).await.status == 429
}

/// Begins a session as a client whose proxies say this of it.
async fn begin_through(buddy: &Buddy, agent: &Agent, forwarded_for: &str) -> Reply {
    let body = json!({"agentId": agent.id, "identify": false}).to_string();
    let request = buddy.api.request("POST", "/v1/sessions").header("content-type", "application/json");
    buddy.api.send(request.header("x-forwarded-for", forwarded_for).body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_trusted_proxy_says_who_the_client_is_and_nobody_else_does() {
    for (trusted, second_client) in [("127.0.0.1", 201), ("10.0.0.0/8", 429), ("", 429)] {
        let setup = Setup::new(None).env("BUDDY_TRUSTED_PROXIES", trusted);
        let buddy = setup.env("BUDDY_SESSIONS_PER_MINUTE", "1").start();
        let agent = buddy.bare_agent().await;
        begin_through(&buddy, &agent, "192.0.2.1").await.expect_status(201);
        begin_through(&buddy, &agent, "192.0.2.1").await.expect_problem(429, "RATE_LIMITED");
        begin_through(&buddy, &agent, "192.0.2.2").await.expect_status(second_client);
        // What stands before the address that the proxy saw is the client's own invention.
        begin_through(&buddy, &agent, "192.0.2.3, 192.0.2.1").await.expect_problem(429, "RATE_LIMITED");
    }
}

#[tokio::test]
async fn one_agents_strangers_do_not_use_up_anothers_starts() {
    let setup = Setup::new(None).env("BUDDY_AGENT_SESSIONS_PER_MINUTE", "2");
    let buddy = setup.start();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let begin = |agent: &Agent| Some(json!({"agentId": agent.id, "identify": false}));
    for status in [201, 201, 429] {
        let reply = buddy.api.call("POST", "/v1/sessions", None, begin(&agent)).await.expect_status(status);
        assert_eq!(reply.headers.contains_key("retry-after"), status == 429);
    }
    buddy.software("POST", &agent, "/v1/sessions", begin(&agent)).await.expect_status(201);
    buddy.api.call("POST", "/v1/sessions", None, begin(&other)).await.expect_status(201);
}

#[tokio::test]
async fn what_is_beyond_the_sessions_that_may_be_pending_is_told_to_come_again() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Setup::new(Some(&endpoint.ca_pem)).env("BUDDY_MAX_PENDING", "1").start();
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let (first, second) = (buddy.session_to_identify(&agent).await, buddy.session_to_identify(&agent).await);
    buddy.visitor("POST", &first, "/identify", None).await.expect_status(202);
    let begin = Some(json!({"agentId": agent.id}));
    for refused in [
        buddy.visitor("POST", &second, "/identify", None).await,
        buddy.api.call("POST", "/v1/sessions", None, begin.clone()).await,
        buddy.software("POST", &agent, "/v1/sessions", begin).await,
    ] {
        let refused = refused.expect_problem(503, "OVERLOADED");
        assert!(refused.headers.contains_key("retry-after"), "{refused:?}");
    }
    assert_eq!(buddy.visitor("GET", &second, "", None).await.json["status"], "created");
    buddy.visitor("POST", &first, "/identify", None).await.expect_status(202);
    // Who asks nobody needs no place.
    let bare = buddy.bare_agent().await;
    assert_eq!(buddy.session(&bare).await.view["method"], Value::Null);
    buddy.session_to_identify(&agent).await;
}
