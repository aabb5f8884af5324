//! `/console/sign-in`: the admin token, once, for a cookie.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use buddy_core::audit::Action;
use buddy_core::secret::TokenHash;
use serde::Deserialize;

use super::cookie;
use super::fault::Fault;
use super::fields::{Asked, Fields};
use super::gate::{START, below_console};
use super::page::{self, Frame};
use crate::app::App;
use crate::audit::By;
use crate::http::limit::ClientAddress;

const WRONG: &str = "That is not the admin token. The server says at its start in which file it is, unless BUDDY_ADMIN_TOKEN is set: then it is that.";

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    to: String,
    mistake: Option<&'static str>,
}

impl SignInPage {
    fn new(to: &str, mistake: Option<&'static str>) -> Self {
        Self { frame: Frame::closed("Sign in"), to: below_console(to), mistake }
    }
}

#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    to: String,
}

/// The form; who is signed in already goes on.
pub(super) async fn form(
    State(app): State<Arc<App>>,
    Asked(wanted): Asked<Wanted>,
    headers: HeaderMap,
) -> Response {
    if cookie::signs_in(&app, &headers) {
        return Redirect::to(&below_console(&wanted.to)).into_response();
    }
    page::show(&SignInPage::new(&wanted.to, None))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    token: String,
    #[serde(default)]
    to: String,
}

/// Every try counts, so that nobody tries often.
pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    client: ClientAddress,
    Fields(form): Fields<SignIn>,
) -> Result<Response, Fault> {
    app.limiter.check_sign_in(&client).map_err(Fault::closed)?;
    if !app.admin_token.matches(&TokenHash::of(form.token.trim())) {
        tracing::warn!("a sign-in to the console with a wrong token was refused");
        return Ok(page::show_with(StatusCode::FORBIDDEN, &SignInPage::new(&form.to, Some(WRONG))));
    }
    // Wrong ones are in the server's log alone: anybody can send them, and would fill this one.
    app.audit.note(app.audit.entry(&By::admin(client.ip()), Action::SignIn, None)).await?;
    tracing::info!("an operator signed in to the console");
    Ok(([(SET_COOKIE, cookie::made(&app))], Redirect::to(&below_console(&form.to))).into_response())
}

/// Takes the cookie back.
pub(super) async fn sign_out(State(app): State<Arc<App>>) -> Response {
    let to = Redirect::to(&format!("{START}/sign-in"));
    ([(SET_COOKIE, cookie::cleared(&app))], to).into_response()
}
