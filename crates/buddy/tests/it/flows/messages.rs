//! What is said while it is still open who the visitor is, and what is left of it after a `kill -9`.

use std::sync::Arc;

use axum::body::Body;
use serde_json::json;
use tokio::sync::{Notify, mpsc};

use crate::support::{Agent, Answer, Api, Buddy, Endpoint, Session};

/// The server is killed when so many messages have been answered.
const ANSWERED_AT_KILL: usize = 200;
/// Who writes at once.
const WRITERS: usize = 8;

async fn say(buddy: &Buddy, session: &Session, text: &str) {
    let said = buddy.visitor("POST", session, "/messages", Some(json!({"text": text}))).await;
    said.expect_status(201);
}

#[tokio::test]
async fn what_a_visitor_says_reaches_the_agent_only_once_it_is_settled_who_that_is() {
    let (ada, nobody) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let releases = [ada.clone(), nobody.clone()];
    let asked = std::sync::atomic::AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::After(releases[0].clone(), 200, json!({"userId": "1815"}).to_string()),
        1 => Answer::After(releases[1].clone(), 204, String::new()),
        _ => Answer::json(json!({"userId": "42"})),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let mut pending = Vec::new();
    for count in 1..=2 {
        let session = buddy.session_to_identify(&agent).await;
        say(&buddy, &session, &format!("{count} before it is asked")).await;
        buddy.visitor("POST", &session, "/identify", None).await.expect_status(202);
        endpoint.has_seen(count).await;
        pending.push(session);
    }
    let mut stream = buddy.listen_to_all(&agent, None).await;
    for (session, count) in pending.iter().zip(1..) {
        say(&buddy, session, &format!("{count} while it is asked")).await;
    }
    let settled = buddy.session(&agent).await;
    say(&buddy, &settled, "settled").await;
    let first = stream.event().await;
    assert_eq!(first.text("text"), "settled", "what was said before waits");
    assert_eq!(first.data["session"]["status"], "authenticated");

    // In the order of the settling, and each session's in the order of writing.
    for (session, (release, (count, status))) in
        pending.iter().zip([(ada, (1, "authenticated")), (nobody, (2, "anonymous"))])
    {
        release.notify_one();
        for when in ["before", "while"] {
            let event = stream.event().await;
            assert_eq!(event.text("text"), format!("{count} {when} it is asked"));
            assert_eq!(
                (event.text("sessionId"), event.data["session"]["status"].as_str()),
                (&*session.id, Some(status))
            );
        }
        say(&buddy, session, &format!("{count} after")).await;
        assert_eq!(stream.event().await.text("text"), format!("{count} after"));
    }
    // Whoever had read up to the first before all that has missed nothing.
    let mut resumed = buddy.listen_to_all(&agent, first.id.as_deref()).await;
    assert_eq!(resumed.texts(6).await.first().map(String::as_str), Some("1 before it is asked"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_message_answered_before_a_kill_is_there_afterwards_and_streams_are_resumed() {
    let buddy = Buddy::alone();
    let agent = Arc::new(buddy.bare_agent().await);
    let session = buddy.session(&agent).await;
    say(&buddy, &session, "first").await;
    let (answered, mut answers) = mpsc::unbounded_channel();
    let mut load = tokio::task::JoinSet::new();
    for writer in 0..WRITERS {
        load.spawn(write(buddy.api.clone(), agent.clone(), session.path(), writer, answered.clone()));
    }
    drop(answered);
    let mut stream = buddy.listen(&session, None).await;
    let mut heard = stream.texts(ANSWERED_AT_KILL / 2).await;
    let last = stream.event().await;
    heard.push(last.text("text").to_owned());
    let mut written = Vec::new();
    while written.len() < ANSWERED_AT_KILL {
        written.push(answers.recv().await.expect("the load goes on until the kill"));
    }
    let setup = buddy.kill();
    load.join_all().await;
    while let Some(text) = answers.recv().await {
        written.push(text);
    }

    let buddy = setup.start();
    let mut resumed = buddy.listen(&session, last.id.as_deref()).await;
    say(&buddy, &session, "last").await;
    while heard.last().is_none_or(|text| text != "last") {
        heard.extend(resumed.texts(1).await);
    }
    for text in &written {
        assert_eq!(heard.iter().filter(|heard| *heard == text).count(), 1, "{text}");
    }
    let mut stream = buddy.listen_to_all(&agent, None).await;
    assert_eq!(stream.texts(2).await, ["first", "last"]);
}

/// Writes as the agent's software until the server is gone.
async fn write(
    api: Api,
    agent: Arc<Agent>,
    path: String,
    writer: usize,
    answered: mpsc::UnboundedSender<String>,
) {
    for number in 0.. {
        let text = format!("{writer}-{number}");
        let request = api
            .request("POST", &(path.clone() + "/messages"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {}", agent.key));
        let request = request.body(Body::from(json!({"text": text}).to_string())).unwrap();
        let Ok(reply) = api.try_send(request).await else { return };
        if reply.status != 201 || reply.json.is_null() {
            return;
        }
        // The receiver takes all that was answered.
        let _ = answered.send(text);
    }
}
