//! What load balancers, Prometheus and people with a code in their log are answered.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use serde_json::json;
use tokio::time::timeout;

use super::ada;
use crate::support::{Answer, Buddy, Endpoint, Setup, unix_now};

#[tokio::test]
async fn the_probes_answer_without_a_credential() {
    let buddy = Buddy::alone();
    for (path, text) in [("/healthz", "ok\n"), ("/readyz", "ready\n")] {
        let reply = buddy.api.call("GET", path, None, None).await.expect_status(200);
        assert_eq!(reply.body, text);
        let refused =
            buddy.api.call("POST", path, None, None).await.expect_problem(405, "METHOD_NOT_ALLOWED");
        assert_eq!(refused.headers["allow"], "GET,HEAD");
    }
}

#[tokio::test]
async fn a_server_that_is_to_stop_is_not_ready_and_answers_for_a_while() {
    let buddy = Setup::new(None).env("BUDDY_DRAIN_SECONDS", "300").start();
    let agent = buddy.bare_agent().await;
    let before = buddy.api.call("GET", "/healthz", None, None).await.expect_status(200);
    assert!(!before.headers.contains_key("connection"));
    buddy.terminate();
    let not_ready = async {
        loop {
            let reply = buddy.api.call("GET", "/readyz", None, None).await;
            if reply.status != 200 {
                return reply;
            }
        }
    };
    let not_ready = timeout(Duration::from_secs(30), not_ready).await.expect("it is told to stop");
    not_ready.expect_problem(503, "NOT_READY");
    let alive = buddy.api.call("GET", "/healthz", None, None).await.expect_status(200);
    assert_eq!(alive.headers["connection"], "close", "the next request goes elsewhere");
    buddy.session(&agent).await;
}

#[tokio::test]
async fn each_code_has_its_page_and_the_page_runs_nothing() {
    let buddy = Buddy::alone();
    for code in
        ["AUTH_CALLBACK_TIMEOUT", "AUTH_CALLBACK_FAILED", "AUTH_CALLBACK_BAD_RESPONSE", "AUTH_NOT_CONFIGURED"]
    {
        let page = buddy.api.call("GET", &format!("/e/{code}"), None, None).await.expect_status(200);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
        let html = String::from_utf8(page.body.to_vec()).unwrap();
        assert!(html.starts_with("<!doctype html>") && html.contains(&format!("<h1>{code}</h1>")), "{html}");
        assert!(!html.contains("<script"), "{html}");
    }
    for path in ["/e/AUTH_NONSENSE", "/e/auth_not_configured", "/e/%3Cscript%3E", "/e/%ff", "/e/", "/e"] {
        buddy.api.call("GET", path, None, None).await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn what_is_nowhere_is_a_problem_too() {
    let buddy = Buddy::alone();
    for path in
        ["/", "/v1", "/v1/", "/v1/agents/", "/v1/nowhere", "/v2/agents", "//v1/agents", "/v1/../metrics"]
    {
        buddy.api.call("GET", path, None, None).await.expect_problem(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_plain_request_id_is_kept_and_any_other_replaced() {
    let buddy = Buddy::alone();
    let long = "a".repeat(64);
    let too_long = "a".repeat(65);
    for path in ["/healthz", "/v1/agents", "/nowhere"] {
        for (id, kept) in [
            ("7f3a-1.B_c", true),
            (&*long, true),
            (&*too_long, false),
            ("", false),
            ("with space", false),
            ("<script>", false),
            ("a\"b", false),
            ("a,b", false),
            ("bücher", false),
        ] {
            let request = buddy.api.request("GET", path).header("x-request-id", id.as_bytes());
            let reply = buddy.api.send(request.body(Body::empty()).unwrap()).await;
            let answered = reply.headers["x-request-id"].to_str().unwrap();
            assert_eq!(answered == id, kept, "{id} was answered {answered}");
            assert!(kept || (answered.len() == 32 && answered.bytes().all(|byte| byte.is_ascii_hexdigit())));
        }
    }
    let fresh = async || buddy.api.call("GET", "/healthz", None, None).await.headers["x-request-id"].clone();
    assert_ne!(fresh().await, fresh().await);
}

/// The label names of a line of Prometheus' text, and its name.
fn parts(line: &str) -> (&str, Vec<(&str, &str)>) {
    let Some((name, rest)) = line.split_once('{') else {
        return (line.split(' ').next().unwrap(), Vec::new());
    };
    let (labels, _) = rest.rsplit_once('}').unwrap();
    let labels = labels.split("\",").map(|label| label.split_once("=\"").unwrap());
    (name, labels.map(|(name, value)| (name, value.trim_end_matches('"'))).collect())
}

#[tokio::test]
async fn the_metrics_count_sessions_and_callbacks_under_bounded_labels() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let bare = buddy.bare_agent().await;
    buddy.session(&bare).await;
    let begin = Some(json!({"agentId": bare.id}));
    buddy.software("POST", &bare, "/v1/sessions", begin).await.expect_status(201);
    buddy.identity(&agent, &session).await;
    for path in ["/nowhere/1", "/nowhere/2", "/e/secret-word"] {
        buddy.api.call("GET", path, None, None).await.expect_status(404);
    }
    let request = buddy.api.request("PURGE", "/nowhere/3").body(Body::empty()).unwrap();
    buddy.api.send(request).await.expect_status(404);

    let reply = buddy.api.call("GET", "/metrics", None, None).await.expect_status(200);
    assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    for line in [
        r#"buddy_sessions_begun_total{opened_by="visitor"} 2"#,
        r#"buddy_sessions_begun_total{opened_by="server"} 1"#,
        r#"buddy_resolutions_total{outcome="authenticated",code="",reason=""} 1"#,
        r#"buddy_resolutions_total{outcome="failed",code="AUTH_NOT_CONFIGURED",reason="not_configured"} 2"#,
        r#"buddy_callback_attempts_total{number="1",reused_connection="false"} 1"#,
        r#"buddy_callback_phase_duration_seconds_count{phase="tls"} 1"#,
        r#"buddy_resolution_duration_seconds_count{outcome="authenticated"} 1"#,
        "buddy_callbacks_in_flight 0",
        r#"buddy_http_requests_total{method="GET",route="none",status="404"} 2"#,
        r#"buddy_http_requests_total{method="other",route="none",status="404"} 1"#,
        r#"buddy_http_requests_total{method="GET",route="/e/{code}",status="404"} 1"#,
        r#"buddy_http_requests_total{method="GET",route="/v1/sessions/{sessionId}/identity",status="200"} 1"#,
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(text.contains("buddy_identified_share 0.33"), "one of three: {text}");
    let known = BTreeSet::from([
        "opened_by",
        "outcome",
        "code",
        "reason",
        "number",
        "reused_connection",
        "phase",
        "le",
        "method",
        "route",
        "status",
        "version",
        "kind",
    ]);
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, labels) = parts(line);
        assert!(name.starts_with("buddy_") || name == "process_start_time_seconds", "{line}");
        for (label, value) in labels {
            assert!(known.contains(label), "{line}");
            let telling = ["agt_", "sess_", "res_", "nowhere", "secret-word", "1815", "127.0.0.1"];
            assert!(!telling.iter().any(|part| value.contains(part)), "{line}");
        }
        assert!(text.contains(&format!("# TYPE {}", base(name))), "{name} has no type");
    }
}

#[tokio::test]
async fn the_metrics_say_how_the_node_is_and_what_it_holds() {
    let begun = unix_now();
    let buddy = Setup::new(None).env("BUDDY_MAX_CONNECTIONS", "77").env("BUDDY_MAX_PENDING", "66").start();
    buddy.api.call("GET", "/readyz", None, None).await.expect_status(200);
    let agent = buddy.bare_agent().await;
    let session = buddy.session(&agent).await;
    let before = buddy.scrape().await;
    let build = format!(r#"buddy_build_info{{version="{}"}} 1"#, env!("CARGO_PKG_VERSION"));
    let well = [
        &*build,
        "buddy_connections_max 77",
        "buddy_sessions_pending 0",
        "buddy_sessions_pending_max 66",
        "buddy_sessions_refused_total 0",
        "buddy_sessions_taken_over_total 0",
        "buddy_sessions_given_up_total 0",
        "buddy_tenure 1",
        "buddy_draining 0",
        "buddy_clock_offset_seconds 0",
        r#"buddy_store_failures_total{kind="unavailable"} 0"#,
        r#"buddy_store_failures_total{kind="sealed"} 0"#,
        r#"buddy_store_failures_total{kind="unreadable"} 0"#,
        r#"buddy_event_streams{kind="session"} 0"#,
        r#"buddy_event_streams{kind="agent"} 0"#,
        r#"buddy_event_streams{kind="resolutions"} 0"#,
    ];
    before.expect(&well);
    let started = Duration::from_secs_f64(before.value("process_start_time_seconds"));
    let since = i64::try_from(started.as_secs()).unwrap() - begun;
    assert!((0..60).contains(&since), "started {since} s after it was told to");
    assert!(before.value("buddy_sqlite_wal_bytes") > 0.0 && !before.text().contains("buddy_postgres_"));
    assert!(before.value("buddy_connections") >= 1.0, "the one that asks");
    let streams = (
        buddy.listen(&session, None).await,
        buddy.listen_to_all(&agent, None).await,
        buddy.listen_to_resolutions(&agent, "", None).await,
    );
    let meanwhile = buddy.scrape().await;
    let open = [
        r#"buddy_event_streams{kind="session"} 1"#,
        r#"buddy_event_streams{kind="agent"} 1"#,
        r#"buddy_event_streams{kind="resolutions"} 1"#,
    ];
    meanwhile.expect(&open);
    assert!(meanwhile.value("buddy_connections") >= 4.0, "three streams, and the one that asks");
    drop(streams);
    let closed = async { while buddy.scrape().await.value("buddy_connections") >= 4.0 {} };
    timeout(Duration::from_secs(30), closed).await.expect("a connection that is closed counts no more");
    buddy.scrape().await.expect(&well);
}

#[tokio::test]
async fn a_session_that_finds_no_place_is_counted_and_the_store_has_not_failed() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Setup::new(Some(&endpoint.ca_pem)).env("BUDDY_MAX_PENDING", "1").start();
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let begin = || Some(json!({"agentId": agent.id}));
    buddy.software("POST", &agent, "/v1/sessions", begin()).await.expect_status(201);
    let refused = buddy.software("POST", &agent, "/v1/sessions", begin()).await;
    refused.expect_problem(503, "OVERLOADED");
    let said = [
        "buddy_sessions_pending 1",
        "buddy_sessions_refused_total 1",
        r#"buddy_store_failures_total{kind="unavailable"} 0"#,
    ];
    buddy.scrape().await.expect(&said);
}

/// A histogram's own name.
fn base(name: &str) -> &str {
    ["_bucket", "_count", "_sum"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name)
}
