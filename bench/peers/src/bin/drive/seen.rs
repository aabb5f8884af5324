//! What came of the sessions that are counted.

use std::time::Duration;

use buddy_bench_peers::Failure;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

/// Longer than any wait that a peer allows itself.
const LATENCY_MAX: Duration = Duration::from_mins(2);
/// Digits that a latency keeps: a thousandth is less than any noise.
const DIGITS: u8 = 3;

pub(crate) struct Seen {
    latencies: Histogram<u64>,
    right: u64,
    wrong: u64,
    failed: u64,
}

impl Seen {
    pub(crate) fn nothing() -> Result<Self, Failure> {
        let latencies = Histogram::new_with_max(micros(LATENCY_MAX), DIGITS)?;
        Ok(Self { latencies, right: 0, wrong: 0, failed: 0 })
    }

    pub(crate) fn add(&mut self, latency: Duration, answer: &Result<bool, Failure>) {
        self.latencies.saturating_record(micros(latency));
        match answer {
            Ok(true) => self.right += 1,
            Ok(false) => self.wrong += 1,
            Err(_) => self.failed += 1,
        }
    }

    /// Sessions that got no answer at all.
    pub(crate) fn unanswered(&mut self, number: usize) {
        self.failed += number as u64;
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({
            "right": self.right,
            "wrong": self.wrong,
            "failed": self.failed,
            "p50": self.latencies.value_at_quantile(0.5),
            "p99": self.latencies.value_at_quantile(0.99),
            "p999": self.latencies.value_at_quantile(0.999),
            "max": self.latencies.max(),
        })
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
