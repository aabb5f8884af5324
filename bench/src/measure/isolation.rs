//! One agent's sessions alone, and beside 500 that hang on another agent's endpoint.

use std::time::Duration;

use tokio::time::sleep;

use super::each;
use super::latency::{RATE, WARM};
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::load::{self, Callee, Held};
use crate::platform::Platform;
use crate::rig::Rig;
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Isolation";
pub(crate) const HOW: &str = "\
150 sessions a second of one agent, whose endpoint answers after 5 ms, in an open loop as above: first alone, then while \
500 visitors of another agent wait for an endpoint that never answers. These all come within half a second, run into both \
timeouts together, as in an outage, and come back every six seconds. Wrong is an answer to one of the first agent's sessions \
that does not know its user. Milliseconds; the ratio is that of the same round.";

const PLATFORMS: [Platform; 4] =
    [Platform::Limit, Platform::BuddyNormal, Platform::AxumReqwest, Platform::NodeUndici];
const HUNG: u32 = 500;
const HUNG_RAMP: Duration = Duration::from_millis(500);
/// Those of them that are asked for, at least, where an agent's callbacks are bounded.
const HUNG_LEAST: u32 = 100;
/// Until so many hang: on a busy machine connections take their time.
const HUNG_LOOKS: usize = 10;
/// Two timeouts of three seconds: what hangs is over, and begins again.
const HUNG_CYCLE: Duration = Duration::from_secs(6);
const DELAY_MILLIS: u32 = 5;
/// 3,000 sessions, and three times the storm of timeouts and new connections.
const COUNTED: Duration = Duration::from_secs(20);

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    // One for each, so that the first agent's waits for nothing that the other's does.
    let (healthy, hung) = (Endpoint::start(rig)?, Endpoint::start(rig)?);
    let mut all = Vec::new();
    for number in 1..=rounds {
        let what = format!("isolation, round {number}");
        let measure = async |platform| measure(rig, &healthy, &hung, platform).await;
        all.push(each(&what, &PLATFORMS, measure).await?);
    }
    Ok(all)
}

async fn measure(
    rig: &Rig,
    healthy: &Endpoint,
    hung: &Endpoint,
    platform: Platform,
) -> Result<Line, Failure> {
    let running = platform.start(rig, &[healthy.delayed(DELAY_MILLIS), hung.hanging()], None).await?;
    let watched = Callee::Platform(&running, &running.agents[0]);
    let counted = rig.lasting(COUNTED);
    let alone = load::open(rig, &watched, RATE, rig.lasting(WARM), counted).await?.all_right()?;
    let connections = rig.as_many(HUNG);
    let held = Held { agents: &running.agents[1..], connections, ramp: HUNG_RAMP, cycle: HUNG_CYCLE };
    let hanging = load::hold(rig, &running, &held, counted * 2)?;
    let mut looks = 0;
    while hung.counts().await?.pending < f64::from(HUNG_LEAST.min(connections)) {
        looks += 1;
        if looks > HUNG_LOOKS {
            return Err("nothing hangs".into());
        }
        sleep(HUNG_RAMP).await;
    }
    let mut beside = load::open(rig, &watched, RATE, Duration::ZERO, counted).await?;
    drop(hanging);
    // What a peer does with its own is told; Buddy has promised.
    if platform == Platform::BuddyNormal {
        beside = beside.all_right()?;
    }
    Ok(Line::new(platform.name())
        .with("p50_alone", alone.p50)
        .with("p50_beside", beside.p50)
        .with("p99_alone", alone.p99)
        .with("p99_beside", beside.p99)
        .with("p99_ratio", beside.p99 / alone.p99)
        .with("max_beside", beside.max)
        .with("wrong_beside", beside.wrong))
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure, digits| Column { title, shows: Shows::Value(figure), digits };
    let columns = [
        column("p50 alone", "p50_alone", 2),
        column("beside", "p50_beside", 2),
        column("p99 alone", "p99_alone", 2),
        column("beside", "p99_beside", 2),
        column("p99 ratio", "p99_ratio", 2),
        column("slowest beside", "max_beside", 1),
        column("wrong answers", "wrong_beside", 0),
    ];
    table(record, "platform", &columns)
}
