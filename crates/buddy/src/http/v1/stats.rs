//! `/v1/agents/{agentId}/stats` and `/v1/stats`: what operators measure. Nothing in it is about a visitor.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use buddy_core::id::{AgentId, AgentKind};
use buddy_core::reason::Code;
use buddy_core::tally::{Durations, Tally};
use buddy_core::time::UnixMillis;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::page::asked;
use super::resolutions::millis;
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::caller::Operator;
use crate::http::json::{Ids, StrictQuery};
use crate::http::openapi::ReadProblems;
use crate::http::problem::Problem;
use crate::stats::{AgentStats, Window};

/// What was counted.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FiguresView {
    /// All sessions that were settled: the three kinds together.
    sessions: u64,
    authenticated: u64,
    /// Nobody was signed in.
    nobody: u64,
    failed: FailedView,
    /// Of `authenticated` and `failed` together, the part that is `authenticated`; null if there are none.
    #[schema(required = true, minimum = 0, maximum = 1)]
    identified_share: Option<f64>,
    duration_ms: DurationView,
}

/// Sessions that failed, by code.
#[derive(Serialize, ToSchema)]
pub(crate) struct FailedView {
    #[serde(rename = "AUTH_CALLBACK_TIMEOUT")]
    timeout: u64,
    #[serde(rename = "AUTH_CALLBACK_FAILED")]
    failed: u64,
    #[serde(rename = "AUTH_CALLBACK_BAD_RESPONSE")]
    bad_response: u64,
    #[serde(rename = "AUTH_NOT_CONFIGURED")]
    not_configured: u64,
}

/// Percentiles of the time from the begin of a resolution to its outcome, in milliseconds, within 6.25 %; null if no
/// endpoint was asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct DurationView {
    #[schema(required = true)]
    p50: Option<f64>,
    #[schema(required = true)]
    p95: Option<f64>,
    #[schema(required = true)]
    p99: Option<f64>,
}

impl From<&Tally> for FiguresView {
    fn from(Tally { counts, durations }: &Tally) -> Self {
        Self {
            sessions: counts.sessions(),
            authenticated: counts.authenticated,
            nobody: counts.nobody,
            failed: FailedView {
                timeout: counts.failed_with(Code::Timeout),
                failed: counts.failed_with(Code::Failed),
                bad_response: counts.failed_with(Code::BadResponse),
                not_configured: counts.failed_with(Code::NotConfigured),
            },
            identified_share: counts.identified_share(),
            duration_ms: DurationView::from(durations),
        }
    }
}

impl From<&Durations> for DurationView {
    fn from(durations: &Durations) -> Self {
        let percentile = |percent| durations.percentile(percent).map(millis);
        Self { p50: percentile(50), p95: percentile(95), p99: percentile(99) }
    }
}

/// What was counted of an agent in the window.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatsView {
    window: &'static str,
    #[serde(flatten)]
    figures: FiguresView,
}

/// What was counted in a step of the window.
#[derive(Serialize, ToSchema)]
pub(crate) struct PointView {
    #[schema(format = DateTime)]
    from: String,
    #[serde(flatten)]
    figures: FiguresView,
}

impl PointView {
    fn of((from, tally): &(UnixMillis, Tally)) -> Self {
        Self { from: rfc3339(*from), figures: FiguresView::from(tally) }
    }
}

/// What was counted of an agent, step by step, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct SeriesView {
    window: &'static str,
    points: Vec<PointView>,
}

/// What was counted of one agent among all.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentStatsView {
    agent_id: String,
    name: String,
    #[serde(flatten)]
    figures: FiguresView,
    /// The share of the last hour is well below that of the seven days before, and not by chance.
    fell: bool,
}

impl From<AgentStats> for AgentStatsView {
    fn from(AgentStats { agent, tally, fell }: AgentStats) -> Self {
        Self { agent_id: agent.id.to_string(), name: agent.name, figures: FiguresView::from(&tally), fell }
    }
}

/// A stretch of the agents, newest first.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AgentsStatsView {
    window: &'static str,
    agents: Vec<AgentStatsView>,
    #[schema(required = true)]
    next_cursor: Option<String>,
}

/// The windows of figures; charts have all.
const FIGURES: [Window; 3] = [Window::Hour, Window::Day, Window::Week];
const WINDOW_DEFAULT: Window = Window::Day;

/// The one of these that is asked for, or the default.
pub(crate) fn window(text: Option<&str>, known: &[Window]) -> Result<Window, Problem> {
    let Some(text) = text else { return Ok(WINDOW_DEFAULT) };
    known.iter().copied().find(|window| window.as_str() == text).ok_or_else(|| {
        let known: Vec<_> = known.iter().map(|window| window.as_str()).collect();
        Problem::invalid_value(format!("window: must be one of {}.", known.join(", ")))
    })
}

/// Up to now, since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatsQuery {
    /// `1h`, `24h` or `7d`; `24h` if not said.
    #[param(pattern = "^(1h|24h|7d)$")]
    window: Option<String>,
}

/// Read what was counted of an agent.
#[utoipa::path(get, operation_id = "readStats", path = "/v1/agents/{agentId}/stats", tag = "operator",
    params(("agentId" = String, Path), StatsQuery),
    responses((status = 200, description = "What was counted", body = StatsView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<AgentId>,
    StrictQuery(query): StrictQuery<StatsQuery>,
) -> Result<Json<StatsView>, Problem> {
    let window = window(query.window.as_deref(), &FIGURES)?;
    let tally = app.stats.of_agent(id, window).await?;
    Ok(Json(StatsView { window: window.as_str(), figures: FiguresView::from(&tally) }))
}

/// Up to now, since when.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SeriesQuery {
    /// `1h` by the minute, `24h` or `7d` by the hour, `1y` by the day; `24h` if not said.
    #[param(pattern = "^(1h|24h|7d|1y)$")]
    window: Option<String>,
}

/// Read what was counted of an agent, for a chart.
#[utoipa::path(get, operation_id = "readStatsSeries", path = "/v1/agents/{agentId}/stats/series", tag = "operator",
    params(("agentId" = String, Path), SeriesQuery),
    responses((status = 200, description = "A point for each step, oldest first", body = SeriesView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn series(
    State(app): State<Arc<App>>,
    _: Operator,
    Ids(id): Ids<AgentId>,
    StrictQuery(query): StrictQuery<SeriesQuery>,
) -> Result<Json<SeriesView>, Problem> {
    let window = window(query.window.as_deref(), &Window::ALL)?;
    let points = app.stats.series(id, window).await?;
    Ok(Json(SeriesView { window: window.as_str(), points: points.iter().map(PointView::of).collect() }))
}

/// Up to now, since when, and which stretch of the agents.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AgentsStatsQuery {
    /// `1h`, `24h` or `7d`; `24h` if not said.
    #[param(pattern = "^(1h|24h|7d)$")]
    window: Option<String>,
    /// At most this many entries; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `nextCursor` of the answer before.
    cursor: Option<String>,
}

/// List what was counted of all agents.
#[utoipa::path(get, operation_id = "listStats", path = "/v1/stats", tag = "operator", params(AgentsStatsQuery),
    responses((status = 200, description = "A stretch of the agents", body = AgentsStatsView), ReadProblems),
    security(("adminToken" = [])))]
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    _: Operator,
    StrictQuery(query): StrictQuery<AgentsStatsQuery>,
) -> Result<Json<AgentsStatsView>, Problem> {
    let asked = asked::<AgentKind>(query.limit, query.cursor.as_deref())?;
    let window = window(query.window.as_deref(), &FIGURES)?;
    let agents = app.stats.of_agents(asked.page, window).await?;
    let (agents, next_cursor) = asked.cut(agents, |stats| stats.agent.id.to_string());
    let agents = agents.into_iter().map(AgentStatsView::from).collect();
    Ok(Json(AgentsStatsView { window: window.as_str(), agents, next_cursor }))
}
