//! `/console/agents/{agentId}/settings`, and the end of an agent.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use buddy_core::id::AgentId;
use buddy_core::limits::SESSION_TTL_SECONDS_DEFAULT;
use buddy_store::AgentChange;
use serde::Deserialize;

use super::agent_form::AgentForm;
use super::confirm::ConfirmPage;
use super::fault::{Fault, Mistake};
use super::fields::{Asked, Fields, Named};
use super::gate::{Acting, START};
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use crate::app::App;
use crate::audit::By;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    head: Head,
    form: AgentForm,
    saved: bool,
    mistake: Option<Mistake>,
}

/// What a redirect says has just been done.
#[derive(Deserialize)]
pub(super) struct Done {
    #[serde(default)]
    pub(super) saved: bool,
}

pub(super) async fn form(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(done): Asked<Done>,
) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, id, Tab::Settings).await?;
    let form = AgentForm::of(&known.agent);
    Ok(page::show(&SettingsPage { frame: head.frame(), head, form, saved: done.saved, mistake: None }))
}

pub(super) async fn save(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
    Fields(form): Fields<AgentForm>,
) -> Result<Response, Fault> {
    let mistake = match try_save(&app, &by, id, &form).await? {
        Ok(()) => return Ok(Redirect::to(&(Tab::Settings.of(id) + "?saved=true")).into_response()),
        Err(mistake) => mistake,
    };
    let (_, head) = head::of(&app, id, Tab::Settings).await?;
    let (form, frame) = (form.blaming(&mistake), head.frame());
    let status = mistake.status;
    Ok(page::show_with(status, &SettingsPage { frame, head, form, saved: false, mistake: Some(mistake) }))
}

async fn try_save(app: &App, by: &By, id: AgentId, form: &AgentForm) -> Result<Result<(), Mistake>, Fault> {
    let wanted = match form.wanted() {
        Ok(wanted) => wanted,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let change = AgentChange {
        name: Some(wanted.name),
        allowed_origins: Some(wanted.allowed_origins),
        // A field that was emptied asks for what an agent has that was made without it.
        session_ttl_seconds: Some(wanted.session_ttl_seconds.unwrap_or(SESSION_TTL_SECONDS_DEFAULT)),
    };
    match app.agents.update(by, id, change).await {
        Ok(_) => Ok(Ok(())),
        Err(refusal) => Fault::of_form(refusal).map(Err),
    }
}

pub(super) async fn confirm_delete(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
) -> Result<Response, Fault> {
    let (_, head) = head::of(&app, id, Tab::Settings).await?;
    Ok(page::show(&ConfirmPage {
        frame: head.frame(),
        question: format!("Delete {}?", head.name),
        consequence: "Its callback, its API keys, its sessions and its resolutions go with it. This cannot be undone.",
        action: format!("{}/delete", Tab::Overview.of(id)),
        button: "Delete the agent",
        back: Tab::Settings.of(id),
        head,
    }))
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
) -> Result<Redirect, Fault> {
    app.agents.delete(&by, id).await?;
    Ok(Redirect::to(START))
}
