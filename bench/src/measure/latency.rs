//! What a session waits beyond the endpoint's own time.

use std::time::Duration;

use super::each;
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::load::{self, Callee, Seen};
use crate::platform::Platform;
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Added latency";
pub(crate) const HOW: &str = "\
150 sessions a second begin at fixed moments, whatever became of the ones before (an open loop), and a latency counts from \
the intended moment to the settled session. The endpoint answers after 5 and after 50 ms. *direct* is the endpoint called \
by the driver itself, as a platform calls it: what is added to that is the platform's. Milliseconds.";

/// The endpoint called by nobody but the driver.
pub(crate) const DIRECT: &str = "direct";
/// Sessions a second: some percent of a core, so that nobody waits for another.
pub(super) const RATE: u32 = 150;
const PLATFORMS: [Platform; 6] = [
    Platform::Limit,
    Platform::LimitStored,
    Platform::BuddyNormal,
    Platform::BuddyFull,
    Platform::AxumReqwest,
    Platform::NodeUndici,
];
/// Until connections are open, caches are warm and the code is compiled.
pub(super) const WARM: Duration = Duration::from_secs(2);
/// 1,500 sessions: fifteen are slower than the p99.
const COUNTED: Duration = Duration::from_secs(10);

struct Delay {
    millis: u32,
    p50: &'static str,
    p99: &'static str,
}

const DELAYS: [Delay; 2] = [
    Delay { millis: 5, p50: "p50_after_5", p99: "p99_after_5" },
    Delay { millis: 50, p50: "p50_after_50", p99: "p99_after_50" },
];

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        say(format_args!("latency, round {number}: {DIRECT}"));
        let mut direct = Line::new(DIRECT);
        for delay in DELAYS {
            let url = endpoint.delayed(delay.millis);
            direct = delay.of(direct, &seen(rig, &Callee::Endpoint(&url)).await?);
        }
        let mut round = vec![direct];
        let what = format!("latency, round {number}");
        round
            .extend(each(&what, &PLATFORMS, async |platform| measure(rig, &endpoint, platform).await).await?);
        all.push(round);
    }
    Ok(all)
}

async fn measure(rig: &Rig, endpoint: &Endpoint, platform: Platform) -> Result<Line, Failure> {
    let urls = DELAYS.map(|delay| endpoint.delayed(delay.millis));
    let running = platform.start(rig, &urls, None).await?;
    let mut line = Line::new(platform.name());
    for (delay, agent) in DELAYS.into_iter().zip(&running.agents) {
        line = delay.of(line, &seen(rig, &Callee::Platform(&running, agent)).await?);
    }
    Ok(line)
}

async fn seen(rig: &Rig, callee: &Callee<'_>) -> Result<Seen, Failure> {
    load::open(rig, callee, RATE, rig.lasting(WARM), rig.lasting(COUNTED)).await?.all_right()
}

impl Delay {
    fn of(&self, line: Line, seen: &Seen) -> Line {
        line.with(self.p50, seen.p50).with(self.p99, seen.p99)
    }
}

pub(crate) fn tables(record: &Record) -> String {
    let tables = DELAYS.map(|delay| {
        let added = |title, figure| Column { title, shows: Shows::Added { figure, to: DIRECT }, digits: 2 };
        let columns = [
            Column { title: "p50", shows: Shows::Value(delay.p50), digits: 2 },
            added("added p50", delay.p50),
            Column { title: "p99", shows: Shows::Value(delay.p99), digits: 2 },
            added("added p99", delay.p99),
        ];
        table(record, &format!("after {} ms", delay.millis), &columns)
    });
    tables.join("\n")
}
