//! `/console/agents/{agentId}/check`: the endpoint check, and its report.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use buddy_core::id::{AgentId, SessionId};
use serde::Deserialize;

use super::fault::{Fault, Mistake};
use super::fields::{Fields, Named, text};
use super::gate::Acting;
use super::head::{self, Head, Tab};
use super::page::{self, Frame};
use crate::app::App;
use crate::check::{Finding, Report, Verdict};

#[derive(Template)]
#[template(path = "check.html")]
struct CheckPage {
    frame: Frame,
    head: Head,
    configured: bool,
    session_id: String,
    report: Option<ReportView>,
    mistake: Option<Mistake>,
}

/// The report, with what it comes to.
struct ReportView {
    ok: bool,
    sum: String,
    findings: Vec<FindingView>,
}

struct FindingView {
    check: &'static str,
    title: &'static str,
    verdict: &'static str,
    message: String,
    mend: Option<String>,
}

impl ReportView {
    fn of(report: Report) -> Self {
        let (failed, warned) = (report.count(Verdict::Fail), report.count(Verdict::Warn));
        let sum = match (failed, warned) {
            (0, 0) => "All is well.".to_owned(),
            (0, warned) => format!("Nothing failed; to look at: {warned}."),
            (failed, _) => format!("Failed: {failed}."),
        };
        Self { ok: report.ok, sum, findings: report.findings.into_iter().map(FindingView::of).collect() }
    }
}

impl FindingView {
    fn of(finding: Finding) -> Self {
        let Finding { check, verdict, message, mend } = finding;
        Self { check: check.as_str(), title: check.title(), verdict: verdict.as_str(), message, mend }
    }
}

pub(super) async fn form(State(app): State<Arc<App>>, Named(id): Named<AgentId>) -> Result<Response, Fault> {
    Ok(page::show(&empty(&app, id).await?))
}

async fn empty(app: &App, id: AgentId) -> Result<CheckPage, Fault> {
    let (known, head) = head::of(app, id, Tab::Check).await?;
    let configured = known.callback.is_some();
    let (session_id, report, mistake) = (String::new(), None, None);
    Ok(CheckPage { frame: head.frame(), head, configured, session_id, report, mistake })
}

/// What to check with.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CheckForm {
    #[serde(default)]
    session_id: String,
}

/// The report is kept nowhere, so the answer to the form is the only place for it.
pub(super) async fn check(
    State(app): State<Arc<App>>,
    Acting(by): Acting,
    Named(id): Named<AgentId>,
    Fields(form): Fields<CheckForm>,
) -> Result<Response, Fault> {
    let page = CheckPage { session_id: form.session_id.clone(), ..empty(&app, id).await? };
    let given = text(&form.session_id);
    let Ok(session_id) = given.map(|text| text.parse::<SessionId>()).transpose() else {
        let mistake = Some(Mistake::in_field("sessionId", "is not one that exists; write it as in sess_…."));
        return Ok(page::show_with(StatusCode::UNPROCESSABLE_ENTITY, &CheckPage { mistake, ..page }));
    };
    let report = app.checker.of_agent(&by, id, session_id).await?;
    Ok(page::show(&CheckPage { report: Some(ReportView::of(report)), ..page }))
}
