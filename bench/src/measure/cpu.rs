//! What a session costs in CPU time, under as many as one core of load brings.

use std::time::Duration;

use super::each;
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::load;
use crate::platform::{MAX_CONCURRENT_MAX, Platform, Running};
use crate::rig::Rig;
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "CPU per session";
pub(crate) const HOW: &str = "\
User and system time of the platform's process, from the kernel's accounting, by the sessions for which the endpoint \
verified a signature. wrk keeps 32 and then 256 connections busy with `POST /v1/sessions`, each of them waiting for its \
session to be settled; the endpoint answers at once. Every answer is looked at, and all were right. All \
sessions are of one agent, whose `maxConcurrent` is 1,024. Sessions a second are bounded by the core of wrk and the \
endpoint too: they are a least, and the CPU time is the figure to steer by. *conn.* are TLS connections that the platform \
opened, by session. *On two threads*: Buddy was started on two cores, where it has a thread for each, and then kept on the one.";

const PLATFORMS: [Platform; 8] = [
    Platform::Limit,
    Platform::LimitStored,
    Platform::BuddyNormal,
    Platform::BuddyFull,
    Platform::BuddyThreads,
    Platform::AxumReqwest,
    Platform::NodeUndici,
    Platform::NodeFetch,
];
/// Until connections are open, caches are warm and the code is compiled.
const WARM: Duration = Duration::from_secs(2);
const WARM_TRIES: usize = 10;
/// Some 100 clock ticks of CPU time at least, so that one of them is a percent.
const COUNTED: Duration = Duration::from_secs(5);
/// The sessions that were running when the load ended are done by then.
const SETTLE: Duration = Duration::from_millis(100);

struct Level {
    connections: u32,
    cpu: &'static str,
    per_second: &'static str,
    dials: &'static str,
}

const FEW: Level =
    Level { connections: 32, cpu: "cpu32", per_second: "per_second32", dials: "connections32" };
const MANY: Level =
    Level { connections: 256, cpu: "cpu256", per_second: "per_second256", dials: "connections256" };

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        let what = format!("cpu, round {number}");
        all.push(each(&what, &PLATFORMS, async |platform| measure(rig, &endpoint, platform).await).await?);
    }
    Ok(all)
}

async fn measure(rig: &Rig, endpoint: &Endpoint, platform: Platform) -> Result<Line, Failure> {
    let running = platform.start(rig, &[endpoint.delayed(0)], Some(MAX_CONCURRENT_MAX)).await?;
    let mut line = Line::new(platform.name());
    for level in [FEW, MANY] {
        let cost = cost(rig, endpoint, &running, level.connections).await?;
        line = line
            .with(level.cpu, cost.cpu_micros)
            .with(level.per_second, cost.per_second)
            .with(level.dials, cost.connections);
    }
    Ok(line)
}

/// What a session costs.
pub(super) struct Cost {
    pub(super) cpu_micros: f64,
    /// TLS connections that were opened for it.
    pub(super) connections: f64,
    pub(super) per_second: f64,
}

/// Under so many connections, once they are warm.
pub(super) async fn cost(
    rig: &Rig,
    endpoint: &Endpoint,
    running: &Running,
    connections: u32,
) -> Result<Cost, Failure> {
    let connections = rig.as_many(connections);
    warm(rig, running, connections).await?;
    let (counts, cpu) = (endpoint.counts().await?, running.process.cpu_micros()?);
    let load = load::closed(rig, running, connections, rig.lasting(COUNTED)).await?;
    tokio::time::sleep(SETTLE).await;
    let (counts_then, cpu_then) = (endpoint.counts().await?, running.process.cpu_micros()?);
    let sessions = counts_then.verified - counts.verified;
    let refused = counts_then.refused - counts.refused;
    if sessions < load.sessions.max(1.0) || refused > 0.0 {
        return Err(format!(
            "{} sessions, but the endpoint verified {sessions} calls and refused {refused}",
            load.sessions
        )
        .into());
    }
    Ok(Cost {
        cpu_micros: (cpu_then - cpu) / sessions,
        connections: (counts_then.connections - counts.connections) / sessions,
        per_second: load.per_second,
    })
}

/// On a machine that is busy, connections may take longer to open than it would have lasted.
async fn warm(rig: &Rig, running: &Running, connections: u32) -> Result<(), Failure> {
    for _ in 0..WARM_TRIES {
        if load::closed(rig, running, connections, rig.lasting(WARM)).await?.sessions > 0.0 {
            return Ok(());
        }
    }
    Err("no session was answered".into())
}

pub(crate) fn tables(record: &Record) -> String {
    let [few, many] = [FEW, MANY].map(|level| {
        let ratio = |title, to: Platform| Column {
            title,
            shows: Shows::Ratio { figure: level.cpu, to: to.name() },
            digits: 2,
        };
        let columns = [
            Column { title: "CPU µs", shows: Shows::Value(level.cpu), digits: 1 },
            ratio("to the limit", Platform::Limit),
            ratio("to axum + reqwest", Platform::AxumReqwest),
            ratio("to Node.js, undici", Platform::NodeUndici),
            Column { title: "sessions/s", shows: Shows::Value(level.per_second), digits: 0 },
            Column { title: "conn.", shows: Shows::Value(level.dials), digits: 4 },
        ];
        table(record, &format!("{} connections", level.connections), &columns)
    });
    format!("{few}\n{many}")
}
