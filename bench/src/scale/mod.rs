//! What so many sessions a day take: a day of them, minute by minute, from what one of them was measured to cost.

mod day;
mod measured;
mod shown;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::Failure;
use day::Day;
use measured::Measured;

const INTRODUCTION: &str = include_str!("introduction.txt");
/// The sizes that the page shows.
const PAGE_SIZES: [f64; 6] = [1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// Says what so many sessions a day take
#[derive(Args)]
pub(crate) struct Options {
    /// Sessions a day; several with commas
    #[arg(long, value_delimiter = ',', default_values_t = PAGE_SIZES, value_parser = above_zero)]
    sessions: Vec<f64>,
    #[command(flatten)]
    assumed: Assumed,
    /// The folder of what was measured last
    #[arg(long, help_heading = crate::GIVEN)]
    results: PathBuf,
}

/// What no measurement says.
#[derive(Args, Clone)]
struct Assumed {
    /// The share of a day's sessions that begin in its busiest hour; spread evenly it would be 0.042
    #[arg(long, default_value_t = 0.1, value_parser = share)]
    busiest_hour: f64,
    /// What a widget's session costs, in sessions as they are measured: those take one call and one write, it takes three of each
    #[arg(long, default_value_t = 3.0, value_parser = above_zero)]
    weight: f64,
    /// How long an endpoint takes to answer, in milliseconds
    #[arg(long, default_value_t = 200.0, value_parser = above_zero)]
    endpoint_millis: f64,
    /// How long a visitor's chat stays connected, in minutes; 0 where nobody listens
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(..=1440))]
    open_minutes: u16,
    /// Cores of a node
    #[arg(long, default_value_t = 2.0, value_parser = above_zero)]
    cores: f64,
    /// Memory of a node, in GiB
    #[arg(long, default_value_t = 4.0, value_parser = above_zero)]
    memory: f64,
    /// How much of what a node can bear it is to bear at the peak
    #[arg(long, default_value_t = 0.5, value_parser = share)]
    load: f64,
    /// What a core costs an hour, with its memory
    #[arg(long, default_value_t = 0.04, value_parser = above_zero)]
    core_hour: f64,
    /// What a GiB of disk costs a month
    #[arg(long, default_value_t = 0.1, value_parser = above_zero)]
    gib_month: f64,
}

fn above_zero(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "must be a number above 0".to_owned())
}

fn share(text: &str) -> Result<f64, String> {
    above_zero(text)
        .ok()
        .filter(|share| *share <= 1.0)
        .ok_or_else(|| "must be above 0 and at most 1".to_owned())
}

/// Shows it in the terminal.
#[expect(clippy::print_stdout, reason = "what was asked for")]
pub(crate) fn show(options: &Options) -> Result<(), Failure> {
    let measured = Measured::read(&options.results)?;
    let days = days(&options.sessions, &measured, &options.assumed);
    println!("{}\n{}", shown::table(&days), shown::assumptions(&measured, &options.assumed));
    Ok(())
}

/// The page of the docs.
pub(crate) fn page(results: &Path) -> Result<String, Failure> {
    let (measured, usual) = (Measured::read(results)?, Assumed::usual());
    // As sessions are measured: one call, one write, and nobody who listens.
    let own = Assumed { weight: 1.0, open_minutes: 0, ..usual.clone() };
    let [widget, own] = [&usual, &own].map(|assumed| days(&PAGE_SIZES, &measured, assumed));
    Ok(INTRODUCTION
        .replace("{widget}", &shown::table(&widget))
        .replace("{own}", &shown::table(&own))
        .replace("{outage}", &shown::outage(&widget, &own))
        .replace("{assumptions}", &shown::assumptions(&measured, &usual)))
}

fn days(sizes: &[f64], measured: &Measured, assumed: &Assumed) -> Vec<Day> {
    sizes.iter().map(|sessions| Day::of(*sessions, measured, assumed)).collect()
}

impl Assumed {
    /// As it is unless something else is said.
    fn usual() -> Self {
        #[derive(clap::Parser)]
        struct Alone {
            #[command(flatten)]
            assumed: Assumed,
        }
        let none: [&str; 0] = [];
        <Alone as clap::Parser>::parse_from(none).assumed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_the_docs_shows_what_follows_from_what_was_measured() {
        let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
        let shown = std::fs::read_to_string(bench.join("../docs/run/scale.md")).unwrap();
        let made = page(&bench.join("results")).unwrap();
        assert_eq!(shown, made, "`scripts/bench --page-only` makes the page anew");
    }
}
