//! Tables in Markdown: a line for each of what was measured.

use std::fmt::Write;

use crate::figures::{Record, Spread};

const BYTES_PER_KIB: f64 = 1024.0;

/// One column after the first.
pub(crate) struct Column {
    pub(crate) title: &'static str,
    pub(crate) shows: Shows,
    /// Digits after the point.
    pub(crate) digits: usize,
}

pub(crate) enum Shows {
    /// A figure.
    Value(&'static str),
    /// A figure in bytes, as KiB.
    Kibi(&'static str),
    /// A figure, against that of another line.
    Ratio { figure: &'static str, to: &'static str },
    /// A figure, less that of another line.
    Added { figure: &'static str, to: &'static str },
}

/// All lines of a record.
pub(crate) fn table(record: &Record, first: &str, columns: &[Column]) -> String {
    let titles: Vec<_> = columns.iter().map(|column| column.title).collect();
    let mut text = format!("| {first} | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(columns.len()));
    for line in record.lines() {
        let cells: Vec<_> = columns.iter().map(|column| column.cell(record, line)).collect();
        let name = if line.starts_with("Buddy") { format!("**{line}**") } else { line.to_owned() };
        writeln!(text, "| {name} | {} |", cells.join(" | ")).expect("a String takes all");
    }
    text
}

impl Column {
    fn cell(&self, record: &Record, line: &str) -> String {
        let spread = match self.shows {
            Shows::Value(figure) => record.spread(line, figure),
            Shows::Kibi(figure) => record.spread(line, figure).map(|spread| spread.by(BYTES_PER_KIB)),
            Shows::Ratio { figure, to } if line != to => record.ratio(line, to, figure),
            Shows::Added { figure, to } if line != to => record.added(line, to, figure),
            Shows::Ratio { .. } | Shows::Added { .. } => None,
        };
        let sign = if matches!(self.shows, Shows::Ratio { .. }) { "×" } else { "" };
        spread.map_or_else(String::new, |spread| shown(spread, self.digits, sign))
    }
}

/// The median, and from where to where, unless all are one.
fn shown(spread: Spread, digits: usize, sign: &str) -> String {
    let number = |value: f64| number(value, digits);
    let (median, min, max) = (number(spread.median), number(spread.min), number(spread.max));
    if min == max { format!("{median}{sign}") } else { format!("{median}{sign} ({min}–{max})") }
}

/// With commas between thousands.
pub(crate) fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let (whole, fraction) = text.split_once('.').map_or((&*text, None), |(whole, rest)| (whole, Some(rest)));
    let (minus, whole) = whole.strip_prefix('-').map_or(("", whole), |whole| ("-", whole));
    let mut grouped = String::new();
    for (position, digit) in whole.chars().enumerate() {
        if position > 0 && (whole.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let fraction = fraction.map_or_else(String::new, |fraction| format!(".{fraction}"));
    format!("{minus}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Line;

    #[test]
    fn thousands_are_parted() {
        assert_eq!(number(1_234_567.25, 1), "1,234,567.2");
        assert_eq!(number(-999.6, 0), "-1,000");
        assert_eq!(number(0.456, 2), "0.46");
    }

    #[test]
    fn a_line_is_not_compared_with_itself() {
        let round = vec![Line::new("a").with("cpu", 2.0), Line::new("b").with("cpu", 3.0)];
        let record = Record { conditions: Vec::new(), rounds: vec![round] };
        let columns = [
            Column { title: "µs", shows: Shows::Value("cpu"), digits: 0 },
            Column { title: "to a", shows: Shows::Ratio { figure: "cpu", to: "a" }, digits: 1 },
            Column { title: "over a", shows: Shows::Added { figure: "cpu", to: "a" }, digits: 0 },
        ];
        let expected =
            "| what | µs | to a | over a |\n|---|---|---|---|\n| a | 2 |  |  |\n| b | 3 | 1.5× | 1 |\n";
        assert_eq!(table(&record, "what", &columns), expected);
    }
}
