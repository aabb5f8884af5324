//! A resolution's time as one picture, from its begin to its outcome: a row for each phase of each sending.

use buddy_core::resolution::Resolution;

use super::drawing::{float, round};
use crate::said;
use crate::spans::{self, phase_name, sending_name};

/// Units of the picture: the names, the time, and what each took.
const NAMES: f64 = 170.0;
const TIME: f64 = 640.0;
const TOOK: f64 = 90.0;
const ROW: f64 = 22.0;
/// The scale stands above the rows.
const TOP: f64 = 26.0;
/// Ticks of the scale: one for each step that is a round number, about so many.
const TICKS: u64 = 5;
/// What is too short to be seen is drawn as wide as this.
const WIDTH_MIN: f64 = 1.5;

/// The picture.
pub(super) struct Waterfall {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) rows: Vec<WaterfallRow>,
    pub(super) ticks: Vec<Tick>,
    /// The same in words.
    pub(super) said: String,
}

/// One phase of one sending, or the name of a sending.
pub(super) struct WaterfallRow {
    pub(super) name: String,
    /// Where the text stands.
    pub(super) text_y: f64,
    pub(super) bar: Option<WaterfallBar>,
}

/// Where a phase is drawn.
pub(super) struct WaterfallBar {
    pub(super) phase: &'static str,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) took: String,
    pub(super) took_x: f64,
}

/// A line of the scale.
pub(super) struct Tick {
    pub(super) x: f64,
    pub(super) name: String,
}

impl Waterfall {
    /// `None`: nothing was sent.
    pub(super) fn of(resolution: &Resolution) -> Option<Self> {
        let (spans, end) = spans::of(resolution)?;
        let scale = Scale { end };
        let mut rows = Vec::new();
        for (span, attempt) in spans.iter().zip(&resolution.attempts) {
            rows.push(row(rows.len(), sending_name(attempt), None, scale));
            for (phase, from, micros) in &span.phases {
                let name = phase_name(phase).to_owned();
                rows.push(row(rows.len(), name, Some((phase, *from, *micros)), scale));
            }
        }
        Some(Self {
            width: NAMES + TIME + TOOK,
            height: TOP + ROW * float(rows.len() as u64),
            said: in_words(resolution),
            ticks: scale.ticks(),
            rows,
        })
    }
}

fn row(index: usize, name: String, phase: Option<(&'static str, u64, u64)>, scale: Scale) -> WaterfallRow {
    let y = TOP + ROW * float(index as u64);
    let bar = phase.map(|(phase, from, micros)| {
        let (x, width) = (scale.x(from), scale.width(micros));
        let (x, y, height) = (round(x), round(y + 5.0), ROW - 10.0);
        WaterfallBar {
            phase,
            x,
            y,
            width: round(width),
            height,
            took: said::took(micros),
            took_x: round(x + width + 6.0),
        }
    });
    WaterfallRow { name, text_y: round(y + 15.0), bar }
}

/// From microseconds to units.
#[derive(Clone, Copy)]
struct Scale {
    end: u64,
}

impl Scale {
    fn x(self, micros: u64) -> f64 {
        NAMES + TIME * float(micros) / float(self.end)
    }

    fn width(self, micros: u64) -> f64 {
        (TIME * float(micros) / float(self.end)).max(WIDTH_MIN)
    }

    fn ticks(self) -> Vec<Tick> {
        let step = step(self.end);
        let tick = |at| Tick { x: round(self.x(at)), name: scale_name(at) };
        (0..=self.end / step).map(|number| tick(number * step)).collect()
    }
}

/// 1, 2 or 5 times a power of ten, so that there are about as many as are wanted.
fn step(end: u64) -> u64 {
    let least = (end / TICKS).max(1);
    let mut power = 1;
    while power * 10 <= least {
        power *= 10;
    }
    [1, 2, 5, 10].into_iter().map(|factor| factor * power).find(|step| *step >= least).unwrap_or(least)
}

fn scale_name(micros: u64) -> String {
    match micros {
        0 => "0".to_owned(),
        1_000_000.. if micros.is_multiple_of(1_000_000) => format!("{} s", micros / 1_000_000),
        1_000.. if micros.is_multiple_of(1_000) => format!("{} ms", micros / 1_000),
        _ => format!("{micros} µs"),
    }
}

fn in_words(resolution: &Resolution) -> String {
    let attempts = resolution.attempts.iter().map(|attempt| {
        let phases: Vec<_> = attempt
            .phases
            .reached()
            .map(|(phase, micros)| format!("{} {}", phase_name(phase), said::took(micros)))
            .collect();
        format!("{}: {}", sending_name(attempt), phases.join(", "))
    });
    let attempts: Vec<_> = attempts.collect();
    format!("{} in all. {}", said::took(resolution.duration), attempts.join(". "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_has_some_round_steps() {
        for (end, expected) in
            [(4, 1), (10, 2), (999, 200), (3_000_000, 1_000_000), (6_004_000, 2_000_000), (45_000, 10_000)]
        {
            assert_eq!(step(end), expected, "{end}");
            assert!((2..=6).contains(&(end / step(end) + 1)), "{end}");
        }
        assert_eq!(scale_name(200_000), "200 ms");
        assert_eq!(scale_name(2_000_000), "2 s");
        assert_eq!(scale_name(1_500), "1500 µs");
    }
}
