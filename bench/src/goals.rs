//! What Buddy is to cost at most, and what it was last measured to cost.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::figures::{Record, Spread};
use crate::measure::latency::DIRECT;
use crate::measure::{Measure, grown, nodes, size};
use crate::platform::Platform;
use crate::table::number;

/// All that was measured.
pub(crate) type Records = BTreeMap<Measure, Record>;

struct Goal {
    what: &'static str,
    at_most: f64,
    unit: &'static str,
    digits: usize,
    measure: Measure,
    figure: fn(&Record) -> Option<Spread>,
}

const NORMAL: &str = Platform::BuddyNormal.name();
const FULL: &str = Platform::BuddyFull.name();
const LIMIT: &str = Platform::Limit.name();
const AXUM: &str = Platform::AxumReqwest.name();
const NODE: &str = Platform::NodeUndici.name();

const GOALS: [Goal; 24] = [
    cpu("CPU per session, `normal`, 32 connections, to the limit's", 1.6, |all| {
        all.ratio(NORMAL, LIMIT, "cpu32")
    }),
    cpu("… 256 connections", 1.6, |all| all.ratio(NORMAL, LIMIT, "cpu256")),
    cpu("CPU per session, `full`, 32 connections, to the limit's", 2.0, |all| {
        all.ratio(FULL, LIMIT, "cpu32")
    }),
    cpu("… 256 connections", 2.0, |all| all.ratio(FULL, LIMIT, "cpu256")),
    cpu("CPU per session, `normal`, 32 connections, to Node.js with undici", 0.25, |all| {
        all.ratio(NORMAL, NODE, "cpu32")
    }),
    cpu("… 256 connections", 0.25, |all| all.ratio(NORMAL, NODE, "cpu256")),
    cpu("CPU per session, `normal`, 32 connections, to axum + reqwest", 0.8, |all| {
        all.ratio(NORMAL, AXUM, "cpu32")
    }),
    cpu("… 256 connections", 0.8, |all| all.ratio(NORMAL, AXUM, "cpu256")),
    connections("New TLS connections per session, `normal`, 32 connections", |all| {
        all.spread(NORMAL, "connections32")
    }),
    connections("… 256 connections", |all| all.spread(NORMAL, "connections256")),
    latency("Added p50, `normal`, after 5 ms", |all| all.added(NORMAL, DIRECT, "p50_after_5")),
    latency("… after 50 ms", |all| all.added(NORMAL, DIRECT, "p50_after_50")),
    twice("Added p50, `normal`, after 5 ms, to the limit's", |all| {
        all.ratio_above(NORMAL, LIMIT, DIRECT, "p50_after_5")
    }),
    twice("… after 50 ms", |all| all.ratio_above(NORMAL, LIMIT, DIRECT, "p50_after_50")),
    stall("Added p99.9 beside a busy disk, `normal`", |all| all.spread(NORMAL, "p999")),
    stall("… `full`", |all| all.spread(FULL, "p999")),
    Goal {
        what: "p99 beside 500 hung sessions of another agent, to that alone",
        at_most: 1.5,
        unit: "×",
        digits: 2,
        measure: Measure::Isolation,
        figure: |all| all.spread(NORMAL, "p99_ratio"),
    },
    memory("Memory with nothing to do", 20.0, " MiB", |all| all.spread(NORMAL, "idle")),
    memory("Memory per pending session", 60.0, " KiB", |all| all.spread(NORMAL, "kib_per_session")),
    Goal {
        what: "CPU per session beside ten million stored ones, to an empty database",
        at_most: 1.2,
        unit: "×",
        digits: 2,
        measure: Measure::Grown,
        figure: grown::ratio_of_goal,
    },
    Goal {
        what: "A killed node's pending session, until another has taken it over",
        at_most: 5.0,
        unit: " s",
        digits: 1,
        measure: Measure::Nodes,
        figure: |all| all.spread(nodes::TOGETHER, nodes::TAKEN_OVER),
    },
    start("The program", 25.0, " MiB", |all| all.spread(size::LINE, "mib")),
    start("From its start until it is ready, on a new data dir", 150.0, " ms", |all| {
        all.spread(size::LINE, "ready")
    }),
    start("… on one that is there", 150.0, " ms", |all| all.spread(size::LINE, "ready_again")),
];

const fn cpu(what: &'static str, at_most: f64, figure: fn(&Record) -> Option<Spread>) -> Goal {
    Goal { what, at_most, unit: "×", digits: 2, measure: Measure::Cpu, figure }
}

const fn connections(what: &'static str, figure: fn(&Record) -> Option<Spread>) -> Goal {
    Goal { what, at_most: 0.01, unit: "", digits: 3, measure: Measure::Cpu, figure }
}

const fn latency(what: &'static str, figure: fn(&Record) -> Option<Spread>) -> Goal {
    Goal { what, at_most: 0.6, unit: " ms", digits: 2, measure: Measure::Latency, figure }
}

const fn twice(what: &'static str, figure: fn(&Record) -> Option<Spread>) -> Goal {
    Goal { what, at_most: 2.0, unit: "×", digits: 1, measure: Measure::Latency, figure }
}

const fn stall(what: &'static str, figure: fn(&Record) -> Option<Spread>) -> Goal {
    Goal { what, at_most: 50.0, unit: " ms", digits: 0, measure: Measure::Stalls, figure }
}

const fn memory(
    what: &'static str,
    at_most: f64,
    unit: &'static str,
    figure: fn(&Record) -> Option<Spread>,
) -> Goal {
    Goal { what, at_most, unit, digits: 0, measure: Measure::Memory, figure }
}

const fn start(
    what: &'static str,
    at_most: f64,
    unit: &'static str,
    figure: fn(&Record) -> Option<Spread>,
) -> Goal {
    Goal { what, at_most, unit, digits: 0, measure: Measure::Size, figure }
}

/// The goals, each with the median of what was measured.
pub(crate) fn table(records: &Records) -> String {
    let mut text = "| | goal, at most | measured | |\n|---|---|---|---|\n".to_owned();
    for goal in GOALS {
        let shown = |value| format!("{}{}", number(value, goal.digits), goal.unit);
        let median = records.get(&goal.measure).and_then(goal.figure).map(|spread| spread.median);
        let (measured, met) = match median {
            Some(value) if value <= goal.at_most => (shown(value), "met"),
            Some(value) => (shown(value), "**not met**"),
            None => (String::new(), "not measured"),
        };
        writeln!(text, "| {} | {}{} | {measured} | {met} |", goal.what, goal.at_most, goal.unit)
            .expect("a String takes all");
    }
    text
}
