//! `/v1/audit`: what operators did. No secret is in it, and no value of a setting.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use buddy_core::audit::AuditEntry;
use buddy_core::id::AuditKind;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::asked;
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::json::StrictQuery;
use crate::http::openapi::ReadProblems;
use crate::http::problem::Problem;

/// One thing that an operator did, or was refused.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditEntryView {
    entry_id: String,
    #[schema(format = DateTime)]
    at: String,
    /// `admin`: the holder of the admin token.
    actor: String,
    /// From where; of an IPv6 address its network of 64 bits.
    address: String,
    /// The call, by its `operationId`; `signIn` and `tryAgain` are the console's.
    action: &'static str,
    /// Null where none is named, as when a new one was refused.
    #[schema(required = true)]
    agent_id: Option<String>,
    /// The API key that was made or removed.
    #[schema(required = true)]
    key_id: Option<String>,
    /// Names of the settings that it changed.
    settings: Vec<String>,
    /// `done`, or the code of the refusal.
    outcome: String,
}

impl From<AuditEntry> for AuditEntryView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            entry_id: entry.id.to_string(),
            at: rfc3339(entry.at),
            actor: entry.actor,
            address: entry.address.to_string(),
            action: entry.action.as_str(),
            agent_id: entry.agent_id.map(|id| id.to_string()),
            key_id: entry.key_id.map(|id| id.to_string()),
            settings: entry.settings,
            outcome: entry.outcome,
        }
    }
}

/// A stretch of the audit log, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuditView {
    entries: Vec<AuditEntryView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Which entries, and which stretch of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only about this agent, which may be deleted.
    agent_id: Option<String>,
    /// At most this many entries; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `nextCursor` of the answer before.
    cursor: Option<String>,
}

/// List what operators did.
#[utoipa::path(get, operation_id = "listAudit", path = "/v1/audit", tag = "operator", params(AuditQuery),
    responses((status = 200, description = "A stretch of the audit log", body = AuditView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Operator,
    StrictQuery(query): StrictQuery<AuditQuery>,
) -> Result<Json<AuditView>, Problem> {
    let asked = asked::<AuditKind>(query.limit, query.cursor.as_deref())?;
    let unknown = |_| Problem::invalid_value("agentId: is not one that exists; write it as in agt_….");
    let agent_id = query.agent_id.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let entries = app.audit.page(agent_id, asked.page).await?;
    let (entries, next_cursor) = asked.cut(entries, |entry| entry.id.to_string());
    Ok(Json(AuditView { entries: entries.into_iter().map(AuditEntryView::from).collect(), next_cursor }))
}
