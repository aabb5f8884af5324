//! Signing in and out, by a signed cookie: what a shop has anyway.

use axum::Form;
use axum::extract::rejection::FormRejection;
use axum::http::{HeaderMap, StatusCode};
use axum_extra::extract::SignedCookieJar;
use axum_extra::extract::cookie::{Cookie, Key, SameSite};
use serde::Deserialize;

use crate::users;

const COOKIE: &str = "shop_session";

/// The fields of the form.
#[derive(Deserialize)]
pub struct Fields {
    user: String,
}

/// `POST /login`: a real shop asks for a password too.
pub async fn login(
    jar: SignedCookieJar,
    fields: Result<Form<Fields>, FormRejection>,
) -> Result<(SignedCookieJar, StatusCode), StatusCode> {
    let Form(Fields { user }) = fields.map_err(|_| StatusCode::BAD_REQUEST)?;
    let user_id = users::id_of(&user).ok_or(StatusCode::BAD_REQUEST)?;
    // Behind TLS it is `secure(true)` too.
    let cookie = Cookie::build((COOKIE, user_id)).path("/").http_only(true).same_site(SameSite::Lax);
    Ok((jar.add(cookie), StatusCode::NO_CONTENT))
}

/// `POST /logout`.
pub async fn logout(jar: SignedCookieJar) -> (SignedCookieJar, StatusCode) {
    (jar.remove(Cookie::build(COOKIE).path("/")), StatusCode::NO_CONTENT)
}

/// The id of the user whom the cookie signs in, if it is ours.
pub fn signed_in(headers: &HeaderMap, key: &Key) -> Option<String> {
    let jar = SignedCookieJar::from_headers(headers, key.clone());
    Some(jar.get(COOKIE)?.value().to_owned())
}
