//! `/console`: the agents, and the way to a session.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{Redirect, Response};
use buddy_core::id::AgentKind;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::Asked;
use super::gate::START;
use super::page::{self, Frame, Part};
use super::pages::Pages;
use super::shares::Shares;
use crate::agents::KnownAgent;
use crate::app::App;
use crate::http::v1::page::asked;
use crate::said;
use crate::stats::Lately;

#[derive(Template)]
#[template(path = "start.html")]
struct StartPage {
    frame: Frame,
    search: String,
    agents: Vec<Row>,
    pages: Pages,
}

struct Row {
    id: String,
    name: String,
    endpoint: String,
    fell: bool,
    /// Of the last hour, day and week.
    shares: [Option<Shares>; 3],
}

impl Row {
    fn of(known: &KnownAgent, lately: &Lately) -> Self {
        let endpoint = match &known.callback {
            None => "none".to_owned(),
            Some(configured) if !configured.callback.enabled => "disabled".to_owned(),
            Some(configured) => said::host(&configured.callback.url),
        };
        let agent = &known.agent;
        Self {
            id: agent.id.to_string(),
            name: agent.name.clone(),
            endpoint,
            fell: lately.fell,
            shares: [&lately.hour, &lately.day, &lately.week].map(Shares::of),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    search: String,
    cursor: Option<String>,
}

pub(super) async fn show(State(app): State<Arc<App>>, Asked(query): Asked<Query>) -> Result<Response, Fault> {
    let search = query.search.trim().to_owned();
    let stretch = asked::<AgentKind>(None, query.cursor.as_deref())?;
    let found = app.agents.search(&search, stretch.page).await?;
    let (found, next) = stretch.cut(found, |known| known.agent.id.to_string());
    let pages = Pages::new(START, &[("search", &search)], query.cursor.as_deref(), next.as_deref());
    let lately = app.stats.lately(found.iter().map(|known| known.agent.id).collect()).await?;
    let agents = found.iter().zip(&lately).map(|(known, lately)| Row::of(known, lately)).collect();
    Ok(page::show(&StartPage { frame: Frame::new("Agents", Part::Agents), search, agents, pages }))
}

pub(super) async fn without_slash() -> Redirect {
    Redirect::to(START)
}
