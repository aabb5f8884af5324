//! A copy of the database in one file, made while a server goes on.
//!
//! `VACUUM INTO` reads the state of one moment, as any reader does, and holds no writer up. It copies what is there and
//! not the file's pages: what was removed, and is still on a page that is free, is in no backup.

use std::fs::Permissions;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};
use tempfile::NamedTempFile;

use super::directory::{BUSY_TIMEOUT, DATABASE_FILE, flush_directory};
use super::statement::{execute, statements};
use super::{Inspection, OpenError, schema};

/// Beside the backup, until it is whole.
const DRAFT: &str = ".buddy-backup-";
/// A backup is for its owner alone, whatever the umask says.
const PRIVATE: u32 = 0o600;

statements! {
    COPY = "VACUUM INTO ?1";
}

/// A backup that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// Its size.
    pub bytes: u64,
    /// The schema of what is in it.
    pub schema: i32,
}

/// Why there is no backup. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// There is nothing to copy.
    #[error("{} has no database yet: name the --data-dir of a server that has run", directory.display())]
    Nothing {
        /// The data directory.
        directory: PathBuf,
    },
    /// The file is there already.
    #[error("{} is there already: name another file, or add --force to replace it", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// The database cannot be read.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The copy cannot be written.
    #[error(
        "{} cannot be written ({error}): check that there is room and buddy may write there, and run `buddy doctor`",
        file.display()
    )]
    File {
        /// The file.
        file: PathBuf,
        /// What the operating system says, or `SQLite`.
        error: String,
    },
    /// The copy was checked, and is not whole.
    #[error("the copy is damaged ({fault}) and was not kept: run `buddy doctor`, and check the disk")]
    Damaged {
        /// The first fault.
        fault: String,
    },
}

/// Copies the database of a data directory into `file`, whether a server has it open or not. Blocks for as long as that
/// takes. The file is there once it is whole, flushed and checked, and is its owner's alone. With `replace` it takes the
/// place of one that is there.
pub fn back_up(directory: &Path, file: &Path, replace: bool) -> Result<BackedUp, BackupError> {
    if !replace && file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists { file: file.to_owned() });
    }
    let source = open(directory)?;
    let unwritten =
        |error: &dyn std::fmt::Display| BackupError::File { file: file.to_owned(), error: error.to_string() };
    let beside = file.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let draft =
        tempfile::Builder::new().prefix(DRAFT).tempfile_in(beside).map_err(|error| unwritten(&error))?;
    let path = draft.path().to_str().ok_or_else(|| unwritten(&"its path is no UTF-8"))?;
    execute(&source, COPY, [path]).map_err(|error| unwritten(&error))?;
    drop(source);
    let backed_up = checked(&draft, &unwritten)?;
    keep(draft, file, replace).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => BackupError::Exists { file: file.to_owned() },
        _ => unwritten(&error),
    })?;
    flush_directory(beside).map_err(|error| unwritten(&error))?;
    Ok(backed_up)
}

/// As one of those who use the database, so that nothing a server does meanwhile can tear the copy.
fn open(directory: &Path) -> Result<Connection, BackupError> {
    let nothing = || BackupError::Nothing { directory: directory.to_owned() };
    let file = directory.join(DATABASE_FILE);
    match file.metadata() {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(nothing()),
        Err(error) => return Err(OpenError::File { path: file, error }.into()),
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let source = Connection::open_with_flags(file, flags).map_err(OpenError::from)?;
    source.busy_timeout(BUSY_TIMEOUT).map_err(OpenError::from)?;
    if schema::found(&source)? == 0 { Err(nothing()) } else { Ok(source) }
}

/// Flushes the copy, and makes sure that it is whole.
fn checked(
    draft: &NamedTempFile,
    unwritten: &impl Fn(&dyn std::fmt::Display) -> BackupError,
) -> Result<BackedUp, BackupError> {
    let file = draft.as_file();
    let flushed = file.set_permissions(Permissions::from_mode(PRIVATE)).and_then(|()| file.sync_all());
    flushed.map_err(|error| unwritten(&error))?;
    let copy = Inspection::of_file(draft.path())?;
    if let Some(fault) = copy.fault()? {
        return Err(BackupError::Damaged { fault });
    }
    let bytes = file.metadata().map_err(|error| unwritten(&error))?.len();
    Ok(BackedUp { bytes, schema: copy.schema()?.found })
}

fn keep(draft: NamedTempFile, file: &Path, replace: bool) -> Result<(), io::Error> {
    let kept = if replace { draft.persist(file) } else { draft.persist_noclobber(file) };
    kept.map(drop).map_err(|refused| refused.error)
}
