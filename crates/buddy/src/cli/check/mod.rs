//! `buddy check`: tries an endpoint from a terminal, before any of it is live.

mod junit;
mod print;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use buddy_core::agent::check_timeout_ms;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::limits::TIMEOUT_MS_DEFAULT;
use buddy_egress::{Egress, EgressSettings};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::print::show;
use super::{Misused, block_on, secret_env};
use crate::ambient::Ambient;
use crate::check::{self, Check, Means, Report, Subject};
use crate::config::{Given, loopback, networks};
use crate::frameworks::Framework;

/// What `buddy check` is told.
#[expect(clippy::doc_markdown, reason = "these are the help's texts, and help is no Markdown")]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag")]
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// The endpoint, such as https://shop.example/buddy/identity.
    url: String,
    /// The environment variable that holds the callback secret.
    #[arg(long, value_name = "VARIABLE")]
    secret_env: String,
    /// A session that the endpoint knows; without it only sessions that it cannot know are asked about.
    #[arg(long, value_name = "ID")]
    session_id: Option<SessionId>,
    /// The agent that asks, for an endpoint that serves one agent only [default: one that is made up].
    #[arg(long, value_name = "ID")]
    agent_id: Option<AgentId>,
    /// How long one request may take.
    #[arg(long, value_name = "MS", default_value_t = TIMEOUT_MS_DEFAULT)]
    timeout_ms: u32,
    /// Show the lines that mend a finding in this framework.
    #[arg(long, value_name = "NAME")]
    framework: Option<Framework>,
    /// Allow this machine's own addresses, and plain HTTP to them.
    #[arg(long)]
    allow_local: bool,
    /// CIDRs, separated by commas, that may be reached though they are not public.
    #[arg(
        long,
        value_name = "CIDR,…",
        env = "BUDDY_EGRESS_ALLOW",
        default_value = "",
        hide_default_value = true
    )]
    egress_allow: String,
    /// A PEM file of further root certificates.
    #[arg(long, value_name = "FILE", env = "BUDDY_EGRESS_CA")]
    egress_ca: Option<PathBuf>,
    /// Print the report as JSON, as the API answers it.
    #[arg(long, conflicts_with = "junit")]
    json: bool,
    /// Print the report as JUnit XML.
    #[arg(long)]
    junit: bool,
    /// Print no progress.
    #[arg(long, short)]
    quiet: bool,
}

/// Checks, prints the report, and ends with 1 if anything failed.
pub(super) fn run(flags: &Flags) -> Result<ExitCode, Box<dyn Error>> {
    let ambient = Ambient::system();
    let subject = subject(flags, &ambient)?;
    let egress = Egress::new(egress_settings(flags)?).map_err(|error| Misused(error.to_string()))?;
    let report = block_on(watched(flags, &egress, &ambient, &subject))?;
    if flags.json {
        show(&serde_json::to_string_pretty(&report)?)?;
    } else if flags.junit {
        show(&junit::xml(&flags.url, &report)?)?;
    } else {
        print::report(&flags.url, &report, flags.framework)?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn subject(flags: &Flags, ambient: &Ambient) -> Result<Subject, Misused> {
    let secret =
        secret_env::read(&flags.secret_env).map_err(|error| Misused(format!("--secret-env: {error}")))?;
    let timeout_ms = check_timeout_ms(flags.timeout_ms)
        .map_err(|_| Misused("--timeout-ms: must be 100 to 10000.".to_owned()))?;
    Ok(Subject {
        url: flags.url.clone(),
        secret,
        next_secret: None,
        agent_id: flags.agent_id.unwrap_or_else(|| ambient.id()),
        timeout_ms,
        session_id: flags.session_id,
    })
}

fn egress_settings(flags: &Flags) -> Result<EgressSettings, Misused> {
    let given = Given { text: flags.egress_allow.clone(), from: "--egress-allow".into() };
    let mut allow = networks(&given).map_err(|wrong| Misused(wrong.to_string()))?;
    if flags.allow_local {
        allow.extend(loopback());
    }
    let read = |path: &PathBuf| {
        std::fs::read(path).map_err(|error| Misused(format!("--egress-ca {}: {error}.", path.display())))
    };
    Ok(EgressSettings {
        allow,
        allow_http: flags.allow_local,
        extra_roots_pem: flags.egress_ca.as_ref().map(read).transpose()?,
        ..EgressSettings::default()
    })
}

/// Runs the check, with a line that says what is looked at; only a terminal sees it.
async fn watched(flags: &Flags, egress: &Egress, ambient: &Ambient, subject: &Subject) -> Report {
    let line = if flags.quiet { ProgressBar::hidden() } else { ProgressBar::new_spinner() };
    line.set_style(ProgressStyle::with_template("{spinner} {msg} {elapsed}").expect("a template"));
    line.enable_steady_tick(SPIN);
    let progress = |check: Check| line.set_message(check.title());
    let report = check::run(Means { egress, ambient, progress: &progress }, subject).await;
    line.finish_and_clear();
    report
}

/// Fast enough to look alive.
const SPIN: Duration = Duration::from_millis(120);
