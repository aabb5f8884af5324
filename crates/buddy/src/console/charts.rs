//! Two charts of a window: how sessions ended, and how long that took against `timeoutMs`. Drawn here, with a table of
//! the same numbers beside them.

use std::fmt::Write as _;

use buddy_core::reason::Code;
use buddy_core::tally::Tally;
use buddy_core::time::UnixMillis;

use super::drawing::{float, round};
use crate::said;
use crate::stats::Window;

/// Units of a picture: the scale at the left, and the plot.
const LEFT: f64 = 60.0;
const PLOT: f64 = 900.0;
const HEIGHT: f64 = 150.0;
/// Room above the plot for the topmost name, and below it for the times.
const TOP: f64 = 12.0;
const BOTTOM: f64 = 22.0;
/// Of a step's width, what its bar takes.
const BAR: f64 = 0.86;
/// The percentiles that are drawn.
const PERCENTS: [u64; 3] = [50, 95, 99];

/// What sessions end in, from the ground of the chart up.
const ENDS: [(&str, &str); 6] = [
    ("authenticated", "identified"),
    ("nobody", "nobody signed in"),
    ("timeout", "AUTH_CALLBACK_TIMEOUT"),
    ("failed", "AUTH_CALLBACK_FAILED"),
    ("bad-response", "AUTH_CALLBACK_BAD_RESPONSE"),
    ("not-configured", "AUTH_NOT_CONFIGURED"),
];

/// Both charts and their table.
pub(super) struct Charts {
    pub(super) width: f64,
    pub(super) height: f64,
    /// Where the times stand.
    pub(super) times_y: f64,
    pub(super) times: Vec<Mark>,
    pub(super) outcomes: Outcomes,
    pub(super) durations: Option<Durations>,
    pub(super) table: Vec<TableRow>,
}

/// A line of a scale, and what stands at it.
pub(super) struct Mark {
    pub(super) at: f64,
    pub(super) name: String,
}

/// Stacked bars.
pub(super) struct Outcomes {
    pub(super) scale: Vec<Mark>,
    /// All bars of one end are one path.
    pub(super) paths: Vec<(&'static str, String)>,
    /// What each colour says, and how many there are.
    pub(super) legend: Vec<(&'static str, &'static str, u64)>,
    pub(super) said: String,
}

/// A step's percentiles as short lines over it, on a scale of powers of ten.
pub(super) struct Durations {
    pub(super) scale: Vec<Mark>,
    pub(super) paths: Vec<(&'static str, String)>,
    /// Where `timeoutMs` is.
    pub(super) timeout: Option<Mark>,
    pub(super) said: String,
}

/// One step in numbers.
pub(super) struct TableRow {
    pub(super) from: String,
    pub(super) ends: [u64; 6],
    pub(super) durations: [String; 3],
}

impl Charts {
    pub(super) fn of(window: Window, points: &[(UnixMillis, Tally)], timeout_ms: Option<u32>) -> Self {
        let steps = Steps { width: PLOT / float(points.len().max(1) as u64) };
        let (every, format) = times(window);
        let time = |(index, (from, _)): (usize, &(UnixMillis, Tally))| Mark {
            at: round(steps.x(index)),
            name: said::written(*from, format),
        };
        Self {
            width: LEFT + PLOT + 10.0,
            height: TOP + HEIGHT + BOTTOM,
            times_y: TOP + HEIGHT + 16.0,
            times: points.iter().enumerate().step_by(every).map(time).collect(),
            outcomes: Outcomes::of(steps, points),
            durations: Durations::of(steps, points, timeout_ms),
            table: points
                .iter()
                .rev()
                .filter(|(_, tally)| tally.counts.sessions() > 0)
                .map(table_row)
                .collect(),
        }
    }
}

/// How many steps lie between two times of the scale, and how they are written.
fn times(window: Window) -> (usize, &'static str) {
    match window {
        Window::Hour => (10, "%H:%M"),
        Window::Day => (3, "%H:%M"),
        Window::Week => (24, "%a %H:%M"),
        Window::Year => (30, "%d %b"),
    }
}

#[derive(Clone, Copy)]
struct Steps {
    width: f64,
}

impl Steps {
    fn x(self, index: usize) -> f64 {
        LEFT + self.width * float(index as u64)
    }
}

impl Outcomes {
    fn of(steps: Steps, points: &[(UnixMillis, Tally)]) -> Self {
        let most = points.iter().map(|(_, tally)| tally.counts.sessions()).max().unwrap_or(0);
        let top = round_above(most);
        let mut paths: Vec<_> = ENDS.iter().map(|(class, _)| (*class, String::new())).collect();
        let mut sums = [0; ENDS.len()];
        for (index, (_, tally)) in points.iter().enumerate() {
            let mut y = TOP + HEIGHT;
            for (end, count) in ends(tally).into_iter().enumerate() {
                sums[end] += count;
                let height = HEIGHT * float(count) / float(top);
                if count > 0 {
                    y -= height;
                    bar(&mut paths[end].1, steps.x(index), y, steps.width * BAR, height);
                }
            }
        }
        let legend = ENDS.iter().zip(sums).map(|((class, name), sum)| (*class, *name, sum));
        let legend: Vec<_> = legend.filter(|(_, _, sum)| *sum > 0).collect();
        let words: Vec<_> = legend.iter().map(|(_, name, sum)| format!("{sum} {name}")).collect();
        let said = if words.is_empty() { "no sessions".to_owned() } else { words.join(", ") };
        paths.retain(|(_, path)| !path.is_empty());
        Self { scale: scale(top), paths, legend, said }
    }
}

/// At the ground, half way and at the top.
fn scale(top: u64) -> Vec<Mark> {
    let mark = |count: u64| Mark {
        at: round(TOP + HEIGHT - HEIGHT * float(count) / float(top)),
        name: count.to_string(),
    };
    let half = top.is_multiple_of(2).then(|| mark(top / 2));
    [Some(mark(0)), half, Some(mark(top))].into_iter().flatten().collect()
}

/// 1, 2, 4, 5 or 10 times a power of ten: the least that is not below.
fn round_above(most: u64) -> u64 {
    let mut power: u64 = 1;
    while power.saturating_mul(10) < most {
        power = power.saturating_mul(10);
    }
    [1, 2, 4, 5, 10]
        .into_iter()
        .map(|factor| power.saturating_mul(factor))
        .find(|top| *top >= most)
        .unwrap_or(most)
}

fn bar(path: &mut String, x: f64, y: f64, width: f64, height: f64) {
    let (x, y, width, height) = (round(x), round(y), round(width), round(height.max(0.5)));
    let _ = write!(path, "M{x} {y}h{width}v{height}h-{width}z");
}

fn ends(tally: &Tally) -> [u64; 6] {
    let counts = &tally.counts;
    let failed = |code| counts.failed_with(code);
    [
        counts.authenticated,
        counts.nobody,
        failed(Code::Timeout),
        failed(Code::Failed),
        failed(Code::BadResponse),
        failed(Code::NotConfigured),
    ]
}

impl Durations {
    /// `None`: no endpoint was asked.
    fn of(steps: Steps, points: &[(UnixMillis, Tally)], timeout_ms: Option<u32>) -> Option<Self> {
        let mut whole = buddy_core::tally::Durations::default();
        for (_, tally) in points {
            whole.merge(&tally.durations);
        }
        let (least, most) = (whole.percentile(1)?, whole.percentile(100)?);
        let timeout = timeout_ms.map(|ms| u64::from(ms) * 1000);
        let decades = Decades::around(least.min(1_000), most.max(timeout.unwrap_or(0)));
        let line = |percent| {
            let mut path = String::new();
            for (index, (_, tally)) in points.iter().enumerate() {
                if let Some(micros) = tally.durations.percentile(percent) {
                    let (x, y) = (round(steps.x(index)), round(decades.y(micros)));
                    let _ = write!(path, "M{x} {y}h{}", round(steps.width * BAR));
                }
            }
            path
        };
        let classes = ["p50", "p95", "p99"].into_iter().zip(PERCENTS);
        let words = PERCENTS.map(|percent| {
            format!("p{percent} {}", whole.percentile(percent).map_or_else(String::new, said::took))
        });
        Some(Self {
            scale: decades.scale(),
            paths: classes.map(|(class, percent)| (class, line(percent))).collect(),
            timeout: timeout
                .zip(timeout_ms)
                .map(|(micros, ms)| Mark { at: round(decades.y(micros)), name: format!("timeoutMs {ms}") }),
            said: words.join(", "),
        })
    }
}

/// Powers of ten, from one below to one above, in microseconds.
struct Decades {
    first: u32,
    last: u32,
}

impl Decades {
    fn around(least: u64, most: u64) -> Self {
        let first = least.max(1).ilog10();
        let top = most.max(1).ilog10();
        let last = if 10_u64.pow(top) == most { top } else { top + 1 };
        Self { first, last: last.max(first + 1) }
    }

    fn y(&self, micros: u64) -> f64 {
        let (first, last) = (f64::from(self.first), f64::from(self.last));
        let part = (float(micros.max(1)).log10() - first) / (last - first);
        TOP + HEIGHT * (1.0 - part.clamp(0.0, 1.0))
    }

    fn scale(&self) -> Vec<Mark> {
        let name = |power| match power {
            0..3 => format!("{} µs", 10_u64.pow(power)),
            3..6 => format!("{} ms", 10_u64.pow(power - 3)),
            _ => format!("{} s", 10_u64.pow(power - 6)),
        };
        (self.first..=self.last)
            .map(|power| Mark { at: round(self.y(10_u64.pow(power))), name: name(power) })
            .collect()
    }
}

fn table_row((from, tally): &(UnixMillis, Tally)) -> TableRow {
    let told = |percent| tally.durations.percentile(percent).map_or_else(|| "–".to_owned(), said::took);
    TableRow { from: said::minute(*from), ends: ends(tally), durations: PERCENTS.map(told) }
}

#[cfg(test)]
mod tests {
    use buddy_core::tally::Counts;

    use super::*;

    fn points(sessions: &[u64]) -> Vec<(UnixMillis, Tally)> {
        let tally = |authenticated: u64| {
            let mut tally = Tally {
                counts: Counts { authenticated, nobody: authenticated, ..Counts::default() },
                ..Tally::default()
            };
            (0..authenticated).for_each(|_| tally.durations.record(12_000));
            tally
        };
        (0..).zip(sessions).map(|(minute, count)| (UnixMillis(minute * 60_000), tally(*count))).collect()
    }

    #[test]
    fn bars_stand_on_each_other_within_the_picture() {
        let charts = Charts::of(Window::Hour, &points(&[10, 0, 20]), Some(3000));
        let top = charts.outcomes.scale.last().unwrap();
        assert_eq!((top.name.as_str(), top.at), ("40", TOP));
        let [(first, identified), (second, nobody)] = charts.outcomes.paths.as_slice() else { panic!("two") };
        assert_eq!((*first, *second), ("authenticated", "nobody"));
        // 20 of 40 take half of the height, the next 20 the other half; the step without any has no bar.
        assert_eq!(identified, "M60 124.5h258v37.5h-258zM660 87h258v75h-258z");
        assert_eq!(nobody, "M60 87h258v37.5h-258zM660 12h258v75h-258z");
        assert_eq!(charts.outcomes.said, "30 identified, 30 nobody signed in");
        assert_eq!(charts.table.len(), 2, "what has nothing to tell is left out");
    }

    #[test]
    fn durations_are_drawn_against_the_timeout() {
        let durations = Charts::of(Window::Hour, &points(&[3, 0]), Some(3000)).durations.unwrap();
        let names: Vec<_> = durations.scale.iter().map(|mark| mark.name.as_str()).collect();
        assert_eq!(names, ["1 ms", "10 ms", "100 ms", "1 s", "10 s"]);
        assert!(durations.paths.iter().all(|(_, path)| path.matches('M').count() == 1));
        let timeout = durations.timeout.unwrap();
        assert!(timeout.name == "timeoutMs 3000" && timeout.at > TOP && timeout.at < TOP + HEIGHT / 4.0);
        assert!(Charts::of(Window::Hour, &points(&[0, 0]), None).durations.is_none());
    }

    #[test]
    fn a_scale_ends_in_a_round_number() {
        for (most, expected) in
            [(0, 1), (1, 1), (3, 4), (7, 10), (11, 20), (41, 50), (999, 1000), (1001, 2000)]
        {
            assert_eq!(round_above(most), expected);
        }
    }
}
