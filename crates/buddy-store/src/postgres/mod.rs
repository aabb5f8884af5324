//! A PostgreSQL that several nodes share. There is no master: what they must agree on, they agree on in the database.

use std::sync::Arc;

use buddy_core::time::UnixMillis;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{Change, Durability, Keyring, Nodes, StoreError, Vitals};

mod agents;
mod api_keys;
mod audit;
mod callbacks;
mod changes;
mod deleted_agents;
mod failure;
mod group;
mod inspection;
mod keys;
mod messages;
mod nodes;
mod partitions;
mod pool;
mod resolutions;
mod rows;
mod schema;
mod sessions;
mod statement;
mod tallies;
mod tls;
mod url;
mod writer;

use changes::Changes;
pub use inspection::{PostgresInspection, PostgresReading, TakesWrites};
pub use keys::PostgresKeys;
use nodes::Tenures;
use partitions::Partitions;
use pool::{Direct, Pool, reading};
pub use url::{BadDatabaseUrl, DatabaseUrl, Trust};
use writer::Writer;

/// Where the database is.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Its address.
    pub url: DatabaseUrl,
    /// What a power cut of the database's machine may take.
    pub durability: Durability,
}

/// Why the database cannot be used. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The configured key does not open the data.
    #[error(
        "BUDDY_MASTER_KEY does not open the data in --database-url: set the key that the data was made with, the same on every node"
    )]
    WrongMasterKey,
    /// A newer version has changed the tables beyond what this one can work with.
    #[error(
        "the database in --database-url has schema {found} and this version knows {known}: run the newer version of buddy that changed it"
    )]
    Newer {
        /// The schema of the database.
        found: i32,
        /// The newest schema that this version knows.
        known: i32,
    },
    /// The data holds agents but not the row that tells a wrong master key.
    #[error("the database in --database-url has lost its canary row: restore it from a backup")]
    NoCanary,
    /// The roots that are to be trusted cannot be read.
    #[error(
        "the certificates that sslrootcert in --database-url names cannot be used ({0}): name a PEM file with at least one"
    )]
    Roots(String),
    /// It cannot be reached, or refuses.
    #[error(
        "the database in --database-url cannot be used ({0}): check that it runs, that this machine reaches it, and that its user may create tables"
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

impl From<failure::Failure> for OpenError {
    fn from(failure: failure::Failure) -> Self {
        StoreError::from(failure).into()
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(error: tokio_postgres::Error) -> Self {
        failure::Failure::from(error).into()
    }
}

/// The store on PostgreSQL, as one of its nodes.
pub struct PostgresStore {
    pool: Pool,
    writer: Writer,
    keyring: Arc<Keyring>,
    partitions: Arc<Partitions>,
    tenures: Arc<Tenures>,
    heart: std::sync::Mutex<Option<JoinHandle<()>>>,
    changes: Changes,
    stop: CancellationToken,
    // Dropped without `close`, what goes on by itself ends too.
    _stops: DropGuard,
}

impl PostgresStore {
    /// Joins the nodes of a database, or makes its tables.
    ///
    /// Before the first write it is made sure that this version can work with the schema, and that the keys open the data.
    pub async fn open(settings: PostgresSettings, keyring: Keyring) -> Result<Self, OpenError> {
        let direct = Direct::new(&settings.url, settings.durability)?;
        schema::prepare(&direct, &keyring).await?;
        let stop = CancellationToken::new();
        let stops = stop.clone().drop_guard();
        let (tenures, heart) = nodes::start(direct.clone(), stop.clone()).await?;
        let changes = Changes::start(direct.clone(), tenures.current().id, stop.clone()).await?;
        let partitions = Arc::new(Partitions::default());
        Ok(Self {
            pool: Pool::new(&direct, pool::CONNECTIONS),
            writer: Writer::start(&direct, partitions.clone()),
            keyring: Arc::new(keyring),
            partitions,
            tenures,
            heart: std::sync::Mutex::new(Some(heart)),
            changes,
            stop,
            _stops: stops,
        })
    }

    /// Finishes what was asked before, and leaves: the sessions that are still pending are another node's from now on.
    /// What is asked later gets [`StoreError::Closed`].
    pub async fn close(&self) {
        self.writer.close().await;
        self.stop.cancel();
        let heart = self.heart.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
        if let Some(heart) = heart
            && heart.await.is_err()
        {
            tracing::error!("the task that shows this node alive did not end well");
        }
        self.pool.close();
    }

    /// What it knows of its own state, from memory alone.
    pub fn vitals(&self) -> Vitals {
        Vitals { failures: self.pool.failures.so_far(), pool: Some(self.pool.in_use()), log_bytes: None }
    }

    /// Shows that the database answers, that it takes writes, and that this version can work with its tables.
    pub async fn ready(&self) -> Result<(), StoreError> {
        reading!(self, |client| {
            let statement = client.prepare_cached(schema::READINESS).await?;
            schema::judge(&client.query_one(&statement, &[]).await?)
        })
    }

    /// By how many milliseconds this clock, which says `now`, is ahead of the database's. Good to half of what the
    /// question takes.
    pub async fn clock_offset(&self, now: UnixMillis) -> Result<i64, StoreError> {
        let begun = Instant::now();
        reading!(self, |client| schema::clock_offset(client, now, begun).await)
    }
}

impl Nodes for PostgresStore {
    fn tenure(&self) -> CancellationToken {
        self.tenures.current().token
    }

    fn tell(&self, change: Change) {
        self.changes.tell(change);
    }

    fn changes(&self) -> Option<mpsc::Receiver<Change>> {
        self.changes.heard()
    }
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PostgresStore(…)")
    }
}

#[cfg(test)]
mod tests;
