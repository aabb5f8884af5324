//! Where a resolution's time went: each sending and each phase on one line of time, and how people call them.

use buddy_core::resolution::{Attempt, Resolution, SignedWith};

/// A sending on the resolution's time, in microseconds since its begin.
pub(crate) struct Span {
    begin: u64,
    duration: u64,
    /// Name, begin and length of each phase that was reached.
    pub(crate) phases: Vec<(&'static str, u64, u64)>,
}

impl Span {
    pub(crate) fn of(resolution: &Resolution, attempt: &Attempt) -> Self {
        let millis = attempt.started_at.0.saturating_sub(resolution.started_at.0);
        let begin = u64::try_from(millis).unwrap_or(0).saturating_mul(1000);
        let mut from = begin;
        let phase = |(name, micros)| {
            let phase = (name, from, micros);
            from = from.saturating_add(micros);
            phase
        };
        Self { begin, duration: attempt.duration, phases: attempt.phases.reached().map(phase).collect() }
    }

    fn end(&self) -> u64 {
        let phases = self.phases.last().map_or(self.begin, |(_, from, micros)| from.saturating_add(*micros));
        self.begin.saturating_add(self.duration).max(phases)
    }
}

/// The sendings in their order, and where the line of time ends: never at 0. `None`: nothing was sent.
pub(crate) fn of(resolution: &Resolution) -> Option<(Vec<Span>, u64)> {
    let spans: Vec<_> = resolution.attempts.iter().map(|attempt| Span::of(resolution, attempt)).collect();
    let end = spans.iter().map(Span::end).max()?.max(resolution.duration).max(1);
    Some((spans, end))
}

/// As people call a phase.
pub(crate) fn phase_name(phase: &str) -> &'static str {
    match phase {
        "queue" => "queue",
        "dns" => "DNS",
        "connect" => "connect",
        "tls" => "TLS",
        "headers" => "first byte",
        _ => "body",
    }
}

/// As people call a sending.
pub(crate) fn sending_name(attempt: &Attempt) -> String {
    let next = if attempt.signed_with == SignedWith::Next { ", next secret" } else { "" };
    format!("Attempt {}{next}", attempt.number)
}
