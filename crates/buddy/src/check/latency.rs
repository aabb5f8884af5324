//! How fast, and over how many connections: the same right request, some times in a row.

use std::time::Duration;

use buddy_core::secret::CallbackSecret;
use tokio::time::Instant;

use super::probe::{Prober, Reply};
use super::{Check, Findings, Subject, millis};

/// Enough for a median; with the slowest as the 95th percentile.
const SAMPLES: usize = 10;
/// A slow endpoint is known after some: nobody waits for ten of its answers.
const SAMPLING_TIME_MAX: Duration = Duration::from_secs(8);

/// Asks again and again; `first` is the answer that there is already.
pub(super) async fn run(
    findings: &mut Findings<'_>,
    subject: &Subject,
    prober: &Prober<'_>,
    secret: &CallbackSecret,
    first: Reply,
) {
    findings.begin(Check::Latency);
    let begun = Instant::now();
    let mut replies = vec![first];
    while replies.len() < SAMPLES && begun.elapsed() < SAMPLING_TIME_MAX {
        let session_id = subject.session_id.unwrap_or_else(|| prober.unknown_session());
        let reply = prober.ask(session_id, secret).await;
        findings.hear(&reply);
        replies.push(reply);
    }
    judge_times(findings, prober.timeout, &replies);
    // The first one follows no other on a connection.
    judge_reuse(findings, &replies[1..]);
}

pub(super) fn judge_times(findings: &mut Findings<'_>, timeout: Duration, replies: &[Reply]) {
    let late = replies.iter().filter(|reply| reply.said.timed_out()).count();
    let mut times: Vec<_> = replies.iter().map(|reply| reply.took).collect();
    times.sort_unstable();
    let (median, p95) = (percentile(&times, 50), percentile(&times, 95));
    let count = replies.len();
    let seen =
        format!("median {}, p95 {} of {} ({count} requests)", millis(median), millis(p95), millis(timeout));
    if late > 0 {
        let mend = "Make the user look-up faster, keep one instance warm, or raise timeoutMs.";
        findings.fail(Check::Latency, format!("{seen}; {late} took longer than timeoutMs"), mend);
    } else if p95 > timeout / 2 {
        let mend = "Make the user look-up faster, or raise timeoutMs: under load it will not be in time.";
        findings.warn(Check::Latency, seen, mend);
    } else {
        findings.pass(Check::Latency, seen);
    }
}

/// The nearest rank: the smallest that so many per cent do not exceed.
fn percentile(sorted: &[Duration], percent: usize) -> Duration {
    sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)]
}

pub(super) fn judge_reuse(findings: &mut Findings<'_>, replies: &[Reply]) {
    findings.begin(Check::KeepAlive);
    let reused = replies.iter().filter(|reply| reply.reused_connection).count();
    let seen = format!("{reused} of {} requests over a connection that was open", replies.len());
    if reused > 0 {
        findings.pass(Check::KeepAlive, seen);
    } else {
        let mend = "Switch on keep-alive (HTTP/1.1, 5 seconds or more): each session costs a new TLS connection now.";
        findings.warn(Check::KeepAlive, seen, mend);
    }
}
