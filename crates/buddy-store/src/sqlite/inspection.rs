//! A database seen from beside it: nothing is written, whether a server has it open or not.

use std::fmt::Write;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::directory::{BUSY_TIMEOUT, DATABASE_FILE, LOG_FILE, log_of};
use super::statement::{query_all, query_optional, statements};
use super::{OpenError, keys, schema};
use crate::{Keyring, SealedBy, StoreError};

/// Of `SQLite`, between two questions whether to go on: a moment, and few enough that a small database has some.
const INSTRUCTIONS: i32 = 100;

statements! {
    CALLED = "SELECT DISTINCT url FROM callbacks WHERE enabled ORDER BY url LIMIT ?1";
    // One fault is enough to know that there are faults.
    QUICK_CHECK = "PRAGMA quick_check(1)";
    INTEGRITY_CHECK = "PRAGMA integrity_check(1)";
}

/// The schema of a database, and the newest that this version knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schema {
    /// That of the database; 0 where it has no tables yet.
    pub found: i32,
    /// The newest one that is known.
    pub known: i32,
}

/// What `SQLite` says of a database's pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QuickCheck {
    /// They fit together.
    Sound,
    /// It was told to stop before the end, and had found nothing.
    Unfinished,
    /// The first fault, in `SQLite`'s words.
    Damaged(String),
}

/// A database that is looked at and not used.
#[derive(Debug)]
pub struct Inspection {
    pub(super) connection: Connection,
    file: PathBuf,
    log: PathBuf,
    /// The file before it was opened as one that does not change.
    unchanging: Option<Stamp>,
}

/// By which a file is seen to have been written: its number, its size, and the seconds and nanoseconds of its last write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp(u64, u64, i64, i64);

impl Stamp {
    fn of(file: &Path) -> Result<Self, OpenError> {
        let metadata = file.metadata().map_err(|error| OpenError::File { path: file.to_owned(), error })?;
        Ok(Self(metadata.ino(), metadata.size(), metadata.mtime(), metadata.mtime_nsec()))
    }
}

impl Inspection {
    /// Opens the database of a data directory; `None` where there is none.
    ///
    /// With a log beside it, a server has it open or has died: it is read as one of several readers. Without one
    /// nobody writes it, and it is read as a file that does not change, since a reader else makes a log of its own. Should
    /// a server start meanwhile and write it, what is asked then is [`OpenError::WrittenMeanwhile`].
    pub fn open(directory: &Path) -> Result<Option<Self>, OpenError> {
        let file = directory.join(DATABASE_FILE);
        match file.metadata() {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OpenError::File { path: file, error }),
        }
        let log = directory.join(LOG_FILE);
        Self::of(&file, log).map(Some)
    }

    /// Opens a database that nobody has open, wherever it is.
    pub(super) fn of_file(file: &Path) -> Result<Self, OpenError> {
        Self::of(file, log_of(file))
    }

    fn of(file: &Path, log: PathBuf) -> Result<Self, OpenError> {
        let unchanging = if log.exists() { None } else { Some(Stamp::of(file)?) };
        let alone = if unchanging.is_some() { "&immutable=1" } else { "" };
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(format!("file:{}?mode=ro{alone}", uri_path(file)), flags)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(Self { connection, file: file.to_owned(), log, unchanging })
    }

    /// What was read, if it is of one moment: well or not, for what changes beneath a reader looks damaged to it.
    fn if_unchanged<T>(&self, read: Result<T, OpenError>) -> Result<T, OpenError> {
        match self.unchanging {
            Some(before) if Stamp::of(&self.file)? != before => Err(OpenError::WrittenMeanwhile),
            _ => read,
        }
    }

    /// Which version wrote it.
    pub fn schema(&self) -> Result<Schema, OpenError> {
        let found = self.if_unchanged(schema::found(&self.connection))?;
        Ok(Schema { found, known: schema::known() })
    }

    /// Whether these keys open what is sealed in it, as a start finds out: `false` where nothing is sealed yet, an
    /// error where they do not.
    pub fn opens_with(&self, keyring: &Keyring) -> Result<bool, OpenError> {
        self.if_unchanged(schema::check_canary(&self.connection, keyring))
    }

    /// What each master key has sealed. Read in pages, so that a server beside it goes on as ever.
    pub fn sealed_by(&self) -> Result<SealedBy, OpenError> {
        if self.schema()?.found == 0 {
            return Ok(SealedBy::default());
        }
        self.if_unchanged(keys::sealed_by(&self.connection).map_err(OpenError::from))
    }

    /// The first fault of the whole database, in `SQLite`'s words. `None`: pages, indexes and values fit together.
    pub(super) fn fault(&self) -> Result<Option<String>, OpenError> {
        let told = query_optional(&self.connection, INTEGRITY_CHECK, [], |row| Ok(row.get::<_, String>(0)?));
        let told = self.if_unchanged(told.map_err(OpenError::from))?;
        Ok(told.filter(|told| told != "ok"))
    }

    /// Bytes of the write-ahead log.
    pub fn log_bytes(&self) -> u64 {
        self.log.metadata().map_or(0, |log| log.len())
    }

    /// Where agents' callbacks go: each URL once, at most so many, of those that are enabled.
    pub fn callback_urls(&self, limit: u32) -> Result<Vec<String>, OpenError> {
        let urls = query_all(&self.connection, CALLED, [limit], |row| Ok(row.get(0)?));
        self.if_unchanged(urls.map_err(OpenError::from))
    }

    /// Looks for pages that do not fit together, until `enough` says so. Writers are not held up.
    pub fn quick_check(
        &mut self,
        enough: impl FnMut() -> bool + Send + 'static,
    ) -> Result<QuickCheck, OpenError> {
        self.connection.progress_handler(INSTRUCTIONS, Some(enough))?;
        let told = self.connection.query_row(QUICK_CHECK, [], |row| row.get::<_, String>(0));
        self.connection.progress_handler(0, None::<fn() -> bool>)?;
        self.if_unchanged(match told {
            Ok(told) if told == "ok" => Ok(QuickCheck::Sound),
            Ok(fault) => Ok(QuickCheck::Damaged(fault)),
            Err(rusqlite::Error::SqliteFailure(code, _)) if code.code == ErrorCode::OperationInterrupted => {
                Ok(QuickCheck::Unfinished)
            }
            Err(error) => Err(StoreError::from(error).into()),
        })
    }
}

/// A path as it stands in a `file:` URI.
fn uri_path(path: &Path) -> String {
    path.as_os_str().as_bytes().iter().fold(String::new(), |mut uri, &byte| {
        match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => uri.push(byte.into()),
            _ => write!(uri, "%{byte:02x}").expect("a text takes all that is written"),
        }
        uri
    })
}
