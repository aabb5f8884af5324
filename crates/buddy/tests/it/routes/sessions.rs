//! `/v1/sessions`: begun, identified, read.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{NO_AGENT, NO_SESSION, ada, members, time};
use crate::support::{Agent, Answer, Buddy, Endpoint, Reply, Session, Setup};

const VIEW: [&str; 6] = ["sessionId", "agentId", "status", "method", "error", "expiresAt"];

fn not_configured() -> Value {
    json!("AUTH_NOT_CONFIGURED")
}

/// Begins a session as a page of this origin would.
async fn begin_from(buddy: &Buddy, agent: &Agent, bearer: Option<&str>, origins: &[&str]) -> Reply {
    let mut request = buddy.api.request("POST", "/v1/sessions").header("content-type", "application/json");
    for origin in origins {
        request = request.header("origin", *origin);
    }
    if let Some(token) = bearer {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let body = json!({"agentId": agent.id}).to_string();
    buddy.api.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_session_of_an_agent_without_callback_is_anonymous_at_once_and_says_why() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let begin = Some(json!({"agentId": agent.id}));
    let begun = buddy.api.call("POST", "/v1/sessions", None, begin.clone()).await.expect_status(201);
    let view = &begun.json;
    assert_eq!(members(view), VIEW.into_iter().chain(["sessionToken"]).collect());
    assert_eq!(view["agentId"], agent.id);
    assert_eq!(view["status"], "anonymous");
    assert_eq!(view["method"], Value::Null);
    assert_eq!(view["error"]["code"], not_configured());
    assert_eq!(members(&view["error"]), BTreeSet::from(["code", "message"]), "a visitor is told no reason");
    let (id, token) = (begun.text("sessionId"), begun.text("sessionToken"));
    assert!(id.starts_with("sess_") && id.len() == 31, "{id}");
    assert!(token.starts_with("bst_") && token.len() == 47, "{token}");

    let by_software = buddy.software("POST", &agent, "/v1/sessions", begin).await.expect_status(201).json;
    assert_eq!(by_software["status"], "anonymous");
    assert_eq!(by_software["error"]["code"], not_configured());
    assert_eq!(by_software["error"]["reason"], "not_configured");
    assert_eq!(members(&by_software["error"]), BTreeSet::from(["code", "message", "reason"]));
}

#[tokio::test]
async fn a_callback_that_is_switched_off_is_as_good_as_none() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"enabled": false})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["error"]["code"], not_configured());
    let later = buddy.session_to_identify(&agent).await;
    let view = buddy.visitor("POST", &later, "/identify", None).await.expect_status(200).json;
    assert_eq!(view["error"]["code"], not_configured());
    assert_eq!(view["method"], Value::Null);
    assert!(endpoint.seen().is_empty());
}

#[tokio::test]
async fn a_session_lives_for_the_agents_time() {
    let buddy = Buddy::alone();
    for (ttl, seconds) in [(None, 24 * 3600), (Some(60), 60), (Some(604_800), 604_800)] {
        let mut new = json!({"name": "Test", "allowedOrigins": []});
        if let Some(ttl) = ttl {
            new["sessionTtlSeconds"] = json!(ttl);
        }
        let made = buddy.operator("POST", "/v1/agents", Some(new)).await.expect_status(201).json;
        let begin = json!({"agentId": made["agentId"]});
        let begun = buddy.api.call("POST", "/v1/sessions", None, Some(begin)).await.expect_status(201).json;
        let life = time(&begun["expiresAt"]).duration_since(time(&made["createdAt"])).as_secs();
        assert!((seconds..seconds + 60).contains(&life), "{life}");
    }
}

#[tokio::test]
async fn a_session_begun_at_once_is_identified_and_the_visitor_learns_nothing_of_the_user() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["status"], "authenticated");
    assert_eq!(session.view["method"], "identity_callback");
    assert_eq!(session.view["error"], Value::Null);
    let read = buddy.visitor("GET", &session, "", None).await.expect_status(200);
    assert_eq!(members(&read.json), BTreeSet::from(VIEW));
    let identified = buddy.visitor("POST", &session, "/identify", None).await.expect_status(200);
    assert_eq!(identified.json, read.json, "all three calls answer the same view");
    let mut begun = session.view.clone();
    begun.as_object_mut().unwrap().remove("sessionToken");
    assert_eq!(begun, read.json);
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_session_waits_for_its_identify_call_if_asked_to() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    for body in [None, Some(json!({})), Some(json!({"ticket": null}))] {
        let seen = endpoint.seen().len();
        let session = buddy.session_to_identify(&agent).await;
        assert_eq!(session.view["status"], "created");
        assert_eq!((&session.view["method"], &session.view["error"]), (&Value::Null, &Value::Null));
        assert_eq!(endpoint.seen().len(), seen, "nobody is asked before the call");
        let view = buddy.visitor("POST", &session, "/identify?wait=30", body).await.expect_status(200).json;
        assert_eq!(view["status"], "authenticated");
        assert_eq!(endpoint.seen().len(), seen + 1);
    }
}

#[tokio::test]
async fn the_origin_of_a_page_is_its_agents_or_buddys_own() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let own = format!("http://{}", buddy.address);
    let good = "https://shop.example";
    let mut begun = 0;
    for (origins, allowed) in [
        (&[][..], true),
        (&[good], true),
        (&[&*own], true),
        (&["https://evil.example"], false),
        (&["null"], false),
        (&["http://shop.example"], false),
        (&["https://shop.example:8443"], false),
        (&["https://SHOP.example"], false),
        (&["https://shop.example/"], false),
        (&["https://sub.shop.example"], false),
        (&["https://shop.example.evil.example"], false),
        (&[""], false),
        (&[good, "https://evil.example"], false),
    ] {
        let reply = begin_from(&buddy, &agent, None, origins).await;
        if allowed {
            begun += 1;
            reply.expect_status(201);
        } else {
            reply.expect_problem(403, "ORIGIN_NOT_ALLOWED");
        }
        // No browser's page has the key, so there is no page to tell.
        begin_from(&buddy, &agent, Some(&agent.key), origins).await.expect_status(201);
        begun += 1;
    }
    let path = format!("{}/resolutions?limit=200", agent.path());
    let listed = buddy.operator("GET", &path, None).await.json["resolutions"].as_array().unwrap().len();
    assert_eq!(listed, begun, "a refused origin begins no session");
}

#[tokio::test]
async fn buddys_own_origin_is_that_of_its_public_url() {
    let buddy = Setup::new(None).env("BUDDY_PUBLIC_URL", "https://chat.example.com").start();
    let agent = buddy.bare_agent().await;
    begin_from(&buddy, &agent, None, &["https://chat.example.com"]).await.expect_status(201);
    let listening = format!("http://{}", buddy.address);
    begin_from(&buddy, &agent, None, &[&listening]).await.expect_problem(403, "ORIGIN_NOT_ALLOWED");
}

#[tokio::test]
async fn a_key_begins_sessions_of_its_own_agent_only() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let begin = Some(json!({"agentId": agent.id}));
    buddy.software("POST", &other, "/v1/sessions", begin).await.expect_problem(404, "NOT_FOUND");
    let unknown = Some(json!({"agentId": NO_AGENT}));
    buddy.api.call("POST", "/v1/sessions", None, unknown).await.expect_problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn a_wrong_ticket_leaves_the_session_as_it_was_and_the_right_one_opens_it() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"requireTicket": true})).await;
    let (session, other) = (buddy.session_to_identify(&agent).await, buddy.session_to_identify(&agent).await);
    let good = agent.ticket(&session);
    let stranger = Agent { secret: "another-secret-0123456789".into(), ..buddy.bare_agent().await };
    for wrong in [
        String::new(),
        "nonsense".into(),
        agent.ticket(&other),
        stranger.ticket(&session),
        good.to_uppercase(),
        format!("{good}0"),
        format!(" {good}"),
        good[..63].to_owned(),
    ] {
        let body = Some(json!({"ticket": wrong}));
        let reply = buddy.visitor("POST", &session, "/identify?wait=30", body).await;
        reply.expect_problem(403, "INVALID_TICKET");
        let view = buddy.visitor("GET", &session, "", None).await.expect_status(200).json;
        assert_eq!(view, without_token(&session), "{wrong}");
    }
    assert!(endpoint.seen().is_empty());
    let body = Some(json!({"ticket": good}));
    let view = buddy.visitor("POST", &session, "/identify?wait=30", body).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated");
    assert_eq!(endpoint.seen().len(), 1);
}

fn without_token(session: &Session) -> Value {
    let mut view = session.view.clone();
    view.as_object_mut().unwrap().remove("sessionToken");
    view
}

#[tokio::test]
async fn on_a_settled_or_revoked_session_the_ticket_is_not_looked_at() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let wrong = Some(json!({"ticket": "nonsense"}));
    let view = buddy.visitor("POST", &session, "/identify", wrong.clone()).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated");
    let revoke = Some(json!({"sessionId": session.id}));
    buddy.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200);
    let view = buddy.visitor("POST", &session, "/identify", wrong).await.expect_status(200).json;
    assert_eq!(view["status"], "revoked");
    assert_eq!(endpoint.seen().len(), 1, "what is settled is settled once");
}

#[tokio::test]
async fn without_its_ticket_nobody_is_asked_and_nobody_is_signed_in() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"requireTicket": true})).await;
    let at_once = buddy.session(&agent).await;
    let later = buddy.session_to_identify(&agent).await;
    let later = buddy.visitor("POST", &later, "/identify", Some(json!({}))).await.expect_status(200).json;
    for view in [&at_once.view, &later] {
        assert_eq!(view["status"], "anonymous");
        assert_eq!((&view["method"], &view["error"]), (&Value::Null, &Value::Null), "no fault of anybody's");
    }
    assert_eq!(buddy.resolution(&agent, &at_once).await["outcome"], "nobody");
    assert!(endpoint.seen().is_empty());
}

#[tokio::test]
async fn a_session_that_the_businesss_server_began_needs_no_ticket() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"requireTicket": true})).await;
    let begin = Some(json!({"agentId": agent.id}));
    let begun = buddy.software("POST", &agent, "/v1/sessions?wait=30", begin).await.expect_status(201).json;
    assert_eq!(begun["status"], "authenticated");

    let begin = Some(json!({"agentId": agent.id, "identify": false}));
    let rendered =
        Session::of(buddy.software("POST", &agent, "/v1/sessions", begin).await.expect_status(201));
    assert_eq!(rendered.view["status"], "created");
    let view = buddy.visitor("POST", &rendered, "/identify?wait=30", None).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated");
    assert_eq!(endpoint.seen().len(), 2);
}

#[tokio::test]
async fn identify_joins_what_runs_and_is_accepted_while_it_does() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let session = buddy.session_to_identify(&agent).await;
    for _ in 0..3 {
        let view = buddy.visitor("POST", &session, "/identify", None).await.expect_status(202).json;
        assert_eq!(view["status"], "pending");
        assert_eq!((&view["method"], &view["error"]), (&Value::Null, &Value::Null));
    }
    endpoint.has_seen(1).await;
    let read = buddy.visitor("GET", &session, "", None).await.expect_status(200).json;
    assert_eq!(read["status"], "pending");
    let wrong = Some(json!({"ticket": "nonsense"}));
    buddy.visitor("POST", &session, "/identify", wrong).await.expect_problem(403, "INVALID_TICKET");
    let begin = Some(json!({"agentId": agent.id}));
    let begun = buddy.api.call("POST", "/v1/sessions", None, begin).await.expect_status(201).json;
    assert_eq!(begun["status"], "pending");
    assert_eq!(endpoint.seen().iter().filter(|seen| is_of(seen, &session)).count(), 1);
}

fn is_of(seen: &crate::support::Seen, session: &Session) -> bool {
    serde_json::from_slice::<Value>(&seen.body).unwrap()["sessionId"] == session.id
}

#[tokio::test]
async fn everybody_who_waits_for_a_session_is_answered_when_any_call_has_settled_it() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session_to_identify(&agent).await;
    let begun = Instant::now();
    let identity = format!("{}/identity?wait=30", session.path());
    let (read, identity, identified) = tokio::join!(
        buddy.visitor("GET", &session, "?wait=30", None),
        buddy.software("GET", &agent, &identity, None),
        buddy.visitor("POST", &session, "/identify?wait=30", None),
    );
    for reply in [read, identity, identified] {
        assert_eq!(reply.expect_status(200).json["status"], "authenticated");
    }
    assert!(begun.elapsed() < Duration::from_secs(15), "nobody waited for the end of the wait");
    assert_eq!(endpoint.seen().len(), 1);
}

#[tokio::test]
async fn a_wait_is_whole_seconds_from_0_to_30_and_a_wrong_one_changes_nothing() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session_to_identify(&agent).await;
    let identity = format!("{}/identity", session.path());
    let begin = json!({"agentId": agent.id});
    for (wait, status, code) in [
        ("31", 422, "INVALID_VALUE"),
        ("soon", 400, "INVALID_REQUEST"),
        ("1.5", 400, "INVALID_REQUEST"),
        ("-1", 400, "INVALID_REQUEST"),
        ("", 400, "INVALID_REQUEST"),
        ("1&wait=1", 400, "INVALID_REQUEST"),
    ] {
        let query = format!("?wait={wait}");
        let begin = Some(begin.clone());
        let replies = [
            buddy.api.call("POST", &format!("/v1/sessions{query}"), None, begin).await,
            buddy.visitor("GET", &session, &query, None).await,
            buddy.visitor("POST", &session, &format!("/identify{query}"), None).await,
            buddy.software("GET", &agent, &(identity.clone() + &query), None).await,
        ];
        for reply in replies {
            reply.expect_problem(status, code);
        }
    }
    let begun = Instant::now();
    let still = buddy.visitor("GET", &session, "?wait=0", None).await.expect_status(200).json;
    assert_eq!(still, without_token(&session));
    let still = buddy.visitor("GET", &session, "?wait=1", None).await.expect_status(200).json;
    assert_eq!(still["status"], "created");
    let waited = begun.elapsed();
    assert!(waited >= Duration::from_secs(1) && waited < Duration::from_secs(15), "{waited:?}");
    assert!(endpoint.seen().is_empty(), "a refused call asks nobody");
}

#[tokio::test]
async fn a_token_is_for_its_own_session_and_an_id_is_no_credential() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let (session, other) = (buddy.session_to_identify(&agent).await, buddy.session_to_identify(&agent).await);
    let (rest, last) = session.token.split_at(46);
    let altered = format!("{rest}{}", if last == "x" { "y" } else { "x" });
    for (method, call) in [("GET", ""), ("POST", "/identify")] {
        let path = session.path() + call;
        for bearer in [None, Some(&*other.token), Some(&*altered), Some("bst_"), Some(&*session.id)] {
            buddy.api.call(method, &path, bearer, None).await.expect_problem(401, "UNAUTHENTICATED");
        }
        let upper = session.id.to_uppercase();
        let shouted = format!("sess_{}", upper.split_once('_').unwrap().1);
        for id in [NO_SESSION, "nonsense", &agent.id, &upper, &shouted, &session.id[..30], "%00", "%ff"] {
            let path = format!("/v1/sessions/{id}{call}");
            buddy.api.call(method, &path, Some(&session.token), None).await.expect_problem(404, "NOT_FOUND");
        }
    }
    let view = buddy.visitor("GET", &session, "", None).await.expect_status(200).json;
    assert_eq!(view["status"], "created");
}

#[tokio::test]
async fn sessions_end_with_their_agent() {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let (settled, created) = (buddy.session(&agent).await, buddy.session_to_identify(&agent).await);
    let spared = buddy.session_to_identify(&other).await;
    buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
    for session in [&settled, &created] {
        buddy.visitor("GET", session, "", None).await.expect_problem(404, "NOT_FOUND");
        buddy.visitor("POST", session, "/identify", None).await.expect_problem(404, "NOT_FOUND");
    }
    let begin = Some(json!({"agentId": agent.id}));
    buddy.api.call("POST", "/v1/sessions", None, begin).await.expect_problem(404, "NOT_FOUND");
    buddy.visitor("GET", &spared, "", None).await.expect_status(200);
}
