//! `kill -9` under load: every session that was answered is there after the restart, and none stays pending.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use crate::support::{Agent, Answer, Api, Buddy, Endpoint};

/// 200 sessions a second.
const PACE: Duration = Duration::from_millis(5);
/// Callers that wait for the outcome, one session of theirs after another.
const WAITING: usize = 8;
/// The server is killed when so many have been answered.
const ANSWERED_AT_KILL: usize = 300;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_session_answered_before_a_kill_is_there_afterwards_and_none_stays_pending() {
    // Every third callback hangs, so that there is always something pending.
    let asked = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match asked.fetch_add(1, Ordering::SeqCst) % 3 {
        0 => Answer::Hang,
        _ => Answer::json(json!({"userId": "42"})),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = Arc::new(buddy.agent(&endpoint.url(), json!({"timeoutMs": 500})).await);

    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut load = JoinSet::new();
    load.spawn(begin_sessions(buddy.api.clone(), "/v1/sessions", agent.clone(), answered.clone()));
    for _ in 0..WAITING {
        load.spawn(begin_sessions(buddy.api.clone(), "/v1/sessions?wait=1", agent.clone(), answered.clone()));
    }
    drop(answered);
    let mut sessions = Vec::new();
    while sessions.len() < ANSWERED_AT_KILL {
        sessions.push(answers.recv().await.expect("the load goes on until the kill"));
    }
    let setup = buddy.kill();
    let logged_before = setup.log().len();
    load.join_all().await;
    while let Ok(session) = answers.try_recv() {
        sessions.push(session);
    }

    let buddy = setup.start();
    for (id, token, begun_as) in &sessions {
        let path = format!("/v1/sessions/{id}?wait=30");
        let session = buddy.api.call("GET", &path, Some(token), None).await.expect_status(200);
        let status = session.text("status");
        assert!(
            status == "authenticated" || status == "anonymous",
            "{id} is {status}, and was begun as {begun_as}"
        );
        let resolutions = format!("/v1/agents/{}/resolutions?sessionId={id}", agent.id);
        let page = buddy.operator("GET", &resolutions, None).await.expect_status(200).json;
        assert_eq!(page["resolutions"].as_array().unwrap().len(), 1, "{id} has one resolution");
    }
    let log = buddy.log().split_off(logged_before);
    let recovered = sessions.iter().filter(|(id, ..)| log.contains(&format!("\"session\":\"{id}\""))).count();
    assert!(recovered > 0, "some were pending at the kill and were settled after the restart");
}

/// Begins sessions at the pace until the server is gone.
async fn begin_sessions(
    api: Api,
    path: &'static str,
    agent: Arc<Agent>,
    answered: mpsc::UnboundedSender<(String, String, String)>,
) {
    let mut pace = interval(PACE);
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        pace.tick().await;
        let request = api.request("POST", path).header("content-type", "application/json");
        let request = request.body(Body::from(json!({"agentId": agent.id}).to_string())).unwrap();
        let Ok(reply) = api.try_send(request).await else { return };
        if reply.status != 201 || reply.json.is_null() {
            return;
        }
        let session = (reply.text("sessionId"), reply.text("sessionToken"), reply.text("status"));
        // The receiver takes all that was answered until the kill.
        let _ = answered.send(session);
    }
}
