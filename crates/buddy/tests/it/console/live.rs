//! Resolutions as they happen.

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{Browser, header, screen, unescaped};
use crate::support::{Agent, Answer, Buddy, Endpoint};

/// Shorter than the 15 seconds after which a stream looks by itself: what comes must have been announced.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(12);

/// An open list; closed when dropped.
struct Live {
    body: Incoming,
    come: String,
}

impl Live {
    async fn open(browser: &Browser<'_>, path: &str, after: Option<&str>) -> Self {
        let headers: Vec<_> = after.iter().map(|id| ("last-event-id", *id)).collect();
        let request = browser.request("GET", path, &headers).body(Body::empty()).unwrap();
        let answer = browser.buddy.api.open(request).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        assert_eq!(answer.headers()["cache-control"], "no-store");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        Self { body: answer.into_body(), come: String::new() }
    }

    /// The next row and the id of its event.
    async fn row(&mut self) -> (Value, String) {
        loop {
            if let Some(end) = self.come.find("\n\n") {
                let frame: String = self.come.drain(..end + 2).collect();
                let line = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
                if line("event:") == Some("row") {
                    let data = serde_json::from_str(line("data:").unwrap()).unwrap();
                    return (data, line("id:").unwrap().to_owned());
                }
                continue;
            }
            let frame = timeout(PATIENCE, self.body.frame()).await.expect("a row in time").unwrap().unwrap();
            self.come += std::str::from_utf8(frame.data_ref().unwrap()).unwrap();
        }
    }
}

/// Where the page's script listens.
async fn stream_of(browser: &Browser<'_>, path: &str) -> String {
    let page = unescaped(&browser.page(path).await);
    page.split("data-stream=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

async fn failing_agent() -> (Endpoint, Buddy, Agent) {
    let endpoint = Endpoint::open(|_| Answer::With(401, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    (endpoint, buddy, agent)
}

#[tokio::test]
async fn what_happens_after_the_page_was_made_comes_and_is_resumed() {
    let (_endpoint, buddy, agent) = failing_agent().await;
    let browser = Browser::signed_in(&buddy).await;
    let before = buddy.session(&agent).await;
    let path = screen(&agent, "/live");
    assert!(browser.page(&path).await.contains(&before.id), "what was before is in the page");
    let stream = stream_of(&browser, &path).await;
    let between = buddy.session(&agent).await;
    let mut live = Live::open(&browser, &stream, None).await;
    let (row, first) = live.row().await;
    assert_eq!(row["sessionId"], between.id, "what came between page and stream is not missed");
    assert_eq!((&row["outcome"], &row["reason"]), (&json!("failed"), &json!("http_status")));
    assert_eq!((&row["code"], &row["attempts"]), (&json!("AUTH_CALLBACK_FAILED"), &json!(1)));
    let pieces = row["bar"]["pieces"].as_array().unwrap();
    let width: f64 = pieces.iter().map(|piece| piece["width"].as_f64().unwrap()).sum();
    assert!((99.0..=101.0).contains(&width), "{row}");
    assert!(browser.page(row["path"].as_str().unwrap()).await.contains(&between.id));

    let later = buddy.session(&agent).await;
    assert_eq!(live.row().await.0["sessionId"], later.id);
    drop(live);
    // A browser that resumes says what it has had, whatever its address says.
    let mut resumed = Live::open(&browser, &stream, Some(&first)).await;
    assert_eq!(resumed.row().await.0["sessionId"], later.id);
}

#[tokio::test]
async fn filters_are_those_of_the_page() {
    let (_endpoint, buddy, agent) = failing_agent().await;
    let browser = Browser::signed_in(&buddy).await;
    let stream = stream_of(&browser, &screen(&agent, "/live?reason=not_configured")).await;
    let mut live = Live::open(&browser, &stream, None).await;
    buddy.session(&agent).await;
    buddy.operator("DELETE", &format!("{}/callback", agent.path()), None).await.expect_status(204);
    let wanted = buddy.session(&agent).await;
    assert_eq!(live.row().await.0["sessionId"], wanted.id);
    browser.get(&screen(&agent, "/live?reason=nonsense")).await.expect_status(422);
    browser.get(&screen(&agent, "/live/stream?code=nonsense")).await.expect_status(422);
    browser.get(&screen(&agent, "/live/stream?since=nonsense")).await.expect_status(400);
    let nowhere = format!("/console/agents/{}/live/stream", crate::routes::NO_AGENT);
    browser.get(&nowhere).await.expect_status(404);
    let stranger = Browser::stranger(&buddy).get(&stream).await.expect_status(303);
    assert!(header(&stranger, "location").starts_with("/console/sign-in"));
}
