//! `/v1/sessions/{sessionId}/same-user`: whether a page goes on with a conversation.

use std::sync::Mutex;

use serde_json::{Value, json};

use super::NO_SESSION;
use crate::support::{Agent, Answer, Buddy, Endpoint, Reply, Session};

/// Answers with each of these in turn.
async fn endpoint(answers: impl IntoIterator<Item = Answer>) -> Endpoint {
    let answers: Vec<_> = answers.into_iter().collect();
    let answers = Mutex::new(answers.into_iter());
    Endpoint::open(move |_| answers.lock().unwrap().next().expect("an answer for each session")).await
}

fn user(user_id: impl Into<Value>) -> Answer {
    Answer::json(json!({"userId": user_id.into()}))
}

async fn identified(buddy: &Buddy, agent: &Agent) -> Session {
    let session = buddy.session_to_identify(agent).await;
    buddy.visitor("POST", &session, "/identify?wait=10", None).await.expect_status(200);
    session
}

async fn compare(buddy: &Buddy, session: &Session, other: &str, token: &str) -> Reply {
    let body = json!({"sessionId": other, "sessionToken": token});
    buddy.visitor("POST", session, "/same-user", Some(body)).await
}

async fn are_same(buddy: &Buddy, session: &Session, other: &Session) -> bool {
    let answer = compare(buddy, session, &other.id, &other.token).await.expect_status(200).json;
    assert_eq!(answer.as_object().unwrap().len(), 1, "nothing else is told: {answer}");
    answer["sameUser"].as_bool().unwrap()
}

#[tokio::test]
async fn two_sessions_of_one_user_are_the_same_users_and_no_others() {
    let nobody = Answer::With(204, String::new());
    let answers = [user("1815"), user("1815"), user(1815), user("1906"), nobody];
    let endpoint = endpoint(answers).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let ada = identified(&buddy, &agent).await;
    let ada_again = identified(&buddy, &agent).await;
    let ada_by_number = identified(&buddy, &agent).await;
    let grace = identified(&buddy, &agent).await;
    let guest = identified(&buddy, &agent).await;
    let waiting = buddy.session_to_identify(&agent).await;

    assert!(are_same(&buddy, &ada, &ada_again).await);
    assert!(are_same(&buddy, &ada_again, &ada).await);
    assert!(are_same(&buddy, &ada, &ada_by_number).await, "an integer is its digits");
    for (one, other) in [(&grace, &ada), (&ada, &guest), (&guest, &ada), (&guest, &guest), (&ada, &waiting)] {
        assert!(!are_same(&buddy, one, other).await, "{} {}", one.view, other.view);
    }
}

#[tokio::test]
async fn what_cannot_be_shown_is_not_the_same_user() {
    let endpoint = Endpoint::open(|_| user("1815")).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let elsewhere = buddy.agent(&endpoint.url(), json!({})).await;
    let (ada, old) = (identified(&buddy, &agent).await, identified(&buddy, &agent).await);
    let of_another_agent = identified(&buddy, &elsewhere).await;
    assert!(!are_same(&buddy, &ada, &of_another_agent).await, "one shop's 1815 is not another's");

    let no = json!({"sameUser": false});
    assert_eq!(
        compare(&buddy, &ada, &old.id, &ada.token).await.expect_status(200).json,
        no,
        "another's token"
    );
    assert_eq!(compare(&buddy, &ada, &old.id, "").await.expect_status(200).json, no);
    assert_eq!(compare(&buddy, &ada, NO_SESSION, &old.token).await.expect_status(200).json, no);
    compare(&buddy, &ada, "nonsense", &old.token).await.expect_problem(400, "INVALID_REQUEST");
    let stranger = Session { token: old.token.clone(), ..identified(&buddy, &agent).await };
    compare(&buddy, &stranger, &old.id, &old.token).await.expect_problem(401, "UNAUTHENTICATED");

    let revoke = Some(json!({"sessionId": old.id}));
    buddy.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200);
    assert!(!are_same(&buddy, &ada, &old).await, "revoked");
    assert!(!are_same(&buddy, &old, &ada).await, "revoked");
}
