//! `/v1/sessions/{sessionId}/messages`: written by both sides, listed, grown; and every refusal.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{NO_MESSAGE, members, time};
use crate::support::{Agent, Buddy, Reply, Session};

const VIEW: [&str; 6] = ["messageId", "sessionId", "from", "text", "done", "createdAt"];

async fn say(buddy: &Buddy, session: &Session, text: &str) -> Reply {
    buddy.visitor("POST", session, "/messages", Some(json!({"text": text}))).await
}

async fn reply(buddy: &Buddy, agent: &Agent, session: &Session, body: Value) -> Reply {
    buddy.software("POST", agent, &(session.path() + "/messages"), Some(body)).await
}

async fn append(buddy: &Buddy, agent: &Agent, of: &Value, body: Value) -> Reply {
    let (session, id) = (of["sessionId"].as_str().unwrap(), of["messageId"].as_str().unwrap());
    let path = format!("/v1/sessions/{session}/messages/{id}/append");
    buddy.software("POST", agent, &path, Some(body)).await
}

async fn scene() -> (Buddy, Agent, Session) {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let session = buddy.session_to_identify(&agent).await;
    (buddy, agent, session)
}

#[tokio::test]
async fn both_sides_write_and_read_the_same_conversation() {
    let (buddy, agent, session) = scene().await;
    let said = say(&buddy, &session, "Where is\n\tmy 📦?").await.expect_status(201).json;
    assert_eq!(members(&said), VIEW.into());
    assert!(said["messageId"].as_str().unwrap().starts_with("msg_"));
    assert_eq!((&said["sessionId"], &said["from"]), (&json!(session.id), &json!("visitor")));
    assert_eq!((&said["text"], &said["done"]), (&json!("Where is\n\tmy 📦?"), &json!(true)));
    let replied = reply(&buddy, &agent, &session, json!({"text": "Here."})).await.expect_status(201).json;
    assert_eq!((&replied["from"], &replied["done"]), (&json!("agent"), &json!(true)));
    assert!(time(&said["createdAt"]) < time(&replied["createdAt"]));

    let wanted = json!({"messages": [said, replied], "nextCursor": null});
    assert_eq!(buddy.visitor("GET", &session, "/messages", None).await.expect_status(200).json, wanted);
    let path = session.path() + "/messages";
    assert_eq!(buddy.software("GET", &agent, &path, None).await.expect_status(200).json, wanted);
    let other = buddy.session_to_identify(&agent).await;
    let none = buddy.visitor("GET", &other, "/messages", None).await.expect_status(200).json;
    assert_eq!(none, json!({"messages": [], "nextCursor": null}));
}

#[tokio::test]
async fn a_list_is_read_in_stretches_oldest_first() {
    let (buddy, agent, session) = scene().await;
    let mut written = Vec::new();
    for number in 0..5 {
        let text = json!({"text": format!("{number}")});
        written.push(reply(&buddy, &agent, &session, text).await.expect_status(201).json);
    }
    let mut read = Vec::new();
    let mut query = "?limit=2".to_owned();
    for length in [2, 2, 1] {
        let call = format!("/messages{query}");
        let page = buddy.visitor("GET", &session, &call, None).await.expect_status(200).json;
        let messages = page["messages"].as_array().unwrap();
        assert_eq!(messages.len(), length);
        read.extend(messages.clone());
        query = format!("?limit=2&cursor={}", page["nextCursor"].as_str().unwrap_or_default());
    }
    assert_eq!(read, written);
    assert_eq!(query, "?limit=2&cursor=", "the last stretch has no cursor");
    for (query, status, code) in [
        ("limit=0", 422, "INVALID_VALUE"),
        ("limit=201", 422, "INVALID_VALUE"),
        ("cursor=nonsense", 422, "INVALID_VALUE"),
        (&format!("cursor={}", session.id), 422, "INVALID_VALUE"),
        ("before=1", 400, "INVALID_REQUEST"),
    ] {
        let refused = buddy.visitor("GET", &session, &format!("/messages?{query}"), None).await;
        refused.expect_problem(status, code);
    }
}

#[tokio::test]
async fn a_reply_grows_until_it_is_done() {
    let (buddy, agent, session) = scene().await;
    let begun = reply(&buddy, &agent, &session, json!({"text": "One", "done": false})).await;
    let begun = begun.expect_status(201).json;
    assert_eq!(begun["done"], false);
    let mut wanted = begun.clone();
    for (gain, text, done) in [
        (json!({"text": ", two"}), "One, two", false),
        (json!({"text": "", "done": false}), "One, two", false),
        (json!({"text": "!", "done": true}), "One, two!", true),
    ] {
        (wanted["text"], wanted["done"]) = (json!(text), json!(done));
        assert_eq!(append(&buddy, &agent, &begun, gain).await.expect_status(200).json, wanted);
    }
    for of in [&begun, &say(&buddy, &session, "Hm?").await.expect_status(201).json] {
        append(&buddy, &agent, of, json!({"text": "?"})).await.expect_problem(409, "MESSAGE_DONE");
    }
    let listed = buddy.visitor("GET", &session, "/messages", None).await.json;
    assert_eq!(listed["messages"][0], wanted);
}

#[tokio::test]
async fn a_text_is_bounded_and_so_is_what_a_reply_grows_to() {
    let (buddy, agent, session) = scene().await;
    for bad in ["", "a\r\nb", "\u{0}", "\u{1b}[1m", "\u{9f}", &"é".repeat(8_001)] {
        say(&buddy, &session, bad).await.expect_problem(422, "INVALID_VALUE");
        reply(&buddy, &agent, &session, json!({"text": bad})).await.expect_problem(422, "INVALID_VALUE");
    }
    let most = "🦀".repeat(8_000);
    assert_eq!(say(&buddy, &session, &most).await.expect_status(201).text("text"), most);
    let begun = reply(&buddy, &agent, &session, json!({"text": most, "done": false})).await;
    let begun = begun.expect_status(201).json;
    let bad = json!({"text": "\u{7f}"});
    append(&buddy, &agent, &begun, bad).await.expect_problem(422, "INVALID_VALUE");
    for _ in 1..4 {
        append(&buddy, &agent, &begun, json!({"text": most})).await.expect_status(200);
    }
    let more = json!({"text": "x", "done": true});
    let refused = append(&buddy, &agent, &begun, more).await.expect_problem(422, "INVALID_VALUE");
    assert!(refused.text("detail").contains("32000"), "{refused:?}");
    let ended = append(&buddy, &agent, &begun, json!({"text": "", "done": true})).await.expect_status(200);
    assert_eq!(ended.text("text").chars().count(), 32_000);
}

#[tokio::test]
async fn only_the_agents_software_says_whether_a_message_is_done() {
    let (buddy, agent, session) = scene().await;
    for done in [true, false] {
        let body = Some(json!({"text": "Hello", "done": done}));
        let refused = buddy.visitor("POST", &session, "/messages", body).await;
        refused.expect_problem(400, "INVALID_REQUEST");
    }
    let begun = reply(&buddy, &agent, &session, json!({"text": "Hi", "done": false})).await.json;
    let path = format!("/messages/{}/append", begun["messageId"].as_str().unwrap());
    let refused = buddy.visitor("POST", &session, &path, Some(json!({"text": "!"}))).await;
    refused.expect_problem(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn another_agents_key_and_another_sessions_token_find_nothing() {
    let (buddy, agent, session) = scene().await;
    let begun = reply(&buddy, &agent, &session, json!({"text": "Hi", "done": false})).await.json;
    let other = buddy.bare_agent().await;
    reply(&buddy, &other, &session, json!({"text": "Hi"})).await.expect_problem(404, "NOT_FOUND");
    append(&buddy, &other, &begun, json!({"text": "!"})).await.expect_problem(404, "NOT_FOUND");
    let path = session.path() + "/messages";
    buddy.software("GET", &other, &path, None).await.expect_problem(404, "NOT_FOUND");

    let neighbour = buddy.session_to_identify(&agent).await;
    let stolen = Session { token: neighbour.token.clone(), ..session.clone() };
    say(&buddy, &stolen, "Hi").await.expect_problem(401, "UNAUTHENTICATED");
    for call in ["/messages", "/messages/stream"] {
        let refused = buddy.visitor("GET", &stolen, call, None).await;
        refused.expect_problem(401, "UNAUTHENTICATED");
    }
    // A message is of its own session only, whoever's both are.
    let moved = json!({"sessionId": neighbour.id, "messageId": begun["messageId"]});
    append(&buddy, &agent, &moved, json!({"text": "!"})).await.expect_problem(404, "NOT_FOUND");
    let nothing = json!({"sessionId": session.id, "messageId": NO_MESSAGE});
    append(&buddy, &agent, &nothing, json!({"text": "!"})).await.expect_problem(404, "NOT_FOUND");
    let listed = buddy.visitor("GET", &session, "/messages", None).await.json;
    assert_eq!(listed["messages"], json!([begun]), "nothing was changed by any of these");
}

#[tokio::test]
async fn a_revoked_session_has_no_conversation_any_more() {
    let (buddy, agent, session) = scene().await;
    let begun = reply(&buddy, &agent, &session, json!({"text": "Hi", "done": false})).await.json;
    let revoke = Some(json!({"sessionId": session.id}));
    buddy.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200);
    let path = session.path() + "/messages";
    for refused in [
        say(&buddy, &session, "Hello?").await,
        reply(&buddy, &agent, &session, json!({"text": "Hello?"})).await,
        append(&buddy, &agent, &begun, json!({"text": "!"})).await,
        buddy.visitor("GET", &session, "/messages", None).await,
        buddy.visitor("GET", &session, "/messages/stream", None).await,
        buddy.software("GET", &agent, &path, None).await,
    ] {
        refused.expect_problem(409, "SESSION_REVOKED");
    }
}

#[tokio::test]
async fn a_conversation_goes_with_its_agent() {
    let (buddy, agent, session) = scene().await;
    say(&buddy, &session, "Hello?").await.expect_status(201);
    buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
    say(&buddy, &session, "Hello?").await.expect_problem(404, "NOT_FOUND");
    buddy.visitor("GET", &session, "/messages", None).await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_session_has_at_most_500_messages() {
    let (buddy, agent, session) = scene().await;
    let writes = (0..500).map(|number| reply(&buddy, &agent, &session, json!({"text": format!("{number}")})));
    for written in join_all(writes).await {
        written.expect_status(201);
    }
    for full in [
        say(&buddy, &session, "One more").await,
        reply(&buddy, &agent, &session, json!({"text": "One more"})).await,
    ] {
        let full = full.expect_problem(409, "CONVERSATION_FULL");
        assert!(full.text("detail").contains("begin a new session"), "{full:?}");
    }
    let other = buddy.session_to_identify(&agent).await;
    say(&buddy, &other, "Hello").await.expect_status(201);
}

#[tokio::test]
async fn a_visitor_writes_20_messages_a_minute_and_another_is_not_counted_with_them() {
    let (buddy, agent, session) = scene().await;
    for _ in 0..20 {
        say(&buddy, &session, "").await.expect_problem(422, "INVALID_VALUE");
    }
    let mut written = 0;
    // One place comes free each 3 s while they are counted.
    let refused = loop {
        let answer = say(&buddy, &session, "Hello").await;
        if answer.status != 201 {
            break answer.expect_problem(429, "RATE_LIMITED");
        }
        written += 1;
        assert!(written < 100, "never refused");
    };
    assert!(written >= 20, "{written}");
    let retry_after: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=3).contains(&retry_after), "{retry_after}");
    assert!(refused.text("detail").contains("messages"), "{refused:?}");
    say(&buddy, &buddy.session_to_identify(&agent).await, "Hello").await.expect_status(201);
    for _ in 0..25 {
        reply(&buddy, &agent, &session, json!({"text": "Hi"})).await.expect_status(201);
    }
}
