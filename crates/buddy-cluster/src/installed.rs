//! Where PostgreSQL is, and as whom it runs: it refuses to run as root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::is_there;

/// Whom Debian's package makes for it.
const USER: &str = "postgres";
/// Debian's folder for each version: none of it is on the PATH.
const VERSIONS: &str = "/usr/lib/postgresql";
const MISSING: &str =
    "PostgreSQL is missing: install it (on Debian: apt-get install postgresql) and run this again.";

/// The programs, and whose they are.
pub(crate) struct Installed {
    /// The folder with `initdb`, `pg_ctl` and `psql` in it.
    pub(crate) binaries: PathBuf,
    /// Where we are root: the ids of the user and of the group in whose place.
    other: Option<(u32, u32)>,
}

impl Installed {
    pub(crate) fn find() -> Self {
        let binaries = newest_version().or_else(on_the_path).expect(MISSING);
        let other = rustix::process::geteuid().is_root().then(|| ids_of(USER).expect(MISSING));
        Self { binaries, other }
    }

    /// One of its programs.
    pub(crate) fn postgres(&self, program: &str) -> Command {
        self.command(self.binaries.join(program))
    }

    /// Any program, as its user.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        if let Some((user, group)) = self.other {
            command.uid(user).gid(group);
        }
        command.current_dir("/");
        command
    }

    /// Makes a file or a folder its user's.
    pub(crate) fn give(&self, path: &Path) {
        if let Some((user, group)) = self.other {
            chown(path, Some(user), Some(group)).expect("root gives away what it likes");
        }
    }
}

fn newest_version() -> Option<PathBuf> {
    let versions = std::fs::read_dir(VERSIONS).ok()?.filter_map(Result::ok);
    let numbered =
        versions.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry)));
    let binaries = numbered.map(|(version, entry)| (version, entry.path().join("bin")));
    binaries.filter(|(_, path)| is_there(&path.join("initdb"))).max().map(|(_, path)| path)
}

fn on_the_path() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "a test asks where a program is, as a shell would")]
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find(|folder| is_there(&folder.join("initdb")))
}

/// As `/etc/passwd` has them: name, password, user, group.
fn ids_of(user: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = fields.filter(|fields| fields.first() == Some(&user));
    let fields = found.next()?;
    Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
}
