//! Who is not signed in comes to the sign-in page, and from there to where they were going.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use url::Url;
use url::form_urlencoded::byte_serialize;

use super::fault::Fault;
use super::{cookie, page};
use crate::app::App;
use crate::audit::By;
use crate::http::limit::ClientAddress;

/// The first screen.
pub(super) const START: &str = "/console";
const SIGN_IN: &str = "/console/sign-in";
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Lets those through who are signed in.
pub(super) async fn signed_in_only(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if cookie::signs_in(&app, request.headers()) {
        return next.run(request).await;
    }
    // A form that was sent too late is not sent again: its screen is the place to look what came of it.
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let wanted = request.uri().path_and_query().filter(|_| reads).map_or(START, |path| path.as_str());
    if reads && comes_from_elsewhere(request.headers()) {
        return page::ComeAgain::at(below_console(wanted)).into_response();
    }
    Redirect::to(&sign_in_for(wanted)).into_response()
}

/// A link of another site was followed. Browsers then keep a strict cookie to themselves; a step from a page of ours
/// shows whether there is one.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site == "cross-site")
}

fn sign_in_for(wanted: &str) -> String {
    let wanted = below_console(wanted);
    if wanted == START {
        return SIGN_IN.to_owned();
    }
    format!("{SIGN_IN}?to={}", byte_serialize(wanted.as_bytes()).collect::<String>())
}

/// Where one may be led after signing in: a path of the console, as a browser would read it; else the first screen.
pub(super) fn below_console(wanted: &str) -> String {
    let base = Url::parse("http://buddy.invalid/").expect("a URL");
    let read = base.join(wanted).ok().filter(|url| url.origin() == base.origin() && url.fragment().is_none());
    let inside = |url: &Url| url.path() == START || url.path().starts_with("/console/");
    let Some(url) = read.filter(|url| inside(url) && wanted.starts_with(START)) else {
        return START.to_owned();
    };
    let query = url.query().map_or_else(String::new, |query| format!("?{query}"));
    format!("{}{query}", url.path())
}

/// Who is signed in, and from where: the gate has let them through.
pub(super) struct Acting(pub(super) By);

impl FromRequestParts<Arc<App>> for Acting {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Fault> {
        let client = ClientAddress::from_request_parts(parts, app).await?;
        Ok(Self(By::admin(client.ip())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_led_to_screens_only() {
        for good in
            ["/console", "/console/agents/new", "/console?search=a%20b&x=1", "/console/a/resolutions?code=X"]
        {
            assert_eq!(below_console(good), good);
        }
        for bad in [
            "",
            "/",
            "/v1/agents",
            "/consoles",
            "//evil.example/console",
            "https://evil.example/console",
            "\\\\evil.example/console",
            "/console/../v1/agents",
            "/console/%2e%2e/v1/agents",
            "/console\\..\\..\\v1",
            "javascript:alert(1)",
            "/console#x",
            "/\t/evil.example/console",
        ] {
            assert_eq!(below_console(bad), "/console", "{bad}");
        }
    }
}
