//! Traces, from the request to the receiver: which spans there are and what is in them, who may have a trace continued, and
//! that no receiver holds anybody up.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use buddy_shop::certificate::Authority;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Agent, Answer, Buddy, Endpoint, Receiver, Reply, Seen, Session, Setup, Takes, Told};

const GIVEN_TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const GIVEN_SPAN: &str = "00f067aa0ba902b7";
/// More than an end with a receiver that hangs takes, and less than a server that waits for it would.
const END_MAX: Duration = Duration::from_secs(8);

fn tracing(endpoint: &Endpoint, receiver: &Receiver) -> Setup {
    Setup::new(Some(&endpoint.ca_pem)).env("BUDDY_OTLP_ENDPOINT", &receiver.url())
}

async fn signed_in() -> Endpoint {
    Endpoint::open(|_| Answer::json(json!({"userId": "42"}))).await
}

/// Begins a session as somebody who is being traced, sampled or not.
async fn session_within(buddy: &Buddy, agent: &Agent, key: Option<&str>, sampled: bool) -> Session {
    let flags = if sampled { "01" } else { "00" };
    let mut request = buddy
        .api
        .request("POST", "/v1/sessions?wait=30")
        .header("content-type", "application/json")
        .header("traceparent", format!("00-{GIVEN_TRACE}-{GIVEN_SPAN}-{flags}"))
        .header("tracestate", "vendor=word");
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let body = Body::from(json!({"agentId": agent.id}).to_string());
    Session::of(buddy.api.send(request.body(body).unwrap()).await.expect_status(201))
}

/// The fields of the `traceparent` that the endpoint was sent.
fn continued(seen: &Seen) -> [String; 4] {
    let fields: Vec<_> = seen.header("traceparent").split('-').map(str::to_owned).collect();
    assert!(!seen.headers.contains_key("tracestate") && !seen.headers.contains_key("baggage"));
    fields.try_into().expect("four fields")
}

fn spans_of(told: &[Told], session: &Session) -> Vec<Told> {
    let trace = told.iter().find(|span| span.attributes.get("buddy.session.id") == Some(&json!(session.id)));
    let trace = &trace.expect("a span of the session").trace_id;
    told.iter().filter(|span| span.trace_id == *trace).cloned().collect()
}

fn metric(metrics: &Reply, result: &str) -> Option<u64> {
    let text = String::from_utf8_lossy(&metrics.body).into_owned();
    let line = format!("buddy_trace_spans_total{{result=\"{result}\"}} ");
    text.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_one_trace_that_goes_on_at_the_endpoint_and_in_the_log() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    let buddy = tracing(&endpoint, &receiver)
        .env("BUDDY_OTLP_HEADERS", "Authorization=Bearer%20abc,X-Tenant=shop")
        .env("OTEL_EXPORTER_OTLP_HEADERS", "x-foreign=1")
        .start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    let resolution = buddy.resolution(&agent, &session).await;
    let (status, _, setup) = buddy.stop();
    assert!(status.success(), "{status}");

    let spans = receiver.spans();
    assert_eq!(spans.len(), 4, "what was made is delivered before the end: {spans:?}");
    let (request, identify) = (Told::named(&spans, "POST /v1/sessions"), Told::named(&spans, "identify"));
    let (attempt, store) = (Told::named(&spans, "POST"), Told::named(&spans, "store create_session"));
    identify.assert_below(request);
    attempt.assert_below(identify);
    store.assert_below(request);
    assert_eq!(
        [request, identify, attempt, store].map(|span| span.kind.as_str()),
        ["server", "internal", "client", "internal"]
    );
    assert!(request.parent.is_empty() && spans.iter().all(|span| span.error.is_none()));
    assert!(
        attempt.end <= identify.end && identify.end <= store.end && store.end <= request.end,
        "{spans:?}"
    );
    assert_request(request, &session);
    assert_resolution(identify, &resolution);
    assert_attempt(attempt, &endpoint);

    let [seen] = &endpoint.seen()[..] else { panic!("one request") };
    let expected = ["00".to_owned(), request.trace_id.clone(), attempt.id.clone(), "01".to_owned()];
    assert_eq!(continued(seen), expected);
    let log = setup.log();
    let settled: Value =
        serde_json::from_str(log.lines().find(|line| line.contains("session settled")).unwrap()).unwrap();
    assert_eq!(settled["trace_id"], request.trace_id.as_str());
    assert_eq!(settled["request_id"], request.attributes["buddy.request.id"]);

    for post in receiver.posts() {
        assert_eq!(post.path_and_query, "/v1/traces");
        assert_eq!(post.headers["content-type"], "application/x-protobuf");
        assert_eq!(
            (&post.headers["authorization"], &post.headers["x-tenant"]),
            (&"Bearer abc".parse().unwrap(), &"shop".parse().unwrap())
        );
        assert!(!post.headers.contains_key("x-foreign"), "{:?}", post.headers);
        assert_eq!(post.resource["service.name"], "buddy");
        assert_eq!(post.resource["service.version"], env!("CARGO_PKG_VERSION"));
    }
    assert!(!log.contains("abc"), "{log}");
}

fn assert_request(span: &Told, session: &Session) {
    let mut attributes = span.attributes.clone();
    let id = attributes.remove("buddy.request.id").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 32);
    let expected = json!({
        "http.request.method": "POST", "http.route": "/v1/sessions", "url.path": "/v1/sessions", "url.scheme": "http",
        "http.response.status_code": 201, "buddy.session.id": session.id,
    });
    assert_eq!(json!(attributes), expected);
}

fn assert_resolution(span: &Told, resolution: &Value) {
    let expected = json!({
        "buddy.agent.id": resolution["agentId"], "buddy.session.id": resolution["sessionId"],
        "buddy.resolution.id": resolution["resolutionId"], "buddy.outcome": "authenticated", "buddy.attempts": 1,
    });
    assert_eq!(json!(span.attributes), expected);
}

fn assert_attempt(span: &Told, endpoint: &Endpoint) {
    let port: u16 = endpoint.url().rsplit(':').next().unwrap().split('/').next().unwrap().parse().unwrap();
    let expected = json!({
        "http.request.method": "POST", "http.response.status_code": 200,
        "server.address": "localhost", "server.port": port, "url.scheme": "https",
        "buddy.attempt": 1, "buddy.signed_with": "current", "buddy.connection.reused": false,
    });
    assert_eq!(json!(span.attributes), expected, "of the URL only the host");
    let names: Vec<_> = span.events.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["queue", "dns", "connect", "tls", "headers", "body"]);
    assert!(span.events.iter().all(|(_, at)| (span.start..=span.end).contains(at)), "{span:?}");
    assert!(span.events.is_sorted_by_key(|(_, at)| *at), "{span:?}");
}

#[tokio::test]
async fn what_fails_at_the_endpoint_is_an_error_with_its_code_and_reason() {
    let asked = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang,
        _ => Answer::With(503, String::new()),
    })
    .await;
    let receiver = Receiver::open().await;
    let buddy = tracing(&endpoint, &receiver).start();
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 200})).await;
    let session = buddy.session(&agent).await;
    let spans = spans_of(&receiver.has_spans(5).await, &session);
    let identify = Told::named(&spans, "identify");
    assert_eq!(identify.error.as_deref(), Some("http_status"));
    for (name, expected) in [
        ("buddy.outcome", "failed"),
        ("buddy.code", "AUTH_CALLBACK_FAILED"),
        ("buddy.reason", "http_status"),
        ("error.type", "AUTH_CALLBACK_FAILED"),
    ] {
        assert_eq!(identify.attributes[name], expected);
    }
    let mut attempts: Vec<_> = spans.iter().filter(|span| span.name == "POST").collect();
    attempts.sort_by_key(|span| span.start);
    let [first, second] = attempts[..] else { panic!("{spans:?}") };
    for attempt in [first, second] {
        attempt.assert_below(identify);
    }
    assert_eq!(
        (first.error.as_deref(), second.error.as_deref()),
        (Some("timeout_headers"), Some("http_status"))
    );
    assert!(!first.attributes.contains_key("http.response.status_code"));
    assert_eq!(second.attributes["http.response.status_code"], 503);
    assert_eq!(second.attributes["http.request.resend_count"], 1);
    assert!(Told::named(&spans, "POST /v1/sessions").error.is_none(), "the visitor was answered well");
    let parents: Vec<_> = endpoint.seen().iter().map(|seen| continued(seen)[2].clone()).collect();
    assert_eq!(parents, [first.id.clone(), second.id.clone()], "each sending is a parent of its own");
}

#[tokio::test]
async fn begin_and_identify_are_two_traces_of_one_session() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    let buddy = tracing(&endpoint, &receiver).start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &session, "/identify?wait=30", None).await.expect_status(200);
    let spans = receiver.has_spans(7).await;
    let begin = Told::named(&spans, "POST /v1/sessions");
    let identified = Told::named(&spans, "POST /v1/sessions/{sessionId}/identify");
    for span in [begin, identified, Told::named(&spans, "identify")] {
        assert_eq!(span.attributes["buddy.session.id"], session.id.as_str());
    }
    Told::named(&spans, "store create_session").assert_below(begin);
    for name in ["identify", "store begin_identify", "store settle_session"] {
        Told::named(&spans, name).assert_below(identified);
    }
    assert_ne!(begin.trace_id, identified.trace_id);
    assert!(!identified.attributes.contains_key("url.path"), "{identified:?}");
}

#[tokio::test]
async fn a_visitors_traceparent_counts_for_nothing_and_that_of_an_agents_software_is_continued() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    // A proxy that is trusted for addresses is not for traces.
    let buddy = tracing(&endpoint, &receiver).env("BUDDY_TRUSTED_PROXIES", "127.0.0.0/8").start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let visitors = session_within(&buddy, &agent, None, true).await;
    let unsampled_visitors = session_within(&buddy, &agent, None, false).await;
    let servers = session_within(&buddy, &agent, Some(&agent.key), true).await;
    let unsampled = session_within(&buddy, &agent, Some(&agent.key), false).await;
    let spans = receiver.has_spans(12).await;
    for session in [&visitors, &unsampled_visitors] {
        let spans = spans_of(&spans, session);
        let request = Told::named(&spans, "POST /v1/sessions");
        assert!(request.trace_id != GIVEN_TRACE && request.parent.is_empty(), "{request:?}");
    }
    let continued_spans = spans_of(&spans, &servers);
    assert_eq!(continued_spans.len(), 4);
    let request = Told::named(&continued_spans, "POST /v1/sessions");
    assert_eq!((request.trace_id.as_str(), request.parent.as_str()), (GIVEN_TRACE, GIVEN_SPAN));
    let [_, _, of_servers, of_unsampled] = &endpoint.seen()[..] else { panic!("four requests") };
    let [_, trace, span, flags] = continued(of_servers);
    assert_eq!((trace.as_str(), flags.as_str()), (GIVEN_TRACE, "01"));
    assert_eq!(span, Told::named(&continued_spans, "POST").id);
    let [_, trace, _, flags] = continued(of_unsampled);
    assert_eq!((trace.as_str(), flags.as_str()), (GIVEN_TRACE, "00"), "handed on, and not recorded");
    assert!(spans.iter().all(|span| span.attributes.get("buddy.session.id") != Some(&json!(unsampled.id))));
}

#[tokio::test]
async fn a_trusted_proxy_decides_for_the_visitors_whose_traceparent_it_sets() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    let buddy = tracing(&endpoint, &receiver)
        .env("BUDDY_TRUSTED_PROXIES", "127.0.0.0/8")
        .env("BUDDY_OTLP_TRUST_PROXIES", "true")
        .env("BUDDY_OTLP_SAMPLE", "0")
        .start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let of_its_own = buddy.session(&agent).await;
    let within = session_within(&buddy, &agent, None, true).await;
    let spans = receiver.has_spans(4).await;
    assert_eq!(spans_of(&spans, &within).len(), spans.len(), "nothing of {}: {spans:?}", of_its_own.id);
    let request = Told::named(&spans, "POST /v1/sessions");
    assert_eq!((request.trace_id.as_str(), request.parent.as_str()), (GIVEN_TRACE, GIVEN_SPAN));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_of_none_records_none_and_software_cannot_force_it() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    let buddy = tracing(&endpoint, &receiver).env("BUDDY_OTLP_SAMPLE", "0").start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let session = buddy.session(&agent).await;
    session_within(&buddy, &agent, Some(&agent.key), true).await;
    let resolution = buddy.resolution(&agent, &session).await;
    buddy.stop();
    assert!(receiver.posts().is_empty(), "not so much as a connection is made");
    let [untraced, handed_on] = &endpoint.seen()[..] else { panic!("two requests") };
    let [_, trace, _, flags] = continued(untraced);
    let id: buddy_core::id::ResolutionId = resolution["resolutionId"].as_str().unwrap().parse().unwrap();
    assert_eq!((trace, flags.as_str()), (id.uuid().simple().to_string(), "00"), "as without traces");
    let [_, trace, _, flags] = continued(handed_on);
    assert_eq!((trace.as_str(), flags.as_str()), (GIVEN_TRACE, "00"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_endpoint_nothing_is_sent_whatever_the_environment_says() {
    let (endpoint, receiver) = (signed_in().await, Receiver::open().await);
    let buddy = Setup::new(Some(&endpoint.ca_pem))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", &receiver.url())
        .env("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &receiver.url())
        .start();
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    session_within(&buddy, &agent, Some(&agent.key), true).await;
    let metrics = buddy.api.call("GET", "/metrics", None, None).await;
    assert_eq!(metric(&metrics, "exported"), None);
    let (_, _, setup) = buddy.stop();
    assert!(receiver.posts().is_empty());
    assert_ne!(continued(&endpoint.seen()[0])[1], GIVEN_TRACE);
    assert!(!setup.log().contains("trace_id"), "{}", setup.log());
}

#[tokio::test]
async fn a_receiver_behind_tls_is_believed_by_the_roots_of_the_operator() {
    let authority = Authority::new().unwrap();
    let receiver = Receiver::open_under(&authority).await;
    let buddy = Setup::new(Some(&authority.pem())).env("BUDDY_OTLP_ENDPOINT", &receiver.url()).start();
    let agent = buddy.bare_agent().await;
    let session = buddy.session(&agent).await;
    let spans = receiver.has_spans(2).await;
    assert_eq!(spans_of(&spans, &session).len(), 2, "{spans:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_of_the_receiver_is_one_warning_and_its_spans_are_counted() {
    let receiver = Receiver::deciding(|number| Takes::With(if number < 2 { 400 } else { 200 })).await;
    let buddy = Setup::new(None).env("BUDDY_OTLP_ENDPOINT", &receiver.url()).start();
    let agent = buddy.bare_agent().await;
    for posts in 1..=3 {
        assert_eq!(buddy.session(&agent).await.view["status"], "anonymous");
        receiver.has_posts(posts).await;
    }
    let metrics = buddy.api.call("GET", "/metrics", None, None).await;
    assert_eq!((metric(&metrics, "not_delivered"), metric(&metrics, "queue_full")), (Some(4), Some(0)));
    let (_, _, setup) = buddy.stop();
    let log = setup.log();
    assert_eq!(log.matches("traces are not delivered").count(), 1, "{log}");
    assert_eq!(log.matches("traces are delivered again").count(), 1, "{log}");
    assert!(log.contains("status code: 400"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receiver_that_is_away_or_hangs_holds_up_neither_a_session_nor_the_end() {
    let hanging = Receiver::deciding(|_| Takes::Hang).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let away = format!("http://{}", taken.local_addr().unwrap());
    drop(taken);
    let endpoint = signed_in().await;
    for (url, hangs) in [(hanging.url(), true), (away, false)] {
        let buddy = Setup::new(Some(&endpoint.ca_pem)).env("BUDDY_OTLP_ENDPOINT", &url).start();
        let agent = buddy.agent(&endpoint.url(), json!({})).await;
        assert_eq!(buddy.session(&agent).await.view["status"], "authenticated");
        if hangs {
            hanging.has_posts(1).await;
        }
        assert_eq!(buddy.session(&agent).await.view["status"], "authenticated");
        let begun = Instant::now();
        let (status, _, setup) = buddy.stop();
        assert!(status.success() && begun.elapsed() < END_MAX, "{status} after {:?}", begun.elapsed());
        let log = setup.log();
        assert!(log.contains("not delivered"), "{log}");
    }
}

#[tokio::test]
async fn a_session_that_is_taken_up_after_a_crash_is_a_trace_of_its_own() {
    let asked = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Answer::Hang,
        _ => Answer::json(json!({"userId": "42"})),
    })
    .await;
    let receiver = Receiver::open().await;
    let buddy = tracing(&endpoint, &receiver).start();
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 10_000})).await;
    let session = buddy.session_to_identify(&agent).await;
    buddy.visitor("POST", &session, "/identify", None).await.expect_status(202);
    endpoint.has_seen(1).await;
    receiver.has_spans(4).await;
    let buddy = buddy.kill().start();
    let spans = receiver.has_spans(8).await;
    assert_eq!(buddy.identity(&agent, &session).await["status"], "authenticated");
    let taken_up = Told::named(&spans, "take up");
    assert!(taken_up.parent.is_empty());
    assert_eq!(taken_up.attributes["buddy.session.id"], session.id.as_str());
    let identify = Told::named(&spans, "identify");
    identify.assert_below(taken_up);
    Told::named(&spans, "POST").assert_below(identify);
    Told::named(&spans, "store settle_session").assert_below(taken_up);
}
