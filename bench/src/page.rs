//! The page of the docs, from what was measured last.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use crate::Failure;
use crate::figures::Record;
use crate::goals::{self, Records};
use crate::measure::Measure;

const INTRODUCTION: &str = include_str!("introduction.txt");
/// Where the introduction has the table of the goals.
const GOALS: &str = "{goals}\n";

/// Keeps what was measured, so that the page can be made of it; fails if there is a figure that is no number.
pub(crate) fn keep(results: &Path, measure: Measure, record: &Record) -> Result<(), Failure> {
    if let Some(line) = record.rounds.iter().flatten().find(|line| !line.is_finite()) {
        return Err(format!("{}, {}: nothing was measured", measure.name(), line.name).into());
    }
    std::fs::create_dir_all(results)?;
    let text = serde_json::to_string_pretty(record)? + "\n";
    Ok(std::fs::write(file(results, measure), text)?)
}

/// What was measured last; none if it never was.
pub(crate) fn kept(results: &Path, measure: Measure) -> Result<Option<Record>, Failure> {
    let file = file(results, measure);
    if !file.exists() {
        return Ok(None);
    }
    Ok(Some(serde_json::from_slice(&std::fs::read(file)?)?))
}

/// The page, of all that was ever measured.
pub(crate) fn page(results: &Path) -> Result<String, Failure> {
    let mut records = Records::new();
    for measure in Measure::ALL {
        if let Some(record) = kept(results, measure)? {
            records.insert(measure, record);
        }
    }
    let mut text = INTRODUCTION.replace(GOALS, &goals::table(&records));
    for measure in Measure::ALL {
        if let Some(record) = records.get(&measure) {
            writeln!(text, "\n{}", section(measure, record)).expect("a String takes all");
        }
    }
    Ok(text)
}

/// One measurement: how, what came of it, and on what machine.
pub(crate) fn section(measure: Measure, record: &Record) -> String {
    let rounds = match record.rounds.len() {
        1 => "One round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    format!("{}\n{rounds}, {}.", measure.section(record), record.conditions.join("; "))
}

fn file(results: &Path, measure: Measure) -> PathBuf {
    results.join(measure.name()).with_extension("json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_docs_says_what_was_measured() {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shown = std::fs::read_to_string(bench.join("../docs/reference/performance.md")).unwrap();
        let made = page(&bench.join("results")).unwrap();
        assert_eq!(shown, made, "`scripts/bench --page-only` makes the page anew");
    }
}
