//! How large the program is, and how soon it serves.

use std::time::Duration;

use buddy_store::Durability;
use tokio::time::{Instant, sleep};

use crate::Failure;
use crate::buddy::{DataDir, spawn};
use crate::client::{Body, Client};
use crate::figures::{Line, Record, Round, median};
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Size and start";
pub(crate) const HOW: &str = "\
The released program, and how long after its start it says that it listens, and answers 200 to `GET /readyz`. *First* makes \
the data dir's files, *again* finds them there. Medians of twenty starts in each round.";

const STARTS: usize = 20;
/// Between two looks whether it is ready: as exact as what is told of it.
const LOOK_EVERY: Duration = Duration::from_millis(1);
const BYTES_PER_MIB: f64 = 1024.0 * 1024.0;
/// What a record calls the one line.
pub(crate) const LINE: &str = "Buddy";

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let bytes = std::fs::metadata(&rig.programs.buddy)?.len();
    let mut all = Vec::new();
    for number in 1..=rounds {
        say(format_args!("size, round {number}"));
        let [mut listening, mut ready, mut ready_again] = [const { Vec::new() }; 3];
        for _ in 0..if rig.extent.short { 1 } else { STARTS } {
            let directory = DataDir::empty(rig)?;
            let first = start(rig, &directory).await?;
            listening.push(first.listening);
            ready.push(first.ready);
            ready_again.push(start(rig, &directory).await?.ready);
        }
        let line = Line::new(LINE)
            .with("mib", f64::from(u32::try_from(bytes)?) / BYTES_PER_MIB)
            .with("listening", median(listening))
            .with("ready", median(ready))
            .with("ready_again", median(ready_again));
        all.push(vec![line]);
    }
    Ok(all)
}

/// Milliseconds after the start.
struct Started {
    listening: f64,
    ready: f64,
}

async fn start(rig: &Rig, directory: &DataDir) -> Result<Started, Failure> {
    let begun = Instant::now();
    let millis = || begun.elapsed().as_secs_f64() * 1e3;
    let mut process = spawn(rig, directory, Durability::Full, None)?;
    let client = Client::new(process.announced()?);
    let listening = millis();
    loop {
        let get = || client.request("GET", "/readyz").body(Body::default());
        if client.send(get).await?.0.status == 200 {
            break;
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(Started { listening, ready: millis() })
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure, digits| Column { title, shows: Shows::Value(figure), digits };
    let columns = [
        column("MiB", "mib", 1),
        column("listens, ms", "listening", 0),
        column("ready first, ms", "ready", 0),
        column("ready again, ms", "ready_again", 0),
    ];
    table(record, "program", &columns)
}
