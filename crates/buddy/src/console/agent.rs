//! `/console/agents/{agentId}`: how the agent fares.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::agent::Callback;
use buddy_core::id::AgentId;
use buddy_store::{Page, ResolutionFilter};
use serde::Deserialize;

use super::charts::Charts;
use super::fault::Fault;
use super::fields::{Asked, Named};
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::row::Row;
use super::shares::Shares;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::v1::stats;
use crate::refusal::Refusal;
use crate::stats::Window;

/// What fits beside the rest; the list has all.
const LATEST: u32 = 10;

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    frame: Frame,
    head: Head,
    callback: Option<Callback>,
    fell: bool,
    /// Of the last hour, day and week.
    lately: [(&'static str, Option<Shares>); 3],
    /// The windows to choose from, and where each is shown.
    windows: Vec<(&'static str, String, bool)>,
    charts: Charts,
    rows: Vec<Row>,
}

#[derive(Deserialize)]
pub(super) struct Query {
    window: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(query): Asked<Query>,
) -> Result<Response, Fault> {
    let window = stats::window(query.window.as_deref(), &Window::ALL)?;
    let (known, head) = head::of(&app, id, Tab::Overview).await?;
    let page = Page { before: None, limit: LATEST };
    let latest = app.store.resolutions(id, ResolutionFilter::default(), page).await.map_err(Refusal::from)?;
    let callback = known.callback.as_ref().map(|configured| configured.callback.clone());
    let lately = app.stats.lately(vec![id]).await?.pop().ok_or_else(|| Problem::not_found("agent"))?;
    let points = app.stats.series(id, window).await?;
    let charts = Charts::of(window, &points, callback.as_ref().map(|callback| callback.timeout_ms));
    let shares = [("Last hour", &lately.hour), ("Last day", &lately.day), ("Last week", &lately.week)];
    Ok(page::show(&AgentPage {
        frame: head.frame(),
        windows: Window::ALL.map(|other| (title(other), shown_at(id, other), other == window)).into(),
        head,
        callback,
        fell: lately.fell,
        lately: shares.map(|(name, counts)| (name, Shares::of(counts))),
        charts,
        rows: latest.iter().map(Row::of).collect(),
    }))
}

fn title(window: Window) -> &'static str {
    match window {
        Window::Hour => "Hour",
        Window::Day => "Day",
        Window::Week => "Week",
        Window::Year => "Year",
    }
}

fn shown_at(id: AgentId, window: Window) -> String {
    format!("{}?window={}", Tab::Overview.of(id), window.as_str())
}
