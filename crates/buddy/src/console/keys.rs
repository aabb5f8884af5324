//! `/console/agents/{agentId}/keys`: keys for the agent's own software.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{Redirect, Response};
use buddy_core::agent::ApiKey;
use buddy_core::id::{AgentId, KeyId, KeyKind};
use serde::Deserialize;

use super::confirm::ConfirmPage;
use super::fault::{Fault, Mistake};
use super::fields::{self, Asked, Fields, Named};
use super::gate::Acting;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::pages::Pages;
use super::shown_once::ShownOnce;
use crate::app::App;
use crate::http::v1::page::asked;
use crate::said;

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    frame: Frame,
    head: Head,
    keys: Vec<Row>,
    pages: Pages,
    /// What was typed for a new one.
    label: String,
    mistake: Option<Mistake>,
}

struct Row {
    id: String,
    label: String,
    made: String,
    last_used: String,
    /// Where it can be removed.
    path: String,
}

impl Row {
    fn of(key: &ApiKey) -> Self {
        Self {
            id: key.id.to_string(),
            label: key.label.clone().unwrap_or_else(|| "no label".to_owned()),
            made: said::minute(key.created_at),
            last_used: key.last_used_at.map_or_else(|| "never".to_owned(), said::minute),
            path: removal(key.agent_id, key.id),
        }
    }
}

fn removal(agent_id: AgentId, id: KeyId) -> String {
    format!("{}/{id}/delete", Tab::Keys.of(agent_id))
}

#[derive(Default, Deserialize)]
pub(super) struct Query {
    cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(query): Asked<Query>,
) -> Result<Response, Fault> {
    Ok(page::show(&keys(&app, id, &query, String::new(), None).await?))
}

async fn keys(
    app: &App,
    id: AgentId,
    query: &Query,
    label: String,
    mistake: Option<Mistake>,
) -> Result<KeysPage, Fault> {
    let (_, head) = head::of(app, id, Tab::Keys).await?;
    let stretch = asked::<KeyKind>(None, query.cursor.as_deref())?;
    let found = app.api_keys.page(id, stretch.page).await?;
    let (found, next) = stretch.cut(found, |key| key.id.to_string());
    let pages = Pages::new(&Tab::Keys.of(id), &[], query.cursor.as_deref(), next.as_deref());
    let keys = found.iter().map(Row::of).collect();
    Ok(KeysPage { frame: head.frame(), head, keys, pages, label, mistake })
}

/// What a new key is called.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewKey {
    #[serde(default)]
    label: String,
}

pub(super) async fn create(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
    Fields(form): Fields<NewKey>,
) -> Result<Response, Fault> {
    let token = match app.api_keys.create(&by, id, fields::text(&form.label)).await {
        Ok((_, token)) => token,
        Err(refusal) => {
            let mistake = Fault::of_form(refusal)?;
            let page = keys(&app, id, &Query::default(), form.label, Some(mistake)).await?;
            return Ok(page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let (_, head) = head::of(&app, id, Tab::Keys).await?;
    Ok(ShownOnce {
        frame: head.frame(),
        head,
        what: "The key is made",
        name: "key",
        where_to: "Give it to the agent’s own software, which reads identities with it; never to a page.",
        secret: token.expose(),
        back: Tab::Keys.of(id),
    }
    .show())
}

pub(super) async fn confirm_delete(
    State(app): State<Arc<App>>,
    Named((agent_id, id)): Named<(AgentId, KeyId)>,
) -> Result<Response, Fault> {
    let (_, head) = head::of(&app, agent_id, Tab::Keys).await?;
    Ok(page::show(&ConfirmPage {
        frame: head.frame(),
        head,
        question: format!("Remove the key {id}?"),
        consequence: "Software that still uses it is refused at once.",
        action: removal(agent_id, id),
        button: "Remove the key",
        back: Tab::Keys.of(agent_id),
    }))
}

pub(super) async fn delete(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named((agent_id, id)): Named<(AgentId, KeyId)>,
) -> Result<Redirect, Fault> {
    app.api_keys.delete(&by, agent_id, id).await?;
    Ok(Redirect::to(&Tab::Keys.of(agent_id)))
}
