//! Can the data dir be written, and for how long will there be room?

use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, access, statvfs};

use super::{Check, Finding};

const MIB: u64 = 1 << 20;
/// The write-ahead log may grow to 128 MiB, and is then written into the database once more.
const FREE_BYTES_MIN: u64 = 256 * MIB;
/// Room to notice it in time.
const FREE_BYTES_AMPLE: u64 = 1024 * MIB;
/// The database, its two side files, the lock, two secrets and their drafts, twice.
const FREE_FILES_MIN: u64 = 16;

/// What is kept there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// All there is.
    Database,
    /// A master key and an admin token at most, which are written once.
    Secrets,
}

/// What the kernel says of a place.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The data dir, or what is there of the way to it.
    pub(super) nearest: PathBuf,
    pub(super) writable: bool,
    pub(super) free_bytes: u64,
    /// `None` where the file system makes them as it needs them.
    pub(super) free_files: Option<u64>,
    /// The file system's name, if another machine keeps it.
    pub(super) network: Option<&'static str>,
}

/// Asks the kernel.
pub(super) fn read(data_dir: &Path) -> io::Result<Reading> {
    // A relative path's last ancestor is empty: that is the working directory.
    let there = |path: &&Path| path.as_os_str().is_empty() || path.exists();
    let nearest = data_dir.ancestors().find(there).unwrap_or(Path::new("/"));
    let nearest = if nearest.as_os_str().is_empty() { Path::new(".") } else { nearest };
    let told = statvfs(nearest)?;
    let read_only = told.f_flag.contains(StatVfsMountFlags::RDONLY);
    Ok(Reading {
        nearest: nearest.to_owned(),
        writable: !read_only
            && nearest.is_dir()
            && access(nearest, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        free_bytes: told.f_bavail.saturating_mul(told.f_frsize),
        free_files: (told.f_files > 0).then_some(told.f_favail),
        network: network(nearest),
    })
}

/// By the numbers of statfs(2).
#[cfg(target_os = "linux")]
fn network(path: &Path) -> Option<&'static str> {
    let kind = rustix::fs::statfs(path).ok()?.f_type;
    match u32::try_from(kind).ok()? {
        0x6969 => Some("NFS"),
        0x517b | 0xff53_4d42 | 0xfe53_4d42 => Some("SMB"),
        0x0102_1997 => Some("9P"),
        0x00c3_6400 => Some("Ceph"),
        0x5346_414f => Some("AFS"),
        _ => None,
    }
}

#[cfg(not(target_os = "linux"))]
fn network(_: &Path) -> Option<&'static str> {
    None
}

pub(super) fn judge(data_dir: &Path, holds: Holds, reading: io::Result<Reading>) -> Finding {
    let shown = data_dir.display();
    let Reading { nearest, writable, free_bytes, free_files, network } = match reading {
        Ok(reading) => reading,
        Err(error) => {
            let mend = "Run this as the user that runs the server, or name another --data-dir.";
            return Finding::fail(Check::Disk, format!("{shown} cannot be looked at: {error}"), mend);
        }
    };
    let free = format!("{} MiB are free", free_bytes / MIB);
    if !writable {
        let message = format!("{} cannot be written by this user", nearest.display());
        let mend = "Give it to the user that runs the server (and run this as that user), or name another --data-dir.";
        Finding::fail(Check::Disk, message, mend)
    } else if holds == Holds::Secrets {
        let made = if nearest == data_dir { "" } else { " does not exist yet, and" };
        Finding::ok(Check::Disk, format!("{shown}{made} can be written"))
    } else if let Some(network) = network {
        let message = format!("{shown} is on a network file system ({network})");
        let mend =
            "Move the data dir to a disk of this machine: SQLite's log and locks are not safe elsewhere.";
        Finding::fail(Check::Disk, message, mend)
    } else if free_bytes < FREE_BYTES_MIN {
        let mend =
            format!("Make room: below {} MiB the next sessions may not be stored.", FREE_BYTES_MIN / MIB);
        Finding::fail(Check::Disk, format!("{free} for {shown}"), mend)
    } else if free_files.is_some_and(|free| free < FREE_FILES_MIN) {
        let message = format!("the file system of {shown} has hardly any inodes left");
        Finding::fail(Check::Disk, message, "Remove small files that nobody needs, or move the data dir.")
    } else if free_bytes < FREE_BYTES_AMPLE {
        let mend = format!("Make room soon: it is too little below {} MiB.", FREE_BYTES_MIN / MIB);
        Finding::warn(Check::Disk, format!("{free} for {shown}"), mend)
    } else if nearest != data_dir {
        let message = format!("{shown} does not exist yet; {free} for it");
        let mend = "Start `buddy serve`, which makes it; if it has run before, name its --data-dir.";
        Finding::warn(Check::Disk, message, mend)
    } else {
        Finding::ok(Check::Disk, format!("{shown} can be written, {free}"))
    }
}
