//! `buddy tail`: what happens to agents' sessions, as it happens.

use serde_json::{Value, json};

use super::{misused, refused};
use crate::support::{Answer, Buddy, Endpoint, Relay, RunningTail, Setup};

#[tokio::test]
async fn each_session_is_a_line_and_nothing_of_its_user_is_in_it() {
    let endpoint = Endpoint::open(|_| {
        let canary = "CANARY7d2e";
        Answer::json(
            json!({"userId": canary, "email": canary, "role": canary, "customAttributes": {canary: canary}}),
        )
    })
    .await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let mut tail = RunningTail::start(buddy.address, &["--agent", &agent.id]).await;
    let mut json = RunningTail::start(buddy.address, &["--json"]).await;
    let good = buddy.session(&agent).await;
    let (line, printed) = (tail.line().await, json.line().await);
    for told in [&line, &printed] {
        assert!(!told.to_lowercase().contains("canary") && !told.contains('\u{1b}'), "{told}");
    }
    let columns: Vec<_> = line.split_whitespace().collect();
    assert_eq!((columns[1], columns[2], columns[3]), (good.id.as_str(), "authenticated", "×1"), "{line}");
    assert_eq!(columns[5], "ms", "{line}");
    let bar = columns[6];
    assert!(bar.len() == 13 && bar.chars().all(|letter| "qdctfb".contains(letter)), "{line}");
    let printed: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(printed, buddy.resolution(&agent, &good).await);

    buddy.operator("DELETE", &format!("{}/callback", agent.path()), None).await.expect_status(204);
    let failed = buddy.session(&agent).await;
    let line = tail.line().await;
    assert!(line.contains(&format!(" {} failed not_configured AUTH_NOT_CONFIGURED  ", failed.id)), "{line}");
    tail.interrupt();
    assert!(tail.ends().await.success(), "Ctrl-C is how it ends");
}

#[tokio::test]
async fn only_what_the_filters_let_through_is_printed() {
    let endpoint = Endpoint::open(|_| Answer::With(500, String::new())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let later = buddy.session_to_identify(&agent).await;
    let mut status = RunningTail::start(buddy.address, &["--reason", "http_status"]).await;
    let mut none = RunningTail::start(buddy.address, &["--code", "AUTH_NOT_CONFIGURED"]).await;
    let mut one = RunningTail::start(buddy.address, &["--session", &later.id]).await;
    let failed = buddy.session(&agent).await;
    assert!(status.line().await.contains(&failed.id));
    buddy.operator("DELETE", &format!("{}/callback", agent.path()), None).await.expect_status(204);
    let bare = buddy.session(&agent).await;
    assert!(none.line().await.contains(&bare.id), "it is the first that was let through");
    buddy.visitor("POST", &later, "/identify", None).await.expect_status(200);
    assert!(one.line().await.contains(&later.id), "it is the first that was let through");
}

#[tokio::test]
async fn it_goes_on_where_it_was_when_the_server_is_back() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let relay = Relay::open(Some(buddy.address)).await;
    let mut tail = RunningTail::start(relay.address, &[]).await;
    let first = buddy.session(&agent).await;
    assert!(tail.line().await.contains(&first.id));
    relay.lead(None);
    let notice = tail.notice().await;
    assert!(notice.ends_with("Trying again until it is back."), "{notice}");
    let missed = buddy.session(&agent).await;
    let buddy = buddy.kill().start();
    let later = buddy.session(&agent).await;
    relay.lead(Some(buddy.address));
    for session in [&missed, &later] {
        let line = tail.line().await;
        assert!(line.contains(&session.id), "{line}");
    }
    assert_eq!(tail.notice().await, "buddy: following again; nothing was missed.");

    // An orderly stop is no end either.
    buddy.terminate();
    let notice = tail.notice().await;
    assert_eq!(notice, "buddy: the server is stopping. Trying again until it is back.");
    tail.interrupt();
    assert!(tail.ends().await.success());
}

#[tokio::test]
async fn several_agents_are_followed_at_once_until_none_is_left() {
    let buddy = Buddy::alone();
    let (one, other) = (buddy.bare_agent().await, buddy.bare_agent().await);
    let arguments = ["--agent", &one.id, "--agent", &other.id, "--agent", &one.id];
    let mut tail = RunningTail::start(buddy.address, &arguments).await;
    for agent in [&one, &other, &one] {
        let session = buddy.session(agent).await;
        let line = tail.line().await;
        let whose = format!(" …{} {} ", &agent.id[agent.id.len() - 6..], session.id);
        assert!(line.contains(&whose), "{line}");
    }
    for agent in [&other, &one] {
        buddy.operator("DELETE", &agent.path(), None).await.expect_status(204);
        let notice = tail.notice().await;
        assert_eq!(notice, format!("buddy: {} was deleted: nothing more happens to its sessions.", agent.id));
    }
    let notice = tail.notice().await;
    assert_eq!(notice, "buddy: no agent is left to follow: GET /v1/agents lists those that there are.");
    assert_eq!(tail.ends().await.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn which_agent_is_said_by_the_only_one_or_by_who_asks() {
    let buddy = Buddy::alone();
    let setup = Setup::new(None).env("BUDDY_SERVER", &format!("http://{}", buddy.address));
    assert_eq!(
        refused(&setup.run(&["tail"])),
        "buddy: the server has no agent yet: make one with POST /v1/agents, or in the console."
    );
    let first = buddy.bare_agent().await;
    let mut tail = RunningTail::start(buddy.address, &[]).await;
    let session = buddy.session(&first).await;
    assert!(tail.line().await.contains(&session.id));
    for _ in 0..5 {
        buddy.bare_agent().await;
    }
    let message = misused(&setup.run(&["tail"]));
    let begin = "buddy: the server has several agents: say which to follow, one or more of --agent agt_";
    assert!(message.starts_with(begin), "{message}");
    assert!(message.ends_with(" (Test); GET /v1/agents lists the others."), "{message}");
    assert_eq!(message.matches("--agent agt_").count(), 5, "{message}");

    for (arguments, named) in [
        (["--agent", "sess_1"], "--agent"),
        (["--code", "AUTH_NONSENSE"], "--code"),
        (["--reason", "nonsense"], "--reason"),
        (["--session", "1"], "--session"),
    ] {
        let output = setup.run(&[&["tail"], &arguments[..]].concat());
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8_lossy(&output.stderr).contains(named), "{output:?}");
    }
}
