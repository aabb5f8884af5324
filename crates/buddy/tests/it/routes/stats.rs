//! `/v1/agents/{agentId}/stats` and `/v1/stats`: what was counted, by whom it is asked for, and in which windows.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{NO_AGENT, ada, lists_well, members, stretches, time};
use crate::support::{Agent, Answer, Buddy, Endpoint};

const FIGURES: [&str; 6] = ["sessions", "authenticated", "nobody", "failed", "identifiedShare", "durationMs"];
const WINDOWS: [(&str, usize, i64); 4] =
    [("1h", 60, 60), ("24h", 24, 3600), ("7d", 168, 3600), ("1y", 365, 86_400)];

async fn stats(buddy: &Buddy, agent: &Agent, window: &str) -> Value {
    let path = format!("{}/stats?window={window}", agent.path());
    buddy.operator("GET", &path, None).await.expect_status(200).json
}

async fn series(buddy: &Buddy, agent: &Agent, window: &str) -> Value {
    let path = format!("{}/stats/series?window={window}", agent.path());
    buddy.operator("GET", &path, None).await.expect_status(200).json
}

fn no_failure() -> Value {
    json!({
        "AUTH_CALLBACK_TIMEOUT": 0, "AUTH_CALLBACK_FAILED": 0, "AUTH_CALLBACK_BAD_RESPONSE": 0,
        "AUTH_NOT_CONFIGURED": 0,
    })
}

fn nothing() -> Value {
    json!({
        "sessions": 0, "authenticated": 0, "nobody": 0, "failed": no_failure(), "identifiedShare": null,
        "durationMs": {"p50": null, "p95": null, "p99": null},
    })
}

/// An agent with an identified session, one of nobody, two that failed and one of a login page.
async fn history() -> (Endpoint, Buddy, Agent) {
    let turn = AtomicUsize::new(0);
    let endpoint = Endpoint::open(move |_| match turn.fetch_add(1, Ordering::Relaxed) {
        0 => ada(),
        1 => Answer::With(204, String::new()),
        2 | 3 => Answer::With(500, String::new()),
        _ => Answer::With(200, "<html>".into()),
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    for _ in 0..5 {
        buddy.session(&agent).await;
    }
    (endpoint, buddy, agent)
}

#[tokio::test]
async fn every_session_is_counted_by_how_it_ended_and_in_every_window() {
    let (_endpoint, buddy, agent) = history().await;
    // Not settled, so not counted.
    buddy.session_to_identify(&agent).await;
    for (window, ..) in &WINDOWS[..3] {
        let stats = stats(&buddy, &agent, window).await;
        let mut all = BTreeSet::from(FIGURES);
        all.insert("window");
        assert_eq!(members(&stats), all);
        assert_eq!((&stats["window"], &stats["sessions"]), (&json!(window), &json!(5)));
        assert_eq!((&stats["authenticated"], &stats["nobody"]), (&json!(1), &json!(1)));
        let mut failed = no_failure();
        failed["AUTH_CALLBACK_FAILED"] = json!(2);
        failed["AUTH_CALLBACK_BAD_RESPONSE"] = json!(1);
        assert_eq!(stats["failed"], failed);
        assert_eq!(stats["identifiedShare"], 0.25);
        let [p50, p95, p99] = ["p50", "p95", "p99"].map(|name| stats["durationMs"][name].as_f64().unwrap());
        assert!(0.0 < p50 && p50 <= p95 && p95 <= p99 && p99 < 60_000.0, "{stats}");
    }
    let day = buddy.operator("GET", &(agent.path() + "/stats"), None).await.expect_status(200).json;
    assert_eq!(day, stats(&buddy, &agent, "24h").await, "a day, if nothing is said");
}

#[tokio::test]
async fn a_percentile_is_near_the_durations_that_the_resolutions_tell_of() {
    let (_endpoint, buddy, agent) = history().await;
    let path = agent.path() + "/resolutions";
    let page = buddy.operator("GET", &path, None).await.expect_status(200).json;
    let durations = page["resolutions"].as_array().unwrap().iter();
    let mut durations: Vec<_> = durations.map(|one| one["durationMs"].as_f64().unwrap()).collect();
    durations.sort_by(f64::total_cmp);
    let stats = stats(&buddy, &agent, "1h").await;
    for (name, exact) in [("p50", durations[2]), ("p95", durations[4]), ("p99", durations[4])] {
        let told = stats["durationMs"][name].as_f64().unwrap();
        assert!((told - exact).abs() <= exact / 16.0 + 0.001, "{name}: {told}, not {exact}");
    }
}

#[tokio::test]
async fn a_series_has_a_point_for_each_step_and_they_add_up() {
    let (_endpoint, buddy, agent) = history().await;
    for (window, points, seconds) in WINDOWS {
        let series = series(&buddy, &agent, window).await;
        assert_eq!(series["window"], window);
        let series = series["points"].as_array().unwrap();
        assert_eq!(series.len(), points);
        let mut all = BTreeSet::from(FIGURES);
        all.insert("from");
        assert!(series.iter().all(|point| members(point) == all));
        let begins: Vec<_> = series.iter().map(|point| time(&point["from"]).as_second()).collect();
        assert!(begins.windows(2).all(|two| two[1] - two[0] == seconds) && begins[0] % seconds == 0);
        let sum: u64 = series.iter().map(|point| point["sessions"].as_u64().unwrap()).sum();
        assert_eq!(sum, 5);
        let mut first = series[0].clone();
        first.as_object_mut().unwrap().remove("from");
        assert_eq!(first, nothing());
    }
}

#[tokio::test]
async fn an_agent_without_sessions_has_no_share_and_no_percentiles() {
    let (_endpoint, buddy, _) = history().await;
    let other = buddy.bare_agent().await;
    let mut expected = nothing();
    expected["window"] = json!("7d");
    assert_eq!(stats(&buddy, &other, "7d").await, expected, "another agent's sessions are not its own");
    // Nobody was asked about it: it has failed, and no duration.
    buddy.session(&other).await;
    let stats = stats(&buddy, &other, "1h").await;
    assert_eq!(
        (&stats["failed"]["AUTH_NOT_CONFIGURED"], &stats["identifiedShare"]),
        (&json!(1), &json!(0.0))
    );
    assert_eq!(stats["durationMs"], nothing()["durationMs"]);
}

#[tokio::test]
async fn what_was_counted_survives_the_server_and_goes_with_its_agent() {
    let (endpoint, buddy, agent) = history().await;
    let before = stats(&buddy, &agent, "7d").await;
    let buddy = buddy.kill().start();
    assert_eq!(stats(&buddy, &agent, "7d").await, before);
    buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
    for path in ["/stats", "/stats/series"] {
        buddy.operator("GET", &(agent.path() + path), None).await.expect_problem(404, "NOT_FOUND");
    }
    let all = buddy.operator("GET", "/v1/stats", None).await.expect_status(200).json;
    assert_eq!(all["agents"], json!([]));
    drop(endpoint);
}

#[tokio::test]
async fn all_agents_are_listed_newest_first_with_what_was_counted_of_each() {
    let (_endpoint, buddy, agent) = history().await;
    let mut made = vec![agent.id.clone()];
    for _ in 0..4 {
        made.push(buddy.bare_agent().await.id);
    }
    lists_well(&buddy, "/v1/stats", "agents", "agentId", &made).await;
    let listed = stretches(&buddy, "/v1/stats", "agents", 5).await.concat();
    let mut all = BTreeSet::from(FIGURES);
    all.extend(["agentId", "name", "fell"]);
    assert!(listed.iter().all(|agent| members(agent) == all && agent["name"] == "Test"));
    assert!(listed.iter().all(|agent| agent["fell"] == false), "five sessions are too few to say so");
    let mut expected = stats(&buddy, &agent, "24h").await;
    for member in FIGURES {
        assert_eq!(listed[4][member], expected[member].take());
        assert_eq!(listed[0][member], nothing()[member]);
    }
    let hour = buddy.operator("GET", "/v1/stats?window=1h", None).await.expect_status(200).json;
    assert_eq!((&hour["window"], &hour["agents"][4]["sessions"]), (&json!("1h"), &json!(5)));
}

#[tokio::test]
async fn a_window_that_there_is_not_is_refused_with_those_there_are() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    for (path, windows) in [
        (agent.path() + "/stats", "1h, 24h, 7d."),
        (agent.path() + "/stats/series", "1h, 24h, 7d, 1y."),
        ("/v1/stats".into(), "1h, 24h, 7d."),
    ] {
        for window in ["", "2h", "1H", "24", "30d", "1h "] {
            let path = format!("{path}?window={}", window.replace(' ', "%20"));
            let refused = buddy.operator("GET", &path, None).await.expect_problem(422, "INVALID_VALUE");
            assert!(refused.text("detail").ends_with(windows), "{}", refused.json);
        }
    }
    for path in ["/stats?window=1y", "/stats/series?limit=1"] {
        let reply = buddy.operator("GET", &(agent.path() + path), None).await;
        assert!(reply.status.is_client_error());
    }
    for path in ["stats", "stats/series"] {
        let path = format!("/v1/agents/{NO_AGENT}/{path}");
        buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    }
}
