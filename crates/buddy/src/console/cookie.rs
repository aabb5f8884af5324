//! The cookie of an operator who is signed in: when that ends, and a proof that the server wrote it.
//!
//! Nothing is stored, so every node with the same admin token takes it, and another token ends them all.

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use buddy_core::time::UnixMillis;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::app::App;

/// A long working day; whoever is still there signs in again the next one.
const SIGNED_IN_SECONDS: u32 = 12 * 3600;
/// What is proven: that the same key is used for nothing else needs a name of its own.
const PURPOSE: &str = "buddy-console-v1:";

/// The `Set-Cookie` that signs in.
pub(super) fn made(app: &App) -> HeaderValue {
    let ends_at = app.ambient.now().plus_seconds(SIGNED_IN_SECONDS).seconds();
    let proof = hex::encode(mac(app, ends_at).finalize().into_bytes());
    set(app, &format!("{ends_at}.{proof}"), SIGNED_IN_SECONDS)
}

/// The `Set-Cookie` that signs out.
pub(super) fn cleared(app: &App) -> HeaderValue {
    set(app, "", 0)
}

/// One of the request's cookies is ours, and has not ended.
pub(super) fn signs_in(app: &App, headers: &HeaderMap) -> bool {
    let name = name(app);
    let lists = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = lists
        .flat_map(|list| list.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter_map(|(other, value)| (other == name).then_some(value));
    values.any(|value| is_good(app, value, app.ambient.now()))
}

fn is_good(app: &App, value: &str, now: UnixMillis) -> bool {
    let Some((ends_at, proof)) = value.split_once('.') else { return false };
    let (Ok(ends_at), Ok(proof)) = (ends_at.parse(), hex::decode(proof)) else { return false };
    now.seconds() < ends_at && mac(app, ends_at).verify_slice(&proof).is_ok()
}

fn mac(app: &App, ends_at: i64) -> Hmac<Sha256> {
    let mut mac = Hmac::<Sha256>::new_from_slice(&app.admin_token.0).expect("HMAC takes a key of any length");
    mac.update(format!("{PURPOSE}{ends_at}").as_bytes());
    mac
}

fn set(app: &App, value: &str, seconds: u32) -> HeaderValue {
    let secure = if over_https(app) { "; Secure" } else { "" };
    let name = name(app);
    let cookie =
        format!("{name}={value}; Path=/console; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).expect("digits and hex are header text")
}

/// Browsers take the prefix only with `Secure`, so that no page without TLS can set a cookie of this name.
fn name(app: &App) -> &'static str {
    if over_https(app) { "__Secure-buddy_console" } else { "buddy_console" }
}

fn over_https(app: &App) -> bool {
    app.public_origin.starts_with("https://")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    fn sent(set_cookie: &HeaderValue) -> HeaderMap {
        let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
        HeaderMap::from_iter([(COOKIE, format!("a=1; {pair}; b=2").parse().unwrap())])
    }

    #[tokio::test]
    async fn it_is_good_until_it_ends() {
        let test = TestApp::start();
        let cookie = sent(&made(&test.app));
        assert!(signs_in(&test.app, &cookie));
        test.clock.advance_seconds(SIGNED_IN_SECONDS - 1);
        assert!(signs_in(&test.app, &cookie));
        test.clock.advance_seconds(1);
        assert!(!signs_in(&test.app, &cookie));
    }

    #[tokio::test]
    async fn it_is_good_for_its_own_token_and_as_it_was_written_only() {
        let (test, other) = (TestApp::start(), TestApp::start());
        let cookie = made(&test.app);
        assert!(signs_in(&test.app, &sent(&cookie)));
        assert!(!signs_in(&other.app, &sent(&cookie)), "another admin token");
        assert!(!signs_in(&test.app, &sent(&cleared(&test.app))));
        let text = cookie.to_str().unwrap();
        let (ends_at, _) = text.split_once('=').unwrap().1.split_once('.').unwrap();
        let later = text.replace(ends_at, &(ends_at.parse::<i64>().unwrap() + 1).to_string());
        for bad in [&later, &text.replace('.', ""), &text.replace('.', ".00"), "buddy_console=", "x"] {
            assert!(!signs_in(&test.app, &sent(&bad.parse().unwrap())), "{bad}");
        }
        assert!(!signs_in(&test.app, &HeaderMap::new()));
    }
}
