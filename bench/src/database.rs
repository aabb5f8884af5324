//! A PostgreSQL as nodes have it: its commits reach the disk.

use buddy_cluster::Cluster;

use crate::Failure;
use crate::process::cpu_micros_of;

pub(crate) struct Database(Cluster);

impl Database {
    pub(crate) fn start() -> Self {
        Self(Cluster::start_durable())
    }

    /// The address of an empty one.
    pub(crate) fn empty(&self) -> String {
        self.0.url(&self.0.create_database(None))
    }

    /// The CPU time of all its processes that run, in microseconds. Those that serve connections run for as long as these.
    pub(crate) fn cpu_micros(&self) -> Result<f64, Failure> {
        self.0.processes().into_iter().map(|pid| cpu_micros_of(u32::try_from(pid)?)).sum()
    }
}
