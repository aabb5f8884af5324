//! What one session was measured to cost.

use std::path::Path;

use crate::Failure;
use crate::figures::Record;
use crate::measure::{Measure, disk, nodes};
use crate::page;
use crate::platform::Platform;

/// Medians of what was measured last; of `durability` full, which is what is set unless something else is.
pub(super) struct Measured {
    /// CPU time of a session at 256 connections, in microseconds, of a server that has several threads.
    pub(super) cpu_micros: f64,
    /// CPU time of PostgreSQL for a session where few share a commit, in microseconds.
    pub(super) database_micros: f64,
    /// Of a server with nothing to do.
    pub(super) idle_mib: f64,
    pub(super) kib_per_pending: f64,
    /// What a session leaves in the database, in bytes.
    pub(super) kept_bytes: f64,
    /// What is written to the disk for it where few share a write, in bytes.
    pub(super) written_bytes: f64,
}

impl Measured {
    pub(super) fn read(results: &Path) -> Result<Self, Failure> {
        let (full, normal) = (Platform::BuddyFull.name(), Platform::BuddyNormal.name());
        let threads = Platform::BuddyThreads.name();
        Ok(Self {
            cpu_micros: median(results, Measure::Cpu, threads, "cpu256")?,
            database_micros: median(results, Measure::Nodes, nodes::POSTGRES_FULL, nodes::DATABASE_OF_FEW)?,
            // Memory is measured with `normal`; what is kept in it is the same.
            idle_mib: median(results, Measure::Memory, normal, "idle")?,
            kib_per_pending: median(results, Measure::Memory, normal, "kib_per_session")?,
            kept_bytes: median(results, Measure::Disk, full, disk::KEPT)?,
            written_bytes: median(results, Measure::Disk, full, disk::WRITTEN_STEADY)?,
        })
    }
}

fn median(results: &Path, measure: Measure, line: &str, figure: &str) -> Result<f64, Failure> {
    let record: Option<Record> = page::kept(results, measure)?;
    let spread = record.and_then(|record| record.spread(line, figure));
    let missing = || format!("{}, {line}, {figure}: not measured yet", measure.name());
    Ok(spread.ok_or_else(missing)?.median)
}
