//! A resolution as a row of a list.

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Resolution};

use serde::Serialize;

use super::drawing::{float, round};
use crate::ambient::rfc3339;
use crate::said;

/// One row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) started_at: String,
    pub(super) time: String,
    pub(super) session_id: String,
    pub(super) outcome: &'static str,
    pub(super) code: Option<&'static str>,
    pub(super) reason: &'static str,
    pub(super) attempts: usize,
    pub(super) took: String,
    pub(super) bar: Bar,
}

impl Row {
    pub(super) fn of(resolution: &Resolution) -> Self {
        let Resolution { id, agent_id, outcome, reason, started_at, duration, attempts, .. } = resolution;
        Self {
            path: format!("/console/agents/{agent_id}/resolutions/{id}"),
            started_at: rfc3339(*started_at),
            time: said::moment(*started_at),
            session_id: resolution.session_id.to_string(),
            outcome: outcome.as_str(),
            code: reason.map(|reason| reason.code().as_str()),
            reason: reason.map_or("", Reason::as_str),
            attempts: attempts.len(),
            took: said::took(*duration),
            bar: Bar::of(attempts),
        }
    }
}

/// Where the time went, at a glance: all phases of all attempts one after another, as parts of a hundred.
#[derive(Serialize)]
pub(super) struct Bar {
    pub(super) pieces: Vec<Piece>,
    /// The same in words.
    pub(super) said: String,
}

/// One phase.
#[derive(Serialize)]
pub(super) struct Piece {
    pub(super) phase: &'static str,
    pub(super) x: f64,
    pub(super) width: f64,
}

impl Bar {
    fn of(attempts: &[Attempt]) -> Self {
        let phases: Vec<_> = attempts.iter().flat_map(|attempt| attempt.phases.reached()).collect();
        let whole: u64 = phases.iter().map(|(_, micros)| micros).sum();
        let mut x = 0.0;
        let piece = |&(phase, micros): &(&'static str, u64)| {
            let width = share(micros, whole);
            let piece = Piece { phase, x, width };
            x += width;
            piece
        };
        let pieces = phases.iter().map(piece).collect();
        let words: Vec<_> =
            phases.iter().map(|(phase, micros)| format!("{phase} {}", said::took(*micros))).collect();
        let said = if words.is_empty() { "nothing was sent".to_owned() } else { words.join(", ") };
        Self { pieces, said }
    }
}

/// A part as a share of a hundred, to a tenth.
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { round(float(part) * 100.0 / float(whole)) }
}
