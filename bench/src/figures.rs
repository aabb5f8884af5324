//! What was measured, round by round; medians, spans and ratios of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One line of a round: what was measured, and its figures by name.
#[derive(Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) figures: BTreeMap<String, f64>,
}

impl Line {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), figures: BTreeMap::new() }
    }

    pub(crate) fn with(mut self, figure: impl Into<String>, value: f64) -> Self {
        self.figures.insert(figure.into(), value);
        self
    }

    /// Whether all its figures are numbers.
    pub(crate) fn is_finite(&self) -> bool {
        self.figures.values().all(|value| value.is_finite())
    }
}

/// Everything once, one after the other, under the same conditions as far as there are such.
pub(crate) type Round = Vec<Line>;

/// A whole measurement.
#[derive(Serialize, Deserialize)]
pub(crate) struct Record {
    /// The day, and on what.
    pub(crate) conditions: Vec<String>,
    pub(crate) rounds: Vec<Round>,
}

impl Record {
    fn value(round: &Round, line: &str, figure: &str) -> Option<f64> {
        round.iter().find(|one| one.name == line)?.figures.get(figure).copied()
    }

    /// A figure over all rounds.
    pub(crate) fn spread(&self, line: &str, figure: &str) -> Option<Spread> {
        Spread::of(self.rounds.iter().filter_map(|round| Self::value(round, line, figure)).collect())
    }

    /// A figure against another line's of the same round.
    pub(crate) fn against(
        &self,
        line: &str,
        base: &str,
        figure: &str,
        compare: fn(f64, f64) -> f64,
    ) -> Option<Spread> {
        let pairs = self.rounds.iter().filter_map(|round| {
            Some(compare(Self::value(round, line, figure)?, Self::value(round, base, figure)?))
        });
        Spread::of(pairs.collect())
    }

    /// How many times another line's.
    pub(crate) fn ratio(&self, line: &str, base: &str, figure: &str) -> Option<Spread> {
        self.against(line, base, figure, |value, base| value / base)
    }

    /// How much more than another line's.
    pub(crate) fn added(&self, line: &str, base: &str, figure: &str) -> Option<Spread> {
        self.against(line, base, figure, |value, base| value - base)
    }

    /// How many times what another line has above a third, the base of both.
    pub(crate) fn ratio_above(&self, line: &str, other: &str, base: &str, figure: &str) -> Option<Spread> {
        let ratios = self.rounds.iter().filter_map(|round| {
            let base = Self::value(round, base, figure)?;
            Some((Self::value(round, line, figure)? - base) / (Self::value(round, other, figure)? - base))
        });
        Spread::of(ratios.collect())
    }

    /// The same of some lines only.
    pub(crate) fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let of_round = |round: &Round| -> Round {
            let lines = round.iter().filter(|line| wanted(&line.name));
            lines.map(|line| Line { name: line.name.clone(), figures: line.figures.clone() }).collect()
        };
        Self { conditions: self.conditions.clone(), rounds: self.rounds.iter().map(of_round).collect() }
    }

    /// The lines, in the order in which they were measured.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &str> {
        self.rounds.first().into_iter().flatten().map(|line| line.name.as_str())
    }
}

/// The median of some values, the smallest and the largest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// None of no values.
    pub(crate) fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let (low, high) = (values[(values.len() - 1) / 2], values[values.len() / 2]);
        Some(Self { median: f64::midpoint(low, high), min, max })
    }

    /// In a unit that is so many times as large.
    pub(crate) fn by(self, unit: f64) -> Self {
        Self { median: self.median / unit, min: self.min / unit, max: self.max / unit }
    }
}

/// The median.
pub(crate) fn median(values: Vec<f64>) -> f64 {
    Spread::of(values).map_or(f64::NAN, |spread| spread.median)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_middle_two() {
        let spread = Spread::of(vec![4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Some(Spread { median: 2.5, min: 1.0, max: 4.0 }));
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        let round = |of: f64, base: f64| {
            vec![Line::new("base").with("cpu", base), Line::new("other").with("cpu", of)]
        };
        // The machine was half as fast in the second round, and nothing else was different.
        let record = Record { conditions: Vec::new(), rounds: vec![round(3.0, 2.0), round(6.0, 4.0)] };
        let ratio = record.ratio("other", "base", "cpu");
        assert_eq!(ratio, Some(Spread { median: 1.5, min: 1.5, max: 1.5 }));
        assert_eq!(record.ratio("other", "absent", "cpu"), None);
    }

    #[test]
    fn what_two_lines_add_to_a_third_is_compared() {
        let round = vec![
            Line::new("direct").with("p50", 5.0),
            Line::new("limit").with("p50", 5.25),
            Line::new("other").with("p50", 5.75),
        ];
        let record = Record { conditions: Vec::new(), rounds: vec![round] };
        let ratio = record.ratio_above("other", "limit", "direct", "p50");
        assert_eq!(ratio, Some(Spread { median: 3.0, min: 3.0, max: 3.0 }));
    }
}
