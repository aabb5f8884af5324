//! What all measurements share: where the programs are, the certificates, the room on disk, and how long is long enough.

use std::ffi::OsString;
use std::fmt::Arguments;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use buddy_shop::certificate::Authority;
use tempfile::TempDir;

use crate::Failure;
use crate::cores::PlatformCore;
use crate::process::Process;

/// How long anything lasts when it is only to be seen that it runs.
const SHORT: Duration = Duration::from_secs(1);
/// How many there are of anything then: few enough for a build that is not optimised.
const FEW: u32 = 50;
/// The host of every endpoint.
const HOST: &str = "127.0.0.1";

/// The programs.
pub(crate) struct Programs {
    pub(crate) buddy: PathBuf,
    /// The folder of the built peers, the endpoint and the driver.
    pub(crate) peers: PathBuf,
    /// The folder of their sources.
    pub(crate) sources: PathBuf,
}

/// How much is done.
pub(crate) struct Extent {
    /// Whether it is only to be seen that it runs.
    pub(crate) short: bool,
    /// What the large database of `grown` has.
    pub(crate) grown_sessions: u32,
}

pub(crate) struct Rig {
    pub(crate) programs: Programs,
    pub(crate) extent: Extent,
    pub(crate) core: PlatformCore,
    room: TempDir,
}

impl Rig {
    /// All files are made below `room`, and removed in the end.
    pub(crate) fn new(
        programs: Programs,
        core: PlatformCore,
        room: &Path,
        extent: Extent,
    ) -> Result<Self, Failure> {
        std::fs::create_dir_all(room)?;
        let rig = Self { programs, extent, core, room: TempDir::new_in(room)? };
        let authority = Authority::new()?;
        let (certificate, key) = authority.pem_for(HOST)?;
        std::fs::write(rig.ca(), authority.pem())?;
        std::fs::write(rig.certificate(), certificate)?;
        std::fs::write(rig.key(), key)?;
        Ok(rig)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.room.path().join("ca.pem")
    }

    pub(crate) fn certificate(&self) -> PathBuf {
        self.room.path().join("certificate.pem")
    }

    pub(crate) fn key(&self) -> PathBuf {
        self.room.path().join("key.pem")
    }

    /// An empty folder, on the disk that all that is kept is on.
    pub(crate) fn folder(&self) -> Result<TempDir, Failure> {
        Ok(TempDir::new_in(self.room.path())?)
    }

    /// Starts what is measured, on a core of its own.
    pub(crate) fn platform(
        &self,
        program: &Path,
        prepare: impl FnOnce(&mut Command),
        log: &Path,
    ) -> Result<Process, Failure> {
        start(&self.core.command(program), prepare, log)
    }

    /// Where all files are made.
    pub(crate) fn room(&self) -> PathBuf {
        self.room.path().to_owned()
    }

    /// The time that something lasts, or a second if it is only to be seen that it runs.
    pub(crate) fn lasting(&self, time: Duration) -> Duration {
        if self.extent.short { time.min(SHORT) } else { time }
    }

    /// So many, or few if it is only to be seen that it runs.
    pub(crate) fn as_many(&self, number: u32) -> u32 {
        if self.extent.short { number.min(FEW) } else { number }
    }
}

/// Starts what a command line names.
pub(crate) fn start(
    line: &[OsString],
    prepare: impl FnOnce(&mut Command),
    log: &Path,
) -> Result<Process, Failure> {
    let (first, rest) = line.split_first().ok_or("no program")?;
    let mut command = Command::new(first);
    command.args(rest);
    prepare(&mut command);
    Process::start(command, log)
}

/// What is done now; what comes of it is on standard output.
#[expect(clippy::print_stderr, reason = "a measurement takes minutes, and says how far it is")]
pub(crate) fn say(what: Arguments<'_>) {
    eprintln!("{what}");
}
