//! `/console/agents/{agentId}/resolutions/{resolutionId}`: why a session is what it is.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Resolution, SignedWith};

use super::fault::Fault;
use super::fields::Named;
use super::gate::Acting;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::row::Row;
use super::waterfall::Waterfall;
use crate::agents::KnownAgent;
use crate::app::App;
use crate::explanation::Explanation;
use crate::said;
use crate::sent::{self, Sent};

#[derive(Template)]
#[template(path = "resolution.html")]
struct ResolutionPage {
    frame: Frame,
    head: Head,
    row: Row,
    id: String,
    when: String,
    /// It was tried just now, and is not kept.
    tried: bool,
    why: Explanation,
    warnings: Vec<&'static str>,
    waterfall: Option<Waterfall>,
    attempts: Vec<AttemptRow>,
    has_shape: bool,
    requests: Vec<Sent>,
    curl: Option<String>,
    /// Where to try it again, if there is an endpoint to try.
    again: Option<String>,
}

/// A sending as a row: each phase, and what came back.
struct AttemptRow {
    name: String,
    phases: [String; 6],
    took: String,
    status: String,
    reason: &'static str,
    connection: &'static str,
    shape: Option<String>,
}

impl AttemptRow {
    fn of(attempt: &Attempt) -> Self {
        let phases = &attempt.phases;
        let told = |micros: Option<u64>| micros.map_or_else(|| "–".to_owned(), said::took);
        let next = if attempt.signed_with == SignedWith::Next { ", next secret" } else { "" };
        Self {
            name: format!("{}{next}", attempt.number),
            phases: [phases.queue, phases.dns, phases.connect, phases.tls, phases.headers, phases.body]
                .map(told),
            took: said::took(attempt.duration),
            status: attempt.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
            reason: attempt.reason.map_or("", Reason::as_str),
            connection: if attempt.reused_connection { "used before" } else { "fresh" },
            shape: attempt.shape.as_ref().map(ToString::to_string),
        }
    }
}

impl ResolutionPage {
    fn of(app: &App, known: &KnownAgent, head: Head, resolution: &Resolution, tried: bool) -> Self {
        let callback = known.callback.as_ref().map(|configured| &configured.callback);
        let requests = callback.map(|callback| sent::requests(resolution, &callback.url, &app.ambient));
        let curl = callback
            .map(|callback| sent::command(resolution, &callback.url, callback.timeout_ms, &app.ambient));
        let row = Row::of(resolution);
        let title = format!("Why {} is {}", resolution.session_id, row.outcome);
        Self {
            frame: Frame { title, ..head.frame() },
            head,
            id: resolution.id.to_string(),
            when: said::minute(resolution.started_at),
            tried,
            why: Explanation::of(resolution),
            warnings: resolution.warnings.iter().map(|warning| warning.message()).collect(),
            waterfall: Waterfall::of(resolution),
            has_shape: resolution.attempts.iter().any(|attempt| attempt.shape.is_some()),
            attempts: resolution.attempts.iter().map(AttemptRow::of).collect(),
            requests: requests.unwrap_or_default(),
            again: curl.as_ref().map(|_| again(known.agent.id, resolution)),
            curl,
            row,
        }
    }
}

fn again(agent_id: AgentId, resolution: &Resolution) -> String {
    format!("/console/agents/{agent_id}/try/{}", resolution.session_id)
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Named((agent_id, id)): Named<(AgentId, ResolutionId)>,
) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, agent_id, Tab::Resolutions).await?;
    let resolution = app.resolutions.one(agent_id, id).await?;
    Ok(page::show(&ResolutionPage::of(&app, &known, head, &resolution, false)))
}

/// Asks the endpoint anew, and shows what comes of it: kept nowhere, so the answer to the form is the only place.
pub(super) async fn try_again(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named((agent_id, session_id)): Named<(AgentId, SessionId)>,
) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, agent_id, Tab::Resolutions).await?;
    let resolution = app.identifier.rehearse(&by, agent_id, session_id).await?;
    Ok(page::show(&ResolutionPage::of(&app, &known, head, &resolution, true)))
}
