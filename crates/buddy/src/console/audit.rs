//! `/console/audit`: what operators did.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::audit::{AuditEntry, DONE};
use buddy_core::id::AuditKind;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::{Asked, text};
use super::head::Tab;
use super::page::{self, Frame, Part};
use super::pages::Pages;
use crate::ambient::rfc3339;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::v1::page::asked;
use crate::said;

const PATH: &str = "/console/audit";

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    agent_id: String,
    rows: Vec<Row>,
    pages: Pages,
}

struct Row {
    at: String,
    time: String,
    actor: String,
    address: String,
    action: &'static str,
    /// The agent's id, and where its page is: that of a deleted one leads nowhere, and says so.
    agent: Option<(String, String)>,
    /// What else is named: an API key, settings.
    details: String,
    outcome: String,
    done: bool,
}

impl Row {
    fn of(entry: AuditEntry) -> Self {
        let key = entry.key_id.map(|id| id.to_string());
        let details: Vec<_> = key.into_iter().chain(entry.settings).collect();
        Self {
            at: rfc3339(entry.at),
            time: said::minute(entry.at),
            actor: entry.actor,
            address: entry.address.to_string(),
            action: entry.action.as_str(),
            agent: entry.agent_id.map(|id| (id.to_string(), Tab::Overview.of(id))),
            details: details.join(", "),
            done: entry.outcome == DONE,
            outcome: entry.outcome,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Query {
    #[serde(default)]
    agent_id: String,
    cursor: Option<String>,
}

pub(super) async fn list(State(app): State<Arc<App>>, Asked(query): Asked<Query>) -> Result<Response, Fault> {
    let stretch = asked::<AuditKind>(None, query.cursor.as_deref())?;
    let unknown = |_| Problem::invalid_value("agentId: is not one that exists; write it as in agt_….");
    let agent_id = text(&query.agent_id);
    let wanted = agent_id.as_deref().map(str::parse).transpose().map_err(unknown)?;
    let entries = app.audit.page(wanted, stretch.page).await?;
    let (entries, next) = stretch.cut(entries, |entry| entry.id.to_string());
    let agent_id = agent_id.unwrap_or_default();
    let pages = Pages::new(PATH, &[("agentId", &agent_id)], query.cursor.as_deref(), next.as_deref());
    let rows = entries.into_iter().map(Row::of).collect();
    Ok(page::show(&AuditPage { frame: Frame::new("Audit log", Part::Audit), agent_id, rows, pages }))
}
