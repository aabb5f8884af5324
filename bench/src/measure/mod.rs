//! The measurements, a file for each.

mod cpu;
pub(crate) mod disk;
pub(crate) mod grown;
mod isolation;
pub(crate) mod latency;
mod memory;
pub(crate) mod nodes;
mod screens;
pub(crate) mod size;
mod stalls;

use crate::Failure;
use crate::figures::{Line, Record, Round};
use crate::platform::Platform;
use crate::rig::{Rig, say};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Measure {
    /// CPU time of a session
    Cpu,
    /// What a session waits beyond the endpoint's own time
    Latency,
    /// The slowest sessions beside a busy disk
    Stalls,
    /// One agent's sessions beside another's that hang
    Isolation,
    /// Idle, and for each pending session
    Memory,
    /// What a session leaves on the disk, and what is written for it
    Disk,
    /// A node on PostgreSQL beside one on SQLite, and what two nodes need of each other
    Nodes,
    /// CPU time of a session in a large database
    Grown,
    /// Of the program, and its start
    Size,
    /// The console's, in a large database
    Screens,
}

impl Measure {
    /// In the order of the page.
    pub(crate) const ALL: [Self; 10] = [
        Self::Cpu,
        Self::Latency,
        Self::Stalls,
        Self::Isolation,
        Self::Memory,
        Self::Nodes,
        Self::Disk,
        Self::Grown,
        Self::Size,
        Self::Screens,
    ];

    /// Of the file that keeps its figures.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Latency => "latency",
            Self::Stalls => "stalls",
            Self::Isolation => "isolation",
            Self::Memory => "memory",
            Self::Disk => "disk",
            Self::Nodes => "nodes",
            Self::Grown => "grown",
            Self::Size => "size",
            Self::Screens => "screens",
        }
    }

    pub(crate) async fn run(self, rig: &Rig, rounds: usize) -> Result<Vec<Round>, Failure> {
        match self {
            Self::Cpu => cpu::run(rig, rounds).await,
            Self::Latency => latency::run(rig, rounds).await,
            Self::Stalls => stalls::run(rig, rounds).await,
            Self::Isolation => isolation::run(rig, rounds).await,
            Self::Memory => memory::run(rig, rounds).await,
            Self::Disk => disk::run(rig, rounds).await,
            Self::Nodes => nodes::run(rig, rounds).await,
            Self::Grown => grown::run(rig, rounds).await,
            Self::Size => size::run(rig, rounds).await,
            Self::Screens => screens::run(rig, rounds).await,
        }
    }

    /// Its part of the page: a heading, how it was measured, and what.
    pub(crate) fn section(self, record: &Record) -> String {
        let (title, how, tables) = match self {
            Self::Cpu => (cpu::TITLE, cpu::HOW, cpu::tables(record)),
            Self::Latency => (latency::TITLE, latency::HOW, latency::tables(record)),
            Self::Stalls => (stalls::TITLE, stalls::HOW, stalls::tables(record)),
            Self::Isolation => (isolation::TITLE, isolation::HOW, isolation::tables(record)),
            Self::Memory => (memory::TITLE, memory::HOW, memory::tables(record)),
            Self::Disk => (disk::TITLE, disk::HOW, disk::tables(record)),
            Self::Nodes => (nodes::TITLE, nodes::HOW, nodes::tables(record)),
            Self::Grown => (grown::TITLE, grown::HOW, grown::tables(record)),
            Self::Size => (size::TITLE, size::HOW, size::tables(record)),
            Self::Screens => (screens::TITLE, screens::HOW, screens::tables(record)),
        };
        format!("## {title}\n\n{how}\n\n{tables}")
    }
}

/// The line of each platform, one after the other. What goes wrong is told with its name.
async fn each(
    what: &str,
    platforms: &[Platform],
    measure: impl AsyncFn(Platform) -> Result<Line, Failure>,
) -> Result<Round, Failure> {
    let mut round = Vec::with_capacity(platforms.len());
    for platform in platforms.iter().copied() {
        let name = platform.name();
        say(format_args!("{what}: {name}"));
        round.push(measure(platform).await.map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(round)
}
