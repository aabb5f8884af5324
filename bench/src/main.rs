//! `scripts/bench` builds what is measured, and then runs this.

mod buddy;
mod client;
mod conditions;
mod cores;
mod database;
mod endpoint;
mod figures;
mod filled;
mod goals;
mod load;
mod measure;
mod page;
mod platform;
mod process;
mod rig;
mod scale;
mod table;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, value_parser};
use tokio::signal::unix::{SignalKind, signal};

use crate::cores::PlatformCore;
use crate::figures::Record;
use crate::measure::{Measure, grown};
use crate::rig::{Extent, Programs, Rig, say};

type Failure = Box<dyn Error + Send + Sync>;

/// Of the options: what nobody types.
const GIVEN: &str = "Given by scripts/bench";

#[derive(Parser)]
enum Command {
    Measure(Options),
    Scale(scale::Options),
}

/// Measures Buddy as it is released, beside what would be used in its place
#[derive(Args)]
struct Options {
    /// Only these; all, if none is named
    measures: Vec<Measure>,
    /// How often all is measured, in turns: medians are of these
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only see that all of it runs: one round, a second for each
    #[arg(long)]
    short: bool,
    /// The sessions of the large database of `grown`
    #[arg(long, default_value_t = grown::SESSIONS, value_parser = value_parser!(u32).range(i64::from(grown::SESSIONS_MIN)..))]
    grown_sessions: u32,
    /// Measure nothing, and only make the pages anew
    #[arg(long, conflicts_with_all = ["measures", "short"])]
    page_only: bool,
    /// The built server
    #[arg(long, help_heading = GIVEN)]
    buddy: PathBuf,
    /// The folder of the built peers
    #[arg(long, help_heading = GIVEN)]
    peers: PathBuf,
    /// The folder of the peers' sources
    #[arg(long, help_heading = GIVEN)]
    sources: PathBuf,
    /// Where data dirs are made while it runs: the disk that is measured
    #[arg(long, help_heading = GIVEN)]
    room: PathBuf,
    /// The folder of what was measured last
    #[arg(long, help_heading = GIVEN)]
    results: PathBuf,
    /// The page that is made of it
    #[arg(long, help_heading = GIVEN)]
    page: PathBuf,
    /// The page of what follows from it; left as it is where not all that it needs was measured
    #[arg(long, help_heading = GIVEN)]
    scale_page: PathBuf,
}

fn main() -> ExitCode {
    let done = match Command::parse() {
        Command::Measure(options) => start(options),
        Command::Scale(options) => scale::show(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(format_args!("{error}"));
            ExitCode::FAILURE
        }
    }
}

fn start(options: Options) -> Result<(), Failure> {
    if options.page_only {
        return write_pages(&options.results, &options.page, &options.scale_page);
    }
    // Before there is any other thread, so that all of them are moved.
    let core = PlatformCore::set_apart(options.short)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (mut interrupt, mut terminate) =
            (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        tokio::select! {
            done = run(options, core) => done,
            // What was started ends with what stands for it here.
            _ = interrupt.recv() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    })
}

#[expect(clippy::print_stdout, reason = "what was measured is shown as it comes")]
async fn run(options: Options, core: PlatformCore) -> Result<(), Failure> {
    let Options {
        measures,
        rounds,
        short,
        grown_sessions,
        buddy,
        peers,
        sources,
        room,
        results,
        page,
        scale_page,
        ..
    } = options;
    let rig = Rig::new(Programs { buddy, peers, sources }, core, &room, Extent { short, grown_sessions })?;
    let measures = if measures.is_empty() { Measure::ALL.to_vec() } else { measures };
    let rounds = if short { 1 } else { rounds };
    let conditions = conditions::read(&rig)?;
    let mut failed = Vec::new();
    for measure in measures {
        match measure.run(&rig, rounds).await {
            Ok(rounds) => {
                let record = Record { conditions: conditions.clone(), rounds };
                page::keep(&results, measure, &record)?;
                println!("{}\n", page::section(measure, &record));
            }
            // The others are measured nevertheless: all of it takes long.
            Err(error) => failed.push(format!("{}: {error}", measure.name())),
        }
    }
    write_pages(&results, &page, &scale_page)?;
    println!("{}", page.display());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n").into()) }
}

fn write_pages(results: &Path, page: &Path, scale_page: &Path) -> Result<(), Failure> {
    std::fs::write(page, page::page(results)?)?;
    match scale::page(results) {
        Ok(text) => std::fs::write(scale_page, text)?,
        // Where only some was measured, into an empty folder.
        Err(missing) => say(format_args!("{} stays as it was: {missing}", scale_page.display())),
    }
    Ok(())
}
