//! `/console/agents/{agentId}/live`: resolutions as they happen. The one screen that needs its script.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use axum::response::sse::Event;
use buddy_core::id::AgentId;
use buddy_store::{Numbered, Page};
use futures_util::stream::unfold;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::{Asked, Named};
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::pages::link;
use super::resolutions::Filters;
use super::row::Row;
use crate::app::App;
use crate::http::events::{self, Since, end_event, event};
use crate::refusal::Refusal;
use crate::resolutions::ResolutionEvent;

/// What the list begins with: a screenful.
const LATEST: u32 = 30;

#[derive(Template)]
#[template(path = "live.html")]
struct LivePage {
    frame: Frame,
    head: Head,
    filters: Filters,
    /// Where the script listens: to the same agent and filters, after what the page has already.
    stream: String,
    /// Where the same is without a script.
    list: String,
    rows: Vec<Row>,
}

pub(super) async fn show(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(filters): Asked<Filters>,
) -> Result<Response, Fault> {
    let (_, head) = head::of(&app, id, Tab::Live).await?;
    let filter = filters.filter()?;
    // The number first: what is kept in between comes twice rather than never, and the script knows what it has.
    let since = app.store.last_resolution_number(id).await.map_err(Refusal::from)?;
    let page = Page { before: None, limit: LATEST };
    let latest = app.store.resolutions(id, filter, page).await.map_err(Refusal::from)?;
    let stream = format!("{}/stream", Tab::Live.of(id));
    let since = since.to_string();
    let parameters = [&filters.parameters()[..], &[("since", &since)]].concat();
    Ok(page::show(&LivePage {
        frame: head.frame(),
        stream: link(&stream, &parameters),
        list: link(&Tab::Resolutions.of(id), &filters.parameters()),
        rows: latest.iter().map(Row::of).collect(),
        head,
        filters,
    }))
}

/// After which number the page wants to be told; who resumes says it in `Last-Event-ID`.
#[derive(Deserialize)]
pub(super) struct From {
    since: Option<i64>,
}

pub(super) async fn stream(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Since(resumed): Since,
    Asked(filters): Asked<Filters>,
    Asked(from): Asked<From>,
) -> Result<Response, Fault> {
    let since = resumed.or(from.since.filter(|since| *since >= 0));
    let stream = app.resolutions.of_agent(id, filters.filter()?, since).await?;
    Ok(events::answer(unfold(stream, |mut stream| async move {
        let told = stream.next().await?;
        Some((row_event(told), stream))
    })))
}

fn row_event(told: ResolutionEvent) -> Event {
    match told {
        ResolutionEvent::Begin(number) => Event::default().id(number.to_string()),
        ResolutionEvent::Resolution(Numbered { number, resolution }) => {
            event("row", &Row::of(&resolution)).id(number.to_string())
        }
        ResolutionEvent::End(end) => end_event(end),
    }
}
