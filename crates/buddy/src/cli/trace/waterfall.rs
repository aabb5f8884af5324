//! Where a resolution's time went, in text: a row for each phase of each sending, all on one line of time.

use std::fmt::Write;

use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Resolution};

use crate::cli::operator::phase_style;
use crate::said;
use crate::spans::{self, phase_name, sending_name};

/// The longest name of a phase.
const NAME: usize = "first byte".len();
/// The longest of a phase's times: `12.34 s`.
const TOOK: usize = 7;
/// Before the name, between name and bar, the bar's two ends, and before the time.
const BETWEEN: usize = 2 + 1 + 2 + 1;
/// Less room shows nothing.
const BAR_MIN: usize = 20;

/// Rows of at most so many columns, in colours. Nothing where nothing was sent.
pub(super) fn rows(resolution: &Resolution, columns: usize) -> String {
    let mut text = String::new();
    let Some((spans, end)) = spans::of(resolution) else { return text };
    let width = columns.saturating_sub(NAME + TOOK + BETWEEN).max(BAR_MIN);
    let whole = said::took(end);
    let _ = writeln!(text, "{:1$}0{whole:>2$}", "", NAME + BETWEEN - 2, width - 1);
    for (span, attempt) in spans.iter().zip(&resolution.attempts) {
        let _ = writeln!(text, "{}: {}", sending_name(attempt), came(attempt));
        for &(phase, from, micros) in &span.phases {
            let (name, bar) = (phase_name(phase), bar(phase, Stretch { from, micros, end }, width));
            let _ = writeln!(text, "  {name:NAME$} {bar} {:>TOOK$}", said::took(micros));
        }
    }
    text
}

/// What came of a sending.
fn came(attempt: &Attempt) -> String {
    let connection = if attempt.reused_connection { ", over a connection used before" } else { "" };
    let answer = match (attempt.status, attempt.reason) {
        (Some(status), Some(reason)) => format!("{status}, {reason}"),
        (Some(status), None) => status.to_string(),
        (None, reason) => format!("no answer, {}", reason.map_or("interrupted", Reason::as_str)),
    };
    format!("{answer}, took {}{connection}", said::took(attempt.duration))
}

/// A part of a time, in microseconds.
struct Stretch {
    from: u64,
    micros: u64,
    end: u64,
}

/// Where a phase lies; what is too short to be seen is one column wide.
fn bar(phase: &str, Stretch { from, micros, end }: Stretch, width: usize) -> String {
    let column = |at: u64| {
        let column = u128::from(at.min(end)) * width as u128 / u128::from(end);
        usize::try_from(column).expect("at most the width")
    };
    let first = column(from).min(width - 1);
    let full = column(from.saturating_add(micros)).saturating_sub(first).clamp(1, width - first);
    let style = phase_style(phase);
    let (before, after) = (" ".repeat(first), " ".repeat(width - first - full));
    format!("│{before}{style}{}{style:#}{after}│", "█".repeat(full))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(from: u64, micros: u64, end: u64, width: usize) -> String {
        let bar = bar("dns", Stretch { from, micros, end }, width);
        anstream::adapter::strip_str(&bar).to_string()
    }

    #[test]
    fn a_bar_is_as_wide_as_its_phase_was_long_and_never_beyond_its_ends() {
        for (from, micros, end, expected) in [
            (0, 10, 10, "│██████████│"),
            (0, 5, 10, "│█████     │"),
            (5, 5, 10, "│     █████│"),
            (0, 0, 10, "│█         │"),
            (10, 0, 10, "│         █│"),
            (9, u64::MAX, 10, "│         █│"),
            (u64::MAX, 1, u64::MAX, "│         █│"),
            (1, 1, 1000, "│█         │"),
        ] {
            assert_eq!(plain(from, micros, end, 10), expected);
        }
    }
}
