//! `/console/agents/{agentId}/install`: what goes into the business's page and server, ready to copy.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::id::AgentId;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::{Asked, Named};
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use crate::app::App;
use crate::frameworks::Framework;
use crate::http::problem::Problem;

#[derive(Template)]
#[template(path = "install.html")]
struct InstallPage {
    frame: Frame,
    head: Head,
    origins: Vec<String>,
    snippet: String,
    policy: String,
    frameworks: Vec<(&'static str, bool)>,
    framework: &'static str,
    file: &'static str,
    session: String,
    identity: String,
}

#[derive(Deserialize)]
pub(super) struct Query {
    framework: Option<String>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(query): Asked<Query>,
) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, id, Tab::Install).await?;
    let framework = chosen(query.framework.as_deref())?;
    let names = Framework::ALL.iter().map(|other| (other.as_str(), *other == framework));
    Ok(page::show(&InstallPage {
        frame: head.frame(),
        head,
        origins: known.agent.allowed_origins.clone(),
        snippet: snippet(&app.public_origin, id),
        policy: policy(&app.public_origin),
        frameworks: names.collect(),
        framework: framework.as_str(),
        file: framework.file(),
        session: framework.session_endpoint(),
        identity: framework.endpoint(),
    }))
}

fn chosen(name: Option<&str>) -> Result<Framework, Fault> {
    let Some(name) = name else { return Ok(Framework::Express) };
    let known = Framework::ALL.iter().find(|framework| framework.as_str() == name);
    known.copied().ok_or_else(|| {
        Problem::invalid_value(format!("framework: must be one of {}.", Framework::names())).into()
    })
}

fn snippet(origin: &str, id: AgentId) -> String {
    format!(
        "<script src=\"{origin}/embed.js\" data-agent=\"{id}\" data-session-url=\"/buddy/session\" async></script>"
    )
}

/// What the page's own policy must let through, beside what it lets through already.
fn policy(origin: &str) -> String {
    format!("script-src {origin};\nframe-src {origin};\nconnect-src 'self'")
}
