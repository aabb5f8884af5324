//! `/v1/agents/{agentId}/resolutions/{resolutionId}/explanation`: why a session is what it is, in words.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use buddy_core::callback::shape::Shape;
use buddy_core::id::{AgentId, ResolutionId};
use buddy_core::resolution::{Attempt, Resolution, Signed};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::explanation::Explanation;
use crate::http::caller::Operator;
use crate::http::json::{Ids, NoQuery};
use crate::http::openapi::ReadProblems;
use crate::http::problem::Problem;

/// A resolution in words.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExplanationView {
    resolution_id: String,
    /// What happened, in one sentence.
    cause: String,
    rule: RuleView,
    /// What to do; null where nothing is to be done.
    #[schema(required = true)]
    mend: Option<String>,
    /// The path of the code's page; null where nothing failed.
    #[schema(required = true)]
    page: Option<String>,
    sendings: Vec<SendingView>,
}

/// The row of the answer table that decided.
#[derive(Serialize, ToSchema)]
pub(crate) struct RuleView {
    /// What was answered, or was not.
    answered: &'static str,
    /// What becomes of it.
    becomes: &'static str,
}

/// What tells one sending from another, and what came back; in the order of the resolution's `attempts`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendingView {
    #[schema(minimum = 1, maximum = 2)]
    number: u8,
    /// The body's `timestamp`; null where nothing was signed, or that was not kept.
    #[schema(required = true)]
    timestamp: Option<i64>,
    /// The first 8 of the signature's 64 characters.
    #[schema(required = true)]
    signature_begin: Option<String>,
    /// A 2xx answer by types and lengths, such as `userId: string(8), customAttributes: 2 members`; never a value.
    #[schema(required = true)]
    answer: Option<String>,
}

impl ExplanationView {
    fn of(resolution: &Resolution) -> Self {
        let Explanation { cause, answered, becomes, mend, code } = Explanation::of(resolution);
        Self {
            resolution_id: resolution.id.to_string(),
            cause,
            rule: RuleView { answered, becomes },
            mend,
            page: code.map(|code| format!("/e/{code}")),
            sendings: resolution.attempts.iter().map(SendingView::of).collect(),
        }
    }
}

impl SendingView {
    fn of(attempt: &Attempt) -> Self {
        let signed = attempt.signed.as_ref();
        Self {
            number: attempt.number,
            timestamp: signed.map(|signed| signed.timestamp),
            signature_begin: signed.map(|Signed { signature_begin, .. }| signature_begin.clone()),
            answer: attempt.shape.as_ref().map(Shape::to_string),
        }
    }
}

/// Explain a resolution.
///
/// What the console shows of it beside what the resolution itself has.
#[utoipa::path(get, operation_id = "explainResolution", path = "/v1/agents/{agentId}/resolutions/{resolutionId}/explanation",
    tag = "operator", params(("agentId" = String, Path), ("resolutionId" = String, Path)),
    responses((status = 200, description = "Why it ended so", body = ExplanationView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids((agent_id, id)): Ids<(AgentId, ResolutionId)>,
    _: NoQuery,
) -> Result<Json<ExplanationView>, Problem> {
    Ok(Json(ExplanationView::of(&app.resolutions.one(agent_id, id).await?)))
}
