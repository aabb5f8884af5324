//! `buddy verify`: whether a signature is right, and if not, by which mistake it came about.

mod judged;

use std::error::Error;
use std::process::ExitCode;

use buddy_core::callback::mistake::{Diagnosis, diagnose};
use clap::Args;

use super::print::show;
use super::secret_env::{self, Found};
use super::{Misused, signed_body};
use crate::ambient::Ambient;
use judged::{Judged, Other};

pub(super) const HELP: &str = "\
The secrets come from environment variables, for a command line is read by others; give the
variables' names. The exit status is 0 for right, 1 for wrong, 2 if nothing could be judged.

  buddy verify --body body.json --signature fcd21bc6… --secret-env SHOP_SECRET";

/// What `buddy verify` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// The raw body, byte for byte as it came; - for standard input.
    #[arg(long, value_name = "FILE")]
    body: String,
    /// The value of X-Platform-Signature.
    #[arg(long, value_name = "HEX", allow_hyphen_values = true)]
    signature: String,
    /// The variable that holds the agent's secret.
    #[arg(long, value_name = "NAME")]
    secret_env: String,
    /// The variable that holds the secret from before a rotation.
    #[arg(long, value_name = "NAME")]
    old_secret_env: Option<String>,
    /// A variable that holds a secret which may have signed instead, such as another agent's. Repeatable.
    #[arg(long, value_name = "NAME")]
    other_secret_env: Vec<String>,
    /// The time to judge the timestamp's age by, in unix seconds [default: now].
    #[arg(long, value_name = "UNIX", allow_negative_numbers = true)]
    now: Option<i64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Prints the verdict; the exit status says it too.
pub(super) fn run(flags: &Flags) -> Result<ExitCode, Box<dyn Error>> {
    let (secret, others) = secrets(flags).map_err(Misused)?;
    let body = signed_body::read(&flags.body).map_err(Misused)?;
    let now = flags.now.unwrap_or_else(|| Ambient::system().now().seconds());
    let labelled: Vec<_> = others.iter().map(|(other, found)| (other.name, &found.secret)).collect();
    let judged = match (diagnose(&secret.secret, &body, &flags.signature, &labelled), secret.flaw) {
        (Diagnosis::Right, None) => Judged::right(&body, now),
        (diagnosis, flaw) => {
            let flaw = flaw.map(|flaw| (flags.secret_env.as_str(), flaw));
            let others: Vec<_> = others.iter().map(|(other, _)| *other).collect();
            Judged::wrong(&body, &diagnosis, flaw, &others)
        }
    };
    show(&if flags.json { serde_json::to_string(&judged)? } else { judged.to_string() })?;
    Ok(if judged.is_right() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The agent's secret, and the others.
fn secrets(flags: &Flags) -> Result<(Found, Vec<(Other<'_>, Found)>), String> {
    let secret = secret_env::look(&flags.secret_env).map_err(|error| format!("--secret-env: {error}"))?;
    let old = flags.old_secret_env.iter().map(|name| ("--old-secret-env", Other { name, is_old: true }));
    let foreign =
        flags.other_secret_env.iter().map(|name| ("--other-secret-env", Other { name, is_old: false }));
    let others = old.chain(foreign).map(|(flag, other)| {
        let found = secret_env::look(other.name).map_err(|error| format!("{flag}: {error}"))?;
        Ok((other, found))
    });
    Ok((secret, others.collect::<Result<_, String>>()?))
}
