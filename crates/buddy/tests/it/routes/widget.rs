//! `/embed.js` and `/widget/…`: what a shop's page embeds.

use axum::body::Body;
use serde_json::json;

use super::NO_AGENT;
use crate::support::{Agent, Buddy, Reply};

async fn get(buddy: &Buddy, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = buddy.api.request("GET", path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    buddy.api.try_send(request.body(Body::empty()).unwrap()).await.unwrap()
}

async fn frame(buddy: &Buddy, agent: &Agent) -> Reply {
    get(buddy, &format!("/widget/{}", agent.id), &[]).await.expect_status(200)
}

#[track_caller]
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", reply.headers)).to_str().unwrap()
}

/// The value of the policy's directive.
#[track_caller]
fn directive<'a>(reply: &'a Reply, name: &str) -> &'a str {
    let directives = header(reply, "content-security-policy").split("; ");
    let mut found = directives.filter_map(|directive| directive.strip_prefix(name));
    found.next().unwrap_or_else(|| panic!("no {name}")).trim_start()
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

/// The paths of the frame's two files, as its document names them.
fn assets(frame: &Reply) -> Vec<String> {
    let names = text(frame).split('"').filter(|part| part.starts_with("assets/"));
    names.map(|name| format!("/widget/{name}")).collect()
}

#[tokio::test]
async fn the_script_may_be_loaded_by_any_page_and_is_fresh_within_minutes() {
    let buddy = Buddy::alone();
    let script = get(&buddy, "/embed.js", &[]).await.expect_status(200);
    assert_eq!(header(&script, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&script, "cross-origin-resource-policy"), "cross-origin");
    assert_eq!(header(&script, "access-control-allow-origin"), "*");
    assert_eq!(header(&script, "x-content-type-options"), "nosniff");
    assert_eq!(header(&script, "cache-control"), "public, max-age=300, stale-while-revalidate=86400");
    assert_eq!(header(&script, "vary"), "accept-encoding");
    assert!(!script.headers.contains_key("set-cookie"));

    let packed = get(&buddy, "/embed.js", &[("accept-encoding", "gzip")]).await.expect_status(200);
    assert_eq!(header(&packed, "content-encoding"), "gzip");
    assert!(packed.body.len() < script.body.len());
    let etag = header(&packed, "etag").to_owned();
    assert_ne!(etag, header(&script, "etag"));
    let again = [("accept-encoding", "gzip"), ("if-none-match", etag.as_str())];
    assert!(get(&buddy, "/embed.js", &again).await.expect_status(304).body.is_empty());
}

#[tokio::test]
async fn the_frame_is_for_the_agents_pages_only() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let nowhere = Some(json!({"allowedOrigins": []}));
    buddy.operator("PATCH", &agent.path(), nowhere).await.expect_status(200);
    assert_eq!(directive(&frame(&buddy, &agent).await, "frame-ancestors"), "'none'");

    let origins = ["https://shop.example", "http://localhost:3000"];
    let pages = Some(json!({"allowedOrigins": origins}));
    buddy.operator("PATCH", &agent.path(), pages).await.expect_status(200);
    let framed = frame(&buddy, &agent).await;
    assert_eq!(directive(&framed, "frame-ancestors"), origins.join(" "));
    assert!(text(&framed).contains(&format!("data-origins=\"{}\"", origins.join(" "))));
    assert!(text(&framed).contains(&format!("data-agent=\"{}\"", agent.id)));
}

#[tokio::test]
async fn the_frame_runs_its_own_files_and_calls_its_own_server_and_nothing_else() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let frame = frame(&buddy, &agent).await;
    assert_eq!(header(&frame, "content-type"), "text/html; charset=utf-8");
    for (name, value) in [
        ("default-src", "'none'"),
        ("script-src", "'self'"),
        ("style-src", "'self'"),
        ("connect-src", "'self'"),
        ("base-uri", "'none'"),
        ("form-action", "'none'"),
        ("sandbox", "allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox"),
        ("require-trusted-types-for", "'script'"),
        ("trusted-types", "'none'"),
    ] {
        assert_eq!(directive(&frame, name), value, "{name}");
    }
    for (name, value) in [
        ("cache-control", "no-cache"),
        ("referrer-policy", "no-referrer"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-embedder-policy", "require-corp"),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(header(&frame, name), value, "{name}");
    }
    assert!(!frame.headers.contains_key("set-cookie"));
    assert!(!text(&frame).contains("style=") && !text(&frame).contains("<style"), "nothing inline");

    let assets = assets(&frame);
    assert_eq!(assets.len(), 2, "{}", text(&frame));
    for path in &assets {
        let asset = get(&buddy, path, &[]).await.expect_status(200);
        assert_eq!(header(&asset, "cache-control"), "public, max-age=31536000, immutable", "{path}");
        assert_eq!(header(&asset, "cross-origin-resource-policy"), "same-origin", "{path}");
        assert_eq!(header(&asset, "x-content-type-options"), "nosniff", "{path}");
        let expected = if path.contains(".js") { "text/javascript" } else { "text/css" };
        assert!(header(&asset, "content-type").starts_with(expected), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_that_no_cache_keeps() {
    let buddy = Buddy::alone();
    let agent = buddy.bare_agent().await;
    let asset = assets(&frame(&buddy, &agent).await).remove(0);
    let tag = asset.split('/').nth(3).unwrap();
    for path in [
        format!("/widget/{NO_AGENT}"),
        "/widget/agt_nonsense".to_owned(),
        asset.replace(tag, "0123456789abcdef"),
        format!("/widget/assets/{tag}/embed.js"),
    ] {
        let reply = get(&buddy, &path, &[]).await.expect_problem(404, "NOT_FOUND");
        assert_eq!(header(&reply, "cache-control"), "no-store", "{path}");
    }
}
