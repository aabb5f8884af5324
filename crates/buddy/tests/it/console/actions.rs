//! What can be done, and what is refused in the words of the API.

use serde_json::json;

use super::{Browser, header, screen, text, unescaped, value};
use crate::support::{Agent, Buddy};

async fn agent_view(buddy: &Buddy, agent: &Agent) -> serde_json::Value {
    buddy.operator("GET", &agent.path(), None).await.expect_status(200).json
}

#[tokio::test]
async fn an_agent_is_made_changed_and_deleted() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let fields = [
        ("name", "Shop <b>&amp;"),
        ("allowedOrigins", "https://shop.example\r\nhttp://localhost:3000\r\n"),
        ("sessionTtlSeconds", "600"),
    ];
    let made = browser.post("/console/agents", &fields).await.expect_status(303);
    let id = header(&made, "location").split('/').nth(3).unwrap().to_owned();
    let agent = Agent { id, key: String::new(), secret: String::new() };
    let view = agent_view(&buddy, &agent).await;
    assert_eq!(view["name"], "Shop <b>&amp;");
    assert_eq!(view["allowedOrigins"], json!(["https://shop.example", "http://localhost:3000"]));
    assert_eq!(view["sessionTtlSeconds"], 600);
    assert!(browser.page("/console").await.contains("Shop &#60;b&#62;&#38;amp;"));

    let settings = screen(&agent, "/settings");
    let form = browser.page(&settings).await;
    assert_eq!(
        (value(&form, "name"), value(&form, "sessionTtlSeconds")),
        ("Shop &#60;b&#62;&#38;amp;".into(), "600".into())
    );
    assert!(form.contains("https://shop.example\nhttp://localhost:3000</textarea>"), "{form}");
    let fields = [("name", "Shop"), ("allowedOrigins", ""), ("sessionTtlSeconds", "")];
    let saved = browser.post(&settings, &fields).await.expect_status(303);
    assert!(browser.page(header(&saved, "location")).await.contains("Saved."));
    let view = agent_view(&buddy, &agent).await;
    assert_eq!((&view["name"], &view["allowedOrigins"]), (&json!("Shop"), &json!([])));
    assert_eq!(view["sessionTtlSeconds"], 86_400, "an empty field is the default");

    let delete = screen(&agent, "/delete");
    assert!(browser.page(&delete).await.contains("Delete Shop?"));
    let deleted = browser.post(&delete, &[]).await.expect_status(303);
    assert_eq!(header(&deleted, "location"), "/console");
    buddy.operator("GET", &agent.path(), None).await.expect_problem(404, "NOT_FOUND");
    browser.get(&settings).await.expect_status(404);
}

#[tokio::test]
async fn what_cannot_be_taken_is_said_as_the_api_says_it_and_shown_again() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.bare_agent().await;
    for (field, bad, body) in [
        ("name", " ", json!({"name": " "})),
        ("allowedOrigins", "https://shop.example/", json!({"allowedOrigins": ["https://shop.example/"]})),
        ("sessionTtlSeconds", "59", json!({"sessionTtlSeconds": 59})),
    ] {
        let api =
            buddy.operator("PATCH", &agent.path(), Some(body)).await.expect_problem(422, "INVALID_VALUE");
        let mut fields =
            vec![("name", "New"), ("allowedOrigins", "https://a.example"), ("sessionTtlSeconds", "60")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, bad));
        for path in [screen(&agent, "/settings"), "/console/agents".to_owned()] {
            let page = text(&browser.post(&path, &fields).await.expect_status(422));
            assert!(page.contains(&format!("id=\"mistake\">{}</p>", api.text("detail"))), "{field}: {page}");
            let blamed = page.split(&format!("id=\"{field}\"")).nth(1).unwrap().split('>').next().unwrap();
            assert!(blamed.contains("aria-invalid=\"true\""), "{field}: {blamed}");
            assert_eq!(page.matches("aria-invalid").count(), 1);
            assert!(
                page.contains(if field == "name" { "https://a.example" } else { "value=\"New\"" }),
                "{page}"
            );
        }
    }
    let many = browser.post("/console/agents", &[("name", "New"), ("sessionTtlSeconds", "an hour")]).await;
    assert!(text(&many.expect_status(422)).contains("sessionTtlSeconds: must be a whole number."));
    for fields in [&[("name", "New"), ("typo", "1")][..], &[("nam", "New")]] {
        browser.post("/console/agents", fields).await.expect_status(400);
    }
    assert_eq!(agent_view(&buddy, &agent).await["name"], "Test");
}

#[tokio::test]
async fn a_callback_is_set_and_its_made_secret_is_shown_once() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.bare_agent().await;
    let path = screen(&agent, "/callback");
    let form = browser.page(&path).await;
    assert_eq!((value(&form, "timeoutMs"), value(&form, "maxConcurrent")), ("3000".into(), "128".into()));
    let url = "https://127.0.0.1:9/buddy";
    let fields = [("url", url), ("timeoutMs", "2000"), ("maxConcurrent", ""), ("enabled", "true")];
    let page = text(&browser.post(&path, &fields).await.expect_status(200));
    let secret = value(&page, "secret");
    assert!(secret.starts_with("bcs_") && page.contains("generatedSecret") && page.contains("shown once"));
    let view = agent_view(&buddy, &agent).await["callback"].clone();
    assert_eq!(
        (&view["url"], &view["timeoutMs"], &view["maxConcurrent"]),
        (&json!(url), &json!(2000), &json!(128))
    );
    assert_eq!((&view["enabled"], &view["requireTicket"]), (&json!(true), &json!(false)));

    // A box that is not ticked is not sent.
    let fields = [("url", url), ("requireTicket", "true")];
    let saved = browser.post(&path, &fields).await.expect_status(303);
    let page = browser.page(header(&saved, "location")).await;
    assert!(page.contains("Saved.") && !page.contains(&secret), "{page}");
    let view = agent_view(&buddy, &agent).await["callback"].clone();
    assert_eq!((&view["enabled"], &view["requireTicket"]), (&json!(false), &json!(true)));
    assert_eq!(view["timeoutMs"], 3000);

    let confirm = format!("{path}/delete");
    assert!(browser.page(&confirm).await.contains("Remove the callback?"));
    browser.post(&confirm, &[]).await.expect_status(303);
    assert_eq!(agent_view(&buddy, &agent).await["callback"], json!(null));
    browser.get(&confirm).await.expect_status(404);
}

#[tokio::test]
async fn a_callback_that_cannot_be_is_refused_as_the_api_refuses_it() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.bare_agent().await;
    let (console, api) = (screen(&agent, "/callback"), format!("{}/callback", agent.path()));
    let url = "https://127.0.0.1:9/";
    for (fields, body) in [
        (vec![("url", "http://shop.example/")], json!({"url": "http://shop.example/"})),
        (vec![("url", "https://10.0.0.1/")], json!({"url": "https://10.0.0.1/"})),
        (vec![("url", url), ("timeoutMs", "99")], json!({"url": url, "timeoutMs": 99})),
        (vec![("url", url), ("maxConcurrent", "0")], json!({"url": url, "maxConcurrent": 0})),
        (vec![("url", url), ("secret", "short")], json!({"url": url, "secret": "short"})),
    ] {
        let refused = buddy.operator("PUT", &api, Some(body)).await.expect_status(422).text("detail");
        let page = text(&browser.post(&console, &fields).await.expect_status(422));
        assert!(unescaped(&page).contains(&refused), "{fields:?}: {refused}: {page}");
        assert!(page.contains(fields[0].1) && !page.contains("value=\"short\""), "{page}");
    }
}

#[tokio::test]
async fn a_rotation_is_begun_once_and_its_state_is_told() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.agent("https://127.0.0.1:9/", json!({})).await;
    let (path, rotate) = (screen(&agent, "/callback"), screen(&agent, "/callback/secret"));
    assert!(browser.page(&path).await.contains("<dt>Rotation</dt><dd>none is open</dd>"));
    let bad = browser.post(&rotate, &[("overlapSeconds", "2592001")]).await.expect_status(422);
    assert!(text(&bad).contains("overlapSeconds: must be 0 to 2592000."));
    let page =
        text(&browser.post(&rotate, &[("secret", ""), ("overlapSeconds", "3600")]).await.expect_status(200));
    let secret = value(&page, "secret");
    assert!(secret.starts_with("bcs_"), "{page}");
    let page = browser.page(&path).await;
    assert!(page.contains("open until") && !page.contains(&secret) && !page.contains("Begin the rotation"));
    let again = browser.post(&rotate, &[]).await.expect_status(409);
    assert!(text(&again).contains("A rotation is still open"));
    // One of its own is not shown, and there is nothing to show.
    let fields = [("url", "https://127.0.0.1:9/"), ("secret", "a-secret-of-its-own-1"), ("enabled", "true")];
    browser.post(&path, &fields).await.expect_status(303);
    let own = browser.post(&rotate, &[("secret", "another-of-its-own-12"), ("overlapSeconds", "0")]).await;
    assert_eq!(header(&own.expect_status(303), "location"), path);
}

#[tokio::test]
async fn a_key_is_shown_once_works_and_is_removed_after_a_question() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let agent = buddy.bare_agent().await;
    let path = screen(&agent, "/keys");
    let page = text(&browser.post(&path, &[("label", "chat server")]).await.expect_status(200));
    let key = value(&page, "secret");
    assert!(key.starts_with("bpk_"), "{page}");
    let revoke = Some(json!({"userId": "nobody"}));
    buddy.api.call("POST", "/v1/sessions/revoke", Some(&key), revoke.clone()).await.expect_status(200);
    let list = browser.page(&path).await;
    assert!(list.contains("chat server") && !list.contains(&key));
    let row = list.split("chat server</th>").nth(1).unwrap();
    assert!(!row.split("</tr>").next().unwrap().contains("never"), "it was used");
    let removal = row.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(browser.page(&removal).await.contains("Remove the key"));
    buddy.api.call("POST", "/v1/sessions/revoke", Some(&key), revoke.clone()).await.expect_status(200);
    browser.post(&removal, &[]).await.expect_status(303);
    buddy.api.call("POST", "/v1/sessions/revoke", Some(&key), revoke).await.expect_status(401);
    browser.post(&removal, &[]).await.expect_status(404);
    let bad = browser.post(&path, &[("label", &"x".repeat(201))]).await.expect_status(422);
    assert!(text(&bad).contains("label: must be 1 to 200 characters"));
}

#[tokio::test]
async fn what_is_done_here_is_in_the_audit_log_as_what_is_done_over_the_api() {
    let buddy = Buddy::alone();
    let browser = Browser::signed_in(&buddy).await;
    let made = browser.post("/console/agents", &[("name", "Shop")]).await.expect_status(303);
    let id = header(&made, "location").split('/').nth(3).unwrap().to_owned();
    let agent = Agent { id, key: String::new(), secret: String::new() };
    let callback = [("url", "https://localhost:1/"), ("enabled", "true")];
    let session = buddy.session_to_identify(&agent).await;
    for (path, fields) in [
        ("/settings", &[("name", "Other")][..]),
        ("/callback", &callback),
        ("/callback/secret", &[]),
        ("/callback/secret", &[]),
        ("/check", &[]),
        (&format!("/try/{}", session.id), &[]),
        ("/keys", &[]),
        ("/callback/delete", &[]),
        ("/delete", &[]),
    ] {
        browser.post(&screen(&agent, path), fields).await;
    }
    let log = buddy.operator("GET", &format!("/v1/audit?agentId={}", agent.id), None).await.json;
    let told = |entry: &serde_json::Value| {
        assert_eq!((&entry["actor"], &entry["address"]), (&json!("admin"), &json!("127.0.0.1")));
        format!("{} {}", entry["action"].as_str().unwrap(), entry["outcome"].as_str().unwrap())
    };
    let told: Vec<_> = log["entries"].as_array().unwrap().iter().rev().map(told).collect();
    let expected = [
        "createAgent done",
        "updateAgent done",
        "putCallback done",
        "rotateCallbackSecret done",
        "rotateCallbackSecret ROTATION_OPEN",
        "checkCallback done",
        "tryAgain done",
        "createApiKey done",
        "deleteCallback done",
        "deleteAgent done",
    ];
    assert_eq!(told, expected);
}
