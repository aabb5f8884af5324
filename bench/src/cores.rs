//! The platform has a core for itself; the load, the endpoint and this program share another.

use std::ffi::OsString;
use std::path::Path;

use crate::Failure;

/// Where the platform runs.
#[derive(Clone)]
pub(crate) struct PlatformCore {
    allowed: Vec<usize>,
    platform: Option<usize>,
}

impl PlatformCore {
    /// Moves this thread, and all that it will start, to the first core that it may use; the second is the platform's.
    /// With one core only, all share it if that will do.
    pub(crate) fn set_apart(one_will_do: bool) -> Result<Self, Failure> {
        let allowed = affinity::allowed()?;
        let platform = allowed.get(1).copied();
        if platform.is_none() && !one_will_do {
            return Err("two cores are needed: one for what is measured, one for all else".into());
        }
        affinity::stay_on(&allowed[..1])?;
        Ok(Self { allowed, platform })
    }

    /// Lets this thread, and those that it will start, use all cores again.
    pub(crate) fn leave(&self) -> Result<(), Failure> {
        affinity::stay_on(&self.allowed)
    }

    /// The command line of `program` on the platform's core.
    pub(crate) fn command(&self, program: &Path) -> Vec<OsString> {
        match self.platform {
            Some(core) => on(&[core], program),
            None => vec![program.into()],
        }
    }

    /// The same on all cores, until it is [confined](Self::confine).
    pub(crate) fn command_everywhere(&self, program: &Path) -> Vec<OsString> {
        on(&self.allowed, program)
    }

    /// Moves all threads of a process to the platform's core.
    pub(crate) fn confine(&self, process: u32) -> Result<(), Failure> {
        let Some(core) = self.platform else { return Ok(()) };
        affinity::keep_on(process, &[core])
    }
}

fn on(cores: &[usize], program: &Path) -> Vec<OsString> {
    let cores = cores.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
    vec!["taskset".into(), "-c".into(), cores.into(), program.into()]
}

#[cfg(target_os = "linux")]
mod affinity {
    use rustix::process::Pid;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use crate::Failure;

    /// The cores that this thread may use: one at least.
    pub(super) fn allowed() -> Result<Vec<usize>, Failure> {
        let allowed = sched_getaffinity(None)?;
        Ok((0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core)).collect())
    }

    pub(super) fn stay_on(cores: &[usize]) -> Result<(), Failure> {
        Ok(sched_setaffinity(None, &set_of(cores))?)
    }

    /// Every thread that the process has now; those that they start later are where they are.
    pub(super) fn keep_on(process: u32, cores: &[usize]) -> Result<(), Failure> {
        let set = set_of(cores);
        for thread in std::fs::read_dir(format!("/proc/{process}/task"))? {
            let id = thread?.file_name().to_string_lossy().parse()?;
            sched_setaffinity(Pid::from_raw(id), &set)?;
        }
        Ok(())
    }

    fn set_of(cores: &[usize]) -> CpuSet {
        let mut set = CpuSet::new();
        for core in cores {
            set.set(*core);
        }
        set
    }
}

/// Elsewhere this program can be built, as a part of the whole, and not run.
#[cfg(not(target_os = "linux"))]
mod affinity {
    use crate::Failure;

    const NEEDED: &str = "Linux is needed: CPU time and memory are read from its /proc";

    pub(super) fn allowed() -> Result<Vec<usize>, Failure> {
        Err(NEEDED.into())
    }

    pub(super) fn stay_on(_: &[usize]) -> Result<(), Failure> {
        Err(NEEDED.into())
    }

    pub(super) fn keep_on(_: u32, _: &[usize]) -> Result<(), Failure> {
        Err(NEEDED.into())
    }
}
