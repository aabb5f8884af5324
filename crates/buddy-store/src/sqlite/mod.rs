//! One file in the data directory: one thread writes in groups, a few connections read.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tokio_util::sync::CancellationToken;

use crate::vitals::FailureCounts;
use crate::{Keyring, StoreError, Vitals};

mod agents;
mod api_keys;
mod audit;
mod backup;
mod callbacks;
mod checkpoint;
mod deleted_agents;
mod directory;
mod inspection;
mod keys;
mod messages;
mod nodes;
mod readers;
mod resolutions;
mod restore;
mod schema;
mod sessions;
mod statement;
mod tallies;
mod writer;

pub use backup::{BackedUp, BackupError, back_up};
pub use directory::DATABASE_FILE;
use directory::{DirectoryLock, OpenAs};
pub use inspection::{Inspection, QuickCheck, Schema};
use readers::Readers;
pub use restore::{RestoreError, Restored, restore};
use writer::{Group, Writer};

/// How much of what was answered a power cut may take. A crash of the server takes nothing either way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing: every commit is flushed to the disk.
    #[default]
    Full,
    /// The last moments: commits are flushed with the next checkpoint.
    Normal,
}

/// Where the database is and how it writes.
#[derive(Clone, Debug)]
pub struct SqliteSettings {
    /// The data directory; it exists, and no one but the server may read it.
    pub directory: PathBuf,
    /// What a power cut may take.
    pub durability: Durability,
}

/// Why the data cannot be used. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configured key does not open the data.
    #[error(
        "BUDDY_MASTER_KEY does not open this data: set the key that the data was made with (or put its key file back), or name another --data-dir"
    )]
    WrongMasterKey,
    /// A newer version has written the database.
    #[error(
        "the database in --data-dir has schema {found} and this version knows {known}: run the newer version of buddy that wrote it"
    )]
    Newer {
        /// The schema of the database.
        found: i32,
        /// The newest schema that this version knows.
        known: i32,
    },
    /// Another process has the directory.
    #[error(
        "another buddy uses the data directory {}: stop it, or name another --data-dir",
        directory.display()
    )]
    InUse {
        /// The data directory.
        directory: PathBuf,
    },
    /// A file of the data directory cannot be made or opened.
    #[error("{} cannot be opened ({error}): check that --data-dir exists and buddy may write there", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: std::io::Error,
    },
    /// It was looked at while nobody had it open, and was written meanwhile: what was read is of no one moment.
    #[error("a server has begun to write the database in --data-dir while it was looked at: run this again")]
    WrittenMeanwhile,
    /// The data holds agents but not the row that tells a wrong master key.
    #[error("the database in --data-dir has lost its canary row: restore the data directory from a backup")]
    NoCanary,
    /// `SQLite` refused or failed.
    #[error(
        "the database in --data-dir cannot be used ({0}): check the disk, or restore the data directory from a backup"
    )]
    Database(String),
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Sealed { .. } => Self::WrongMasterKey,
            StoreError::Database(text) => Self::Database(text),
            other => Self::Database(other.to_string()),
        }
    }
}

impl From<rusqlite::Error> for OpenError {
    fn from(error: rusqlite::Error) -> Self {
        StoreError::from(error).into()
    }
}

/// The store on `SQLite`. Dropped without [`Self::close`] it still finishes what was asked of it.
pub struct SqliteStore {
    // Before the writer, so that these connections are closed before the directory is let go.
    readers: Readers,
    writer: Writer,
    keyring: Arc<Keyring>,
    /// Never cancelled: there is no other node.
    tenure: CancellationToken,
    failures: FailureCounts,
    log: PathBuf,
}

impl SqliteStore {
    /// Opens the database of the data directory, or makes it. Blocks for as long as that takes.
    ///
    /// Before the first write it is made sure that no other process uses the directory, that this version knows
    /// the schema, and that the keys open the data.
    pub fn open(settings: SqliteSettings, keyring: Keyring) -> Result<Self, OpenError> {
        let SqliteSettings { directory, durability } = settings;
        let lock = DirectoryLock::take(&directory)?;
        let file = directory::private_database(&directory)?;
        let mut connection = directory::connect(&file, OpenAs::Writer(durability))?;
        schema::prepare(&mut connection, &keyring)?;
        let checkpoints = directory::connect(&file, OpenAs::Writer(durability))?;
        let readers = (0..readers::CONNECTIONS)
            .map(|_| directory::connect(&file, OpenAs::Reader))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            writer: Writer::start(connection, checkpoints, lock)?,
            readers: Readers::new(readers),
            keyring: Arc::new(keyring),
            tenure: CancellationToken::new(),
            failures: FailureCounts::default(),
            log: directory::log_of(&file),
        })
    }

    /// Finishes what was asked before, brings all of it into the one database file, and lets the directory go.
    /// What is asked later gets [`StoreError::Closed`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// Shows that reading and writing both go on.
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.read(schema::probe).await?;
        self.write(|_| Ok(())).await
    }

    /// What it knows of its own state. Asks the operating system for the log's length, and the database for nothing.
    pub async fn vitals(&self) -> Vitals {
        let log = self.log.clone();
        let looked = tokio::task::spawn_blocking(move || std::fs::metadata(log)).await;
        let log_bytes = match looked {
            Ok(Ok(metadata)) => Some(metadata.len()),
            // SQLite makes it with the first write.
            Ok(Err(error)) if error.kind() == ErrorKind::NotFound => Some(0),
            Ok(Err(_)) | Err(_) => None,
        };
        Vitals { failures: self.failures.so_far(), pool: None, log_bytes }
    }

    async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.failures.counted(self.readers.read(work).await)
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.failures.counted(self.writer.write(work).await)
    }

    async fn write_often<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: Fn(&Connection, &mut Group) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.failures.counted(self.writer.write_often(work).await)
    }
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SqliteStore(…)")
    }
}

#[cfg(test)]
mod tests;
