//! The page that shows a secret: the answer to the form that made it, for to lead to it would be to keep it.

use askama::Template;
use axum::response::Response;

use super::head::Head;
use super::page::{self, Frame};

/// A secret, and what it is for.
#[derive(Template)]
#[template(path = "shown_once.html")]
pub(super) struct ShownOnce<'a> {
    pub(super) frame: Frame,
    pub(super) head: Head,
    pub(super) what: &'static str,
    /// As the API names it.
    pub(super) name: &'static str,
    pub(super) where_to: &'static str,
    pub(super) secret: &'a str,
    pub(super) back: String,
}

impl ShownOnce<'_> {
    pub(super) fn show(&self) -> Response {
        page::show(self)
    }
}
