//! Reading forms: what a browser sends as text, as the use cases take it.

use axum::extract::{Form, FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;

use super::fault::{Fault, Mistake};
use crate::http::problem::Problem;

/// A form whose type refuses unknown fields.
pub(super) struct Fields<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Fields<T> {
    type Rejection = Fault;

    async fn from_request(request: Request, state: &S) -> Result<Self, Fault> {
        match Form::<T>::from_request(request, state).await {
            Ok(Form(fields)) => Ok(Self(fields)),
            Err(rejection) => Err(match rejection.into_response().status() {
                status @ (StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNSUPPORTED_MEDIA_TYPE) => {
                    Problem::new(
                        status,
                        "INVALID_REQUEST",
                        "This is not a form of this page; go back and send it again.",
                    )
                }
                _ => Problem::invalid_request(
                    "The form is not as it must be; go back, load the page again, and send it again.",
                ),
            }
            .into()),
        }
    }
}

/// Ids of the path. One of the wrong form names nothing, so there is no such page.
pub(super) struct Named<T>(pub(super) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        path.map(|Path(ids)| Self(ids)).map_err(|_| Problem::not_found("page").into())
    }
}

/// What stands behind the path's question mark. Parameters that mean nothing do nothing: an address may have been
/// through somebody's mail.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(query)| Self(query)).map_err(|_| {
            Problem::invalid_request("The address is not one of this page's; open the page anew.").into()
        })
    }
}

/// A number, or its default where nothing is written.
pub(super) fn number(field: &'static str, text: &str) -> Result<Option<u32>, Mistake> {
    match text.trim() {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| Mistake::in_field(field, "must be a whole number.")),
    }
}

/// A text, or none where nothing is written.
pub(super) fn text(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The entries of a list that is written one a line.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}
