//! The platform has a core for itself; the load, the endpoint and this program share another.

use std::ffi::OsString;
use std::path::Path;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::Failure;

/// Where the platform runs.
#[derive(Clone, Copy)]
pub(crate) struct PlatformCore {
    allowed: CpuSet,
    platform: Option<usize>,
}

impl PlatformCore {
    /// Moves this thread, and all that it will start, to the first core that it may use; the second is the platform's.
    /// With one core only, all share it if that will do.
    pub(crate) fn set_apart(one_will_do: bool) -> Result<Self, Failure> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(others), platform) = (cores.next(), cores.next()) else {
            return Err("no core is allowed".into());
        };
        if platform.is_none() && !one_will_do {
            return Err("two cores are needed: one for what is measured, one for all else".into());
        }
        let mut set = CpuSet::new();
        set.set(others);
        sched_setaffinity(None, &set)?;
        Ok(Self { allowed, platform })
    }

    /// Lets this thread, and those that it will start, use all cores again.
    pub(crate) fn leave(self) -> Result<(), Failure> {
        Ok(sched_setaffinity(None, &self.allowed)?)
    }

    /// The command line of `program` on the platform's core.
    pub(crate) fn command(self, program: &Path) -> Vec<OsString> {
        let mut line = Vec::new();
        if let Some(core) = self.platform {
            line.extend(["taskset".into(), "-c".into(), core.to_string().into()]);
        }
        line.push(program.into());
        line
    }
}
