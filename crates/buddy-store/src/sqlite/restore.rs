//! Putting a backup in place. The copy is made and checked first; what is there is moved aside last, and never deleted.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

use super::directory::{DATABASE_FILE, DirectoryLock, LOG_FILE, SHARED_MEMORY_FILE, flush_directory, log_of};
use super::{Inspection, OpenError, Schema};
use crate::Keyring;

/// In the data directory, until it is checked.
const DRAFT: &str = ".buddy-restore-";

/// A backup that was put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Its size.
    pub bytes: u64,
    /// Its schema; the next start brings it up to date.
    pub schema: Schema,
    /// The directory to which the old database was moved.
    pub moved_to: Option<PathBuf>,
}

/// Why a backup was not put in place; nothing was replaced then. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It is not there, or is not to be read.
    #[error("{} cannot be read ({error}): name a file that `buddy backup` has written", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// It is something else.
    #[error("{} is no backup of Buddy ({why}): name a file that `buddy backup` has written", file.display())]
    NoBackup {
        /// The file.
        file: PathBuf,
        /// By what that is known.
        why: String,
    },
    /// It is not whole.
    #[error("{} is damaged ({fault}): restore an older backup", file.display())]
    Damaged {
        /// The file.
        file: PathBuf,
        /// The first fault.
        fault: String,
    },
    /// A newer version has written it.
    #[error(
        "{} has schema {found} and this version knows {known}: restore it with the newer version of buddy that wrote it",
        file.display()
    )]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest schema that this version knows.
        known: i32,
    },
    /// What is sealed in it does not open.
    #[error(
        "the master key does not open {}: set BUDDY_MASTER_KEY to the key that was kept apart from this backup, or put its master.key into the data dir",
        file.display()
    )]
    WrongMasterKey {
        /// The file.
        file: PathBuf,
    },
    /// There is a database.
    #[error(
        "{} holds a database already: name another --data-dir, or add --force to move the old database aside",
        directory.display()
    )]
    Occupied {
        /// The data directory.
        directory: PathBuf,
    },
    /// The data directory is in use, or cannot be written.
    #[error(transparent)]
    Open(#[from] OpenError),
}

/// Puts the backup `file` into a data directory that no server uses. With `replace`, a database that is there is moved
/// into the directory's new sub-directory `aside`. Blocks for as long as that takes.
///
/// Before anything is replaced it is made sure that the backup is whole, of a schema that is known, and that the keys
/// open it.
pub fn restore(
    file: &Path,
    directory: &Path,
    keyring: &Keyring,
    replace: bool,
    aside: &str,
) -> Result<Restored, RestoreError> {
    let _lock = DirectoryLock::take(directory)?;
    let is_occupied = [DATABASE_FILE, LOG_FILE].iter().any(|name| directory.join(name).exists());
    if is_occupied && !replace {
        return Err(RestoreError::Occupied { directory: directory.to_owned() });
    }
    let draft = copied(file, directory)?;
    let schema = checked(file, draft.path(), keyring)?;
    let unwritten = |error| OpenError::File { path: directory.to_owned(), error };
    let bytes = draft.as_file().metadata().map_err(unwritten)?.len();
    let moved_to = is_occupied.then(|| move_aside(directory, aside)).transpose().map_err(unwritten)?;
    unless_missing(fs::remove_file(directory.join(SHARED_MEMORY_FILE))).map_err(unwritten)?;
    // No log of the old database may be left when the new one takes its place, not after a power cut either.
    flush_directory(directory).map_err(unwritten)?;
    draft.persist(directory.join(DATABASE_FILE)).map_err(|refused| unwritten(refused.error))?;
    flush_directory(directory).map_err(unwritten)?;
    Ok(Restored { bytes, schema, moved_to })
}

/// A flushed copy in the data directory, for its owner alone.
fn copied(file: &Path, directory: &Path) -> Result<NamedTempFile, RestoreError> {
    let unread = |error| RestoreError::File { file: file.to_owned(), error };
    let log = log_of(file);
    if log.metadata().is_ok_and(|log| log.len() > 0) {
        let why = format!("{} is beside it, so it is a database in use or a piece of one", log.display());
        return Err(RestoreError::NoBackup { file: file.to_owned(), why });
    }
    let mut source = File::open(file).map_err(unread)?;
    if !source.metadata().map_err(unread)?.is_file() {
        return Err(RestoreError::NoBackup { file: file.to_owned(), why: "it is no file".into() });
    }
    let unwritten = |error| OpenError::File { path: directory.to_owned(), error };
    let mut draft = tempfile::Builder::new().prefix(DRAFT).tempfile_in(directory).map_err(unwritten)?;
    io::copy(&mut source, &mut draft).and_then(|_| draft.as_file().sync_all()).map_err(unwritten)?;
    Ok(draft)
}

/// Makes sure that the copy may take the database's place. What is wrong is said of the file that it is of.
fn checked(file: &Path, copy: &Path, keyring: &Keyring) -> Result<Schema, RestoreError> {
    let file = file.to_owned();
    let unfit = |error: OpenError| match error {
        OpenError::WrongMasterKey => RestoreError::WrongMasterKey { file: file.clone() },
        OpenError::Database(why) => RestoreError::NoBackup { file: file.clone(), why },
        other => RestoreError::NoBackup { file: file.clone(), why: other.to_string() },
    };
    let inspection = Inspection::of_file(copy).map_err(unfit)?;
    let schema = inspection.schema().map_err(unfit)?;
    if schema.found == 0 {
        return Err(RestoreError::NoBackup { file, why: "it has none of Buddy's tables".into() });
    }
    let Schema { found, known } = schema;
    if found > known {
        return Err(RestoreError::Newer { file, found, known });
    }
    if let Some(fault) = inspection.fault().map_err(unfit)? {
        return Err(RestoreError::Damaged { file, fault });
    }
    if !inspection.opens_with(keyring).map_err(unfit)? {
        return Err(RestoreError::NoBackup { file, why: "nothing is sealed in it".into() });
    }
    Ok(schema)
}

/// Moves the database aside with its log, which may have its last writes. Should this be cut off, no database is left in
/// place, and it is done again.
fn move_aside(directory: &Path, aside: &str) -> Result<PathBuf, io::Error> {
    let aside = directory.join(aside);
    DirBuilder::new().mode(0o700).create(&aside)?;
    for name in [DATABASE_FILE, LOG_FILE] {
        unless_missing(fs::rename(directory.join(name), aside.join(name)))?;
    }
    flush_directory(&aside)?;
    Ok(aside)
}

fn unless_missing(done: Result<(), io::Error>) -> Result<(), io::Error> {
    match done {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
