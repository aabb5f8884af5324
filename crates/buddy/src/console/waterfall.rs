//! A resolution's time as one picture, from its begin to its outcome: a row for each phase of each sending.

use buddy_core::resolution::{Attempt, Resolution, SignedWith};

use super::drawing::{float, round};
use super::said;

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
        let attempts = &resolution.attempts;
        let spans: Vec<_> = attempts.iter().map(|attempt| Span::of(resolution, attempt)).collect();
        let end = spans.iter().map(Span::end).max()?.max(resolution.duration).max(1);
        let scale = Scale { end };
        let mut rows = Vec::new();
        for (span, attempt) in spans.iter().zip(attempts) {
            rows.push(row(rows.len(), sending(attempt), None, scale));
            for (phase, from, micros) in &span.phases {
                rows.push(row(rows.len(), name(phase).to_owned(), Some((phase, *from, *micros)), scale));
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

/// A sending on the resolution's time, in microseconds since its begin.
struct Span {
    begin: u64,
    duration: u64,
    phases: Vec<(&'static str, u64, u64)>,
}

impl Span {
    fn of(resolution: &Resolution, attempt: &Attempt) -> Self {
        let millis = attempt.started_at.0.saturating_sub(resolution.started_at.0);
        let begin = u64::try_from(millis).unwrap_or(0).saturating_mul(1000);
        let mut from = begin;
        let phase = |(name, micros)| {
            let phase = (name, from, micros);
            from += micros;
            phase
        };
        Self { begin, duration: attempt.duration, phases: attempt.phases.reached().map(phase).collect() }
    }

    fn end(&self) -> u64 {
        let phases: u64 = self.phases.iter().map(|(_, _, micros)| micros).sum();
        self.begin + self.duration.max(phases)
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

fn sending(attempt: &Attempt) -> String {
    let next = if attempt.signed_with == SignedWith::Next { ", next secret" } else { "" };
    format!("Attempt {}{next}", attempt.number)
}

/// As people call it.
pub(super) fn name(phase: &str) -> &'static str {
    match phase {
        "queue" => "queue",
        "dns" => "DNS",
        "connect" => "connect",
        "tls" => "TLS",
        "headers" => "first byte",
        _ => "body",
    }
}

fn in_words(resolution: &Resolution) -> String {
    let attempts = resolution.attempts.iter().map(|attempt| {
        let phases: Vec<_> = attempt
            .phases
            .reached()
            .map(|(phase, micros)| format!("{} {}", name(phase), said::took(micros)))
            .collect();
        format!("{}: {}", sending(attempt), phases.join(", "))
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
