//! What a session costs in a database that has many, against one that has none.

use buddy_store::Durability;

use super::cpu::{self, Cost};
use crate::Failure;
use crate::buddy::{DataDir, agent, configure};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round, Spread};
use crate::filled::{Stock, fill};
use crate::platform::Running;
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "A database that has grown";
pub(crate) const HOW: &str = "\
Buddy with `durability` normal on an empty data dir and on one with many sessions, settled in the last six days, a hundred of \
each agent. wrk keeps 32 connections busy with sessions of 64 agents in turns; in the large database these are among those \
that have sessions, evenly. CPU time as above.";

/// What is stored when the goal is measured.
pub(crate) const SESSIONS: u32 = 10_000_000;
/// Enough to be seen to run: there are as many agents as are active, and some.
pub(crate) const SESSIONS_MIN: u32 = 10_000;
const SESSIONS_PER_AGENT: u32 = 100;
/// Whose sessions are begun: pages far from each other, and few enough that connections are kept.
const ACTIVE_AGENTS: usize = 64;
const CONNECTIONS: u32 = 32;
/// What a record calls its lines.
const EMPTY: &str = "Buddy, empty";
const GROWN: &str = "Buddy, grown";

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let sessions = if rig.extent.short { SESSIONS_MIN } else { rig.extent.grown_sessions };
    let stock = Stock { sessions, agents: sessions / SESSIONS_PER_AGENT, other_agents: 0 };
    say(format_args!("grown: filling"));
    let filled = fill(rig, stock).await?;
    let step = filled.agent_ids.len() / ACTIVE_AGENTS;
    let active: Vec<_> =
        filled.agent_ids.iter().step_by(step).take(ACTIVE_AGENTS).map(ToString::to_string).collect();
    let mut all = Vec::new();
    for number in 1..=rounds {
        say(format_args!("grown, round {number}: {EMPTY}"));
        let empty = measure(rig, &endpoint, &DataDir::empty(rig)?, None).await?;
        say(format_args!("grown, round {number}: {GROWN}"));
        let grown = measure(rig, &endpoint, &filled.directory, Some(&active)).await?;
        all.push(vec![line(EMPTY, 0, &empty), line(GROWN, sessions, &grown)]);
    }
    Ok(all)
}

/// With sessions of these agents, or of new ones.
async fn measure(
    rig: &Rig,
    endpoint: &Endpoint,
    directory: &DataDir,
    agents: Option<&[String]>,
) -> Result<Cost, Failure> {
    let mut running = Running::buddy(rig, directory, Durability::Normal, None)?;
    let (client, url) = (Client::new(running.address), endpoint.delayed(0));
    match agents {
        Some(agents) => {
            for id in agents {
                configure(&client, id, &url, None).await?;
            }
            running.agents = agents.to_vec();
        }
        None => {
            for _ in 0..ACTIVE_AGENTS {
                running.agents.push(agent(&client, &url, None).await?);
            }
        }
    }
    cpu::cost(rig, endpoint, &running, CONNECTIONS).await
}

fn line(name: &str, sessions: u32, cost: &Cost) -> Line {
    Line::new(name)
        .with("sessions", f64::from(sessions))
        .with("agents", f64::from(sessions / SESSIONS_PER_AGENT))
        .with("cpu", cost.cpu_micros)
        .with("per_second", cost.per_second)
}

/// The cost to that on an empty data dir; none where fewer sessions were stored than the goal says.
pub(crate) fn ratio_of_goal(record: &Record) -> Option<Spread> {
    let stored = record.spread(GROWN, "sessions")?;
    if stored.min < f64::from(SESSIONS) {
        return None;
    }
    record.ratio(GROWN, EMPTY, "cpu")
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure, digits| Column { title, shows: Shows::Value(figure), digits };
    let columns = [
        column("sessions stored", "sessions", 0),
        column("agents stored", "agents", 0),
        column("CPU µs", "cpu", 1),
        Column { title: "to empty", shows: Shows::Ratio { figure: "cpu", to: EMPTY }, digits: 2 },
        column("sessions/s", "per_second", 0),
    ];
    table(record, "database", &columns)
}
