//! `POST /v1/agents/{agentId}/callback/check`: the endpoint check, from the server's own place in the network.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use buddy_core::id::{AgentId, SessionId};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::check::Report;
use crate::http::caller::Operator;
use crate::http::json::{Ids, NoQuery, OptionalJson};
use crate::http::openapi::WriteProblems;
use crate::http::problem::Problem;

/// What to check with.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CheckBody {
    /// A session that the endpoint knows; without it only sessions that it cannot know are asked about.
    #[schema(value_type = Option<String>, example = "sess_01hz2v6yqefws8h3k5n7p9r1tv")]
    session_id: Option<SessionId>,
}

/// Check an agent's endpoint.
///
/// Asks it rightly and wrongly, some dozens of times, as its settings say, enabled or not. Nothing is stored.
#[utoipa::path(post, operation_id = "checkCallback", path = "/v1/agents/{agentId}/callback/check", tag = "operator",
    params(("agentId" = String, Path)), request_body(content = Option<CheckBody>),
    responses((status = 200, description = "What was found", body = Report), WriteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn check(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
    OptionalJson(body): OptionalJson<CheckBody>,
) -> Result<Json<Report>, Problem> {
    Ok(Json(app.checker.of_agent(&by, id, body.session_id).await?))
}
