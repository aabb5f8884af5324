//! `/console/agents/{agentId}`: how the agent fares.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::agent::Callback;
use buddy_core::id::AgentId;
use buddy_store::{Page, ResolutionFilter};

use super::fault::Fault;
use super::fields::Named;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::row::Row;
use crate::app::App;
use crate::refusal::Refusal;

/// What fits beside the rest; the list has all.
const LATEST: u32 = 10;

#[derive(Template)]
#[template(path = "agent.html")]
struct AgentPage {
    frame: Frame,
    head: Head,
    callback: Option<Callback>,
    rows: Vec<Row>,
}

pub(super) async fn show(State(app): State<Arc<App>>, Named(id): Named<AgentId>) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, id, Tab::Overview).await?;
    let page = Page { before: None, limit: LATEST };
    let latest = app.store.resolutions(id, ResolutionFilter::default(), page).await.map_err(Refusal::from)?;
    let callback = known.callback.as_ref().map(|configured| configured.callback.clone());
    let rows = latest.iter().map(Row::of).collect();
    Ok(page::show(&AgentPage { frame: head.frame(), head, callback, rows }))
}
