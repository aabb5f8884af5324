//! What is in memory: with nothing to do, and for each session whose answer is waited for.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::each;
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::load::{self, Held};
use crate::platform::Platform;
use crate::rig::Rig;
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Memory";
pub(crate) const HOW: &str = "\
The proportional set size (PSS) of the platform's process: after its start, and at the moment at which the most calls were \
pending at an endpoint that answers after 2 s. 2,000 visitors hold a session each, and begin the next when they have an \
answer; they come within six seconds. They are those of 16 agents with the `maxConcurrent` that an agent has unless set, \
128. Each pending session is two sockets, the visitor's and the endpoint's, and TLS on the latter.";

const PLATFORMS: [Platform; 4] =
    [Platform::Limit, Platform::BuddyNormal, Platform::AxumReqwest, Platform::NodeUndici];
const VISITORS: u32 = 2_000;
/// As many as share the visitors within the default of callbacks at once.
const AGENTS: usize = 16;
/// What the endpoint takes: most of a platform's three seconds.
const DELAY_MILLIS: u32 = 2_000;
/// So that TLS handshakes alone do not fill a core.
const RAMP: Duration = Duration::from_secs(6);
/// Two answers to each visitor after the last has come.
const HELD: Duration = Duration::from_secs(4);
/// After a start, until what only the start needed is given back.
const SETTLE: Duration = Duration::from_secs(2);
/// Between two looks: reading a PSS takes some of the platform's time, too.
const LOOK_EVERY: Duration = Duration::from_millis(250);

const KIB_PER_MIB: f64 = 1024.0;

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        let what = format!("memory, round {number}");
        all.push(each(&what, &PLATFORMS, async |platform| measure(rig, &endpoint, platform).await).await?);
    }
    Ok(all)
}

async fn measure(rig: &Rig, endpoint: &Endpoint, platform: Platform) -> Result<Line, Failure> {
    let urls = vec![endpoint.delayed(DELAY_MILLIS); AGENTS];
    let running = platform.start(rig, &urls, None).await?;
    sleep(rig.lasting(SETTLE)).await;
    let idle = running.process.pss_kib()?;
    let held = Held {
        agents: &running.agents,
        connections: VISITORS,
        ramp: rig.lasting(RAMP),
        cycle: Duration::ZERO,
    };
    let time = held.ramp + rig.lasting(HELD);
    let end = Instant::now() + time;
    let load = load::hold(rig, &running, &held, time)?;
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut pending, mut full) = (0.0, idle);
    while looks.tick().await < end {
        let (counts, now) = (endpoint.counts().await?, running.process.pss_kib()?);
        if counts.pending > pending {
            (pending, full) = (counts.pending, now);
        }
    }
    drop(load);
    if pending < 1.0 {
        return Err(format!("{}: no call reached the endpoint", platform.name()).into());
    }
    Ok(Line::new(platform.name())
        .with("idle", idle / KIB_PER_MIB)
        .with("full", full / KIB_PER_MIB)
        .with("pending", pending)
        .with("kib_per_session", (full - idle) / pending))
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure, digits| Column { title, shows: Shows::Value(figure), digits };
    let columns = [
        column("idle MiB", "idle", 1),
        column("MiB with so many", "full", 0),
        column("pending", "pending", 0),
        column("KiB per pending session", "kib_per_session", 0),
    ];
    table(record, "platform", &columns)
}
