//! `/console/agents/new`.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};

use super::agent_form::AgentForm;
use super::fault::{Fault, Mistake};
use super::fields::Fields;
use super::gate::Acting;
use super::head::Tab;
use super::page::{self, Frame, Part};
use crate::agents::NewAgent;
use crate::app::App;
use crate::audit::By;

#[derive(Template)]
#[template(path = "agent_new.html")]
struct NewAgentPage {
    frame: Frame,
    form: AgentForm,
    mistake: Option<Mistake>,
}

pub(super) async fn form() -> Response {
    let frame = Frame::new("New agent", Part::Agents);
    page::show(&NewAgentPage { frame, form: AgentForm::default(), mistake: None })
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Fields(form): Fields<AgentForm>,
) -> Result<Response, Fault> {
    let mistake = match try_create(&app, &by, &form).await? {
        Ok(to) => return Ok(to.into_response()),
        Err(mistake) => mistake,
    };
    let frame = Frame::new("New agent", Part::Agents);
    let form = form.blaming(&mistake);
    Ok(page::show_with(mistake.status, &NewAgentPage { frame, form, mistake: Some(mistake) }))
}

async fn try_create(app: &App, by: &By, form: &AgentForm) -> Result<Result<Redirect, Mistake>, Fault> {
    let wanted = match form.wanted() {
        Ok(wanted) => wanted,
        Err(mistake) => return Ok(Err(mistake)),
    };
    let new = NewAgent {
        name: wanted.name,
        allowed_origins: wanted.allowed_origins,
        session_ttl_seconds: wanted.session_ttl_seconds,
    };
    match app.agents.create(by, new).await {
        Ok(agent) => Ok(Ok(Redirect::to(&Tab::Callback.of(agent.id)))),
        Err(refusal) => Fault::of_form(refusal).map(Err),
    }
}
