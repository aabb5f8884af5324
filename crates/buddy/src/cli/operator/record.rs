//! A resolution, its explanation and its endpoint as the API writes them, read back. What a newer server adds is passed
//! over.

use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Phases, Resolution, Signed, SignedWith, Warning};
use buddy_core::time::UnixMillis;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::cli::print::shown;

/// A session's resolutions, newest first, each as it came.
#[derive(Deserialize)]
pub(in crate::cli) struct Resolutions {
    pub(in crate::cli) resolutions: Vec<Box<RawValue>>,
}

/// Why it ended so.
#[derive(Deserialize)]
pub(in crate::cli) struct Explained {
    pub(in crate::cli) cause: String,
    pub(in crate::cli) rule: Rule,
    pub(in crate::cli) mend: Option<String>,
    /// A path.
    pub(in crate::cli) page: Option<String>,
    pub(in crate::cli) sendings: Vec<SendingRecord>,
}

#[derive(Deserialize)]
pub(in crate::cli) struct Rule {
    pub(in crate::cli) answered: String,
    pub(in crate::cli) becomes: String,
}

/// What the resolution itself does not have of a sending.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::cli) struct SendingRecord {
    timestamp: Option<i64>,
    signature_begin: Option<String>,
    /// By its shape.
    pub(in crate::cli) answer: Option<String>,
}

impl SendingRecord {
    /// What was signed.
    pub(in crate::cli) fn signed(&self) -> Option<Signed> {
        let signature_begin = shown(self.signature_begin.as_deref()?);
        Some(Signed { timestamp: self.timestamp?, signature_begin })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResolutionRecord {
    resolution_id: ResolutionId,
    session_id: SessionId,
    agent_id: AgentId,
    outcome: String,
    reason: Option<Reason>,
    warnings: Vec<WarningRecord>,
    started_at: Timestamp,
    duration_ms: f64,
    attempts: Vec<AttemptRecord>,
}

#[derive(Deserialize)]
struct WarningRecord {
    code: Warning,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AttemptRecord {
    number: u8,
    started_at: Timestamp,
    duration_ms: f64,
    status: Option<u16>,
    reason: Option<Reason>,
    signed_with: SignedWith,
    reused_connection: bool,
    phases: PhasesRecord,
}

#[expect(clippy::struct_field_names, reason = "these are the API's names")]
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhasesRecord {
    queue_ms: Option<f64>,
    dns_ms: Option<f64>,
    connect_ms: Option<f64>,
    tls_ms: Option<f64>,
    headers_ms: Option<f64>,
    body_ms: Option<f64>,
}

/// Reads one. The error is a sentence.
pub(in crate::cli) fn resolution(json: &RawValue) -> Result<Resolution, String> {
    let unreadable = |what: &str| {
        format!("a resolution cannot be read ({}): is the server newer than this buddy?", shown(what))
    };
    let record: ResolutionRecord =
        serde_json::from_str(json.get()).map_err(|error| unreadable(&error.to_string()))?;
    let outcome = record.outcome.parse::<Outcome>().map_err(|_| unreadable(&record.outcome))?;
    Ok(Resolution {
        id: record.resolution_id,
        session_id: record.session_id,
        agent_id: record.agent_id,
        outcome,
        reason: record.reason,
        warnings: record.warnings.into_iter().map(|warning| warning.code).collect(),
        started_at: moment(record.started_at),
        duration: micros(record.duration_ms),
        attempts: record.attempts.into_iter().map(Attempt::from).collect(),
    })
}

impl From<AttemptRecord> for Attempt {
    fn from(record: AttemptRecord) -> Self {
        let phases = record.phases;
        Self {
            number: record.number,
            started_at: moment(record.started_at),
            duration: micros(record.duration_ms),
            status: record.status,
            reason: record.reason,
            signed_with: record.signed_with,
            reused_connection: record.reused_connection,
            phases: Phases {
                queue: phases.queue_ms.map(micros),
                dns: phases.dns_ms.map(micros),
                connect: phases.connect_ms.map(micros),
                tls: phases.tls_ms.map(micros),
                headers: phases.headers_ms.map(micros),
                body: phases.body_ms.map(micros),
            },
            signed: None,
            shape: None,
        }
    }
}

fn moment(time: Timestamp) -> UnixMillis {
    UnixMillis(time.as_millisecond())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a time that has passed, in microseconds"
)]
fn micros(millis: f64) -> u64 {
    (millis * 1000.0).round() as u64
}
