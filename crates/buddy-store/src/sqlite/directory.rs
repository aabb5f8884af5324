//! The files of the data directory: whose they are, who may read them, and how they are opened.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{Durability, OpenError};

/// The database, in the data dir.
pub const DATABASE_FILE: &str = "buddy.sqlite3";
/// What was written last, until it is brought into the database; `SQLite` names it so.
pub(super) const LOG_FILE: &str = "buddy.sqlite3-wal";
/// What those who have the log open share; of no use without them.
pub(super) const SHARED_MEMORY_FILE: &str = "buddy.sqlite3-shm";
const LOCK_FILE: &str = "buddy.lock";

/// Only a checkpoint ever holds the writer up, and only this process has the file: longer means a sick disk.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Above the number of statements there are, so that none is ever prepared twice.
pub(super) const CACHED_STATEMENTS: usize = 128;
/// The writer's pages in memory, in KiB (negative by `SQLite`'s convention): the ends of all trees it appends to. Of more each
/// commit costs more: where it has split a page out of order, SQLite looks through all of them.
const WRITER_CACHE: i32 = -4 * 1024;
/// A reader's: the inner pages of the hot trees.
const READER_CACHE: i32 = -4 * 1024;

/// Held for as long as anything may write. The operating system lets go of it when the process dies.
pub(super) struct DirectoryLock {
    _file: File,
}

impl DirectoryLock {
    /// Takes the directory for this process, or says that another has it.
    pub(super) fn take(directory: &Path) -> Result<Self, OpenError> {
        let path = directory.join(LOCK_FILE);
        let file = private_file(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { directory: directory.to_owned() }),
            Err(TryLockError::Error(error)) => Err(OpenError::File { path, error }),
        }
    }
}

/// The log of a database file, where `SQLite` looks for it.
pub(super) fn log_of(file: &Path) -> PathBuf {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}

/// Makes sure that what was renamed in a directory stays so after a power cut.
pub(super) fn flush_directory(directory: &Path) -> Result<(), std::io::Error> {
    File::open(directory)?.sync_all()
}

/// The database file, made readable by its owner only. `SQLite` gives its side files the same mode.
pub(super) fn private_database(directory: &Path) -> Result<PathBuf, OpenError> {
    let path = directory.join(DATABASE_FILE);
    private_file(&path)?;
    Ok(path)
}

fn private_file(path: &Path) -> Result<File, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let opened = options.open(path).and_then(|file| {
        // The mode above is for a new file, and less what the umask takes; this is for any.
        #[cfg(unix)]
        file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
        Ok(file)
    });
    opened.map_err(|error| OpenError::File { path: path.to_owned(), error })
}

/// What a connection is for.
#[derive(Clone, Copy)]
pub(super) enum OpenAs {
    Writer(Durability),
    Reader,
}

/// Opens a connection. Nothing is written yet.
pub(super) fn connect(file: &Path, open_as: OpenAs) -> Result<Connection, OpenError> {
    let access = match open_as {
        OpenAs::Writer(_) => OpenFlags::SQLITE_OPEN_READ_WRITE,
        OpenAs::Reader => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    // A connection is used by one thread at a time, so it needs no lock of its own.
    let connection = Connection::open_with_flags(file, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Else a prepared statement with a bound in it is planned anew for each value: a fifth of all the time of writing.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // A sort never goes to a temporary file.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    match open_as {
        OpenAs::Writer(durability) => {
            let synchronous = match durability {
                Durability::Full => "FULL",
                Durability::Normal => "NORMAL",
            };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.pragma_update(None, "foreign_keys", true)?;
            connection.pragma_update(None, "cache_size", WRITER_CACHE)?;
            // Both answer with the value that they took.
            connection.pragma_update_and_check(None, "secure_delete", "FAST", |_| Ok(()))?;
            connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(()))?;
        }
        OpenAs::Reader => connection.pragma_update(None, "cache_size", READER_CACHE)?,
    }
    Ok(connection)
}
