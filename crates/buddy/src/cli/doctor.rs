//! `buddy doctor`: looks at a deployment from a terminal.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use anstream::AutoStream;
use anstyle::AnsiColor;
use clap::Args;

use super::print::{bold, folded, show, sum};
use super::serve;
use crate::ambient::Ambient;
use crate::config;
use crate::doctor::{self, Check, Finding, Report, Verdict};

/// What `buddy doctor` is told.
#[derive(Args, Debug)]
#[group(skip)] // Of the same name as the server's, and of no use.
pub(super) struct Flags {
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: config::Flags,
}

/// Looks, prints the report, and ends with 1 if anything failed.
pub(super) fn run(flags: Flags) -> Result<ExitCode, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let report = runtime.block_on(doctor::run(serve::settings(flags.settings), &Ambient::system()));
    // Not waited for: a disk that hangs is found so, and would be waited for without an end.
    runtime.shutdown_background();
    if flags.json {
        show(&serde_json::to_string_pretty(&report)?)?;
    } else {
        print(&report)?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Text beside the names is folded here.
const WIDTH: usize = 80;
/// `public_url` is the longest.
const NAME_WIDTH: usize = Check::PublicUrl.as_str().len();

/// In colours on a terminal only.
fn print(report: &Report) -> io::Result<()> {
    let mut out = AutoStream::auto(io::stdout().lock());
    writeln!(out, "buddy doctor\n")?;
    for Finding { check, verdict, message, mend } in &report.findings {
        let colour = match verdict {
            Verdict::Ok => AnsiColor::Green,
            Verdict::Warn => AnsiColor::Yellow,
            Verdict::Fail => AnsiColor::Red,
        };
        // Both by hand: a width would count the colour's bytes too.
        let verdict = format!("{}{}", bold(colour, verdict.as_str()), " ".repeat(4 - verdict.as_str().len()));
        let mut lines = folded(message, WIDTH).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(out, "  {verdict}  {:NAME_WIDTH$}  {first}", check.as_str())?;
        for line in lines {
            writeln!(out, "        {:NAME_WIDTH$}  {line}", "")?;
        }
        for (at, line) in mend.iter().flat_map(|mend| folded(mend, WIDTH)).enumerate() {
            writeln!(out, "        {:NAME_WIDTH$}  {} {line}", "", if at == 0 { "→" } else { " " })?;
        }
    }
    writeln!(out, "\n{}", sum(report.count(Verdict::Fail), report.count(Verdict::Warn)))?;
    out.flush()
}
