//! `/console/agents/{agentId}/callback`: where the endpoint is, and how its secret stands.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use buddy_core::agent::Callback;
use buddy_core::id::AgentId;
use buddy_core::limits::{MAX_CONCURRENT_DEFAULT, TIMEOUT_MS_DEFAULT};
use serde::Deserialize;

use super::confirm::ConfirmPage;
use super::fault::{Fault, Mistake};
use super::fields::{self, Asked, Fields, Named};
use super::gate::Acting;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::secret_state::SecretState;
use super::settings::Done;
use super::shown_once::ShownOnce;
use crate::agents::{CallbackSettings, KnownAgent, SetCallback};
use crate::app::App;
use crate::audit::By;

#[derive(Template)]
#[template(path = "callback.html")]
struct CallbackPage {
    frame: Frame,
    head: Head,
    form: CallbackForm,
    saved: bool,
    state: Option<SecretState>,
    mistake: Option<Mistake>,
}

/// The fields. What was typed is shown again when it cannot be taken, but for a secret.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CallbackForm {
    url: String,
    #[serde(default)]
    secret: String,
    #[serde(default)]
    timeout_ms: String,
    #[serde(default)]
    max_concurrent: String,
    #[serde(default)]
    require_ticket: bool,
    #[serde(default)]
    enabled: bool,
    #[serde(skip)]
    blamed: Option<String>,
}

impl CallbackForm {
    fn of(callback: Option<&Callback>) -> Self {
        let text = |set: Option<u32>, default: u32| set.unwrap_or(default).to_string();
        Self {
            url: callback.map_or_else(String::new, |callback| callback.url.clone()),
            secret: String::new(),
            timeout_ms: text(callback.map(|callback| callback.timeout_ms), TIMEOUT_MS_DEFAULT),
            max_concurrent: text(callback.map(|callback| callback.max_concurrent), MAX_CONCURRENT_DEFAULT),
            require_ticket: callback.is_some_and(|callback| callback.require_ticket),
            enabled: callback.is_none_or(|callback| callback.enabled),
            blamed: None,
        }
    }

    fn wanted(&self) -> Result<CallbackSettings, Mistake> {
        Ok(CallbackSettings {
            url: self.url.trim().to_owned(),
            secret: fields::text(&self.secret),
            timeout_ms: fields::number("timeoutMs", &self.timeout_ms)?,
            max_concurrent: fields::number("maxConcurrent", &self.max_concurrent)?,
            require_ticket: Some(self.require_ticket),
            enabled: Some(self.enabled),
        })
    }

    fn blames(&self, field: &str) -> bool {
        self.blamed.as_deref() == Some(field)
    }
}

pub(super) async fn form(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(done): Asked<Done>,
) -> Result<Response, Fault> {
    let (known, head) = head::of(&app, id, Tab::Callback).await?;
    let form = CallbackForm::of(known.callback.as_ref().map(|configured| &configured.callback));
    let state = state(&app, &known).await?;
    Ok(page::show(&CallbackPage { frame: head.frame(), head, form, saved: done.saved, state, mistake: None }))
}

pub(super) async fn save(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
    Fields(form): Fields<CallbackForm>,
) -> Result<Response, Fault> {
    let mistake = match try_save(&app, &by, id, &form).await? {
        Ok(set) => return saved(&app, id, &set).await,
        Err(mistake) => mistake,
    };
    let form = CallbackForm { blamed: mistake.field.clone(), ..form };
    refused(&app, id, Some(form), mistake).await
}

async fn try_save(
    app: &App,
    by: &By,
    id: AgentId,
    form: &CallbackForm,
) -> Result<Result<SetCallback, Mistake>, Fault> {
    let wanted = match form.wanted() {
        Ok(wanted) => wanted,
        Err(mistake) => return Ok(Err(mistake)),
    };
    match app.agents.put_callback(by, id, wanted).await {
        Ok(set) => Ok(Ok(set)),
        Err(refusal) => Fault::of_form(refusal).map(Err),
    }
}

async fn saved(app: &App, id: AgentId, set: &SetCallback) -> Result<Response, Fault> {
    let back = Tab::Callback.of(id);
    let Some(secret) = &set.generated_secret else {
        return Ok(Redirect::to(&(back + "?saved=true")).into_response());
    };
    let (_, head) = head::of(app, id, Tab::Callback).await?;
    Ok(ShownOnce {
        frame: head.frame(),
        head,
        what: "The callback is set",
        name: "generatedSecret",
        where_to: "Your endpoint verifies with it that a request is Buddy’s.",
        secret: secret.expose(),
        back,
    }
    .show())
}

/// The page with what is to be mended; `form` has what was typed.
async fn refused(
    app: &App,
    id: AgentId,
    form: Option<CallbackForm>,
    mistake: Mistake,
) -> Result<Response, Fault> {
    let (known, head) = head::of(app, id, Tab::Callback).await?;
    let stored = || CallbackForm::of(known.callback.as_ref().map(|configured| &configured.callback));
    let (form, state, status) = (form.unwrap_or_else(stored), state(app, &known).await?, mistake.status);
    let mistake = Some(mistake);
    Ok(page::show_with(
        status,
        &CallbackPage { frame: head.frame(), head, form, saved: false, state, mistake },
    ))
}

async fn state(app: &App, known: &KnownAgent) -> Result<Option<SecretState>, Fault> {
    let Some(configured) = &known.callback else { return Ok(None) };
    SecretState::of(app, known.agent.id, &configured.secrets).await.map(Some)
}

/// How to rotate.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RotateForm {
    #[serde(default)]
    secret: String,
    #[serde(default)]
    overlap_seconds: String,
}

pub(super) async fn rotate(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
    Fields(form): Fields<RotateForm>,
) -> Result<Response, Fault> {
    let overlap = match fields::number("overlapSeconds", &form.overlap_seconds) {
        Ok(overlap) => overlap,
        Err(mistake) => return refused(&app, id, None, mistake).await,
    };
    let own = fields::text(&form.secret);
    let rotated = match app.agents.rotate(&by, id, own.as_deref(), overlap).await {
        Ok(rotated) => rotated,
        Err(refusal) => return refused(&app, id, None, Fault::of_form(refusal)?).await,
    };
    let back = Tab::Callback.of(id);
    let Some(secret) = &rotated.generated_secret else { return Ok(Redirect::to(&back).into_response()) };
    let (_, head) = head::of(&app, id, Tab::Callback).await?;
    let where_to = match rotated.secrets.rotation {
        Some(_) => "Give it to your endpoint before the overlap ends; until then the old one is good too.",
        None => "It signs from now on: give it to your endpoint at once.",
    };
    let (what, name) = ("The rotation has begun", "generatedSecret");
    let secret = secret.expose();
    Ok(ShownOnce { frame: head.frame(), head, what, name, where_to, secret, back }.show())
}

pub(super) async fn confirm_delete(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
) -> Result<Response, Fault> {
    app.agents.callback(id).await?;
    let (_, head) = head::of(&app, id, Tab::Callback).await?;
    let back = Tab::Callback.of(id);
    Ok(page::show(&ConfirmPage {
        frame: head.frame(),
        question: "Remove the callback?".to_owned(),
        consequence: "Its secret goes with it, and every session is anonymous from then on.",
        action: format!("{back}/delete"),
        button: "Remove the callback",
        back,
        head,
    }))
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
) -> Result<Redirect, Fault> {
    app.agents.delete_callback(&by, id).await?;
    Ok(Redirect::to(&Tab::Callback.of(id)))
}
