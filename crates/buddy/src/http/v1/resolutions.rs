//! `/v1/agents/{agentId}/resolutions`: what happened, for the operator; never anything about the user.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use buddy_core::id::{AgentId, ResolutionId, ResolutionKind, SessionId};
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::{Attempt, Phases, Resolution, SignedWith, Warning};
use buddy_store::{Numbered, ResolutionFilter};
use futures_util::stream::unfold;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::{PageQuery, asked};
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::events::{self, Since, end_event, event};
use crate::http::json::{Ids, NoQuery, StrictQuery};
use crate::http::openapi::{ReadProblems, ResolutionStreamProblems};
use crate::http::problem::Problem;
use crate::refusal::Refusal;
use crate::resolutions::ResolutionEvent;

/// All that was done to identify one session.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolutionView {
    resolution_id: String,
    session_id: String,
    agent_id: String,
    /// `authenticated`, `nobody` or `failed`.
    #[schema(pattern = "^(authenticated|nobody|failed)$")]
    outcome: &'static str,
    #[schema(required = true)]
    code: Option<&'static str>,
    #[schema(required = true)]
    reason: Option<&'static str>,
    warnings: Vec<WarningView>,
    #[schema(format = DateTime)]
    started_at: String,
    duration_ms: f64,
    attempts: Vec<AttemptView>,
}

/// A part of the answer that was dropped.
#[derive(Serialize, ToSchema)]
pub(crate) struct WarningView {
    code: &'static str,
    message: &'static str,
}

/// One POST.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AttemptView {
    #[schema(minimum = 1, maximum = 2)]
    number: u8,
    #[schema(format = DateTime)]
    started_at: String,
    duration_ms: f64,
    /// The HTTP status, if one came back.
    #[schema(required = true)]
    status: Option<u16>,
    #[schema(required = true)]
    reason: Option<&'static str>,
    /// `current` or `next`.
    #[schema(pattern = "^(current|next)$")]
    signed_with: &'static str,
    reused_connection: bool,
    phases: PhasesView,
}

/// Milliseconds of each phase; null: not reached, or not needed.
#[expect(clippy::struct_field_names, reason = "these are the contract's names")]
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct PhasesView {
    #[schema(required = true)]
    queue_ms: Option<f64>,
    #[schema(required = true)]
    dns_ms: Option<f64>,
    #[schema(required = true)]
    connect_ms: Option<f64>,
    #[schema(required = true)]
    tls_ms: Option<f64>,
    #[schema(required = true)]
    headers_ms: Option<f64>,
    #[schema(required = true)]
    body_ms: Option<f64>,
}

impl From<&Resolution> for ResolutionView {
    fn from(resolution: &Resolution) -> Self {
        Self {
            resolution_id: resolution.id.to_string(),
            session_id: resolution.session_id.to_string(),
            agent_id: resolution.agent_id.to_string(),
            outcome: resolution.outcome.as_str(),
            code: resolution.reason.map(|reason| reason.code().as_str()),
            reason: resolution.reason.map(Reason::as_str),
            warnings: resolution.warnings.iter().map(WarningView::from).collect(),
            started_at: rfc3339(resolution.started_at),
            duration_ms: millis(resolution.duration),
            attempts: resolution.attempts.iter().map(AttemptView::from).collect(),
        }
    }
}

impl From<&Warning> for WarningView {
    fn from(warning: &Warning) -> Self {
        Self { code: warning.code(), message: warning.message() }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            number: attempt.number,
            started_at: rfc3339(attempt.started_at),
            duration_ms: millis(attempt.duration),
            status: attempt.status,
            reason: attempt.reason.map(Reason::as_str),
            signed_with: match attempt.signed_with {
                SignedWith::Current => "current",
                SignedWith::Next => "next",
            },
            reused_connection: attempt.reused_connection,
            phases: PhasesView::from(&attempt.phases),
        }
    }
}

impl From<&Phases> for PhasesView {
    fn from(phases: &Phases) -> Self {
        Self {
            queue_ms: phases.queue.map(millis),
            dns_ms: phases.dns.map(millis),
            connect_ms: phases.connect.map(millis),
            tls_ms: phases.tls.map(millis),
            headers_ms: phases.headers.map(millis),
            body_ms: phases.body.map(millis),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "below 2^52 microseconds, 142 years, it is exact")]
pub(super) fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

/// A stretch of an agent's resolutions, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ResolutionsView {
    resolutions: Vec<ResolutionView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// Which resolutions, and which stretch of them.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ResolutionsQuery {
    /// Only with this code.
    code: Option<String>,
    /// Only with this reason.
    reason: Option<String>,
    /// Only of this session.
    session_id: Option<String>,
    /// At most this many entries; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `nextCursor` of the answer before.
    cursor: Option<String>,
}

fn filter(
    code: Option<&str>,
    reason: Option<&str>,
    session_id: Option<&str>,
) -> Result<ResolutionFilter, Problem> {
    let code_of = |text: &str| text.parse::<Code>().map_err(|_| unknown("code", "AUTH_CALLBACK_FAILED"));
    let reason_of = |text: &str| text.parse::<Reason>().map_err(|_| unknown("reason", "http_status"));
    let session_id_of = |text: &str| text.parse().map_err(|_| unknown("sessionId", "sess_…"));
    Ok(ResolutionFilter {
        code: code.map(code_of).transpose()?,
        reason: reason.map(reason_of).transpose()?,
        session_id: session_id.map(session_id_of).transpose()?,
    })
}

fn unknown(parameter: &str, such_as: &str) -> Problem {
    Problem::invalid_value(format!("{parameter}: is not one that exists; write it as in {such_as}."))
}

/// List an agent's resolutions.
#[utoipa::path(get, operation_id = "listResolutions", path = "/v1/agents/{agentId}/resolutions", tag = "operator",
    params(("agentId" = String, Path), ResolutionsQuery),
    responses((status = 200, description = "A stretch of the resolutions", body = ResolutionsView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(agent_id): Ids<AgentId>,
    StrictQuery(query): StrictQuery<ResolutionsQuery>,
) -> Result<Json<ResolutionsView>, Problem> {
    let asked = asked::<ResolutionKind>(query.limit, query.cursor.as_deref())?;
    let filter = filter(query.code.as_deref(), query.reason.as_deref(), query.session_id.as_deref())?;
    app.agents.known(agent_id).await?;
    let resolutions = app.store.resolutions(agent_id, filter, asked.page).await.map_err(Refusal::from)?;
    let (resolutions, next_cursor) = asked.cut(resolutions, |resolution| resolution.id.to_string());
    Ok(Json(ResolutionsView {
        resolutions: resolutions.iter().map(ResolutionView::from).collect(),
        next_cursor,
    }))
}

/// Which resolutions are told of.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListenQuery {
    /// Only with this code.
    code: Option<String>,
    /// Only with this reason.
    reason: Option<String>,
    /// Only of this session.
    session_id: Option<String>,
}

fn resolution_event(told: ResolutionEvent) -> Event {
    match told {
        // Without data it is no event to who listens, and its id is kept all the same.
        ResolutionEvent::Begin(number) => Event::default().id(number.to_string()),
        ResolutionEvent::Resolution(Numbered { number, resolution }) => {
            event("resolution", &ResolutionView::from(&resolution)).id(number.to_string())
        }
        ResolutionEvent::End(end) => end_event(end),
    }
}

/// Listen to an agent's resolutions.
///
/// Server-sent events: `resolution` with a `ResolutionView` for each session that is resolved, as it happens; at the end
/// `end` with an `EndEvent`. Begins with what happens from now on, or after the event that `Last-Event-ID` names.
#[utoipa::path(get, operation_id = "listenToResolutions", path = "/v1/agents/{agentId}/resolutions/stream", tag = "operator",
    params(("agentId" = String, Path), ListenQuery,
        ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that came.")),
    responses((status = 200, description = "The events", content_type = "text/event-stream", body = String),
        ResolutionStreamProblems),
    security(("adminToken" = [])))]
pub(crate) async fn listen(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(agent_id): Ids<AgentId>,
    Since(since): Since,
    StrictQuery(query): StrictQuery<ListenQuery>,
) -> Result<Response, Problem> {
    let filter = filter(query.code.as_deref(), query.reason.as_deref(), query.session_id.as_deref())?;
    let stream = app.resolutions.of_agent(agent_id, filter, since).await?;
    Ok(events::answer(unfold(stream, |mut stream| async move {
        let told = stream.next().await?;
        Some((resolution_event(told), stream))
    })))
}

/// List a session's resolutions.
///
/// There is none until the session is settled; one that outlives its session is listed as long as it is kept.
#[utoipa::path(get, operation_id = "listSessionResolutions", path = "/v1/sessions/{sessionId}/resolutions", tag = "operator",
    params(("sessionId" = String, Path), PageQuery),
    responses((status = 200, description = "A stretch of the resolutions", body = ResolutionsView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn of_session(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<SessionId>,
    StrictQuery(query): StrictQuery<PageQuery>,
) -> Result<Json<ResolutionsView>, Problem> {
    let asked = asked::<ResolutionKind>(query.limit, query.cursor.as_deref())?;
    let resolutions = app.store.resolutions_of_session(id, asked.page).await.map_err(Refusal::from)?;
    if resolutions.is_empty() {
        app.sessions.session(id).await?;
    }
    let (resolutions, next_cursor) = asked.cut(resolutions, |resolution| resolution.id.to_string());
    Ok(Json(ResolutionsView {
        resolutions: resolutions.iter().map(ResolutionView::from).collect(),
        next_cursor,
    }))
}

/// Read one resolution.
#[utoipa::path(get, operation_id = "readResolution", path = "/v1/agents/{agentId}/resolutions/{resolutionId}", tag = "operator",
    params(("agentId" = String, Path), ("resolutionId" = String, Path)),
    responses((status = 200, description = "The resolution", body = ResolutionView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids((agent_id, id)): Ids<(AgentId, ResolutionId)>,
    _: NoQuery,
) -> Result<Json<ResolutionView>, Problem> {
    Ok(Json(ResolutionView::from(&app.resolutions.one(agent_id, id).await?)))
}
