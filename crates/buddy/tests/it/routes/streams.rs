//! The streams of messages, read over the socket: their order, where they are resumed, and their ends.

use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::support::{Agent, Buddy, Event, Session, Stream};

async fn scene() -> (Buddy, Agent, Session) {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    // Without a callback it is settled at once.
    let session = buddy.session(&agent).await;
    (buddy, agent, session)
}

async fn say(buddy: &Buddy, session: &Session, text: &str) -> Value {
    let said = buddy.visitor("POST", session, "/messages", Some(json!({"text": text}))).await;
    said.expect_status(201).json
}

async fn reply(buddy: &Buddy, agent: &Agent, session: &Session, text: &str, done: bool) -> Value {
    let path = session.path() + "/messages";
    let body = Some(json!({"text": text, "done": done}));
    buddy.software("POST", agent, &path, body).await.expect_status(201).json
}

async fn append(buddy: &Buddy, agent: &Agent, of: &Value, text: &str, done: bool) {
    let (session, id) = (of["sessionId"].as_str().unwrap(), of["messageId"].as_str().unwrap());
    let path = format!("/v1/sessions/{session}/messages/{id}/append");
    buddy.software("POST", agent, &path, Some(json!({"text": text, "done": done}))).await.expect_status(200);
}

async fn revoke(buddy: &Buddy, agent: &Agent, session: &Session) {
    let body = Some(json!({"sessionId": session.id}));
    buddy.software("POST", agent, "/v1/sessions/revoke", body).await.expect_status(200);
}

/// What a client has that does as the document says.
#[derive(Default)]
struct Screen(Vec<Value>);

impl Screen {
    fn show(&mut self, event: &Event) {
        let of = |shown: &&mut Value| shown["messageId"] == event.data["messageId"];
        let shown = self.0.iter_mut().find(of);
        match (event.name.as_str(), shown) {
            ("message", Some(shown)) => *shown = event.data.clone(),
            ("message", None) => self.0.push(event.data.clone()),
            ("append", Some(shown)) => {
                shown["text"] = json!(shown["text"].as_str().unwrap().to_owned() + event.text("text"));
                shown["done"] = event.data["done"].clone();
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_stream_begins_with_all_there_are_and_goes_on_with_what_comes() {
    let (buddy, agent, session) = scene().await;
    let first = say(&buddy, &session, "Hello").await;
    let second = reply(&buddy, &agent, &session, "Hi", true).await;
    let mut stream = buddy.listen(&session, None).await;
    let (one, two) = (stream.event().await, stream.event().await);
    assert_eq!((&one.data, &two.data), (&first, &second));
    let third = say(&buddy, &session, "How\nare you?").await;
    let three = stream.event().await;
    assert_eq!((three.name.as_str(), &three.data), ("message", &third));
    let ids: Vec<i64> =
        [one, two, three].iter().map(|event| event.id.as_ref().unwrap().parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|before, after| before < after), "{ids:?}");
}

#[tokio::test]
async fn a_stream_is_resumed_after_any_event_without_loss_or_double() {
    let (buddy, _, session) = scene().await;
    let mut whole = buddy.listen(&session, None).await;
    let mut events = Vec::new();
    for number in 0..5 {
        say(&buddy, &session, &format!("{number}")).await;
        events.push(whole.event().await);
    }
    drop(whole);
    for (at, event) in events.iter().enumerate() {
        let mut resumed = buddy.listen(&session, event.id.as_deref()).await;
        for wanted in &events[at + 1..] {
            assert_eq!(resumed.event().await, *wanted);
        }
        let text = format!("after {at}");
        say(&buddy, &session, &text).await;
        // What was said in the turns before comes first.
        let texts = resumed.texts(at + 1).await;
        assert_eq!(texts.last(), Some(&text), "{texts:?}");
    }
}

#[tokio::test]
async fn a_growing_reply_is_told_by_what_it_gains() {
    let (buddy, agent, session) = scene().await;
    let mut stream = buddy.listen(&session, None).await;
    let begun = reply(&buddy, &agent, &session, "On", false).await;
    let first = stream.event().await;
    assert_eq!((first.name.as_str(), &first.data), ("message", &begun));
    let mut gained = String::new();
    for (gain, done) in [("e, ", false), ("zwö", false), ("lf", true)] {
        append(&buddy, &agent, &begun, gain, done).await;
        let event = stream.event().await;
        assert_eq!(
            (event.name.as_str(), event.text("text"), &event.data["done"]),
            ("append", gain, &json!(done))
        );
        gained += event.text("text");
    }
    assert_eq!(gained, "e, zwölf");
    // Whoever resumes within the growing gets the message whole.
    let mut resumed = buddy.listen(&session, first.id.as_deref()).await;
    let event = resumed.event().await;
    assert_eq!((event.name.as_str(), event.text("text")), ("message", "One, zwölf"));
    assert_eq!(event.data["done"], true);
}

#[tokio::test]
async fn whoever_listens_while_much_is_written_has_all_of_it_in_the_end() {
    let (buddy, agent, session) = scene().await;
    let mut stream = buddy.listen(&session, None).await;
    let begun = reply(&buddy, &agent, &session, "0", false).await;
    let writing = async {
        for number in 1..=120 {
            append(&buddy, &agent, &begun, &format!(" {number}"), false).await;
            if number % 10 == 0 {
                reply(&buddy, &agent, &session, &format!("aside {number}"), true).await;
            }
        }
        append(&buddy, &agent, &begun, ".", true).await;
    };
    let reading = async {
        let (mut screen, mut seen) = (Screen::default(), 0);
        while screen.0.len() < 13 || screen.0[0]["done"] == false {
            let event = stream.event().await;
            screen.show(&event);
            seen += 1;
            // Cut off and resumed again and again, it is the same in the end.
            if seen % 7 == 0 {
                stream = buddy.listen(&session, event.id.as_deref()).await;
            }
        }
        screen
    };
    let ((), screen) = tokio::join!(writing, reading);
    let listed = buddy.visitor("GET", &session, "/messages", None).await.json;
    assert_eq!(json!(screen.0), listed["messages"]);
}

#[tokio::test]
async fn a_stream_ends_when_its_session_is_revoked() {
    let (buddy, agent, session) = scene().await;
    let (mut one, mut two) = (buddy.listen(&session, None).await, buddy.listen(&session, None).await);
    say(&buddy, &session, "Hello").await;
    assert_eq!(one.texts(1).await, ["Hello"]);
    assert_eq!(two.texts(1).await, ["Hello"]);
    revoke(&buddy, &agent, &session).await;
    one.ends("revoked").await;
    two.ends("revoked").await;
}

#[tokio::test]
async fn all_streams_end_with_the_server_and_do_not_hold_it_up() {
    let (buddy, agent, session) = scene().await;
    let mut visitors = buddy.listen(&session, None).await;
    let mut agents = buddy.listen_to_all(&agent, None).await;
    say(&buddy, &session, "Hello").await;
    assert_eq!(
        (visitors.texts(1).await, agents.texts(1).await),
        (vec!["Hello".into()], vec!["Hello".into()])
    );
    buddy.terminate();
    visitors.ends("stopping").await;
    agents.ends("stopping").await;
    let (status, setup) = buddy.wait();
    assert!(status.success());
    assert!(!setup.log().contains("not everything was finished"), "{}", setup.log());
}

#[tokio::test]
async fn the_agents_software_hears_all_its_visitors_and_no_one_elses() {
    let (buddy, agent, session) = scene().await;
    let other = buddy.bare_agent().await;
    let (second, foreign) = (buddy.session(&agent).await, buddy.session(&other).await);
    let before = say(&buddy, &session, "One").await;
    let mut stream = buddy.listen_to_all(&agent, None).await;
    let event = stream.event().await;
    assert_eq!(event.data["session"], json!({"status": "anonymous"}));
    let mut message = event.data.clone();
    message.as_object_mut().unwrap().remove("session");
    assert_eq!(message, before);
    say(&buddy, &foreign, "Not for you").await;
    reply(&buddy, &agent, &session, "Nor this", true).await;
    say(&buddy, &second, "Two").await;
    let two = stream.event().await;
    assert_eq!((two.text("sessionId"), two.text("text")), (&*second.id, "Two"));
    drop(stream);

    say(&buddy, &session, "Three").await;
    let mut resumed = buddy.listen_to_all(&agent, event.id.as_deref()).await;
    assert_eq!(resumed.texts(2).await, ["Two", "Three"]);
    let mut resumed = buddy.listen_to_all(&agent, two.id.as_deref()).await;
    assert_eq!(resumed.texts(1).await, ["Three"]);
    revoke(&buddy, &agent, &second).await;
    let mut again = buddy.listen_to_all(&agent, None).await;
    assert_eq!(again.texts(2).await, ["One", "Three"], "of a revoked session nothing is handed over");
    assert_eq!(buddy.listen_to_all(&other, None).await.texts(1).await, ["Not for you"]);
}

#[tokio::test]
async fn a_last_event_id_that_is_none_is_refused() {
    let (buddy, agent, session) = scene().await;
    let visitors = (session.path() + "/messages/stream", &session.token);
    for (path, token) in [visitors, ("/v1/messages/stream".to_owned(), &agent.key)] {
        for id in ["x", "", "-1", "1.5", "99999999999999999999", "1 2"] {
            let request = buddy.api.request("GET", &path).header("authorization", format!("Bearer {token}"));
            let request = request.header("last-event-id", id).body(Body::empty()).unwrap();
            buddy.api.send(request).await.expect_problem(400, "INVALID_REQUEST");
        }
    }
}

#[tokio::test]
async fn so_many_streams_are_open_and_no_more_until_one_is_closed() {
    let (buddy, agent, session) = scene().await;
    let mut visitors: Vec<Stream> = Vec::new();
    for _ in 0..8 {
        visitors.push(buddy.listen(&session, None).await);
    }
    let refused = buddy.visitor("GET", &session, "/messages/stream", None).await;
    refused.expect_problem(429, "TOO_MANY_STREAMS");
    let neighbour = buddy.session(&agent).await;
    let mut agents = vec![buddy.listen(&neighbour, None).await];
    for _ in 0..16 {
        agents.push(buddy.listen_to_all(&agent, None).await);
    }
    let refused = buddy.software("GET", &agent, "/v1/messages/stream", None).await;
    refused.expect_problem(429, "TOO_MANY_STREAMS");
    drop(visitors.pop());
    // The server learns of a closed connection soon, but not at once.
    let again = async { while open(&buddy, &session, &[]).await.status() != 200 {} };
    tokio::time::timeout(Duration::from_mins(1), again).await.expect("a place comes free");
}

async fn open(buddy: &Buddy, session: &Session, headers: &[(&str, &str)]) -> http::Response<Incoming> {
    let request = buddy.api.request("GET", &(session.path() + "/messages/stream"));
    let request = request.header("authorization", format!("Bearer {}", session.token));
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    buddy.api.open(request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn the_pages_of_the_agent_may_read_a_stream_and_no_others() {
    let (buddy, _, session) = scene().await;
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false)] {
        let headers = [("origin", origin), ("accept-encoding", "gzip, br"), ("x-request-id", "mine")];
        let answer = open(&buddy, &session, &headers).await;
        assert_eq!(answer.status(), 200);
        let read = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(read, allowed.then_some(origin));
        assert_eq!(answer.headers()["x-request-id"], "mine");
        assert!(!answer.headers().contains_key("content-encoding"));
    }
}
