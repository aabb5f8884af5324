//! The command line.

mod serve;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::config::Flags;
use crate::demo;

/// Tells a chat agent who the visitor is, without a user's data or token in the page.
#[derive(Parser)]
#[command(name = "buddy", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    Serve(Box<Flags>),
    /// Show the main job on this machine: a server, a sample shop's endpoint, and what goes right and wrong.
    Demo,
}

/// Runs the program; every failure is one sentence on standard error.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(flags) => serve::run(*flags),
        Command::Demo => demo::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::print_stderr, reason = "the one place that tells the operator why the program ends")]
fn say(failure: &str) {
    eprintln!("buddy: {failure}");
}

/// Runs `main` on as many threads as the machine has cores.
pub(crate) fn block_on<T>(main: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(main))
}
