//! What went wrong, as a page: the words and the status are those of the API's problems.

use askama::Template;
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{Html, IntoResponse, Response};
use tower_http::csrf::ProtectionError;

use super::page::{Frame, Part};
use crate::http::problem::Problem;
use crate::refusal::Refusal;

/// A page that could not be shown, or a form that could not be taken.
pub(super) struct Fault {
    problem: Problem,
    signed_in: bool,
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage<'a> {
    frame: &'a Frame,
    title: &'static str,
    detail: &'a str,
}

impl Fault {
    pub(super) fn internal() -> Self {
        Problem::internal().into()
    }

    /// What a form says of it, where it is for the one who filled it in to mend.
    pub(super) fn of_form(refusal: Refusal) -> Result<Mistake, Self> {
        let problem = Problem::from(refusal);
        match problem.status() {
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::CONFLICT => Ok(Mistake::of(&problem)),
            _ => Err(problem.into()),
        }
    }

    /// For who is not signed in.
    pub(super) fn closed(problem: Problem) -> Self {
        Self { problem, signed_in: false }
    }
}

/// What is to be mended in a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) status: StatusCode,
    pub(super) text: String,
    /// The form's field, if it is known.
    pub(super) field: Option<String>,
}

impl Mistake {
    /// The API's sentences begin with the member that is wrong.
    fn of(problem: &Problem) -> Self {
        let detail = problem.detail();
        let member = detail.split_once(": ").map(|(member, _)| member);
        let field = member.filter(|member| member.bytes().all(|byte| byte.is_ascii_alphanumeric()));
        Self { status: problem.status(), text: detail.to_owned(), field: field.map(str::to_owned) }
    }

    /// What the API could not even have been sent.
    pub(super) fn in_field(field: &'static str, must: &str) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            text: format!("{field}: {must}"),
            field: Some(field.to_owned()),
        }
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self { problem, signed_in: true }
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Problem::from(refusal).into()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let Self { problem, signed_in } = self;
        let frame = Frame { signed_in, ..Frame::new(problem.title(), Part::Elsewhere) };
        let page = FaultPage { frame: &frame, title: problem.title(), detail: problem.detail() };
        // Not by `page::show_with`, which would come back here for a page that cannot be made.
        let text = page.render().unwrap_or_else(|_| problem.detail().to_owned());
        let mut response = (problem.status(), Html(text)).into_response();
        if let Some(seconds) = problem.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// There is no such screen.
pub(super) async fn no_page() -> Fault {
    Problem::not_found("page").into()
}

/// The path takes forms only, or none.
pub(super) async fn no_method() -> Response {
    let detail = "This path is not for that; go back, and take the way that the page shows.";
    Fault::from(Problem::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", detail)).into_response()
}

/// A form came from another site's page.
pub(super) fn other_site(_: ProtectionError) -> Response {
    let detail = "This form was not sent by a page of the console, so nothing was done; open the console, and send it from there. \
        If it was, let the proxy in front pass Host and Origin on as they came, or set --public-url.";
    Fault::closed(Problem::new(StatusCode::FORBIDDEN, "FORBIDDEN", detail)).into_response()
}
