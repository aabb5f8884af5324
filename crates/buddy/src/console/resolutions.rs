//! `/console/agents/{agentId}/resolutions`: what happened, newest first.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use buddy_core::id::{AgentId, ResolutionKind};
use buddy_core::reason::{Code, Reason};
use buddy_store::ResolutionFilter;
use serde::Deserialize;

use super::fault::Fault;
use super::fields::{Asked, Named};
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use super::pages::Pages;
use super::row::Row;
use crate::app::App;
use crate::http::problem::Problem;
use crate::http::v1::page::asked;
use crate::refusal::Refusal;

#[derive(Template)]
#[template(path = "resolutions.html")]
struct ResolutionsPage {
    frame: Frame,
    head: Head,
    filters: Filters,
    rows: Vec<Row>,
    pages: Pages,
}

/// The filters as they are chosen; empty ones let all through.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filters {
    #[serde(default)]
    pub(super) code: String,
    #[serde(default)]
    pub(super) reason: String,
    #[serde(default)]
    pub(super) session_id: String,
}

impl Filters {
    pub(super) fn codes(&self) -> Vec<(&'static str, bool)> {
        Code::ALL.iter().map(|code| (code.as_str(), code.as_str() == self.code)).collect()
    }

    pub(super) fn reasons(&self) -> Vec<(&'static str, bool)> {
        Reason::ALL.iter().map(|reason| (reason.as_str(), reason.as_str() == self.reason)).collect()
    }

    pub(super) fn parameters(&self) -> [(&str, &str); 3] {
        [("code", &self.code), ("reason", &self.reason), ("sessionId", self.session_id.trim())]
    }

    pub(super) fn filter(&self) -> Result<ResolutionFilter, Fault> {
        fn parsed<T: std::str::FromStr>(name: &str, text: &str) -> Result<Option<T>, Fault> {
            let text = Some(text.trim()).filter(|text| !text.is_empty());
            text.map(str::parse).transpose().map_err(|_| {
                Problem::invalid_value(format!("{name}: is not one that exists; choose another.")).into()
            })
        }
        Ok(ResolutionFilter {
            code: parsed("code", &self.code)?,
            reason: parsed("reason", &self.reason)?,
            session_id: parsed("sessionId", &self.session_id)?,
        })
    }
}

#[derive(Deserialize)]
pub(super) struct From {
    cursor: Option<String>,
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    Named(id): Named<AgentId>,
    Asked(filters): Asked<Filters>,
    Asked(from): Asked<From>,
) -> Result<Response, Fault> {
    let (_, head) = head::of(&app, id, Tab::Resolutions).await?;
    let stretch = asked::<ResolutionKind>(None, from.cursor.as_deref())?;
    let found = app.store.resolutions(id, filters.filter()?, stretch.page).await.map_err(Refusal::from)?;
    let (found, next) = stretch.cut(found, |resolution| resolution.id.to_string());
    let path = Tab::Resolutions.of(id);
    let pages = Pages::new(&path, &filters.parameters(), from.cursor.as_deref(), next.as_deref());
    let rows = found.iter().map(Row::of).collect();
    Ok(page::show(&ResolutionsPage { frame: head.frame(), head, filters, rows, pages }))
}
