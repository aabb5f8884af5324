//! One agent's endpoint, however slow, takes nothing from another agent; and what there is of all is bounded.

use std::sync::Arc;

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Agent, Answer, Buddy, Endpoint, Setup};

/// What a hung customer's visitors begin while its endpoint is away.
const HUNG_SESSIONS: usize = 500;
/// Begun at once on one slow endpoint.
const BURST: usize = 5_000;
/// Client connections in the burst; the server takes far more.
const BURST_CONNECTIONS: usize = 64;
const BURST_MEMORY_KIB_MAX: u64 = 200 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_hundred_hung_sessions_of_one_agent_leave_another_agents_answers_right() {
    let hung = Endpoint::open(|_| Answer::Hang).await;
    let healthy = Endpoint::open(|_| Answer::json(json!({"userId": "42"}))).await;
    let both = format!("{}{}", hung.ca_pem, healthy.ca_pem);
    let buddy = Arc::new(Buddy::start(&both));
    let victim = buddy.agent(&hung.url(), json!({"timeoutMs": 10_000})).await;
    let neighbour = buddy.agent(&healthy.url(), json!({})).await;
    begin_all(&buddy, &victim, HUNG_SESSIONS).await;
    // All of its slots are taken, and the rest of its sessions wait.
    hung.has_seen(128).await;
    for _ in 0..30 {
        let session = buddy.session(&neighbour).await;
        assert_eq!(session.view["status"], "authenticated");
        let resolution = buddy.resolution(&neighbour, &session).await;
        assert_eq!(resolution["attempts"].as_array().unwrap().len(), 1, "{resolution}");
    }
    assert_eq!(hung.seen().len(), 128, "no more at once than maxConcurrent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_sessions_begun_at_once_on_a_slow_endpoint_all_settle_in_bounded_memory() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Arc::new(Buddy::start(&endpoint.ca_pem));
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 1_000})).await;
    let sessions = begin_all(&buddy, &agent, BURST).await;
    let mut peak = 0;
    for (id, token) in &sessions {
        let path = format!("/v1/sessions/{id}?wait=30");
        let session = buddy.api.call("GET", &path, Some(token), None).await.expect_status(200);
        assert_eq!(session.text("status"), "anonymous");
        peak = peak.max(buddy.resident_kib());
    }
    assert!(peak < BURST_MEMORY_KIB_MAX, "{peak} KiB");
    let metrics = buddy.api.call("GET", "/metrics", None, None).await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(
        metrics.contains(&format!("buddy_sessions_begun_total{{opened_by=\"visitor\"}} {BURST}")),
        "{metrics}"
    );
    assert!(metrics.contains("buddy_callbacks_in_flight 0"), "{metrics}");
}

#[tokio::test]
async fn beyond_the_bound_on_pending_sessions_a_start_is_503_and_changes_nothing() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Setup::new(Some(&endpoint.ca_pem)).env("BUDDY_MAX_PENDING", "1").start();
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let begin = |identify: bool| json!({"agentId": agent.id, "identify": identify});
    let start = |body| buddy.api.call("POST", "/v1/sessions", None, Some(body));
    start(begin(true)).await.expect_status(201);
    let refused = start(begin(true)).await.expect_problem(503, "OVERLOADED");
    assert!(refused.headers.contains_key("retry-after"));
    // What asks nobody needs no place.
    let created = start(begin(false)).await.expect_status(201);
    let path = format!("/v1/sessions/{}/identify", created.text("sessionId"));
    let token = created.text("sessionToken");
    buddy.api.call("POST", &path, Some(&token), None).await.expect_problem(503, "OVERLOADED");
    let session = format!("/v1/sessions/{}", created.text("sessionId"));
    let session = buddy.api.call("GET", &session, Some(&token), None).await.expect_status(200);
    assert_eq!(session.text("status"), "created");
    let unconfigured = buddy.bare_agent().await;
    let settled = start(json!({"agentId": unconfigured.id})).await.expect_status(201);
    assert_eq!(settled.text("status"), "anonymous");
}

/// Begins so many sessions over a bounded number of connections; their ids and tokens.
async fn begin_all(buddy: &Arc<Buddy>, agent: &Agent, count: usize) -> Vec<(String, String)> {
    let mut connections = JoinSet::new();
    for connection in 0..BURST_CONNECTIONS {
        let (buddy, agent_id) = (buddy.clone(), agent.id.clone());
        let share = (connection..count).step_by(BURST_CONNECTIONS).len();
        connections.spawn(async move {
            let mut sessions = Vec::with_capacity(share);
            for _ in 0..share {
                let body = Some(json!({"agentId": agent_id}));
                let begun = buddy.api.call("POST", "/v1/sessions", None, body).await.expect_status(201);
                sessions.push((begun.text("sessionId"), begun.text("sessionToken")));
            }
            sessions
        });
    }
    connections.join_all().await.into_iter().flatten().collect()
}
