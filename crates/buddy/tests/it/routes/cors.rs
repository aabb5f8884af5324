//! Which pages' browsers may use the API: those of an agent's `allowedOrigins`, on the visitor's calls only.

use axum::body::Body;
use serde_json::json;

use super::NO_MESSAGE;
use crate::support::{ADMIN_TOKEN, Agent, Buddy, Reply, Session};

const ALLOWED: &str = "https://shop.example";
const OTHERS: &str = "https://other.example";
const FOREIGN: &str = "https://evil.example";

/// Two agents, the first with a session: each has an origin of its own.
async fn scene() -> (Buddy, Agent, Agent, Session) {
    let buddy = Buddy::alone();
    let (agent, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let origins = Some(json!({"allowedOrigins": [OTHERS]}));
    buddy.operator("PATCH", &other.path(), origins).await.expect_status(200);
    let session = buddy.session_to_identify(&agent).await;
    (buddy, agent, other, session)
}

async fn preflight(buddy: &Buddy, path: &str, origin: &str, method: &str) -> Reply {
    let request = buddy
        .api
        .request("OPTIONS", path)
        .header("origin", origin)
        .header("access-control-request-method", method)
        .header("access-control-request-headers", "authorization,content-type");
    buddy.api.send(request.body(Body::empty()).unwrap()).await
}

async fn call(buddy: &Buddy, method: &str, path: &str, origin: &str, bearer: &str, body: &str) -> Reply {
    let mut request = buddy.api.request(method, path).header("origin", origin);
    if !bearer.is_empty() {
        request = request.header("authorization", format!("Bearer {bearer}"));
    }
    if !body.is_empty() {
        request = request.header("content-type", "application/json");
    }
    buddy.api.send(request.body(Body::from(body.to_owned())).unwrap()).await
}

fn list(reply: &Reply, header: &str) -> Vec<String> {
    let values = reply.headers.get_all(header).iter();
    let mut names: Vec<_> = values
        .flat_map(|value| value.to_str().unwrap().split(','))
        .map(|name| name.trim().to_lowercase())
        .collect();
    names.sort();
    names
}

/// The page of this origin may read the answer, or not; caches are told that it depends on the origin.
#[track_caller]
fn readable(reply: &Reply, origin: Option<&str>) {
    let allowed = reply.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
    assert_eq!(allowed, origin, "{reply:?}");
    assert!(list(reply, "vary").contains(&"origin".to_owned()), "{reply:?}");
    assert!(!reply.headers.contains_key("access-control-allow-credentials"), "no cookie is ever of use");
}

#[track_caller]
fn without_cors(reply: &Reply) {
    let cors = reply.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(cors, None, "{reply:?}");
}

#[tokio::test]
async fn a_preflight_allows_the_origins_of_agents_and_no_others() {
    let (buddy, _, _, session) = scene().await;
    let identify = session.path() + "/identify";
    let (messages, stream) = (session.path() + "/messages", session.path() + "/messages/stream");
    for (path, method, origin, allowed) in [
        ("/v1/sessions", "POST", ALLOWED, true),
        // Which agent it is for is in the body, which comes later.
        ("/v1/sessions", "POST", OTHERS, true),
        ("/v1/sessions", "POST", FOREIGN, false),
        ("/v1/sessions", "POST", "null", false),
        (&session.path(), "GET", ALLOWED, true),
        (&session.path(), "GET", OTHERS, false),
        (&session.path(), "GET", FOREIGN, false),
        (&identify, "POST", ALLOWED, true),
        (&messages, "POST", ALLOWED, true),
        (&messages, "GET", ALLOWED, true),
        (&messages, "GET", OTHERS, false),
        (&stream, "GET", ALLOWED, true),
        (&stream, "GET", FOREIGN, false),
        (&identify, "POST", OTHERS, false),
        (&identify, "POST", "null", false),
        ("/v1/sessions/nonsense", "GET", ALLOWED, false),
        ("/v1/sessions/sess_01h455vb4pex5vsknk084sn02q", "GET", ALLOWED, false),
    ] {
        let answer = preflight(&buddy, path, origin, method).await;
        readable(&answer, allowed.then_some(origin));
        if allowed {
            assert!(answer.status.is_success(), "{answer:?}");
            assert_eq!(list(&answer, "access-control-allow-methods"), ["get", "post"]);
            let headers = list(&answer, "access-control-allow-headers");
            assert_eq!(headers, ["authorization", "content-type", "last-event-id"]);
            assert_eq!(answer.headers["access-control-max-age"], "600");
        }
    }
}

#[tokio::test]
async fn an_answer_is_readable_by_the_pages_of_the_agent_only_errors_included() {
    let (buddy, agent, other, session) = scene().await;
    let begin = |agent: &Agent| json!({"agentId": agent.id, "identify": false}).to_string();
    let begun = call(&buddy, "POST", "/v1/sessions", ALLOWED, "", &begin(&agent)).await.expect_status(201);
    readable(&begun, Some(ALLOWED));
    assert_eq!(list(&begun, "access-control-expose-headers"), ["retry-after", "x-request-id"]);
    let refused = call(&buddy, "POST", "/v1/sessions", FOREIGN, "", &begin(&agent)).await;
    readable(&refused.expect_problem(403, "ORIGIN_NOT_ALLOWED"), None);
    let wrong_agent = call(&buddy, "POST", "/v1/sessions", ALLOWED, "", &begin(&other)).await;
    wrong_agent.expect_problem(403, "ORIGIN_NOT_ALLOWED");

    for (method, path) in [
        ("GET", session.path()),
        ("POST", session.path() + "/identify?wait=31"),
        ("GET", session.path() + "/messages"),
        ("POST", session.path() + "/messages"),
        ("GET", session.path() + "/messages/stream?x"),
    ] {
        for (origin, token, allowed) in [
            (ALLOWED, &*session.token, true),
            (ALLOWED, "bst_wrong", true),
            (OTHERS, &*session.token, false),
            (FOREIGN, &*session.token, false),
            ("null", &*session.token, false),
        ] {
            let answer = call(&buddy, method, &path, origin, token, "").await;
            readable(&answer, allowed.then_some(origin));
        }
    }
    let plain = buddy.visitor("GET", &session, "", None).await.expect_status(200);
    readable(&plain, None);
}

#[tokio::test]
async fn an_origin_that_is_taken_back_may_read_no_more() {
    let (buddy, agent, _, session) = scene().await;
    let before = call(&buddy, "GET", &session.path(), ALLOWED, &session.token, "").await;
    readable(&before, Some(ALLOWED));
    let none = Some(json!({"allowedOrigins": []}));
    buddy.operator("PATCH", &agent.path(), none).await.expect_status(200);
    readable(&call(&buddy, "GET", &session.path(), ALLOWED, &session.token, "").await, None);
    readable(&preflight(&buddy, "/v1/sessions", ALLOWED, "POST").await, None);
}

#[tokio::test]
async fn no_page_is_ever_answered_on_the_calls_of_operators_and_of_agents_software() {
    let (buddy, agent, _, session) = scene().await;
    for (method, path, bearer) in [
        ("GET", session.path() + "/identity", &*agent.key),
        ("POST", "/v1/sessions/revoke".into(), &*agent.key),
        ("POST", session.path() + "/messages/" + NO_MESSAGE + "/append", &*agent.key),
        ("GET", "/v1/messages/stream?x".into(), &*agent.key),
        ("GET", "/v1/agents".into(), ADMIN_TOKEN),
        ("GET", agent.path(), ADMIN_TOKEN),
        ("GET", agent.path() + "/callback", ADMIN_TOKEN),
        ("GET", agent.path() + "/api-keys", ADMIN_TOKEN),
        ("GET", agent.path() + "/resolutions", ADMIN_TOKEN),
        ("GET", "/v1/openapi.json".into(), ""),
        ("GET", "/healthz".into(), ""),
        ("GET", "/readyz".into(), ""),
        ("GET", "/metrics".into(), ""),
        ("GET", "/e/AUTH_CALLBACK_FAILED".into(), ""),
        ("GET", "/nowhere".into(), ""),
    ] {
        let body = if method == "POST" { r#"{"userId":"1"}"# } else { "" };
        let answer = call(&buddy, method, &path, ALLOWED, bearer, body).await;
        without_cors(&answer);
        let refused = preflight(&buddy, &path, ALLOWED, method).await;
        without_cors(&refused);
        assert!(refused.status.is_client_error(), "{refused:?}");
    }
}
