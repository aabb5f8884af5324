//! `/v1/agents/{agentId}/callback`: set, read, rotated, removed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{ada, all_that_is_read, members, time};
use crate::support::{Agent, Answer, Buddy, Endpoint, Seen, Setup};

const OWN: &str = "an-own-secret-0123456789";

async fn put(buddy: &Buddy, agent: &Agent, settings: Value) -> Value {
    let path = agent.path() + "/callback";
    buddy.operator("PUT", &path, Some(settings)).await.expect_status(200).json
}

async fn read(buddy: &Buddy, agent: &Agent) -> Value {
    buddy.operator("GET", &(agent.path() + "/callback"), None).await.expect_status(200).json
}

async fn rotate(buddy: &Buddy, agent: &Agent, body: Value) -> Value {
    let path = agent.path() + "/callback/secret";
    buddy.operator("POST", &path, Some(body)).await.expect_status(200).json
}

/// Signed with this secret, as a business would find out.
fn signed_with(seen: &Seen, secret: &str) -> bool {
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    let now = body["timestamp"].as_i64().unwrap();
    buddy_verify::verify(&seen.body, Some(seen.header("x-platform-signature")), &[secret], now).is_ok()
}

#[tokio::test]
async fn a_callback_has_defaults_and_a_put_sets_all() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/callback";
    buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    buddy.operator("POST", &(path.clone() + "/secret"), None).await.expect_problem(404, "NOT_FOUND");

    let url = "https://localhost:4443/buddy/identity?shop=1";
    let full = json!({"url": url, "secret": OWN, "timeoutMs": 100, "maxConcurrent": 1, "requireTicket": true, "enabled": false});
    let set = put(&buddy, &agent, full).await;
    let all =
        ["url", "timeoutMs", "maxConcurrent", "requireTicket", "enabled", "secretCreatedAt", "rotation"];
    assert_eq!(members(&set), BTreeSet::from(all), "one's own secret is not shown");
    assert_eq!(
        (&set["url"], &set["timeoutMs"], &set["maxConcurrent"]),
        (&json!(url), &json!(100), &json!(1))
    );
    assert_eq!((&set["requireTicket"], &set["enabled"]), (&json!(true), &json!(false)));
    assert_eq!(set["rotation"], Value::Null);
    assert_eq!(read(&buddy, &agent).await, set);
    let of_agent = buddy.operator("GET", &agent.path(), None).await.json["callback"].clone();
    assert_eq!(of_agent, set);

    let bare = put(&buddy, &agent, json!({"url": "https://localhost:4443"})).await;
    let expected = json!({
        "url": "https://localhost:4443/", "timeoutMs": 3000, "maxConcurrent": 128, "requireTicket": false,
        "enabled": true, "secretCreatedAt": set["secretCreatedAt"], "rotation": null,
    });
    assert_eq!(bare, expected, "what was left out is its default, and the secret stays");
    assert_eq!(read(&buddy, &agent).await, expected);

    buddy.operator("DELETE", &path, None).await.expect_status(204);
    buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    buddy.operator("DELETE", &path, None).await.expect_problem(404, "NOT_FOUND");
    assert_eq!(buddy.operator("GET", &agent.path(), None).await.json["callback"], Value::Null);
    let anew = put(&buddy, &agent, json!({"url": "https://localhost:4443"})).await;
    assert!(anew["generatedSecret"].is_string(), "the old secret went with the callback");
}

#[tokio::test]
async fn every_setting_has_its_bounds_and_a_refused_one_changes_nothing() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/callback";
    put(&buddy, &agent, json!({"url": "https://localhost:4443/", "secret": OWN})).await;
    for (member, value, good) in [
        ("timeoutMs", json!(99), false),
        ("timeoutMs", json!(100), true),
        ("timeoutMs", json!(10_000), true),
        ("timeoutMs", json!(10_001), false),
        ("maxConcurrent", json!(0), false),
        ("maxConcurrent", json!(1), true),
        ("maxConcurrent", json!(1024), true),
        ("maxConcurrent", json!(1025), false),
        ("secret", json!("s".repeat(15)), false),
        ("secret", json!("!".repeat(16)), true),
        ("secret", json!("~".repeat(256)), true),
        ("secret", json!("s".repeat(257)), false),
        ("secret", json!(""), false),
        ("secret", json!("with a space in it"), false),
        ("secret", json!("0123456789abcdef\n"), false),
        ("secret", json!("schlüssel-schlüssel"), false),
    ] {
        let before = read(&buddy, &agent).await;
        let mut settings = json!({"url": "https://localhost:4443/"});
        settings[member] = value.clone();
        let reply = buddy.operator("PUT", &path, Some(settings)).await;
        if good {
            reply.expect_status(200);
            let read = read(&buddy, &agent).await;
            assert!(member == "secret" || read[member] == value, "{read}");
            continue;
        }
        let refused = reply.expect_problem(422, "INVALID_VALUE");
        assert!(refused.text("detail").starts_with(member), "{}", refused.json);
        assert_eq!(read(&buddy, &agent).await, before, "{member} {value}");
    }
}

#[tokio::test]
async fn a_url_that_can_never_be_called_is_refused_with_its_reason() {
    // Nothing that is not public may be reached here.
    let buddy = Setup::new(None).env("BUDDY_EGRESS_ALLOW", "").start();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/callback";
    let long = format!("https://shop.example/{}", "a".repeat(2048));
    let own = format!("https://127.0.0.1:{}/", buddy.address.port());
    for (url, reason) in [
        ("http://shop.example/cb", "not_https"),
        ("ftp://shop.example/cb", "not_https"),
        ("ws://shop.example/cb", "not_https"),
        ("", "bad_url"),
        ("shop.example/cb", "bad_url"),
        ("/cb", "bad_url"),
        ("https://", "bad_url"),
        ("https:///cb", "bad_url"),
        ("https://user@shop.example/cb", "bad_url"),
        ("https://user:password@shop.example/cb", "bad_url"),
        ("https://shop.example/cb#top", "bad_url"),
        ("https://shop.example/a b", "bad_url"),
        (" https://shop.example/", "bad_url"),
        ("https://shop.example/\n", "bad_url"),
        ("https://shop.example\\cb", "bad_url"),
        ("https://bücher.example/", "bad_url"),
        ("https://shop.example:99999/", "bad_url"),
        ("https://shop..example/", "bad_url"),
        (&long, "bad_url"),
        ("https://127.0.0.1/cb", "address_blocked"),
        ("https://127.1/cb", "address_blocked"),
        ("https://2130706433/cb", "address_blocked"),
        ("https://0x7f000001/cb", "address_blocked"),
        ("https://0.0.0.0/", "address_blocked"),
        ("https://10.0.0.1/", "address_blocked"),
        ("https://172.16.0.1/", "address_blocked"),
        ("https://192.168.1.1:8443/", "address_blocked"),
        ("https://100.64.0.1/", "address_blocked"),
        ("https://169.254.169.254/latest/meta-data/", "address_blocked"),
        ("https://100.100.100.200/", "address_blocked"),
        ("https://168.63.129.16/", "address_blocked"),
        ("https://224.0.0.1/", "address_blocked"),
        ("https://255.255.255.255/", "address_blocked"),
        ("https://[::1]/", "address_blocked"),
        ("https://[::]/", "address_blocked"),
        ("https://[fc00::1]/", "address_blocked"),
        ("https://[fe80::1]/", "address_blocked"),
        ("https://[fd00:ec2::254]/", "address_blocked"),
        ("https://[::ffff:127.0.0.1]/", "address_blocked"),
        ("https://[64:ff9b::7f00:1]/", "address_blocked"),
        ("https://[2002:7f00:1::]/", "address_blocked"),
        ("https://localhost/cb", "address_blocked"),
        ("https://LOCALHOST./cb", "address_blocked"),
        ("https://shop.internal/cb", "address_blocked"),
        ("https://metadata.google.internal/", "address_blocked"),
        ("https://intranet/", "address_blocked"),
        (&own, "address_blocked"),
    ] {
        let reply = buddy.operator("PUT", &path, Some(json!({"url": url}))).await;
        let refused = reply.expect_problem(422, "INVALID_CALLBACK_URL");
        assert_eq!(refused.json["reason"], reason, "{url}");
        assert!(refused.text("detail").ends_with('.'), "{url}");
    }
    buddy.operator("GET", &path, None).await.expect_problem(404, "NOT_FOUND");
    let set = put(&buddy, &agent, json!({"url": "https://8.8.8.8:8443/cb?x=1"})).await;
    assert_eq!(set["url"], "https://8.8.8.8:8443/cb?x=1");
}

#[tokio::test]
async fn buddys_own_name_is_no_endpoint() {
    let setup = Setup::new(None).env("BUDDY_PUBLIC_URL", "https://chat.example.com");
    let buddy = setup.start();
    let agent = buddy.bare_agent().await;
    let path = agent.path() + "/callback";
    for url in ["https://chat.example.com/cb".into(), format!("https://{}/", buddy.address)] {
        let refused = buddy.operator("PUT", &path, Some(json!({"url": url}))).await;
        assert_eq!(refused.expect_problem(422, "INVALID_CALLBACK_URL").json["reason"], "address_blocked");
    }
}

#[tokio::test]
async fn a_made_secret_is_shown_once_and_signs() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let mut agent = buddy.bare_agent().await;
    let made = put(&buddy, &agent, json!({"url": endpoint.url(), "requireTicket": true})).await;
    agent.secret = made["generatedSecret"].as_str().expect("a first secret is made").to_owned();
    assert!(agent.secret.starts_with("bcs_") && agent.secret.len() == 47, "{}", agent.secret);
    let again = put(&buddy, &agent, json!({"url": endpoint.url(), "requireTicket": true})).await;
    assert_eq!(again.get("generatedSecret"), None, "the stored one stays and is not shown again");
    assert_eq!(again["secretCreatedAt"], made["secretCreatedAt"]);

    let session = buddy.session_to_identify(&agent).await;
    let ticket = Some(json!({"ticket": agent.ticket(&session)}));
    let view = buddy.visitor("POST", &session, "/identify?wait=30", ticket).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated");
    assert!(signed_with(&endpoint.seen()[0], &agent.secret));
    let text = all_that_is_read(&buddy, &agent).await;
    assert!(
        text.contains(&session.id) && !text.contains(&agent.secret) && !text.contains(&agent.key),
        "{text}"
    );
}

#[tokio::test]
async fn a_rotation_answers_shows_and_refuses_a_second_one() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    put(&buddy, &agent, json!({"url": "https://localhost:4443/", "secret": OWN})).await;
    let path = agent.path() + "/callback/secret";
    let begun = buddy.operator("POST", &path, None).await.expect_status(200).json;
    assert_eq!(members(&begun), BTreeSet::from(["overlapEndsAt", "generatedSecret"]));
    let made = begun["generatedSecret"].as_str().unwrap();
    assert!(made.starts_with("bcs_"));
    let open = read(&buddy, &agent).await;
    assert_eq!(open["rotation"], json!({"overlapEndsAt": begun["overlapEndsAt"]}));
    let overlap = time(&begun["overlapEndsAt"]).duration_since(time(&open["secretCreatedAt"])).as_secs();
    assert!((86_400..86_460).contains(&overlap), "{overlap}");
    for body in [None, Some(json!({"overlapSeconds": 0})), Some(json!({"secret": "the-next-secret-0123"}))] {
        buddy.operator("POST", &path, body).await.expect_problem(409, "ROTATION_OPEN");
    }
    let kept = put(&buddy, &agent, json!({"url": "https://localhost:4444/"})).await;
    assert_eq!(kept["rotation"], open["rotation"], "a PUT without a secret leaves the secrets alone");
    assert_eq!(kept.get("generatedSecret"), None);
    let text = all_that_is_read(&buddy, &agent).await;
    assert!(!text.contains(made) && !text.contains(OWN), "{text}");

    let ended =
        put(&buddy, &agent, json!({"url": "https://localhost:4443/", "secret": "my-own-secret-0123456"}))
            .await;
    assert_eq!(ended["rotation"], Value::Null, "a secret of one's own ends a rotation");
    let own = rotate(&buddy, &agent, json!({"secret": "the-next-secret-0123", "overlapSeconds": 60})).await;
    assert_eq!(members(&own), BTreeSet::from(["overlapEndsAt"]));
    let overlap = time(&own["overlapEndsAt"]).duration_since(time(&ended["secretCreatedAt"])).as_secs();
    assert!((60..120).contains(&overlap), "{overlap}");
}

#[tokio::test]
async fn the_numbers_and_the_secret_of_a_rotation_have_their_bounds() {
    let buddy = Buddy::alone();
    for (body, good) in [
        (json!({"overlapSeconds": 2_592_000}), true),
        (json!({"overlapSeconds": 2_592_001}), false),
        (json!({"overlapSeconds": 1}), true),
        (json!({"secret": "s".repeat(15)}), false),
        (json!({"secret": "s".repeat(16)}), true),
        (json!({"secret": "s".repeat(257)}), false),
        (json!({"secret": "with a space in it"}), false),
    ] {
        let agent = buddy.bare_agent().await;
        let before = put(&buddy, &agent, json!({"url": "https://localhost:4443/", "secret": OWN})).await;
        let path = agent.path() + "/callback/secret";
        let reply = buddy.operator("POST", &path, Some(body)).await;
        if good {
            reply.expect_status(200);
            assert_ne!(read(&buddy, &agent).await["rotation"], Value::Null);
        } else {
            reply.expect_problem(422, "INVALID_VALUE");
            assert_eq!(read(&buddy, &agent).await, before);
        }
    }
}

#[tokio::test]
async fn without_an_overlap_the_new_secret_signs_at_once() {
    let endpoint = Endpoint::open(|_| ada()).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let agent = buddy.agent(&endpoint.url(), json!({})).await;
    let before = read(&buddy, &agent).await;
    buddy.session(&agent).await;
    let rotated = rotate(&buddy, &agent, json!({"overlapSeconds": 0})).await;
    assert_eq!(rotated["overlapEndsAt"], Value::Null);
    let made = rotated["generatedSecret"].as_str().unwrap();
    let after = read(&buddy, &agent).await;
    assert_eq!(after["rotation"], Value::Null);
    assert!(time(&after["secretCreatedAt"]) > time(&before["secretCreatedAt"]));
    buddy.session(&agent).await;
    let seen = endpoint.seen();
    assert!(signed_with(&seen[0], &agent.secret) && !signed_with(&seen[0], made));
    assert!(signed_with(&seen[1], made) && !signed_with(&seen[1], &agent.secret));
    rotate(&buddy, &agent, json!({"overlapSeconds": 0})).await;
}

#[tokio::test]
async fn tickets_of_both_secrets_count_until_the_new_one_is_current() {
    let next = "the-next-secret-0123456789";
    let endpoint = Endpoint::open(move |seen| if signed_with(seen, next) { ada() } else { refused() }).await;
    let buddy = Buddy::start(&endpoint.ca_pem);
    let old = buddy.agent(&endpoint.url(), json!({"requireTicket": true})).await;
    let new = Agent { id: old.id.clone(), key: old.key.clone(), secret: next.into() };
    rotate(&buddy, &old, json!({"secret": next})).await;
    let sessions = [
        buddy.session_to_identify(&old).await,
        buddy.session_to_identify(&old).await,
        buddy.session_to_identify(&old).await,
    ];
    let identify = async |session, ticket: String| {
        buddy.visitor("POST", session, "/identify?wait=30", Some(json!({"ticket": ticket}))).await
    };
    let view = identify(&sessions[0], old.ticket(&sessions[0])).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated", "the endpoint holds the new secret already");
    assert_eq!(read(&buddy, &old).await["rotation"], Value::Null, "so that is the current one");
    let late = identify(&sessions[1], old.ticket(&sessions[1])).await;
    late.expect_problem(403, "INVALID_TICKET");
    let view = identify(&sessions[2], new.ticket(&sessions[2])).await.expect_status(200).json;
    assert_eq!(view["status"], "authenticated");
}

fn refused() -> Answer {
    Answer::With(401, "the signature does not match".into())
}
