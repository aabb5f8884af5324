//! `/v1/sessions/{sessionId}/identity` and `/v1/sessions/revoke`: for the agent's own software.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use buddy_core::id::SessionId;
use buddy_core::identity::Identity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sessions::{SessionError, SessionStatus, method};
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::AgentSoftware;
use crate::http::json::{Ids, NoQuery, StrictJson, StrictQuery};
use crate::http::openapi::{ReadProblems, WriteProblems};
use crate::http::problem::Problem;
use crate::http::wait::{WaitQuery, until_settled};
use crate::sessions::Revoke;

/// A session with who its user is.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct IdentityView {
    session_id: String,
    agent_id: String,
    #[schema(value_type = SessionStatus)]
    status: &'static str,
    /// `identity_callback` where a callback was made.
    #[schema(required = true, pattern = "^identity_callback$")]
    method: Option<&'static str>,
    /// Who the user is, as the business's endpoint said; null unless `authenticated`.
    #[schema(required = true, value_type = Option<IdentitySchema>)]
    identity: Option<Identity>,
    #[schema(required = true)]
    error: Option<SessionError>,
    /// When the session was settled.
    #[schema(required = true, format = DateTime)]
    resolved_at: Option<String>,
}

/// The verified facts about a user.
#[derive(ToSchema)]
#[schema(as = Identity, rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
pub(crate) struct IdentitySchema {
    #[schema(min_length = 1, max_length = 256)]
    user_id: String,
    #[schema(required = true)]
    email: Option<String>,
    #[schema(required = true)]
    role: Option<String>,
    /// As the endpoint sent it: nested values, the digits of numbers, the order of members.
    #[schema(required = true)]
    custom_attributes: Option<std::collections::HashMap<String, serde_json::Value>>,
}

/// Read who a session's user is.
#[utoipa::path(get, operation_id = "readIdentity", path = "/v1/sessions/{sessionId}/identity", tag = "agent",
    params(("sessionId" = String, Path), WaitQuery),
    responses((status = 200, description = "The session and its user", body = IdentityView), ReadProblems),
    security(("apiKey" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    AgentSoftware { agent_id, .. }: AgentSoftware,
    Ids(id): Ids<SessionId>,
    StrictQuery(query): StrictQuery<WaitQuery>,
) -> Result<Json<IdentityView>, Problem> {
    let wait = query.checked()?;
    let (mut session, mut identity) = app.sessions.identity(agent_id, id).await?;
    if !session.status.is_settled() && !wait.is_zero() {
        until_settled(&app, id, wait).await?;
        (session, identity) = app.sessions.identity(agent_id, id).await?;
    }
    Ok(Json(IdentityView {
        session_id: session.id.to_string(),
        agent_id: session.agent_id.to_string(),
        status: session.status.as_str(),
        method: method(&session),
        identity,
        error: SessionError::for_agent(&session),
        resolved_at: session.resolved_at.map(rfc3339),
    }))
}

/// Whose identities are to be taken back: one of the two.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RevokeBody {
    #[schema(value_type = Option<String>)]
    session_id: Option<SessionId>,
    /// As the endpoint answers it; an integer id as its digits.
    user_id: Option<String>,
}

/// How many sessions were revoked.
#[derive(Serialize, ToSchema)]
pub(crate) struct RevokedView {
    revoked: usize,
}

/// Take identities back.
///
/// The identity is gone, and the session stays `revoked`.
#[utoipa::path(post, operation_id = "revokeIdentities", path = "/v1/sessions/revoke", tag = "agent", request_body = RevokeBody,
    responses((status = 200, description = "Done", body = RevokedView), WriteProblems),
    security(("apiKey" = [])))]
pub(crate) async fn revoke(
    State(app): State<Arc<App>>,
    AgentSoftware { agent_id, .. }: AgentSoftware,
    _: NoQuery,
    StrictJson(body): StrictJson<RevokeBody>,
) -> Result<Json<RevokedView>, Problem> {
    let revoke = match (body.session_id, body.user_id) {
        (Some(id), None) => Revoke::Session(id),
        (None, Some(user_id)) => Revoke::User(user_id),
        _ => return Err(Problem::invalid_request("Send either sessionId or userId.")),
    };
    let revoked = app.sessions.revoke(agent_id, revoke).await?;
    Ok(Json(RevokedView { revoked }))
}
