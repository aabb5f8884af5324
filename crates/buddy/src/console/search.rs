//! `/console/search`: from an id, or a part of a name, to its screen.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::session::{Session, Status};
use buddy_store::Page;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::{Asked, Named};
use super::gate::START;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::pages::link;
use super::row::Row;
use crate::app::App;
use crate::http::problem::Problem;
use crate::refusal::Refusal;

/// A session has one resolution, or a few where a crash came between.
const OF_A_SESSION: u32 = 10;

#[derive(Deserialize)]
pub(super) struct Query {
    #[serde(default)]
    q: String,
}

pub(super) async fn search(
    State(app): State<Arc<App>>,
    Asked(query): Asked<Query>,
) -> Result<Redirect, Fault> {
    let text = query.q.trim();
    if let Ok(id) = text.parse::<SessionId>() {
        return Ok(Redirect::to(&format!("/console/sessions/{id}")));
    }
    if let Ok(id) = text.parse::<ResolutionId>() {
        let found = app.store.resolution_of_any_agent(id).await.map_err(Refusal::from)?;
        let found = found.ok_or_else(|| Problem::not_found("resolution"))?;
        return Ok(Redirect::to(&Row::of(&found).path));
    }
    if let Ok(id) = text.parse::<AgentId>() {
        return Ok(Redirect::to(&Tab::Overview.of(id)));
    }
    Ok(Redirect::to(&link(START, &[("search", text)])))
}

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage {
    frame: Frame,
    head: Head,
    id: String,
    state: &'static str,
    rows: Vec<Row>,
}

/// Leads to the session's resolution, which outlives it; says where it stands if there is none yet, or several.
pub(super) async fn session(
    State(app): State<Arc<App>>,
    Named(id): Named<SessionId>,
) -> Result<Response, Fault> {
    let page = Page { before: None, limit: OF_A_SESSION };
    let found = app.store.resolutions_of_session(id, page).await.map_err(Refusal::from)?;
    let rows: Vec<_> = found.iter().map(Row::of).collect();
    if let [only] = rows.as_slice() {
        return Ok(Redirect::to(&only.path).into_response());
    }
    let (agent_id, state) = if let Some(latest) = found.first() {
        (latest.agent_id, "It was asked about more than once: a crash, or a fault of ours, came between.")
    } else {
        let session = app.sessions.session(id).await?;
        (session.agent_id, state(&session))
    };
    let (_, head) = head::of(&app, agent_id, Tab::Resolutions).await?;
    let frame = Frame { title: format!("Session {id}"), ..head.frame() };
    Ok(page::show(&SessionPage { frame, head, id: id.to_string(), state, rows }))
}

fn state(session: &Session) -> &'static str {
    match session.status {
        Status::Created => {
            "It has begun, and nobody has asked to identify it yet: call identify, or begin it with identify: true."
        }
        Status::Pending => "It is being identified right now; load this page again in some seconds.",
        Status::Authenticated => "It is authenticated; how that came about is no longer kept.",
        Status::Anonymous => "It is anonymous; why is no longer kept.",
        Status::Revoked => "It was revoked: what was known about its user is gone.",
    }
}
