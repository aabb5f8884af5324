//! The command line.

mod agent;
mod backup;
mod check;
mod doctor;
mod explain;
mod keys;
mod mock_endpoint;
mod operator;
mod print;
mod restore;
mod secret_env;
pub(crate) mod serve;
mod sign;
mod signed_body;
mod tail;
mod trace;
mod verify;

use std::error::Error;
use std::io;
use std::process::ExitCode;
use std::thread::available_parallelism;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::config::Flags;
use crate::demo;

/// Tells a chat agent who the visitor is, without a user's data or token in the page.
#[derive(Parser)]
#[command(name = "buddy", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// A command line and a file are read by more eyes than an environment.
const SECRETS_HELP: &str = "\
Only as environment variables:
  BUDDY_ADMIN_TOKEN  The operator's token [default: made at the first start, kept in the data dir]
  BUDDY_MASTER_KEY   32 bytes in base64 that seal what is kept; several separated by commas, the
                     first one seals [default: made at the first start, kept in the data dir]
  BUDDY_OTLP_HEADERS Headers for --otlp-endpoint: name=value, several separated by commas

A line of buddy.toml is a flag's name with _ for -. A flag beats the variable, the variable beats
the file.";

#[derive(Subcommand)]
enum Command {
    /// Run the server.
    #[command(after_help = SECRETS_HELP)]
    Serve(Box<Flags>),
    /// Show the main job on this machine: a sample shop with the chat in its page, and what goes right and wrong.
    Demo(demo::Flags),
    /// Answer an agent's sessions, with a model or without.
    #[command(after_help = agent::HELP)]
    Agent(Box<agent::Flags>),
    /// Try an endpoint, and see what is wrong with it and how to mend it.
    Check(Box<check::Flags>),
    /// Check a deployment before or while `buddy serve` runs, and see what to mend. Changes nothing.
    Doctor(Box<doctor::Flags>),
    /// Copy the database into one file, while the server runs or not.
    #[command(after_help = backup::HELP)]
    Backup(Box<backup::Flags>),
    /// Put a backup in place of the database, while no server runs.
    #[command(after_help = restore::HELP)]
    Restore(Box<restore::Flags>),
    /// Change the master key, step by step, and see what each key has sealed.
    #[command(subcommand, after_help = keys::HELP)]
    Keys(keys::Command),
    /// Run an endpoint that misbehaves as it is told to, and see what becomes of an agent's sessions.
    MockEndpoint(mock_endpoint::Flags),
    /// Say whether a signature is right, and if not, by which mistake it came about.
    #[command(after_help = verify::HELP)]
    Verify(verify::Flags),
    /// Sign a callback as the server does, and print it as a curl command.
    #[command(after_help = sign::HELP)]
    Sign(sign::Flags),
    /// Follow what happens to agents' sessions, as it happens.
    #[command(after_help = operator::HELP)]
    Tail(Box<tail::Flags>),
    /// Show what happened to one session, and why it ended so.
    #[command(after_help = operator::HELP)]
    Trace(Box<trace::Flags>),
    /// Say what a code, a reason or a mistake means and what to do about it.
    Explain(explain::Flags),
}

/// The command line asks for what cannot be done.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misused(String);

/// The exit status of what clap refuses too.
const MISUSED: u8 = 2;

/// Runs the program; every failure is one sentence on standard error.
pub fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Serve(flags) => serve::run(*flags).map(good),
        Command::Demo(flags) => demo::run(&flags).map(good),
        Command::Agent(flags) => agent::run(&flags).map(good),
        Command::Check(flags) => check::run(&flags),
        Command::Doctor(flags) => doctor::run(*flags),
        Command::Backup(flags) => backup::run(*flags).map(good),
        Command::Restore(flags) => restore::run(*flags).map(good),
        Command::Keys(command) => keys::run(command).map(good),
        Command::MockEndpoint(flags) => mock_endpoint::run(flags).map(good),
        Command::Verify(flags) => verify::run(&flags),
        Command::Sign(flags) => sign::run(&flags).map(good),
        Command::Tail(flags) => tail::run(&flags).map(good),
        Command::Trace(flags) => trace::run(&flags).map(good),
        Command::Explain(flags) => explain::run(&flags).map(good),
    };
    match done {
        Ok(status) => status,
        // Whoever reads has read enough, as `head` does.
        Err(failure) if is_broken_pipe(&*failure) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&failure.to_string());
            if failure.is::<Misused>() { ExitCode::from(MISUSED) } else { ExitCode::FAILURE }
        }
    }
}

fn good((): ()) -> ExitCode {
    ExitCode::SUCCESS
}

fn is_broken_pipe(failure: &(dyn Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[expect(
    clippy::print_stderr,
    reason = "the one place that tells the operator why the program ends, or does not go on"
)]
fn say(failure: &str) {
    eprintln!("buddy: {failure}");
}

/// Tells the operator what is not for whatever reads standard output.
#[expect(clippy::print_stderr, reason = "standard output is for one secret alone then")]
fn say_aside(text: &str) {
    eprintln!("{text}");
}

/// Runs `main` on as many threads as there are cores. Where that is one, it is this thread, and a session costs less.
pub(crate) fn block_on<T>(main: impl Future<Output = T>) -> std::io::Result<T> {
    let one_core = available_parallelism().is_ok_and(|cores| cores.get() == 1);
    let mut runtime = if one_core { Builder::new_current_thread() } else { Builder::new_multi_thread() };
    Ok(runtime.enable_all().build()?.block_on(main))
}
