//! What a session leaves on the disk, and what is written for it.

use std::time::Duration;

use buddy_store::Durability;

use super::each;
use crate::Failure;
use crate::buddy::{DataDir, agent};
use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::filled::{Stock, fill};
use crate::load::{self, Callee};
use crate::platform::{MAX_CONCURRENT_MAX, Platform, Running};
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Disk";
pub(crate) const HOW: &str = "\
*Kept* is the size of the database, in which 100,000 sessions of a thousand agents were settled in the last six days, by their number: \
session, sealed identity, resolution and stats. *Written* is what the kernel counts as written to the disk by the process (its \
log, the database, its lines of log), by session: with 150 sessions a second in an open loop, where few share a write, and with \
wrk's 32 connections kept busy, where many do. KiB.";

/// What a record calls its figures; each in bytes for each session.
pub(crate) const KEPT: &str = "kept";
pub(crate) const WRITTEN_STEADY: &str = "written_steady";
pub(crate) const WRITTEN_BUSY: &str = "written_busy";

const PLATFORMS: [Platform; 2] = [Platform::BuddyNormal, Platform::BuddyFull];
/// So many that an empty database's pages are a byte of each.
const SESSIONS: u32 = 100_000;
const SESSIONS_PER_AGENT: u32 = 100;
/// As in the measurement of latency.
const PER_SECOND: u32 = 150;
const CONNECTIONS: u32 = 32;
/// Until connections are open; what is written meanwhile is not counted.
const WARM: Duration = Duration::from_secs(2);
/// Some checkpoints of the log.
const COUNTED: Duration = Duration::from_secs(10);

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        let what = format!("disk, round {number}");
        say(format_args!("{what}: filling"));
        let kept = kept(rig).await?;
        all.push(
            each(&what, &PLATFORMS, async |platform| {
                Ok(measure(rig, &endpoint, platform).await?.with(KEPT, kept))
            })
            .await?,
        );
    }
    Ok(all)
}

/// The size of a database that was closed, by session.
async fn kept(rig: &Rig) -> Result<f64, Failure> {
    let sessions = if rig.extent.short { SESSIONS / 10 } else { SESSIONS };
    let stock = Stock { sessions, agents: sessions / SESSIONS_PER_AGENT, other_agents: 0 };
    let filled = fill(rig, stock).await?;
    let mut bytes = 0;
    for entry in std::fs::read_dir(filled.directory.data())? {
        bytes += entry?.metadata()?.len();
    }
    Ok(number(bytes) / f64::from(sessions))
}

async fn measure(rig: &Rig, endpoint: &Endpoint, platform: Platform) -> Result<Line, Failure> {
    let durability = match platform {
        Platform::BuddyFull => Durability::Full,
        _ => Durability::Normal,
    };
    let mut running = Running::buddy(rig, &DataDir::empty(rig)?, durability, None)?;
    let url = endpoint.delayed(0);
    running.agents.push(agent(&Client::new(running.address), &url, Some(MAX_CONCURRENT_MAX)).await?);
    let callee = Callee::Platform(&running, &running.agents[0]);
    load::open(rig, &callee, PER_SECOND, Duration::ZERO, rig.lasting(WARM)).await?.all_right()?;
    let steady = written(endpoint, &running, async {
        load::open(rig, &callee, PER_SECOND, Duration::ZERO, rig.lasting(COUNTED)).await?.all_right()?;
        Ok(())
    });
    let steady = steady.await?;
    let busy = written(endpoint, &running, async {
        load::closed(rig, &running, rig.as_many(CONNECTIONS), rig.lasting(COUNTED)).await?;
        Ok(())
    });
    let busy = busy.await?;
    Ok(Line::new(platform.name()).with(WRITTEN_STEADY, steady).with(WRITTEN_BUSY, busy))
}

/// What was written while a load lasted, by session.
async fn written(
    endpoint: &Endpoint,
    running: &Running,
    load: impl Future<Output = Result<(), Failure>>,
) -> Result<f64, Failure> {
    let (counts, bytes) = (endpoint.counts().await?, running.process.written_bytes()?);
    load.await?;
    let (counts_then, bytes_then) = (endpoint.counts().await?, running.process.written_bytes()?);
    let sessions = counts_then.verified - counts.verified;
    if sessions < 1.0 {
        return Err("no call reached the endpoint".into());
    }
    Ok(number(bytes_then - bytes) / sessions)
}

#[expect(clippy::cast_precision_loss, reason = "no disk here has 2^52 bytes")]
fn number(bytes: u64) -> f64 {
    bytes as f64
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure, digits| Column { title, shows: Shows::Kibi(figure), digits };
    let columns = [
        column("kept", KEPT, 2),
        column("written, 150 a second", WRITTEN_STEADY, 1),
        column("written, 32 connections", WRITTEN_BUSY, 1),
    ];
    table(record, "platform", &columns)
}
