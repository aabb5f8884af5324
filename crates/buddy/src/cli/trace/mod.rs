//! `buddy trace`: one session, from the begin of its resolution to its outcome, and why it ended so.

mod text;
mod waterfall;

use std::error::Error;
use std::io::{self, Write};

use anstream::AutoStream;
use buddy_core::id::SessionId;
use buddy_core::resolution::Resolution;
use clap::Args;
use serde::Deserialize;
use serde_json::value::RawValue;
use url::Url;

use super::block_on;
use super::operator::{CallError, Client, Explained, Resolutions, Server, resolution};
use super::print::{columns, json_line};
use text::{Endpoint, Told};

/// What `buddy trace` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// The session.
    #[arg(value_name = "SESSION")]
    session: SessionId,
    /// Print its resolutions as the API answers them, newest first and one a line, then the newest's explanation.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Prints what happened to the session.
pub(super) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let client = flags.server.client()?;
    let told = block_on(trace(flags, &client))??;
    let mut out = AutoStream::auto(io::stdout().lock());
    if !told.is_empty() {
        writeln!(out, "{}", told.trim_end())?;
    }
    Ok(out.flush()?)
}

async fn trace(flags: &Flags, client: &Client) -> Result<String, Box<dyn Error>> {
    let session = flags.session.to_string();
    let got = client.get(&["v1", "sessions", &session, "resolutions"]).await;
    let Resolutions { resolutions } = got.map_err(|error| unknown(error, &session, client.url()))?;
    let mut read = Vec::new();
    for json in &resolutions {
        read.push(resolution(json)?);
    }
    let Some((newest, earlier)) = read.split_first() else {
        return Ok(if flags.json { String::new() } else { not_settled(&session) });
    };
    if flags.json {
        let explained: Box<RawValue> =
            client.get(&explanation(newest).each_ref().map(String::as_str)).await?;
        let lines: Vec<_> = resolutions.iter().chain([&explained]).map(|json| json_line(json)).collect();
        return Ok(lines.join("\n"));
    }
    let explained: Explained = client.get(&explanation(newest).each_ref().map(String::as_str)).await?;
    let mut newest = newest.clone();
    for (attempt, sending) in newest.attempts.iter_mut().zip(&explained.sendings) {
        attempt.signed = sending.signed();
    }
    let endpoint = endpoint(client, &newest).await?;
    let told = Told { resolution: &newest, explained: &explained, endpoint: endpoint.as_ref(), earlier };
    Ok(told.text(client.url(), columns()))
}

fn explanation(resolution: &Resolution) -> [String; 6] {
    let (agent, id) = (resolution.agent_id.to_string(), resolution.id.to_string());
    ["v1".to_owned(), "agents".to_owned(), agent, "resolutions".to_owned(), id, "explanation".to_owned()]
}

/// The endpoint as it is configured now; it may have been removed since.
async fn endpoint(client: &Client, resolution: &Resolution) -> Result<Option<Endpoint>, CallError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Callback {
        url: String,
        timeout_ms: u32,
    }
    let agent = resolution.agent_id.to_string();
    match client.get(&["v1", "agents", &agent, "callback"]).await {
        Ok(Callback { url, timeout_ms }) => Ok(Url::parse(&url).ok().map(|url| Endpoint { url, timeout_ms })),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

fn not_settled(session: &str) -> String {
    format!(
        "{session} is not settled: it has no resolution until its endpoint was asked, twice at most. Try again, or see it \
         happen: buddy tail --session {session}"
    )
}

fn unknown(error: CallError, session: &str, server: &str) -> Box<dyn Error> {
    if error.is_not_found() {
        format!("{server} knows no {session}: check the id, and --server; a resolution is kept for 7 days.")
            .into()
    } else {
        error.into()
    }
}
