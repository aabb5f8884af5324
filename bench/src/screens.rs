//! How long the console's screens take with a thousand resolutions and with a million, in turns: from the request to
//! the whole page, over loopback.

use axum::body::Body;
use hyper::header::{COOKIE, SET_COOKIE};
use serde_json::Value;
use tokio::time::Instant;

use crate::Failure;
use crate::client::Client;
use crate::filled::{COMMON, Filled, RARE, fill};
use crate::server::{ADMIN_TOKEN, Server};

const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// Of one screen in one round.
const REQUESTS: usize = 10;

/// A server, signed in to.
struct Console {
    client: Client,
    cookie: String,
    screens: Vec<(&'static str, String)>,
    _server: Server,
}

#[expect(clippy::print_stdout, reason = "a benchmark is what it prints")]
pub(crate) async fn run(binary: &str, rounds: usize) -> Result<(), Failure> {
    let few = Console::of(binary, FEW).await?;
    let many = Console::of(binary, MANY).await?;
    println!("| screen | {FEW} resolutions | {MANY} resolutions | ratio |");
    println!("|---|---|---|---|");
    let mut slowest = 0.0_f64;
    for ((name, of_few), (_, of_many)) in few.screens.iter().zip(&many.screens) {
        let mut millis = [Vec::new(), Vec::new()];
        for _ in 0..rounds {
            few.time(of_few, &mut millis[0]).await?;
            many.time(of_many, &mut millis[1]).await?;
        }
        let [few, many] = millis.map(median);
        slowest = slowest.max(many);
        println!("| {name} | {few:.1} ms | {many:.1} ms | {:.1} |", many / few);
    }
    println!("slowest median {slowest:.1} ms");
    Ok(())
}

impl Console {
    async fn of(binary: &str, sessions: u32) -> Result<Self, Failure> {
        let Filled { directory, agent_id, session_id } = fill(sessions).await?;
        let server = Server::start(binary, directory, &[])?;
        let client = Client::new(server.address);
        let sign_in = || {
            let form = format!("token={ADMIN_TOKEN}");
            let request = client.request("POST", "/console/sign-in").header("sec-fetch-site", "same-origin");
            request.header("content-type", "application/x-www-form-urlencoded").body(Body::from(form))
        };
        let (head, _) = client.send(sign_in).await?;
        let cookie = head.headers.get(SET_COOKIE).ok_or("the sign-in gave no cookie")?.to_str()?;
        let cookie = cookie.split(';').next().unwrap_or_default().to_owned();
        let agent = format!("/console/agents/{agent_id}");
        let list = format!("/v1/agents/{agent_id}/resolutions?sessionId={session_id}");
        let found = client.call("GET", &list, Some(ADMIN_TOKEN), &Value::Null).await?;
        let resolution_id = found["resolutions"][0]["resolutionId"].as_str().ok_or("no resolution")?;
        let cursor = second_page(&client, &agent_id.to_string()).await?;
        let screens = vec![
            ("Agents", "/console".to_owned()),
            ("Agents, by name", "/console?search=shop+99".to_owned()),
            ("An agent, last hour", format!("{agent}?window=1h")),
            ("An agent, last day", format!("{agent}?window=24h")),
            ("An agent, last week", format!("{agent}?window=7d")),
            ("An agent, last year", format!("{agent}?window=1y")),
            ("Live", format!("{agent}/live")),
            ("Resolutions", format!("{agent}/resolutions")),
            ("Resolutions, second page", format!("{agent}/resolutions?cursor={cursor}")),
            ("Resolutions, by code", format!("{agent}/resolutions?code={}", COMMON.code())),
            ("Resolutions, by a rare reason", format!("{agent}/resolutions?reason={RARE}")),
            ("Resolutions, by session", format!("{agent}/resolutions?sessionId={session_id}")),
            ("A resolution", format!("{agent}/resolutions/{resolution_id}")),
            ("A session's resolution", format!("/console/sessions/{session_id}")),
            ("Callback", format!("{agent}/callback")),
            ("API keys", format!("{agent}/keys")),
            ("Install", format!("{agent}/install")),
            ("Check", format!("{agent}/check")),
            ("Settings", format!("{agent}/settings")),
            ("Audit log", "/console/audit".to_owned()),
            ("Audit log, of an agent", format!("/console/audit?agentId={agent_id}")),
        ];
        Ok(Self { client, cookie, screens, _server: server })
    }

    /// Adds the milliseconds of each request.
    async fn time(&self, path: &str, millis: &mut Vec<f64>) -> Result<(), Failure> {
        for _ in 0..REQUESTS {
            let begun = Instant::now();
            let get = || self.client.request("GET", path).header(COOKIE, &self.cookie).body(Body::empty());
            let (head, page) = self.client.send(get).await?;
            millis.push(begun.elapsed().as_secs_f64() * 1_000.0);
            // A session leads to its resolution, or shows it.
            if !head.status.is_success() && !head.status.is_redirection() {
                return Err(format!("{path}: {} {}", head.status, String::from_utf8_lossy(&page)).into());
            }
        }
        Ok(())
    }
}

async fn second_page(client: &Client, agent_id: &str) -> Result<String, Failure> {
    let list = format!("/v1/agents/{agent_id}/resolutions");
    let first = client.call("GET", &list, Some(ADMIN_TOKEN), &Value::Null).await?;
    Ok(first["nextCursor"].as_str().ok_or("there is no second page")?.to_owned())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
