//! Nothing is changed because another site's page asks for it.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What a browser says in its own words of who asks; no page can change it.
pub const SEC_FETCH_SITE: &str = "sec-fetch-site";

const REFUSED: &str = "Asked by another site's page. Only a page of this host may ask.";

/// For [`from_fn`](axum::middleware::from_fn): 403 to what a page of another site asks.
pub async fn own_pages_only(request: Request, next: Next) -> Response {
    if is_own_page(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, REFUSED).into_response()
}

/// A page of this host asks, or no page at all: every browser of today sends one of the two headers.
fn is_own_page(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text(SEC_FETCH_SITE), text(ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => text(HOST.as_str()).is_some_and(|host| origin == format!("http://{host}")),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_another_site_is_told_apart() {
        for (site, origin, own) in [
            (None, None, true),
            (Some("same-origin"), Some("http://localhost:8710"), true),
            (Some("same-site"), Some("http://localhost:8710"), false),
            (Some("cross-site"), None, false),
            // Typed into the address bar: nothing here is changed by that.
            (Some("none"), None, false),
            (None, Some("http://localhost:8710"), true),
            (None, Some("http://localhost:8711"), false),
            (None, Some("https://localhost:8710"), false),
            (None, Some("null"), false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, "localhost:8710".parse().unwrap());
            for (name, value) in [(SEC_FETCH_SITE, site), ("origin", origin)] {
                if let Some(value) = value {
                    headers.insert(name, value.parse().unwrap());
                }
            }
            assert_eq!(is_own_page(&headers), own, "{site:?} {origin:?}");
        }
    }
}
