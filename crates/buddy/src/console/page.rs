//! What every page has: the frame around it, and the headers that say what it may do.

use askama::Template;
use axum::extract::Request;
use axum::http::header::{
    CONTENT_SECURITY_POLICY, HeaderName, HeaderValue, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};

use super::assets;
use super::fault::Fault;

/// Its own files and forms, in a window of its own.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Which part of the console a page is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Agents,
    Audit,
    /// None of those that the head of the page leads to.
    Elsewhere,
}

/// The frame around a page.
pub(super) struct Frame {
    pub(super) title: String,
    pub(super) part: Part,
    pub(super) signed_in: bool,
    /// What was looked for last.
    pub(super) search: String,
    pub(super) icon: &'static str,
    pub(super) style: &'static str,
    pub(super) script: &'static str,
}

impl Frame {
    pub(super) fn new(title: impl Into<String>, part: Part) -> Self {
        Self {
            title: title.into(),
            part,
            signed_in: true,
            search: String::new(),
            icon: assets::icon_path(),
            style: assets::style_path(),
            script: assets::script_path(),
        }
    }

    pub(super) fn is_of_agents(&self) -> bool {
        self.part == Part::Agents
    }

    pub(super) fn is_of_audit(&self) -> bool {
        self.part == Part::Audit
    }

    /// For who is not signed in: there is nowhere to go.
    pub(super) fn closed(title: impl Into<String>) -> Self {
        Self { signed_in: false, ..Self::new(title, Part::Elsewhere) }
    }
}

/// The page as an answer.
pub(super) fn show(page: &impl Template) -> Response {
    show_with(StatusCode::OK, page)
}

/// The page as an answer of this status.
pub(super) fn show_with(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be made");
            Fault::internal().into_response()
        }
    }
}

/// A page that leads to another at once.
#[derive(Template)]
#[template(path = "come_again.html")]
pub(super) struct ComeAgain {
    frame: Frame,
    to: String,
}

impl ComeAgain {
    /// `to` is a path of the console.
    pub(super) fn at(to: String) -> Self {
        Self { frame: Frame::closed("Open the console"), to }
    }
}

impl IntoResponse for ComeAgain {
    fn into_response(self) -> Response {
        show(&self)
    }
}

/// Gives every page its headers.
pub(super) async fn policies(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers: [(HeaderName, &'static str); 7] = [
        (CONTENT_SECURITY_POLICY, POLICY),
        // A form without a referrer has no Origin either, by which older browsers say whose it is.
        (REFERRER_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
    ];
    let headers = headers.map(|(name, value)| (name, HeaderValue::from_static(value)));
    response.headers_mut().extend(HeaderMap::from_iter(headers));
    response
}
