//! What no page may do or show.

use std::path::Path;

use serde_json::json;

use super::{Browser, OF_AGENT, screen, text};
use crate::support::{ADMIN_TOKEN, Answer, Buddy, Endpoint, Session};

/// One string that stands in every place that is to be kept secret.
const CANARY: &str = "CANARYe5b1";

#[tokio::test]
async fn nothing_of_a_user_and_no_secret_is_on_any_screen() {
    let identity = json!({
        "userId": format!("id-{CANARY}"),
        "email": format!("{CANARY}@shop.example"),
        "role": format!("role-{CANARY}"),
        "customAttributes": {format!("name-{CANARY}"): format!("value-{CANARY}")},
        format!("member-{CANARY}"): CANARY,
    });
    let endpoint = Endpoint::open(move |_| Answer::json(identity.clone())).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({"secret": format!("secret-{CANARY}-0123")})).await;
    let session = buddy.session(&agent).await;
    assert_eq!(session.view["status"], "authenticated");
    let browser = Browser::signed_in(&buddy).await;
    let rotation = [("secret", &*format!("next-{CANARY}-0123456"))];
    browser.post(&screen(&agent, "/callback/secret"), &rotation).await.expect_status(303);
    // What is refused is shown again, but for a secret.
    let refused = [("url", "https://10.0.0.1/"), ("secret", &*format!("third-{CANARY}-0123456"))];
    let mut pages =
        vec![text(&browser.post(&screen(&agent, "/callback"), &refused).await.expect_status(422))];
    for path in screens(&buddy, &agent.id, &session).await {
        pages.push(browser.page(&path).await);
    }
    for (path, fields) in [
        (screen(&agent, "/check"), vec![("sessionId", session.id.as_str())]),
        (screen(&agent, &format!("/try/{}", session.id)), vec![]),
    ] {
        pages.push(text(&browser.post(&path, &fields).await.expect_status(200)));
    }
    for secret in [CANARY, &agent.key, &session.token, ADMIN_TOKEN] {
        let shown = pages.iter().find(|page| page.to_lowercase().contains(&secret.to_lowercase()));
        assert_eq!(shown, None, "{secret}");
    }
    assert!(
        pages.iter().any(|page| page.contains(&format!("string({})", CANARY.len() + 3))),
        "its shape is told"
    );
}

/// Every screen that shows something of the agent.
async fn screens(buddy: &Buddy, id: &str, session: &Session) -> Vec<String> {
    let path = format!("/v1/agents/{id}/resolutions?sessionId={}", session.id);
    let list = buddy.operator("GET", &path, None).await.expect_status(200).json;
    let resolution = list["resolutions"][0]["resolutionId"].as_str().unwrap().to_owned();
    let mut screens =
        vec!["/console".to_owned(), "/console/agents/new".to_owned(), "/console/audit".to_owned()];
    screens.extend(OF_AGENT.iter().map(|rest| format!("/console/agents/{id}{rest}")));
    screens.push(format!("/console/agents/{id}/resolutions/{resolution}"));
    screens
}

#[test]
fn no_template_switches_the_escaping_off() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut seen = 0;
    for entry in std::fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        for forbidden in ["|safe", "| safe", "autoescape", "|escape(", "| escape("] {
            assert!(!text.contains(forbidden), "{}: {forbidden}", path.display());
        }
        seen += 1;
    }
    assert!(seen >= 10, "the templates are there");
}
