//! How long the console's screens take with a thousand resolutions and with a million.

use buddy_store::Durability;
use hyper::header::{COOKIE, SET_COOKIE};
use serde_json::Value;
use tokio::time::Instant;

use crate::Failure;
use crate::buddy::ADMIN_TOKEN;
use crate::client::{Body, Client};
use crate::figures::{Line, Record, Round, median};
use crate::filled::{COMMON, Filled, RARE, Stock, fill};
use crate::platform::Running;
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "The console's screens";
pub(crate) const HOW: &str = "\
From the request to the whole page, over loopback, for an agent with a thousand resolutions in the last six days and for one \
with a million, beside a thousand other agents. Medians of ten requests in each round. Milliseconds.";

/// An agent's resolutions.
const FEW: u32 = 1_000;
const MANY: u32 = 1_000_000;
/// Enough to be seen to run: the second page of a list is there.
const MANY_SHORT: u32 = 2_000;
/// Agents beside the one that has the sessions.
const OTHER_AGENTS: u32 = 1_000;
/// Of one screen in one round.
const REQUESTS: usize = 10;

/// A server, signed in to.
struct Console {
    client: Client,
    cookie: String,
    screens: Vec<(&'static str, String)>,
    _server: Running,
}

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    say(format_args!("screens: filling"));
    let few = Console::of(rig, FEW).await?;
    let many = Console::of(rig, if rig.extent.short { MANY_SHORT } else { MANY }).await?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        say(format_args!("screens, round {number}"));
        let mut round = Vec::new();
        for ((name, of_few), (_, of_many)) in few.screens.iter().zip(&many.screens) {
            let (few, many) = (few.time(of_few).await?, many.time(of_many).await?);
            round.push(Line::new(*name).with("few", few).with("many", many).with("ratio", many / few));
        }
        all.push(round);
    }
    Ok(all)
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure| Column { title, shows: Shows::Value(figure), digits: 1 };
    let columns = [column("a thousand", "few"), column("a million", "many"), column("ratio", "ratio")];
    table(record, "screen", &columns)
}

impl Console {
    async fn of(rig: &Rig, sessions: u32) -> Result<Self, Failure> {
        let Filled { directory, agent_ids, session_id } =
            fill(rig, Stock { sessions, other_agents: OTHER_AGENTS, agents: 1 }).await?;
        let agent_id = agent_ids[0];
        let server = Running::buddy(rig, &directory, Durability::Normal, None)?;
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

    /// The median of some requests, in milliseconds.
    async fn time(&self, path: &str) -> Result<f64, Failure> {
        let mut millis = Vec::new();
        for _ in 0..REQUESTS {
            let begun = Instant::now();
            let get = || self.client.request("GET", path).header(COOKIE, &self.cookie).body(Body::default());
            let (head, page) = self.client.send(get).await?;
            millis.push(begun.elapsed().as_secs_f64() * 1_000.0);
            // A session leads to its resolution, or shows it.
            if !head.status.is_success() && !head.status.is_redirection() {
                return Err(format!("{path}: {} {}", head.status, String::from_utf8_lossy(&page)).into());
            }
        }
        Ok(median(millis))
    }
}

async fn second_page(client: &Client, agent_id: &str) -> Result<String, Failure> {
    let list = format!("/v1/agents/{agent_id}/resolutions");
    let first = client.call("GET", &list, Some(ADMIN_TOKEN), &Value::Null).await?;
    Ok(first["nextCursor"].as_str().ok_or("there is no second page")?.to_owned())
}
