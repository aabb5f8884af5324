//! `/v1/agents/{agentId}/callback`: where and how an agent's endpoint is asked, and its secret.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use buddy_core::id::AgentId;
use buddy_core::secret::CallbackSecret;
use buddy_store::ConfiguredCallback;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::agents::CallbackSettings;
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::json::{Ids, NoQuery, OptionalJson, StrictJson};
use crate::http::openapi::{DeleteProblems, ReadProblems, RotateProblems, WriteProblems};
use crate::http::problem::Problem;

/// A callback's settings. No read returns a secret.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CallbackView {
    url: String,
    timeout_ms: u32,
    max_concurrent: u32,
    require_ticket: bool,
    enabled: bool,
    /// When the secret that signs now began to.
    #[schema(format = DateTime)]
    secret_created_at: String,
    /// The rotation that is open, if one is.
    #[schema(required = true)]
    rotation: Option<RotationView>,
}

/// An open rotation.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotationView {
    /// When the next secret signs at the latest.
    #[schema(format = DateTime)]
    overlap_ends_at: String,
}

impl CallbackView {
    pub(super) fn of(configured: &ConfiguredCallback) -> Self {
        let ConfiguredCallback { callback, secrets } = configured;
        let rotation = secrets.rotation.as_ref();
        Self {
            url: callback.url.clone(),
            timeout_ms: callback.timeout_ms,
            max_concurrent: callback.max_concurrent,
            require_ticket: callback.require_ticket,
            enabled: callback.enabled,
            secret_created_at: rfc3339(secrets.created_at),
            rotation: rotation.map(|open| RotationView { overlap_ends_at: rfc3339(open.overlap_ends_at) }),
        }
    }
}

/// A callback that was set, with a secret of Buddy's making.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SetView {
    #[serde(flatten)]
    callback: CallbackView,
    /// Shown this once: the endpoint must hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    generated_secret: Option<String>,
}

/// All of a callback; what is left out takes its default.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct CallbackBody {
    /// The endpoint, public and https.
    #[schema(max_length = 2048, example = "https://shop.example/buddy/identity")]
    url: String,
    /// A secret of one's own; it ends a rotation. Without it the stored one stays, or a first one is made.
    #[schema(min_length = 16, max_length = 256)]
    secret: Option<String>,
    /// The time of one attempt as a whole.
    #[schema(minimum = 100, maximum = 10_000, default = 3000)]
    timeout_ms: Option<u32>,
    /// Callbacks at once.
    #[schema(minimum = 1, maximum = 1024, default = 128)]
    max_concurrent: Option<u32>,
    /// No callback without a valid ticket.
    #[schema(default = false)]
    require_ticket: Option<bool>,
    #[schema(default = true)]
    enabled: Option<bool>,
}

/// Set an agent's callback.
#[utoipa::path(put, operation_id = "putCallback", path = "/v1/agents/{agentId}/callback", tag = "operator", params(("agentId" = String, Path)),
    request_body = CallbackBody,
    responses((status = 200, description = "The callback as it is now", body = SetView), WriteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn put(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
    StrictJson(body): StrictJson<CallbackBody>,
) -> Result<Json<SetView>, Problem> {
    let settings = CallbackSettings {
        url: body.url,
        secret: body.secret,
        timeout_ms: body.timeout_ms,
        max_concurrent: body.max_concurrent,
        require_ticket: body.require_ticket,
        enabled: body.enabled,
    };
    let set = app.agents.put_callback(&by, id, settings).await?;
    let callback = CallbackView::of(&set.configured);
    Ok(Json(SetView { callback, generated_secret: shown_once(set.generated_secret) }))
}

fn shown_once(secret: Option<CallbackSecret>) -> Option<String> {
    secret.map(|secret| secret.expose().to_owned())
}

/// Read an agent's callback.
#[utoipa::path(get, operation_id = "readCallback", path = "/v1/agents/{agentId}/callback", tag = "operator", params(("agentId" = String, Path)),
    responses((status = 200, description = "The callback", body = CallbackView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
) -> Result<Json<CallbackView>, Problem> {
    let configured = app.agents.callback(id).await?;
    Ok(Json(CallbackView::of(&configured)))
}

/// Remove an agent's callback and its secrets.
#[utoipa::path(delete, operation_id = "deleteCallback", path = "/v1/agents/{agentId}/callback", tag = "operator",
    params(("agentId" = String, Path)),
    responses((status = 204, description = "Removed"), DeleteProblems),
    security(("adminToken" = [])))]
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    app.agents.delete_callback(&by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How to rotate.
#[derive(Default, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RotateBody {
    /// The next secret; without it one is made.
    #[schema(min_length = 16, max_length = 256)]
    secret: Option<String>,
    /// How long both count at most; 0 changes at once.
    #[schema(minimum = 0, maximum = 2_592_000, default = 86400)]
    overlap_seconds: Option<u32>,
}

/// A rotation that was begun.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RotatedView {
    /// When the next secret signs at the latest; null where it does already.
    #[schema(required = true, format = DateTime)]
    overlap_ends_at: Option<String>,
    /// Shown this once: the endpoint must hold it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    generated_secret: Option<String>,
}

/// Rotate a callback's secret.
///
/// The current secret signs on; an attempt answered 401 or 403 is sent once more signed with the new one, and the
/// first success makes that one current.
#[utoipa::path(post, operation_id = "rotateCallbackSecret", path = "/v1/agents/{agentId}/callback/secret", tag = "operator",
    params(("agentId" = String, Path)), request_body(content = Option<RotateBody>),
    responses((status = 200, description = "The rotation is open, or done at once", body = RotatedView), RotateProblems),
    security(("adminToken" = [])))]
pub(crate) async fn rotate(
    State(app): State<Arc<App>>,
    Operator(by): Operator,
    Ids(id): Ids<AgentId>,
    _: NoQuery,
    OptionalJson(body): OptionalJson<RotateBody>,
) -> Result<Json<RotatedView>, Problem> {
    let rotated = app.agents.rotate(&by, id, body.secret.as_deref(), body.overlap_seconds).await?;
    Ok(Json(RotatedView {
        overlap_ends_at: rotated.secrets.rotation.map(|open| rfc3339(open.overlap_ends_at)),
        generated_secret: shown_once(rotated.generated_secret),
    }))
}
