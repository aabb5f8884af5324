//! `buddy sign`: a callback as the server would sign it, to be sent by hand.

use std::error::Error;

use buddy_core::callback::request;
use buddy_core::callback::signature::sign;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::limits::TIMEOUT_MS_DEFAULT;
use buddy_core::time::UnixMillis;
use clap::Args;
use clap::builder::RangedI64ValueParser;
use url::Url;

use super::print::show;
use super::{Misused, secret_env, signed_body};
use crate::ambient::Ambient;
use crate::curl::{self, quoted};
use crate::identify::request::Sending;

pub(super) const HELP: &str = "\
The secret comes from an environment variable, for a command line is read by others; give the
variable's name. A session that the endpoint does not know is answered 204.

  buddy sign --secret-env SHOP_SECRET --url https://shop.example/buddy/identity | sh";

/// The last second of the year 9999: later ones do not fit into milliseconds everywhere.
const TIMESTAMP_MAX: i64 = 253_402_300_799;

/// What `buddy sign` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// The body to sign as it is; - for standard input [default: a callback's, made now].
    #[arg(long, value_name = "FILE", conflicts_with_all = ["session_id", "agent_id", "timestamp"])]
    body: Option<String>,
    /// The session to ask about [default: a new id].
    #[arg(long, value_name = "ID")]
    session_id: Option<SessionId>,
    /// The agent that asks [default: a new id].
    #[arg(long, value_name = "ID")]
    agent_id: Option<AgentId>,
    /// When it is made, in unix seconds [default: now].
    #[arg(long, value_name = "UNIX", value_parser = RangedI64ValueParser::<i64>::new().range(0..=TIMESTAMP_MAX))]
    timestamp: Option<i64>,
    /// The endpoint.
    #[arg(long, value_name = "URL", default_value = "https://shop.example/buddy/identity")]
    url: Url,
    /// The variable that holds the agent's secret.
    #[arg(long, value_name = "NAME")]
    secret_env: String,
    /// Print the signature alone.
    #[arg(long)]
    signature_only: bool,
}

/// Prints a curl command, or the signature.
pub(super) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let secret =
        secret_env::read(&flags.secret_env).map_err(|error| Misused(format!("--secret-env: {error}")))?;
    let ambient = Ambient::system();
    let body = match &flags.body {
        Some(file) => signed_body::read(file).map_err(Misused)?,
        None => made(flags, &ambient).into_bytes(),
    };
    let signature = sign(&secret, &body);
    if flags.signature_only {
        return Ok(show(&signature)?);
    }
    let data = data(flags.body.as_deref(), &body).map_err(Misused)?;
    let sending = Sending {
        body: String::new(),
        signature: Some(signature),
        id: ambient.id(),
        number: 1,
        traceparent: None,
    };
    let headers = curl::headers(sending, TIMEOUT_MS_DEFAULT, &ambient);
    Ok(show(&curl(&flags.url, &headers, &data).map_err(Misused)?)?)
}

fn made(flags: &Flags, ambient: &Ambient) -> String {
    let now = flags.timestamp.map_or_else(|| ambient.now(), |seconds| UnixMillis(seconds * 1000));
    let session_id = flags.session_id.unwrap_or_else(|| ambient.id());
    let agent_id = flags.agent_id.unwrap_or_else(|| ambient.id());
    request::body(session_id, agent_id, now)
}

/// How curl is to send exactly these bytes.
fn data(file: Option<&str>, body: &[u8]) -> Result<String, String> {
    match file {
        Some(path) if path != signed_body::STDIN => {
            Ok(format!("--data-binary {}", quoted(&format!("@{path}"))))
        }
        _ => {
            // A shell keeps these in quotes; NUL it cannot, and some terminals act on the others.
            let kept = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
            let text = std::str::from_utf8(body).ok().filter(|text| text.chars().all(kept));
            let text = text.ok_or("--body -: has bytes that cannot stand in a command; put them into a file, and give its name.")?;
            Ok(format!("--data-raw {}", quoted(text)))
        }
    }
}

fn curl(url: &Url, headers: &[(String, String)], data: &str) -> Result<String, String> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err("--url: must begin with https:// or http://.".to_owned());
    }
    let headers = headers.iter().map(|(name, value)| quoted(&format!("{name}: {value}")));
    Ok(curl::command(url.as_str(), headers, data))
}
