//! The console from outside: pages over real HTTP, with a cookie, and never a script.

mod actions;
mod audit;
mod gate;
mod live;
mod resolutions;
mod safety;
mod screens;

use axum::body::Body;
use url::form_urlencoded::Serializer;

use crate::support::{ADMIN_TOKEN, Agent, Buddy, Reply};

/// The screens of an agent, below its own.
const OF_AGENT: [&str; 10] = [
    "",
    "/settings",
    "/delete",
    "/callback",
    "/callback/delete",
    "/keys",
    "/install",
    "/check",
    "/resolutions",
    "/live",
];

/// A browser that is signed in, or not yet.
struct Browser<'a> {
    buddy: &'a Buddy,
    cookie: Option<String>,
}

impl<'a> Browser<'a> {
    fn stranger(buddy: &'a Buddy) -> Self {
        Self { buddy, cookie: None }
    }

    async fn signed_in(buddy: &'a Buddy) -> Self {
        let stranger = Self::stranger(buddy);
        let reply = stranger.post("/console/sign-in", &[("token", ADMIN_TOKEN)]).await.expect_status(303);
        Self { buddy, cookie: Some(cookie(&reply)) }
    }

    async fn get(&self, path: &str) -> Reply {
        self.get_with(path, &[]).await
    }

    async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.send(self.request("GET", path, headers).body(Body::empty()).unwrap()).await
    }

    /// A page of this screen.
    async fn page(&self, path: &str) -> String {
        text(&self.get(path).await.expect_status(200))
    }

    async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_with(path, fields, &[("sec-fetch-site", "same-origin")]).await
    }

    async fn post_with(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
        let form = Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.request("POST", path, headers);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        self.send(request.body(Body::from(form)).unwrap()).await
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> http::request::Builder {
        let mut request = self.buddy.api.request(method, path);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
    }

    /// Every answer is a page that may do little, or leads to one.
    async fn send(&self, request: http::Request<Body>) -> Reply {
        let reply = self.buddy.api.send(request).await;
        assert_eq!(header(&reply, "content-security-policy"), POLICY);
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&reply, name), value, "{reply:?}");
        }
        if !reply.status.is_redirection() {
            assert_eq!(header(&reply, "content-type"), "text/html; charset=utf-8", "{reply:?}");
            assert_nothing_inline(&text(&reply));
        }
        reply
    }
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[track_caller]
fn assert_nothing_inline(page: &str) {
    assert!(page.starts_with("<!doctype html>\n<html lang=\"en\">"), "{page}");
    assert!(!page.contains("<style") && !page.contains(" style="), "a style of its own: {page}");
    assert!(!page.contains("javascript:"), "{page}");
    for tag in page.split('<').filter_map(|part| part.split('>').next()) {
        let mut names = tag.split_ascii_whitespace().skip(1);
        assert!(!names.any(|name| name.starts_with("on")), "a handler in <{tag}>");
        assert!(!tag.starts_with("script") || tag.contains(" src=\"/console/assets/"), "<{tag}>");
    }
}

#[track_caller]
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", reply.headers)).to_str().unwrap()
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.body.to_vec()).unwrap()
}

/// What a browser sends back of it.
#[track_caller]
fn cookie(reply: &Reply) -> String {
    header(reply, "set-cookie").split(';').next().unwrap().to_owned()
}

/// The value of the page's input of this id.
#[track_caller]
fn value(page: &str, id: &str) -> String {
    let input = page.split(&format!("id=\"{id}\"")).nth(1).unwrap_or_else(|| panic!("no {id}: {page}"));
    input.split("value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

fn screen(agent: &Agent, rest: &str) -> String {
    format!("/console/agents/{}{rest}", agent.id)
}

/// As it is read.
fn unescaped(page: &str) -> String {
    let signs = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&")];
    signs.iter().fold(page.to_owned(), |page, (escaped, sign)| page.replace(escaped, sign))
}
