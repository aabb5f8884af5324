//! The slowest sessions, while another program keeps the disk busy.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::each;
use super::latency::{DIRECT, RATE, WARM};
use crate::Failure;
use crate::endpoint::Endpoint;
use crate::figures::{Line, Record, Round};
use crate::load::{self, Callee, Seen};
use crate::platform::Platform;
use crate::rig::{Rig, say};
use crate::table::{Column, Shows, table};

pub(crate) const TITLE: &str = "Stalls beside a busy disk";
pub(crate) const HOW: &str = "\
150 sessions a second in an open loop as above, the endpoint answers after 5 ms, while another program writes 64 MiB and \
flushes them (`fsync`), again and again, on the file system that the data dir is on. Added is what is beyond the median of \
the endpoint called directly, in the same round and beside the same writer: *direct* and *limit*, which store nothing, \
show how late this machine is by itself. Milliseconds.";

const PLATFORMS: [Platform; 3] = [Platform::Limit, Platform::BuddyNormal, Platform::BuddyFull];
const DELAY_MILLIS: u32 = 5;
/// 4,500 sessions: four are slower than the p999.
const COUNTED: Duration = Duration::from_secs(30);
/// What is written between two flushes: more than a disk takes at once.
const FILE_BYTES: usize = 64 * 1024 * 1024;
const BLOCK_BYTES: usize = 1024 * 1024;

pub(crate) async fn run(rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
    let endpoint = Endpoint::start(rig)?;
    let folder = rig.folder()?;
    let busy = BusyDisk::start(folder.path())?;
    let mut all = Vec::new();
    for number in 1..=rounds {
        say(format_args!("stalls, round {number}: {DIRECT}"));
        let direct = seen(rig, &Callee::Endpoint(&endpoint.delayed(DELAY_MILLIS))).await?;
        let mut round = vec![line(DIRECT, &direct, direct.p50)];
        let what = format!("stalls, round {number}");
        let measure = async |platform: Platform| {
            let running = platform.start(rig, &[endpoint.delayed(DELAY_MILLIS)], None).await?;
            let seen = seen(rig, &Callee::Platform(&running, &running.agents[0])).await?;
            Ok(line(platform.name(), &seen, direct.p50))
        };
        round.extend(each(&what, &PLATFORMS, measure).await?);
        all.push(round);
    }
    busy.stop()?;
    Ok(all)
}

async fn seen(rig: &Rig, callee: &Callee<'_>) -> Result<Seen, Failure> {
    load::open(rig, callee, RATE, rig.lasting(WARM), rig.lasting(COUNTED)).await?.all_right()
}

fn line(name: &str, seen: &Seen, direct: f64) -> Line {
    Line::new(name)
        .with("p50", seen.p50 - direct)
        .with("p99", seen.p99 - direct)
        .with("p999", seen.p999 - direct)
        .with("max", seen.max - direct)
}

pub(crate) fn tables(record: &Record) -> String {
    let column = |title, figure| Column { title, shows: Shows::Value(figure), digits: 1 };
    let columns = [
        column("added p50", "p50"),
        column("added p99", "p99"),
        column("added p99.9", "p999"),
        column("added, slowest", "max"),
    ];
    table(record, "platform", &columns)
}

/// A thread that writes and flushes one file, over and over.
struct BusyDisk {
    ends: Arc<AtomicBool>,
    writer: JoinHandle<std::io::Result<()>>,
}

impl BusyDisk {
    fn start(folder: &Path) -> Result<Self, Failure> {
        let ends = Arc::new(AtomicBool::new(false));
        let (file, told): (PathBuf, _) = (folder.join("busy"), Arc::clone(&ends));
        let mut file = File::create(file)?;
        let writer = thread::Builder::new().name("busy disk".to_owned()).spawn(move || {
            let block = vec![0xb5; BLOCK_BYTES];
            while !told.load(Ordering::Relaxed) {
                file.seek(SeekFrom::Start(0))?;
                for _ in 0..FILE_BYTES / BLOCK_BYTES {
                    file.write_all(&block)?;
                }
                file.sync_all()?;
            }
            Ok(())
        })?;
        Ok(Self { ends, writer })
    }

    /// Fails if it could not write all along.
    fn stop(self) -> Result<(), Failure> {
        self.ends.store(true, Ordering::Relaxed);
        Ok(self.writer.join().map_err(|_| "the writer of the busy disk panicked")??)
    }
}
