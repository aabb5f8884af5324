//! `buddy tail`: what happens to agents' sessions, as it happens.

mod line;

use std::cell::Cell;
use std::error::Error;
use std::io::{self, Write};
use std::time::Duration;

use anstream::AutoStream;
use buddy_core::id::{AgentId, SessionId};
use buddy_core::reason::{Code, Reason};
use clap::Args;
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Instant, sleep};

use super::operator::{CallError, Client, Event, Events, Server, resolution};
use super::print::{columns, json_line, shown};
use super::serve::stop_signal;
use super::{Misused, block_on, say};
use line::Layout;

/// After the first failure a moment: a server that is started anew is there soon.
const RETRY_FIRST: Duration = Duration::from_millis(500);
/// Somebody is watching: longer would look like the end.
const RETRY_MAX: Duration = Duration::from_secs(15);
/// Agents that are named where one is to be chosen: more are a list, which the API has.
const AGENTS_NAMED_MAX: usize = 5;

/// What `buddy tail` is told.
#[derive(Args, Debug)]
pub(super) struct Flags {
    /// Follow this agent. Repeatable; may be left out where the server has only one.
    #[arg(long = "agent", value_name = "ID")]
    agents: Vec<AgentId>,
    /// Only what failed with this code, such as `AUTH_CALLBACK_TIMEOUT`.
    #[arg(long, value_name = "CODE")]
    code: Option<Code>,
    /// Only what failed for this reason, such as `http_status`; `buddy explain --list` shows all.
    #[arg(long, value_name = "REASON")]
    reason: Option<Reason>,
    /// Only this session.
    #[arg(long, value_name = "ID")]
    session: Option<SessionId>,
    /// Print each as the API tells of it, one JSON object a line.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: Server,
}

/// Prints what happens until it is interrupted, or no agent is left.
pub(super) fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let client = flags.server.client()?;
    block_on(async {
        let stop = stop_signal()?;
        tokio::select! {
            biased;
            () = stop => Ok(()),
            ended = follow(flags, &client) => ended,
        }
    })?
}

async fn follow(flags: &Flags, client: &Client) -> Result<(), Box<dyn Error>> {
    let agents = agents(flags, client).await?;
    let tail = Tail { flags, client, several: agents.len() > 1, broken: Cell::new(0) };
    let mut opened = Vec::new();
    for &agent in &agents {
        opened.push((agent, tail.open(agent, None).await?));
    }
    let following: Vec<_> = agents.iter().map(ToString::to_string).collect();
    say(&format!("following {} at {}; Ctrl-C ends it.", following.join(", "), client.url()));
    if !flags.json {
        say(line::LEGEND);
    }
    let mut following: FuturesUnordered<_> =
        opened.into_iter().map(|(agent, events)| tail.follow(agent, events)).collect();
    while let Some(ended) = following.next().await {
        let agent = ended?;
        say(&format!("{agent} was deleted: nothing more happens to its sessions."));
    }
    Err("no agent is left to follow: GET /v1/agents lists those that there are.".into())
}

/// Those that were named, or the only one there is.
async fn agents(flags: &Flags, client: &Client) -> Result<Vec<AgentId>, Box<dyn Error>> {
    let mut named = Vec::new();
    for agent in &flags.agents {
        if !named.contains(agent) {
            named.push(*agent);
        }
    }
    if !named.is_empty() {
        return Ok(named);
    }
    let AgentsRecord { agents, next_cursor } = client.get(&["v1", "agents"]).await?;
    match &agents[..] {
        [] => Err("the server has no agent yet: make one with POST /v1/agents, or in the console.".into()),
        [only] if next_cursor.is_none() => Ok(vec![only.agent_id]),
        several => Err(Misused(choose(several, next_cursor.is_some())).into()),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentsRecord {
    agents: Vec<AgentRecord>,
    next_cursor: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AgentRecord {
    agent_id: AgentId,
    name: String,
}

fn choose(agents: &[AgentRecord], more: bool) -> String {
    let name = |agent: &AgentRecord| format!("--agent {} ({})", agent.agent_id, shown(&agent.name));
    let named: Vec<_> = agents.iter().take(AGENTS_NAMED_MAX).map(name).collect();
    let more = if more || agents.len() > AGENTS_NAMED_MAX { "; GET /v1/agents lists the others" } else { "" };
    format!("the server has several agents: say which to follow, one or more of {}{more}.", named.join(", "))
}

/// What all that is followed has in common.
struct Tail<'a> {
    flags: &'a Flags,
    client: &'a Client,
    /// Lines say whose they are.
    several: bool,
    /// Streams that are to be opened again: the first and the last of them are told of.
    broken: Cell<usize>,
}

/// Why there is nothing more to hear for now.
enum Heard {
    /// The agent is gone.
    Ended,
    CutOff(String),
}

impl Tail<'_> {
    /// Until the agent is gone. Returns it.
    async fn follow(&self, agent: AgentId, mut events: Events) -> Result<AgentId, Box<dyn Error>> {
        let (mut after, mut wait) = (None, RETRY_FIRST);
        loop {
            let begun = Instant::now();
            match self.hear(&mut events, &mut after).await? {
                Heard::Ended => return Ok(agent),
                Heard::CutOff(why) => self.broke(&why),
            }
            if begun.elapsed() > RETRY_MAX {
                wait = RETRY_FIRST;
            }
            events = self.again(agent, after.as_deref(), &mut wait).await?;
            self.mended();
        }
    }

    /// Prints all that comes, and keeps what to resume after.
    async fn hear(&self, events: &mut Events, after: &mut Option<String>) -> Result<Heard, Box<dyn Error>> {
        loop {
            let Event { id, name, data } = match events.next().await {
                Ok(Some(event)) => event,
                Ok(None) => return Ok(Heard::CutOff("the stream ended.".to_owned())),
                Err(error) => return Ok(Heard::CutOff(error.to_string())),
            };
            if let (Some(name), Some(data)) = (name, data) {
                match name.as_str() {
                    "resolution" => self.print(&data)?,
                    "end" if is_ended(&data) => return Ok(Heard::Ended),
                    "end" => return Ok(Heard::CutOff("the server is stopping.".to_owned())),
                    // A newer server may tell of more.
                    _ => {}
                }
            }
            // Only what was printed is not to come again.
            if id.is_some() {
                *after = id;
            }
        }
    }

    fn print(&self, data: &str) -> Result<(), Box<dyn Error>> {
        let json: Box<RawValue> = serde_json::from_str(data).map_err(|_| {
            format!("{} tells of what is no JSON: check --server (BUDDY_SERVER).", self.client.url())
        })?;
        let line = if self.flags.json {
            json_line(&json)
        } else {
            Layout::new(columns(), self.several).line(&resolution(&json)?)
        };
        let mut out = AutoStream::auto(io::stdout().lock());
        writeln!(out, "{line}")?;
        Ok(out.flush()?)
    }

    async fn open(&self, agent: AgentId, after: Option<&str>) -> Result<Events, CallError> {
        let (agent, Flags { code, reason, session, .. }) = (agent.to_string(), self.flags);
        let session = session.map(|session| session.to_string());
        let query: Vec<_> = [
            ("code", code.map(Code::as_str)),
            ("reason", reason.map(Reason::as_str)),
            ("sessionId", session.as_deref()),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
        self.client.listen(&["v1", "agents", &agent, "resolutions", "stream"], &query, after).await
    }

    /// Opens it once more, however long that takes; but not what the server will not have.
    async fn again(
        &self,
        agent: AgentId,
        after: Option<&str>,
        wait: &mut Duration,
    ) -> Result<Events, CallError> {
        loop {
            sleep(*wait).await;
            *wait = RETRY_MAX.min(*wait * 2);
            match self.open(agent, after).await {
                Err(error) if error.is_passing() => {}
                opened => return opened,
            }
        }
    }

    fn broke(&self, why: &str) {
        if self.broken.replace(self.broken.get() + 1) == 0 {
            say(&format!("{why} Trying again until it is back."));
        }
    }

    fn mended(&self) {
        self.broken.set(self.broken.get() - 1);
        if self.broken.get() == 0 {
            say("following again; nothing was missed.");
        }
    }
}

fn is_ended(data: &str) -> bool {
    #[derive(Deserialize)]
    struct End {
        reason: String,
    }
    serde_json::from_str::<End>(data).is_ok_and(|end| end.reason == "ended")
}
