//! A program that is measured, or helps with it: started here, and ended with the value that stands for it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use rustix::param::clock_ticks_per_second;

use crate::Failure;

/// Of `/proc/PID/stat`, after the name: user and system time, in clock ticks.
const STAT_UTIME: usize = 11;
const STAT_STIME: usize = 12;

pub(crate) struct Process {
    child: Child,
    output: BufReader<ChildStdout>,
    log: PathBuf,
}

impl Process {
    /// What it says on standard error goes to `log`.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self, Failure> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let mut child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        Ok(Self { child, output, log: log.to_owned() })
    }

    /// Waits for the next line, which ends with an address.
    pub(crate) fn announced(&mut self) -> Result<SocketAddr, Failure> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        let address = line.trim().rsplit('/').next().unwrap_or_default().parse();
        address.map_err(|_| {
            let log = std::fs::read_to_string(&self.log).unwrap_or_default();
            format!("did not start: {line}{log}").into()
        })
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The CPU time that all its threads have used, in microseconds. None of these programs starts another.
    pub(crate) fn cpu_micros(&self) -> Result<f64, Failure> {
        cpu_micros_of(self.child.id())
    }

    /// What it has had written to a disk, in bytes: pages of files, counted when they are changed.
    pub(crate) fn written_bytes(&self) -> Result<u64, Failure> {
        let io = std::fs::read_to_string(format!("/proc/{}/io", self.child.id()))?;
        let line = io.lines().find_map(|line| line.strip_prefix("write_bytes:")).ok_or("no write_bytes")?;
        Ok(line.trim().parse()?)
    }

    /// Its proportional set size: what it has in memory, shared pages by their share.
    pub(crate) fn pss_kib(&self) -> Result<f64, Failure> {
        let rollup = std::fs::read_to_string(format!("/proc/{}/smaps_rollup", self.child.id()))?;
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).ok_or("no Pss")?;
        Ok(line.trim().trim_end_matches("kB").trim().parse()?)
    }
}

/// The CPU time that all threads of a process have used, in microseconds.
pub(crate) fn cpu_micros_of(pid: u32) -> Result<f64, Failure> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name before it may have spaces and brackets.
    let (_, after) = stat.rsplit_once(')').ok_or("an unknown form of /proc/PID/stat")?;
    let fields: Vec<_> = after.split_whitespace().collect();
    let ticks = |field: usize| -> Result<f64, Failure> {
        Ok(fields.get(field).ok_or("an unknown form of /proc/PID/stat")?.parse()?)
    };
    let per_second = f64::from(u32::try_from(clock_ticks_per_second())?);
    Ok((ticks(STAT_UTIME)? + ticks(STAT_STIME)?) * 1e6 / per_second)
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
