//! `buddy demo`: what goes right and wrong, shown and cleaned up.

use std::fs;

use buddy_shop::users::Shopper;
use serde_json::{Value, json};

use crate::support::{Browser, Demo, Setup};

#[test]
fn the_demo_shows_every_case_in_plain_text_and_leaves_nothing() {
    let setup = Setup::new(None);
    let (scratch, work) = (setup.path().join("tmp"), setup.path().join("work"));
    fs::create_dir(&scratch).unwrap();
    fs::create_dir(&work).unwrap();
    let mut command = setup.command(&["demo", "--once"]);
    let output = command.env("TMPDIR", &scratch).current_dir(&work).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(!shown.contains('\x1b'), "a pipe gets no colours: {shown}");

    let scenes: Vec<_> = shown.split("\n\n").collect();
    let [opening, ada, nobody, slow, broken, down, closing] = scenes[..] else { panic!("{shown}") };
    assert!(opening.contains("http://127.0.0.1:") && closing.contains("buddy serve"), "{shown}");
    for (scene, title, status, code, attempts) in [
        (ada, "1. Ada is signed in", "authenticated", None, 1),
        (nobody, "2. Nobody is signed in", "anonymous", None, 1),
        (slow, "3. The endpoint is slow", "anonymous", Some("AUTH_CALLBACK_TIMEOUT · timeout_headers"), 2),
        (broken, "4. The endpoint is broken", "anonymous", Some("AUTH_CALLBACK_BAD_RESPONSE · html"), 1),
        (down, "5. The endpoint is down", "anonymous", Some("AUTH_CALLBACK_FAILED · connect_failed"), 1),
    ] {
        assert!(scene.starts_with(title), "{scene}");
        assert!(scene.contains(&format!("the agent knows {status}")), "{scene}");
        assert!(scene.contains(&format!("the browser knows {status}")), "{scene}");
        assert_eq!(scene.matches("sent POST https://localhost:").count(), attempts, "{scene}");
        assert_eq!(scene.matches("\n  took ").count(), attempts, "{scene}");
        assert_eq!(scene.contains("error AUTH_"), code.is_some(), "{scene}");
        assert!(code.is_none_or(|code| scene.contains(&format!("error {code}"))), "{scene}");
    }
    assert!(ada.contains("userId \"1815\"") && ada.contains("x-platform-signature: "), "{ada}");
    for directory in [scratch, work] {
        assert_eq!(fs::read_dir(directory).unwrap().count(), 0, "nothing is left");
    }
}

#[tokio::test]
async fn the_stage_and_the_shop_load_nothing_foreign_and_name_nobody() {
    let demo = Demo::start();
    let origin = &demo.origin;
    let mut browser = Browser::open(&demo).await;
    for user in Shopper::ALL {
        browser.sign(Some(user.name())).await;
        let cookie = [("cookie", browser.cookie.as_str())];
        let page = demo.ask("GET", &format!("{origin}/"), &cookie, "").await;
        assert!(
            page.body.contains(">Signed in<") && page.body.contains("/embed.js\" data-agent=\"agt_"),
            "{}",
            page.body
        );
        let text = page.body.to_lowercase();
        let words: Vec<_> =
            text.split(|sign: char| !sign.is_alphanumeric() && sign != '@' && sign != '.').collect();
        for trace in Shopper::ALL.into_iter().flat_map(Shopper::traces) {
            assert!(!words.contains(&trace.as_str()), "{trace}: {}", page.body);
        }
        let script = page.between("<script src=\"", "/embed.js");
        let expected =
            format!("default-src 'none'; script-src {script}; frame-src {script}; connect-src 'self'; ");
        assert!(
            page.policy().starts_with(&expected) && !page.policy().contains("unsafe"),
            "{}",
            page.policy()
        );
    }

    let cookie = [("cookie", browser.cookie.as_str())];
    let stage = demo.ask("GET", &format!("{origin}/demo"), &cookie, "").await;
    assert!(
        stage.policy().starts_with("default-src 'none'; script-src 'self'; style-src 'self'; "),
        "{}",
        stage.policy()
    );
    assert!(!stage.headers.contains_key("set-cookie"), "who has come before stays who they are");
    for (attribute, count) in
        [(" src=\"/", 2), (" href=\"/", 2), (" src=", 2), (" href=", 2), (" style=", 0), (" on", 0)]
    {
        assert_eq!(stage.body.matches(attribute).count(), count, "{attribute}: {}", stage.body);
    }
    for path in [
        "/demo/stage.js",
        "/demo/trace.js",
        "/demo/stage.css",
        "/demo/icon.svg",
        "/shop/shop.css",
        "/shop/can.svg",
    ] {
        assert_eq!(demo.ask("GET", &format!("{origin}{path}"), &[], "").await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn only_the_stages_own_page_is_told_anything_and_changes_anything() {
    let demo = Demo::start();
    let origin = &demo.origin;
    let json = ("content-type", "application/json");
    for foreign in
        [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")]
    {
        for (method, path) in [("GET", "/demo/events"), ("GET", "/demo/visitor"), ("POST", "/demo/act")] {
            let refused =
                demo.ask(method, &format!("{origin}{path}"), &[foreign, json], r#"{"act":"down"}"#).await;
            assert_eq!(refused.status, 403, "{foreign:?} {path}");
        }
    }
    // By another name, the browser would send no cookie, and an attacker's name could lead here.
    let by_address = origin.replace("localhost", "127.0.0.1");
    let shown = demo.ask("GET", &format!("{by_address}/demo"), &[], "").await;
    assert_eq!(
        (shown.status, shown.headers["location"].to_str().unwrap()),
        (307, format!("{origin}/demo").as_str())
    );
    let changed = demo.ask("POST", &format!("{by_address}/demo/act"), &[json], r#"{"act":"down"}"#).await;
    assert_eq!(changed.status, 421);
    let browser = Browser::open(&demo).await;
    for unknown in [r#"{"act":"login-page"}"#, r#"{"act":"explode"}"#, "{}"] {
        assert_eq!(browser.post("/demo/act", json.1, unknown).await.status, 422, "{unknown}");
    }
}

#[tokio::test]
async fn each_act_gives_its_code_and_the_chat_goes_on() {
    let demo = Demo::start();
    let mut browser = Browser::open(&demo).await;
    let mut events = demo.events().await;
    for (act, user, code, reason, visits) in [
        ("healthy", Some("ada"), None, None, 1),
        ("slow", Some("ada"), Some("AUTH_CALLBACK_TIMEOUT"), Some("timeout_headers"), 2),
        ("down", Some("ada"), Some("AUTH_CALLBACK_FAILED"), Some("connect_failed"), 0),
        ("error", Some("ada"), Some("AUTH_CALLBACK_FAILED"), Some("http_status"), 1),
        ("bad-json", Some("ada"), Some("AUTH_CALLBACK_BAD_RESPONSE"), Some("not_json"), 1),
        ("healthy", Some("grace"), None, None, 1),
        ("healthy", None, None, None, 0),
    ] {
        browser.act(act).await;
        browser.sign(user).await;
        let (session, chats) = browser.chat().await;
        let status = if code.is_none() && user.is_some() { "authenticated" } else { "anonymous" };
        assert_eq!(
            (&chats.json["status"], &chats.json["error"]["code"]),
            (&json!(status), &json!(code)),
            "{act}"
        );

        let trace = events.settled(&session.id).await;
        let settled = &trace["settled"];
        assert_eq!((&settled["code"], &settled["reason"]), (&json!(code), &json!(reason)), "{act}");
        assert_eq!(settled["mend"].is_string(), code.is_some(), "{act}");
        let claim = &trace["claims"][0];
        assert_eq!(claim["outcome"], if user.is_some() { "bound" } else { "nobody" }, "{act}");
        assert_eq!(claim["detail"], user.unwrap_or_default(), "{act}");
        assert_eq!(trace["visits"].as_array().unwrap().len(), visits, "{act}");
        assert_eq!(settled["identity"]["identity"].is_object(), status == "authenticated", "{act}");

        let messages = session.path() + "/messages";
        let hello = demo.api.call("GET", &messages, Some(&session.token), None).await.expect_status(200);
        let words = if status == "authenticated" { "You're signed in" } else { "as a guest" };
        assert!(hello.json["messages"][0]["text"].as_str().unwrap().contains(words), "{act}: {}", hello.json);

        let question = json!({"text": "Who am I?"});
        demo.api.call("POST", &messages, Some(&session.token), Some(question)).await.expect_status(201);
        let is_reply = |message: &Value| {
            message["from"] == "agent" && message["messageId"] != hello.json["messages"][0]["messageId"]
        };
        let reply = demo.conversation(&session).await.wait_for("message", is_reply).await;
        let begin = if status == "authenticated" { "You're signed in" } else { "I don't know" };
        assert!(reply["text"].as_str().unwrap().starts_with(begin), "{act}: {reply}");
    }
    for secret in ["bpk_", "bat_", "bcs_", "bst_"] {
        assert!(!events.all.contains(secret), "{secret}");
    }
    drop(events);

    let (status, printed, left) = demo.stop();
    assert!(status.success() && left.is_empty(), "{status} {left:?}");
    assert!(
        printed.contains("5. The endpoint is down") && printed.contains("Now yours: http://localhost:"),
        "{printed}"
    );
    for told in [
        "In the browser: grace is signed in to the shop (sess_",
        "In the browser: nobody is signed in (sess_",
    ] {
        assert!(printed.contains(told), "{told}: {printed}");
    }
}

#[tokio::test]
async fn another_sites_page_gets_no_ticket_and_its_session_nobody() {
    let demo = Demo::start();
    let browser = Browser::open(&demo).await;
    let mut events = demo.events().await;
    let stage = events.wait_for("stage", |_| true).await;
    let site = stage["attacker"].as_str().unwrap();
    assert!(site.starts_with("http://127.0.0.1:"), "another site than localhost: {site}");

    let page = demo.ask("GET", &format!("{site}/"), &[], "").await;
    assert!(page.policy().contains(&format!("frame-ancestors {}", demo.origin)), "{}", page.policy());
    let (session, agent) = (page.between("data-session=\"", "\""), page.between("data-agent=\"", "\""));
    let target = page.between("data-target=\"", "\"");
    let claim = json!({"sessionId": session, "agentId": agent}).to_string();
    for (way, kind) in [("text", "text/plain;charset=UTF-8"), ("form", "text/plain")] {
        // A browser of today does not even send the cookie.
        let lured = [
            ("cookie", browser.cookie.as_str()),
            ("origin", site),
            ("sec-fetch-site", "cross-site"),
            ("content-type", kind),
        ];
        let refused = demo.ask("POST", &target, &lured, &claim).await;
        assert_eq!(refused.status, 403, "{way}: {}", refused.body);
        assert!(
            !refused.body.contains("ticket") && !refused.headers.contains_key("access-control-allow-origin")
        );
        tell(&demo, site, "/tried", &json!({"sessionId": session, "way": way}).to_string()).await;
    }
    // As JSON the browser asks first, and is not told that it may.
    let asked = demo
        .ask("OPTIONS", &target, &[("origin", site), ("access-control-request-method", "POST")], "")
        .await;
    assert!(!asked.headers.contains_key("access-control-allow-origin"));
    tell(&demo, site, "/tried", &json!({"sessionId": session, "way": "json"}).to_string()).await;
    tell(&demo, site, "/identify", &json!({"sessionId": session}).to_string()).await;

    let trace = events.settled(&session).await;
    let identity = &trace["settled"]["identity"];
    assert_eq!((&identity["status"], &identity["identity"]), (&json!("anonymous"), &json!(null)));
    assert_eq!(trace["visits"], json!([]), "the shop was not even asked");
    let steps = trace["attack"].as_array().unwrap();
    let refused: Vec<_> = steps.iter().map(|step| step["refusedBy"].as_str()).collect();
    let (shop, buddy) = (Some("the shop"), Some("Buddy"));
    assert_eq!(refused, [None, shop, shop, Some("the browser"), buddy, buddy], "{trace}");
    drop(events);
    let (_, printed, _) = demo.stop();
    assert!(printed.contains(&format!("another site's page ({session})")), "{printed}");
}

/// The other site's page reports to its own server.
async fn tell(demo: &Demo, site: &str, path: &str, body: &str) {
    let own = [("sec-fetch-site", "same-origin"), ("content-type", "application/json")];
    let told = demo.ask("POST", &format!("{site}{path}"), &own, body).await;
    assert_eq!(told.status, 204, "{path} {body}: {}", told.body);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let setup = Setup::new(None);
    let line = super::refused(&setup.run(&["demo", "--no-open", "--port", &port]));
    assert!(line.contains(&format!("--port {port}")) && line.contains("or 0"), "{line}");
}
