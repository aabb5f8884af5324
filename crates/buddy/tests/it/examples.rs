//! Every example as a person would try it: `buddy check` is green, and a real server identifies its visitors.

use serde_json::{Value, json};

use crate::support::{Example, Setup};

const OLD_SECRET: &str = "the-old-secret-0123456789";

macro_rules! examples {
    ($($name:ident),*) => {
        $(
            #[tokio::test]
            async fn $name() {
                holds(stringify!($name)).await;
            }
        )*

        #[test]
        fn none_is_forgotten() {
            let directory = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples")).unwrap();
            let mut found: Vec<_> = directory
                .map(|entry| entry.unwrap())
                .filter(|entry| entry.path().join("start").exists())
                .map(|entry| entry.file_name().into_string().unwrap())
                .collect();
            found.sort();
            let mut tried = vec![$(stringify!($name)),*];
            tried.sort_unstable();
            assert_eq!(found, tried);
        }
    };
}

examples! { axum, django, express, fastapi, fastify, flask, go, laravel, next, php }

async fn holds(name: &str) {
    let setup = Setup::new(None).env("BUDDY_EGRESS_ALLOW_HTTP", "true");
    let buddy = setup.start();
    let bare = buddy.bare_agent().await;
    let env = [("BUDDY_SECRET", bare.secret.as_str()), ("BUDDY_OLD_SECRET", OLD_SECRET)];
    let example = Example::start(name, &env);
    is_green(&example, &bare.secret);
    is_green(&example, OLD_SECRET);

    let url = example.url("/buddy/identity");
    let agent = buddy.agent(&url, json!({"requireTicket": true})).await;
    let mut ada = example.visitor();
    ada.sign_in("ada").await;
    let session = buddy.session_to_identify(&agent).await;
    let bound = ada.bind(&session.id, &agent.id, "same-origin").await;
    assert_eq!(bound.status, 200, "{}", bound.json);
    assert!(bound.headers["cache-control"].to_str().unwrap().contains("no-store"));
    let ticket = json!({"ticket": bound.json["ticket"]});
    let view = buddy.visitor("POST", &session, "/identify?wait=30", Some(ticket)).await.expect_status(200);
    assert_eq!(view.json["status"], "authenticated", "{}", view.json);
    let known = buddy.identity(&agent, &session).await;
    assert_eq!(
        known["identity"],
        json!({"userId": "ada-1815", "email": "ada@shop.example", "role": "customer", "customAttributes": {"plan": "gold"}})
    );

    // Another user gets no ticket for it, nor does another site's page, and nobody is nobody.
    let mut grace = example.visitor();
    grace.sign_in("grace").await;
    let refused = grace.bind(&session.id, &agent.id, "same-origin").await;
    assert_eq!((refused.status.as_u16(), &refused.json["error"]), (409, &json!("session_taken")));
    let elsewhere = buddy.session_to_identify(&agent).await;
    let refused = ada.bind(&elsewhere.id, &agent.id, "cross-site").await;
    assert_eq!((refused.status.as_u16(), &refused.json["error"]), (403, &json!("cross_site")));
    let signed_out = example.visitor().bind(&elsewhere.id, &agent.id, "same-origin").await;
    assert_eq!((signed_out.status.as_u16(), signed_out.json), (204, Value::Null));
    // Bound by nobody, and asked all the same.
    let ticket = json!({"ticket": agent.ticket(&elsewhere)});
    let view = buddy.visitor("POST", &elsewhere, "/identify?wait=30", Some(ticket)).await.expect_status(200);
    assert_eq!((&view.json["status"], &view.json["error"]), (&json!("anonymous"), &Value::Null));
}

/// `buddy check`, as each example's README has it.
#[track_caller]
fn is_green(example: &Example, secret: &str) {
    let setup = Setup::new(None).env("BUDDY_SECRET", secret);
    let url = example.url("/buddy/identity");
    let output = setup.run(&["check", &url, "--allow-local", "--secret-env", "BUDDY_SECRET"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
}
