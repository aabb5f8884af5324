//! Where there is one core, the server is one thread: nothing in it may wait for another part of it by holding that up.

use serde_json::json;
use tokio::task::JoinSet;

use crate::support::{Answer, Endpoint, Session, Setup};

/// More than a group of writes waits for at once.
const SESSIONS: usize = 100;

// The server's end is waited for while the streams are read.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_streams_and_the_end_are_the_same_on_one_core() {
    let endpoint = Endpoint::open(|_| Answer::json(json!({"userId": "42"}))).await;
    let buddy = Setup::new(Some(&endpoint.ca_pem)).on_one_core().start();
    let agent = buddy.agent(&endpoint.url(), json!({"maxConcurrent": SESSIONS})).await;
    let mut begun = JoinSet::new();
    for _ in 0..SESSIONS {
        let (api, body) = (buddy.api.clone(), json!({"agentId": agent.id}));
        begun.spawn(async move { api.call("POST", "/v1/sessions?wait=30", None, Some(body)).await });
    }
    let begun = begun.join_all().await.into_iter().map(|begun| begun.expect_status(201)).collect::<Vec<_>>();
    for begun in &begun {
        assert_eq!(begun.text("status"), "authenticated");
    }

    let session = Session::of(begun.into_iter().next().unwrap());
    assert_eq!(buddy.identity(&agent, &session).await["identity"]["userId"], "42");
    let mut streams = [buddy.listen(&session, None).await, buddy.listen_to_all(&agent, None).await];
    buddy.visitor("POST", &session, "/messages", Some(json!({"text": "hello"}))).await.expect_status(201);
    for stream in &mut streams {
        assert_eq!(stream.event().await.text("text"), "hello");
    }
    buddy.terminate();
    for stream in streams {
        stream.ends("stopping").await;
    }
    assert!(buddy.wait().0.success());
}
