//! `/v1/agents/{agentId}/api-keys`: keys for the agent's own software.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use buddy_core::agent::ApiKey;
use buddy_core::id::{AgentId, KeyId, KeyKind};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::page::{PageQuery, asked};
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::json::{Ids, NoQuery, OptionalJson, StrictQuery};
use crate::http::openapi::{DeleteProblems, ReadProblems, WriteProblems};
use crate::http::problem::Problem;

/// A key, without the key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeyView {
    key_id: String,
    #[schema(required = true)]
    label: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// To the minute or so; null where it was never used.
    #[schema(required = true, format = DateTime)]
    last_used_at: Option<String>,
}

impl ApiKeyView {
    fn of(key: ApiKey) -> Self {
        Self {
            key_id: key.id.to_string(),
            label: key.label,
            created_at: rfc3339(key.created_at),
            last_used_at: key.last_used_at.map(rfc3339),
        }
    }
}

/// A new key.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct NewKeyView {
    key_id: String,
    /// Shown this once.
    key: String,
    #[schema(required = true)]
    label: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
}

/// A stretch of an agent's keys, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKeysView {
    api_keys: Vec<ApiKeyView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// What a new key is called.
#[derive(Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKeyBody {
    #[schema(min_length = 1, max_length = 200)]
    label: Option<String>,
}

/// Make an API key.
#[utoipa::path(post, operation_id = "createApiKey", path = "/v1/agents/{agentId}/api-keys", tag = "operator",
    params(("agentId" = String, Path)), request_body(content = Option<NewKeyBody>),
    responses((status = 201, description = "Made", body = NewKeyView), WriteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
    OptionalJson(body): OptionalJson<NewKeyBody>,
) -> Result<(StatusCode, Json<NewKeyView>), Problem> {
    let (key, token) = app.api_keys.create(&by, id, body.label).await?;
    let view = NewKeyView {
        key_id: key.id.to_string(),
        key: token.expose().to_owned(),
        label: key.label,
        created_at: rfc3339(key.created_at),
    };
    Ok((StatusCode::CREATED, Json(view)))
}

/// List an agent's API keys.
#[utoipa::path(get, operation_id = "listApiKeys", path = "/v1/agents/{agentId}/api-keys", tag = "operator",
    params(("agentId" = String, Path), PageQuery),
    responses((status = 200, description = "A stretch of the keys", body = ApiKeysView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<AgentId>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Json<ApiKeysView>, Problem> {
    let asked = asked::<KeyKind>(query.limit, query.cursor.as_deref())?;
    let keys = app.api_keys.page(id, asked.page).await?;
    let (keys, next_cursor) = asked.cut(keys, |key| key.id.to_string());
    Ok(Json(ApiKeysView { api_keys: keys.into_iter().map(ApiKeyView::of).collect(), next_cursor }))
}

/// Remove an API key; calls with it are refused from now on.
#[utoipa::path(delete, operation_id = "deleteApiKey", path = "/v1/agents/{agentId}/api-keys/{keyId}", tag = "operator",
    params(("agentId" = String, Path), ("keyId" = String, Path)),
    responses((status = 204, description = "Removed"), DeleteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids((agent_id, id)): Ids<(AgentId, KeyId)>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.api_keys.delete(&by, agent_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
