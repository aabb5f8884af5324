//! As tables in Markdown.

use std::fmt::Write;

use super::Assumed;
use super::day::{Bound, Day};
use super::measured::Measured;
use crate::table::number;

impl Bound {
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Connections => "connections",
            Self::Pending => "pending",
            Self::Memory => "memory",
        }
    }
}

/// A line for each size.
pub(super) fn table(days: &[Day]) -> String {
    let mut text = "\
| sessions a day | a second, peak | connected | nodes | first to be full | database cores | writes/s | commits/s | GiB written a day | GiB kept | a million cost | … following the load |
|---|---|---|---|---|---|---|---|---|---|---|---|
"
    .to_owned();
    for day in days {
        let first = if day.nodes > 1.0 { day.first.name() } else { "" };
        let cells = [
            short(day.sessions),
            short(day.peak),
            short(day.connections),
            number(day.nodes, 0),
            first.to_owned(),
            if day.nodes > 1.0 { short(day.database_cores) } else { String::new() },
            short(day.writes),
            short(day.commits),
            short(day.written_gib),
            short(day.held_gib),
            number(day.cost, 2),
            number(day.cost_following, 2),
        ];
        writeln!(text, "| {} |", cells.join(" | ")).expect("a String takes all");
    }
    text
}

/// What is pending at the peak, as usual and while every endpoint hangs: with the widget, and with a chat of one's own.
pub(super) fn outage(widget: &[Day], own: &[Day]) -> String {
    let mut text = "\
| sessions a day | pending, peak | … while every endpoint hangs | connections in use then: widget | … own chat |
|---|---|---|---|---|
"
    .to_owned();
    for (day, own) in widget.iter().zip(own) {
        let [sessions, pending, hung] = [day.sessions, day.pending, day.hung].map(short);
        let [share, share_own] = [day, own].map(|day| number(day.hung_share * 100.0, 0));
        writeln!(text, "| {sessions} | {pending} | {hung} | {share} % | {share_own} % |")
            .expect("a String takes all");
    }
    text
}

/// What it follows from.
pub(super) fn assumptions(measured: &Measured, assumed: &Assumed) -> String {
    let kib = |bytes: f64, digits| format!("{} KiB", number(bytes / 1024.0, digits));
    let lines = [
        (
            "CPU of a session, `full`, 256 connections, two threads",
            format!("{} µs", number(measured.cpu_micros, 1)),
            "measured",
        ),
        (
            "CPU of PostgreSQL for it, `full`, 32 connections",
            format!("{} µs", number(measured.database_micros, 1)),
            "measured",
        ),
        ("memory of a node", format!("{} MiB", number(measured.idle_mib, 1)), "measured"),
        ("… of a connection, at most", format!("{} KiB", number(measured.kib_per_pending, 0)), "measured"),
        ("kept of a session, at most for 7 days", kib(measured.kept_bytes, 2), "measured"),
        ("written for each of its writes, `full`", kib(measured.written_bytes, 1), "measured"),
        (
            "the busiest hour's share of a day",
            format!("{} %", number(assumed.busiest_hour * 100.0, 1)),
            "`--busiest-hour`",
        ),
        ("a widget's session, in measured ones, at most", number(assumed.weight, 1), "`--weight`"),
        ("an endpoint takes", format!("{} ms", number(assumed.endpoint_millis, 0)), "`--endpoint-millis`"),
        (
            "a chat of the widget is connected for",
            format!("{} minutes", assumed.open_minutes),
            "`--open-minutes`",
        ),
        (
            "a node has",
            format!("{} cores, {} GiB", number(assumed.cores, 0), number(assumed.memory, 0)),
            "`--cores` `--memory`",
        ),
        ("… and is to be full at the peak to", format!("{} %", number(assumed.load * 100.0, 0)), "`--load`"),
        ("a core costs an hour", format!("{} $", number(assumed.core_hour, 3)), "`--core-hour`"),
        ("a GiB of disk costs a month", format!("{} $", number(assumed.gib_month, 2)), "`--gib-month`"),
    ];
    let mut text = "| | | |\n|---|---|---|\n".to_owned();
    for (what, value, from) in lines {
        writeln!(text, "| {what} | {value} | {from} |").expect("a String takes all");
    }
    text
}

/// Digits as they matter: all of a large number's first three, one behind the point of a small one.
fn short(value: f64) -> String {
    let digits = usize::from(value < 10.0);
    if value < 1_000.0 {
        return number(value, digits);
    }
    let unit = 10_f64.powf(value.log10().floor() - 2.0);
    number((value / unit).round() * unit, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_the_digits_that_matter() {
        for (value, expected) in [
            (0.27, "0.3"),
            (27.4, "27"),
            (1_234.0, "1,230"),
            (87_654_321.0, "87,700,000"),
            (1e9, "1,000,000,000"),
        ] {
            assert_eq!(short(value), expected);
        }
    }
}
