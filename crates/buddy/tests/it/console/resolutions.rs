//! From the start page to why a session is anonymous.

use std::collections::BTreeSet;

use serde_json::json;

use super::{Browser, header, screen, text, unescaped};
use crate::routes::{NO_RESOLUTION, NO_SESSION};
use crate::support::{Agent, Answer, Buddy, Endpoint, Session};

#[tokio::test]
async fn a_session_that_was_revoked_is_found_still() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let session = buddy.session(&agent).await;
    let revoke = Some(json!({"sessionId": session.id}));
    buddy.software("POST", &agent, "/v1/sessions/revoke", revoke).await.expect_status(200);
    let browser = Browser::signed_in(&buddy).await;
    assert!(found(&browser, &session).await.contains("The agent has no enabled callback."));
}

/// An endpoint whose answer hangs on how often it was asked: a user, nobody, 401, and a body without a userId.
async fn endpoint() -> Endpoint {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Endpoint::open(move |_| match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
        0 => Answer::json(
            json!({"userId": "ada12345", "role": 7, "customAttributes": {"plan": "gold", "n": 1}}),
        ),
        1 => Answer::With(204, String::new()),
        2 => Answer::With(401, "no".into()),
        _ => Answer::json(json!({"user_id": "ada12345", "CANARY": "x"})),
    })
    .await
}

async fn history(endpoint: &Endpoint) -> (Buddy, Agent, Vec<Session>) {
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let mut sessions = Vec::new();
    for _ in 0..4 {
        sessions.push(buddy.session(&agent).await);
    }
    (buddy, agent, sessions)
}

/// The page that a session's id leads to.
async fn found(browser: &Browser<'_>, session: &Session) -> String {
    let searched = browser.get(&format!("/console/search?q=+{}+", session.id)).await.expect_status(303);
    let of_session = browser.get(header(&searched, "location")).await.expect_status(303);
    browser.page(header(&of_session, "location")).await
}

#[tokio::test]
async fn a_sessions_id_leads_to_what_happened_and_why() {
    let endpoint = endpoint().await;
    let (buddy, _agent, sessions) = history(&endpoint).await;
    let browser = Browser::signed_in(&buddy).await;
    for (session, expected) in sessions.iter().zip([
        &[
            "The endpoint named the session’s user.",
            "→ authenticated",
            "role was dropped: send a string, null, or leave it out.",
            "<code>customAttributes: 2 members, role: integer(1), userId: string(8)</code>",
        ][..],
        &["The endpoint said that nobody is signed in.", "204 No Content → anonymous"],
        &[
            "The endpoint answered 401.",
            "401 or 403 mostly means that the signature did not match",
            "a status other than 2xx → AUTH_CALLBACK_FAILED, not tried again",
            "<code>http_status</code>, <a href=\"/e/AUTH_CALLBACK_FAILED\">",
        ],
        &[
            "The answer has no userId.",
            "Send one, or answer 204 when nobody is signed in.",
            "2xx, and userId missing or null → AUTH_CALLBACK_BAD_RESPONSE",
            "<code>user_id: string(8), 1 other</code>",
        ],
    ]) {
        let page = unescaped(&found(&browser, session).await);
        for text in expected {
            assert!(page.contains(text), "{text}: {page}");
        }
        assert!(page.contains(&session.id) && !page.contains("ada12345") && !page.contains("CANARY"));
    }
}

#[tokio::test]
async fn the_request_id_of_an_endpoints_log_leads_there_too() {
    let endpoint = endpoint().await;
    let (buddy, _agent, sessions) = history(&endpoint).await;
    let browser = Browser::signed_in(&buddy).await;
    let seen = endpoint.seen();
    let found = browser.get(&format!("/console/search?q={}", seen[2].header("x-platform-request-id"))).await;
    let page = browser.page(header(&found.expect_status(303), "location")).await;
    assert!(page.contains(&sessions[2].id));
    browser.get(&format!("/console/search?q={NO_RESOLUTION}")).await.expect_status(404);
}

#[tokio::test]
async fn the_request_is_shown_as_it_was_sent_and_can_be_sent_again_by_hand() {
    let endpoint = endpoint().await;
    let (buddy, agent, sessions) = history(&endpoint).await;
    let browser = Browser::signed_in(&buddy).await;
    let page = unescaped(&found(&browser, &sessions[2]).await);
    let sent = &endpoint.seen()[2];
    let signature = sent.header("x-platform-signature");
    assert!(page.contains(&format!("x-platform-signature: {}…\n", &signature[..8])), "{page}");
    assert!(!page.contains(signature) && !page.contains(&agent.secret));
    let shown = page.split("<pre").nth(1).unwrap().split('>').nth(1).unwrap().split("</pre").next().unwrap();
    let (head, body) = shown.split_once("\n\n").unwrap();
    assert_eq!(body.as_bytes(), &sent.body[..], "byte for byte");
    assert!(head.starts_with("POST /buddy/identity?shop=1 HTTP/1.1\nhost: localhost:"), "{head}");
    for name in [
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "x-platform-request-id",
        "x-platform-attempt",
        "content-length",
    ] {
        assert!(head.contains(&format!("{name}: {}", sent.header(name))), "{name} in {head}");
    }
    // All that was sent is named.
    let named = |name: &str| head.lines().any(|line| line.starts_with(&format!("{name}: ")));
    assert!(sent.headers.keys().all(|name| named(name.as_str())), "{:?} in {head}", sent.headers);
    assert!(
        page.contains("BODY='{\"sessionId\":\"") && page.contains("-H \"x-platform-signature: $SIGNATURE\"")
    );
}

#[tokio::test]
async fn the_time_is_drawn_and_told_in_numbers() {
    let endpoint = Endpoint::open(|_| Answer::Hang).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"timeoutMs": 1000})).await;
    let session = buddy.session(&agent).await;
    let browser = Browser::signed_in(&buddy).await;
    let page = found(&browser, &session).await;
    assert!(
        page.contains("The endpoint took the request but did not begin to answer in time, in both attempts.")
    );
    let drawing = page.split("<svg class=\"fall\"").nth(1).unwrap().split("</svg>").next().unwrap();
    assert_eq!(drawing.matches("class=\"headers\"").count(), 2, "{drawing}");
    assert!(drawing.contains(">Attempt 1<") && drawing.contains(">Attempt 2<"));
    for class in ["queue", "dns", "connect", "tls"] {
        assert!(drawing.contains(&format!("<rect class=\"{class}\"")), "{class} in {drawing}");
    }
    let number = |part: &str| part.split('"').next().unwrap().parse::<f64>().unwrap();
    let right = |rect: &str| {
        number(rect.split(" x=\"").nth(1).unwrap()) + number(rect.split(" width=\"").nth(1).unwrap())
    };
    assert!(drawing.split("<rect").skip(1).all(|rect| right(rect) <= 815.0), "within the picture: {drawing}");
    let rows = page.split("<th scope=\"row\">").skip(1).collect::<Vec<_>>();
    assert_eq!(rows.len(), 2);
    assert!(
        rows.iter().all(|row| row.contains("<code>timeout_headers</code>") && row.contains("<td>none</td>"))
    );
}

#[tokio::test]
async fn trying_again_asks_anew_and_touches_and_counts_nothing() {
    let endpoint = endpoint().await;
    let (buddy, agent, sessions) = history(&endpoint).await;
    let browser = Browser::signed_in(&buddy).await;
    let page = found(&browser, &sessions[2]).await;
    let again = page.split("method=\"post\" action=\"").nth(2).unwrap().split('"').next().unwrap().to_owned();
    let metrics = || async { text_of(&buddy, "/metrics").await };
    let counted = |metrics: &str| {
        let lines = metrics.lines().filter(|line| line.starts_with("buddy_") && line.contains("outcome"));
        lines.map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let (before, list) =
        (metrics().await, buddy.operator("GET", &(agent.path() + "/resolutions"), None).await.json);
    let tried = text(&browser.post(&again, &[]).await.expect_status(200));
    assert!(tried.contains("Tried again") && tried.contains("The answer has no userId."), "{tried}");
    assert_eq!(endpoint.seen().len(), 5);
    let asked: serde_json::Value = serde_json::from_slice(&endpoint.seen()[4].body).unwrap();
    assert_eq!(asked["sessionId"], sessions[2].id);
    assert_eq!(buddy.operator("GET", &(agent.path() + "/resolutions"), None).await.json, list);
    let identity = buddy.identity(&agent, &sessions[2]).await;
    assert_eq!(identity["error"]["reason"], "http_status", "the session is as it was");
    assert!(!counted(&before).is_empty(), "{before}");
    assert_eq!(counted(&metrics().await), counted(&before));

    let bare = buddy.bare_agent().await;
    let nobody = screen(&bare, &format!("/try/{NO_SESSION}"));
    browser.post(&nobody, &[]).await.expect_status(404);
}

async fn text_of(buddy: &Buddy, path: &str) -> String {
    text(&buddy.operator("GET", path, None).await.expect_status(200))
}

#[tokio::test]
async fn resolutions_are_listed_filtered_and_paged() {
    let endpoint = endpoint().await;
    let (buddy, agent, sessions) = history(&endpoint).await;
    let browser = Browser::signed_in(&buddy).await;
    let path = screen(&agent, "/resolutions");
    let rows = |page: &str| -> Vec<usize> {
        let rows = page.split("<tr>").filter(|row| row.contains("<code>sess_"));
        rows.map(|row| sessions.iter().position(|session| row.contains(&session.id)).unwrap()).collect()
    };
    for (query, expected) in [
        ("", vec![3, 2, 1, 0]),
        ("?code=&reason=&sessionId=", vec![3, 2, 1, 0]),
        ("?code=AUTH_CALLBACK_FAILED", vec![2]),
        ("?reason=no_user_id", vec![3]),
        (&format!("?sessionId=+{}", sessions[1].id), vec![1]),
        ("?code=AUTH_CALLBACK_TIMEOUT", vec![]),
    ] {
        let page = browser.page(&format!("{path}{query}")).await;
        assert_eq!(rows(&page), expected, "{query}");
    }
    let page = browser.page(&format!("{path}?code=AUTH_CALLBACK_FAILED&reason=http_status")).await;
    assert!(page.contains("<option selected>AUTH_CALLBACK_FAILED</option>"));
    assert!(page.contains("<option selected>http_status</option>"));
    for bad in ["code=X", "reason=X", "sessionId=X", "cursor=X"] {
        browser.get(&format!("{path}?{bad}")).await.expect_status(422);
    }
    assert_eq!(rows(&browser.page(&screen(&agent, "")).await), [3, 2, 1, 0], "the latest, on the overview");
    for nowhere in
        [screen(&agent, &format!("/resolutions/{NO_RESOLUTION}")), format!("/console/sessions/{NO_SESSION}")]
    {
        browser.get(&nowhere).await.expect_status(404);
    }
}

#[tokio::test]
async fn a_session_without_a_resolution_is_told_where_it_stands() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let session = buddy.session_to_identify(&agent).await;
    let browser = Browser::signed_in(&buddy).await;
    let page = browser.page(&format!("/console/sessions/{}", session.id)).await;
    assert!(page.contains("nobody has asked to identify it yet"), "{page}");
    for (text, to) in [
        (agent.id.as_str(), format!("/console/agents/{}", agent.id)),
        ("shop a", "/console?search=shop+a".to_owned()),
        ("", "/console".to_owned()),
    ] {
        let found =
            browser.get(&format!("/console/search?q={}", text.replace(' ', "+"))).await.expect_status(303);
        assert_eq!(header(&found, "location"), to);
    }
}

#[tokio::test]
async fn which_secret_the_endpoint_took_last_is_told() {
    let endpoint = Endpoint::open(|_| Answer::With(204, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let browser = Browser::signed_in(&buddy).await;
    let path = screen(&agent, "/callback");
    assert!(browser.page(&path).await.contains("no request of the latest ones was"));
    buddy.session(&agent).await;
    assert!(browser.page(&path).await.contains("<dd>the secret that signs now, <a href="));
    browser.post(&screen(&agent, "/callback/secret"), &[("overlapSeconds", "0")]).await.expect_status(200);
    assert!(browser.page(&path).await.contains("<dd>an older secret, <a href="));
}

#[tokio::test]
async fn what_goes_into_the_page_and_the_server_is_ready_to_copy() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let browser = Browser::signed_in(&buddy).await;
    let path = screen(&agent, "/install");
    let page = unescaped(&browser.page(&path).await);
    let origin = format!("http://{}", buddy.address);
    let tag = format!(
        "<script src=\"{origin}/embed.js\" data-agent=\"{}\" data-session-url=\"/buddy/session\" async></script>",
        agent.id
    );
    assert!(page.contains(&tag) && page.contains(&format!("frame-src {origin}")), "{page}");
    assert!(page.contains("https://shop.example") && page.contains("sessionEndpoint({"));
    for (framework, line) in [
        ("flask", "examples/flask/shop.py"),
        ("next", "export const POST"),
        ("laravel", "examples/laravel/routes/web.php"),
    ] {
        let page = unescaped(&browser.page(&format!("{path}?framework={framework}")).await);
        assert!(page.contains(line) && page.contains(&format!("<option selected>{framework}<")), "{page}");
    }
    browser.get(&format!("{path}?framework=cobol")).await.expect_status(422);
}

#[tokio::test]
async fn the_endpoint_check_is_run_and_reported_as_by_the_api() {
    let endpoint = Endpoint::open(|_| Answer::With(204, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let browser = Browser::signed_in(&buddy).await;
    let path = screen(&agent, "/check");
    assert!(!browser.page(&path).await.contains("<table"));
    let page = unescaped(&text(&browser.post(&path, &[("sessionId", "")]).await.expect_status(200)));
    let api = buddy.operator("POST", &(agent.path() + "/callback/check"), None).await.expect_status(200).json;
    assert_eq!(api["ok"], false, "it takes forgeries for right");
    for finding in api["findings"].as_array().unwrap() {
        let (check, verdict) = (finding["check"].as_str().unwrap(), finding["verdict"].as_str().unwrap());
        let row = page.split("<tr>").find(|row| row.contains(&format!(">{check}</code>")));
        let row = row.unwrap_or_else(|| panic!("no {check}: {page}"));
        // How long it took differs from run to run, and with it the verdict of that.
        assert!(check == "latency" || row.contains(&format!("verdict {verdict}")), "{row}");
        if let Some(mend) = finding["mend"].as_str().filter(|_| check != "latency") {
            assert!(row.contains(mend), "{row}");
        }
    }
    let bad = browser.post(&path, &[("sessionId", "nonsense")]).await.expect_status(422);
    assert!(text(&bad).contains("value=\"nonsense\"") && text(&bad).contains("role=\"alert\""));
    let bare = buddy.bare_agent().await;
    assert!(browser.page(&screen(&bare, "/check")).await.contains("No endpoint is configured yet."));
    browser.post(&screen(&bare, "/check"), &[]).await.expect_status(404);
}
