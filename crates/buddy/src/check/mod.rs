//! The endpoint check: a live endpoint is asked rightly and wrongly, and each thing found comes with what to do.
//!
//! Requests go out one after another, as callbacks would; nothing is stored, and no session is touched.

mod forgeries;
mod latency;
mod probe;
mod reach;
mod report;
mod right;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use buddy_core::audit::Action;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::secret::CallbackSecret;
use buddy_egress::Egress;
use buddy_store::ConfiguredCallback;
use tokio::time::timeout;

use crate::agents::Agents;
use crate::ambient::Ambient;
use crate::audit::By;
use crate::refusal::Refusal;
use probe::{Prober, Reply};
use right::Right;

pub(crate) use reach::ends_soon;
pub(crate) use report::{Check, Finding, Report, Verdict};

/// NTP keeps clocks within a second; a minute away is a clock that nobody sets, and five are refused.
const CLOCK_OFF_SECONDS_MAX: i64 = 60;

/// Somebody waits for the report: an endpoint that is slow in everything is told so, not asked to the end.
const CHECK_TIME_MAX: Duration = Duration::from_mins(1);

/// What is checked.
pub(crate) struct Subject {
    pub(crate) url: String,
    /// What signs now.
    pub(crate) secret: CallbackSecret,
    /// What is to sign next, while a rotation is open.
    pub(crate) next_secret: Option<CallbackSecret>,
    pub(crate) agent_id: AgentId,
    pub(crate) timeout_ms: u32,
    /// A session that the endpoint is to know; without it only sessions that it cannot know are asked about.
    pub(crate) session_id: Option<SessionId>,
}

/// The use case: an agent's endpoint, as it is configured.
pub(crate) struct Checker {
    pub(crate) agents: Arc<Agents>,
    pub(crate) egress: Egress,
    pub(crate) ambient: Ambient,
}

impl Checker {
    /// Checks the endpoint of an agent, enabled or not.
    pub(crate) async fn of_agent(
        &self,
        by: &By,
        agent_id: AgentId,
        session_id: Option<SessionId>,
    ) -> Result<Report, Refusal> {
        let audit = &self.agents.audit;
        let entry = audit.entry(by, Action::CheckCallback, Some(agent_id));
        let configured = audit.refused(entry.clone(), self.agents.callback(agent_id).await).await?;
        // Before it begins: who asked for it may not wait for its end.
        audit.note(entry).await?;
        let ConfiguredCallback { callback, secrets } = Arc::unwrap_or_clone(configured);
        let subject = Subject {
            url: callback.url,
            secret: secrets.current,
            next_secret: secrets.rotation.map(|rotation| rotation.next),
            agent_id,
            timeout_ms: callback.timeout_ms,
            session_id,
        };
        let means = Means { egress: &self.egress, ambient: &self.ambient, progress: &|_| {} };
        let report = run(means, &subject).await;
        let failed = report.count(Verdict::Fail);
        tracing::info!(agent = %agent_id, failed, findings = report.findings.len(), "endpoint checked");
        Ok(report)
    }
}

/// What a check works with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) egress: &'a Egress,
    pub(crate) ambient: &'a Ambient,
    /// Told what is looked at next.
    pub(crate) progress: &'a (dyn Fn(Check) + Sync),
}

/// Checks an endpoint. Ends after some dozens of requests at most, each within `timeoutMs`, and after a minute.
pub(crate) async fn run(means: Means<'_>, subject: &Subject) -> Report {
    run_within(CHECK_TIME_MAX, means, subject).await
}

async fn run_within(time: Duration, means: Means<'_>, subject: &Subject) -> Report {
    let mut findings = Findings { means, found: Vec::new(), ahead_seconds: None };
    if let Some(prober) = reach::run(&mut findings, subject).await {
        if timeout(time, judge(&mut findings, subject, &prober)).await.is_err() {
            let message =
                format!("the check had no more time after {}; the rest was not tried", millis(time));
            findings.fail(Check::Latency, message, "Make the endpoint faster, and check it again.");
        }
        findings.judge_clock();
    }
    Report::of(findings.found)
}

async fn judge(findings: &mut Findings<'_>, subject: &Subject, prober: &Prober<'_>) {
    let Some(Right { secret, first }) = right::run(findings, subject, prober).await else { return };
    forgeries::run(findings, prober, &secret).await;
    latency::run(findings, subject, prober, &secret, first).await;
}

/// What has been found so far.
struct Findings<'a> {
    means: Means<'a>,
    found: Vec<Finding>,
    /// How far the endpoint's clock was ahead when it was last heard.
    ahead_seconds: Option<i64>,
}

impl Findings<'_> {
    /// Something else is looked at now.
    fn begin(&self, check: Check) {
        (self.means.progress)(check);
    }

    fn hear(&mut self, reply: &Reply) {
        self.ahead_seconds = reply.ahead_seconds.or(self.ahead_seconds);
    }

    fn pass(&mut self, check: Check, message: impl Into<String>) {
        self.found.push(Finding { check, verdict: Verdict::Pass, message: message.into(), mend: None });
    }

    fn warn(&mut self, check: Check, message: impl Into<String>, mend: impl Into<String>) {
        let (message, mend) = (message.into(), Some(mend.into()));
        self.found.push(Finding { check, verdict: Verdict::Warn, message, mend });
    }

    fn fail(&mut self, check: Check, message: impl Into<String>, mend: impl Into<String>) {
        let (message, mend) = (message.into(), Some(mend.into()));
        self.found.push(Finding { check, verdict: Verdict::Fail, message, mend });
    }

    fn judge_clock(&mut self) {
        let set = "Set the endpoint's clock by NTP: callbacks are refused as old once it is 300 seconds off.";
        let Some(ahead) = self.ahead_seconds else {
            let mend = "Let the endpoint send Date, as HTTP servers do, to have its clock checked here.";
            return self.warn(Check::Clock, "no answer had a Date header, so its clock is not known", mend);
        };
        let off = ahead.unsigned_abs();
        let (off, side) = (seconds(off), if ahead < 0 { "behind" } else { "ahead" });
        if ahead.abs() > CLOCK_OFF_SECONDS_MAX {
            self.fail(Check::Clock, format!("its Date header is {off} {side}"), set);
        } else {
            self.pass(Check::Clock, format!("its Date header is {off} {side}"));
        }
    }
}

fn seconds(count: u64) -> String {
    if count == 1 { "1 second".into() } else { format!("{count} seconds") }
}

fn millis(took: Duration) -> String {
    format!("{:.0} ms", took.as_secs_f64() * 1000.0)
}
