//! The page before what cannot be undone.

use askama::Template;

use super::head::Head;
use super::page::Frame;

/// What is asked, and what follows.
#[derive(Template)]
#[template(path = "confirm.html")]
pub(super) struct ConfirmPage {
    pub(super) frame: Frame,
    pub(super) head: Head,
    pub(super) question: String,
    pub(super) consequence: &'static str,
    pub(super) action: String,
    pub(super) button: &'static str,
    pub(super) back: String,
}
