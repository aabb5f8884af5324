//! `/v1/agents`: the operator's agents.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use buddy_core::id::{AgentId, AgentKind};
use buddy_store::AgentChange;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::callback::CallbackView;
use super::page::{PageQuery, asked};
use crate::agents::{KnownAgent, NewAgent};
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::json::{Ids, NoQuery, StrictJson, StrictQuery};
use crate::http::openapi::{DeleteProblems, ReadProblems, WriteProblems};
use crate::http::problem::Problem;

/// An agent's settings.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentView {
    agent_id: String,
    name: String,
    /// Where its widget may be embedded.
    allowed_origins: Vec<String>,
    session_ttl_seconds: u32,
    #[schema(required = true)]
    callback: Option<CallbackView>,
    #[schema(format = DateTime)]
    created_at: String,
}

impl AgentView {
    fn of(known: &KnownAgent) -> Self {
        let agent = &known.agent;
        Self {
            agent_id: agent.id.to_string(),
            name: agent.name.clone(),
            allowed_origins: agent.allowed_origins.clone(),
            session_ttl_seconds: agent.session_ttl_seconds,
            callback: known.callback.as_deref().map(CallbackView::of),
            created_at: rfc3339(agent.created_at),
        }
    }
}

/// A stretch of the agents, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentsView {
    agents: Vec<AgentView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// A new agent.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NewAgentBody {
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    /// Origins as browsers write them, such as `https://shop.example`.
    #[serde(default)]
    #[schema(max_items = 50)]
    allowed_origins: Vec<String>,
    #[schema(minimum = 60, maximum = 604_800)]
    session_ttl_seconds: Option<u32>,
}

/// Make an agent.
#[utoipa::path(post, operation_id = "createAgent", path = "/v1/agents", tag = "operator", request_body = NewAgentBody,
    responses((status = 201, description = "Made", body = AgentView), WriteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    _: NoQuery,
    StrictJson(body): StrictJson<NewAgentBody>,
) -> Result<(StatusCode, Json<AgentView>), Problem> {
    let new = NewAgent {
        name: body.name,
        allowed_origins: body.allowed_origins,
        session_ttl_seconds: body.session_ttl_seconds,
    };
    let agent = app.agents.create(&by, new).await?;
    Ok((StatusCode::CREATED, Json(AgentView::of(&KnownAgent { agent, callback: None }))))
}

/// List the agents.
#[utoipa::path(get, operation_id = "listAgents", path = "/v1/agents", tag = "operator", params(PageQuery),
    responses((status = 200, description = "A stretch of the agents", body = AgentsView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Operator,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Json<AgentsView>, Problem> {
    let asked = asked::<AgentKind>(query.limit, query.cursor.as_deref())?;
    let agents = app.agents.page(asked.page).await?;
    let (agents, next_cursor) = asked.cut(agents, |known| known.agent.id.to_string());
    Ok(Json(AgentsView { agents: agents.iter().map(|known| AgentView::of(known)).collect(), next_cursor }))
}

/// Read an agent.
#[utoipa::path(get, operation_id = "readAgent", path = "/v1/agents/{agentId}", tag = "operator", params(("agentId" = String, Path)),
    responses((status = 200, description = "The agent", body = AgentView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
) -> Result<Json<AgentView>, Problem> {
    Ok(Json(AgentView::of(&*app.agents.known(id).await?)))
}

/// What is to be changed; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ChangeBody {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// In place of all the old ones.
    #[schema(max_items = 50)]
    allowed_origins: Option<Vec<String>>,
    /// For sessions begun from now on.
    #[schema(minimum = 60, maximum = 604_800)]
    session_ttl_seconds: Option<u32>,
}

/// Change an agent.
#[utoipa::path(patch, operation_id = "updateAgent", path = "/v1/agents/{agentId}", tag = "operator", params(("agentId" = String, Path)),
    request_body = ChangeBody,
    responses((status = 200, description = "The agent as it is now", body = AgentView), WriteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
    StrictJson(body): StrictJson<ChangeBody>,
) -> Result<Json<AgentView>, Problem> {
    let change = AgentChange {
        name: body.name,
        allowed_origins: body.allowed_origins,
        session_ttl_seconds: body.session_ttl_seconds,
    };
    Ok(Json(AgentView::of(&*app.agents.update(&by, id, change).await?)))
}

/// Remove an agent.
///
/// With it go its callback, its API keys, its sessions and its resolutions.
#[utoipa::path(delete, operation_id = "deleteAgent", path = "/v1/agents/{agentId}", tag = "operator", params(("agentId" = String, Path)),
    responses((status = 204, description = "Removed"), DeleteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.agents.delete(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
