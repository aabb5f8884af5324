use buddy_core::session::OpenedBy;

use super::*;
use crate::agents::KnownAgent;
use crate::housekeeping::tidy;
use crate::listening::End;
use crate::sessions::Begin;
use crate::testing::{TestApp, operator};

const SECRET: &str = "test-secret-0123456789";

async fn say(test: &TestApp, session: &Session, text: &str) -> Message {
    let text = Text::parse(text.to_owned()).unwrap();
    test.app.messages.write(session, Sender::Visitor, text, true).await.unwrap()
}

/// A session that nobody is asked about.
async fn settled(test: &TestApp, known: &KnownAgent) -> Session {
    test.app.agents.delete_callback(&operator(), known.agent.id).await.unwrap();
    let known = test.app.agents.known(known.agent.id).await.unwrap();
    let begin =
        Begin { agent_id: known.agent.id, identify: true, opened_by: OpenedBy::Visitor, waits: false };
    test.app.sessions.begin(&known, &begin).await.unwrap().session
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_with_its_session_though_nobody_announces_that() {
    let test = TestApp::start();
    let known = test.agent(SECRET).await;
    let session = test.session(&known).await;
    let mut stream = test.app.messages.of_session(&session, 0).unwrap();
    let message = say(&test, &session, "Hello").await;
    assert_eq!(stream.next().await, Some(SessionEvent::Message { change: 1, message }));
    test.clock.advance_seconds(60);
    assert_eq!(stream.next().await, Some(SessionEvent::End(End::Ended)));
    assert_eq!(stream.next().await, None);
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_when_its_key_is_removed() {
    let test = TestApp::start();
    let known = test.agent(SECRET).await;
    let id = known.agent.id;
    let (removed, removed_token) = test.app.api_keys.create(&operator(), id, None).await.unwrap();
    let (_, token) = test.app.api_keys.create(&operator(), id, None).await.unwrap();
    let mut stream = test.app.messages.of_agent(id, removed_token.hash(), 0).unwrap();
    let mut other = test.app.messages.of_agent(id, token.hash(), 0).unwrap();
    test.app.api_keys.delete(&operator(), id, removed.id).await.unwrap();
    assert_eq!(stream.next().await, Some(AgentEvent::End(End::Ended)));
    assert_eq!(stream.next().await, None);
    let session = settled(&test, &known).await;
    let said = say(&test, &session, "Hello").await;
    let Some(AgentEvent::HandedOver(handed)) = other.next().await else { panic!("the other key is good") };
    assert_eq!(handed.message, said);
}

#[tokio::test]
async fn a_stream_that_is_far_behind_catches_up_in_the_right_order() {
    let test = TestApp::start();
    let known = test.agent(SECRET).await;
    let session = settled(&test, &known).await;
    let mut said = Vec::new();
    for number in 0..130 {
        said.push(say(&test, &session, &number.to_string()).await);
    }
    let mut visitor = test.app.messages.of_session(&session, 0).unwrap();
    let (_, token) = test.app.api_keys.create(&operator(), known.agent.id, None).await.unwrap();
    let mut software = test.app.messages.of_agent(known.agent.id, token.hash(), 0).unwrap();
    for message in said {
        let Some(AgentEvent::HandedOver(handed)) = software.next().await else { panic!("{message:?}") };
        assert_eq!(handed.message, message);
        let Some(SessionEvent::Message { message: told, .. }) = visitor.next().await else {
            panic!("{message:?}")
        };
        assert_eq!(told, message);
    }
}

#[tokio::test]
async fn housekeeping_removes_the_messages_of_ended_sessions() {
    let test = TestApp::start();
    let known = test.agent(SECRET).await;
    let session = test.session(&known).await;
    say(&test, &session, "Hello").await;
    test.clock.advance_seconds(60);
    let gone =
        test.app.messages.write(&session, Sender::Agent, Text::parse("Hi".into()).unwrap(), true).await;
    assert!(matches!(gone, Err(Refusal::NotFound("session"))));
    tidy(&test.app).await.unwrap();
    let left = test.app.store.remove_ended_sessions(test.app.ambient.now(), 10).await.unwrap();
    assert_eq!(left, 0, "housekeeping has removed the session and its message");
}
