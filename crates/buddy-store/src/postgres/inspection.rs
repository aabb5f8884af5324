//! A database seen by who is no node of it: nothing in it is made or changed, whether nodes run or not.

use std::future::poll_fn;
use std::time::Duration;

use buddy_core::time::UnixMillis;
use tokio::time::{Instant, timeout};
use tokio_postgres::AsyncMessage;

use super::failure::Failure;
use super::keys::Sealed;
use super::nodes::DEAD_AFTER;
use super::pool::{CONNECTIONS_OF_A_NODE, Direct, Driver, Pool, reading};
use super::statement::{get, query_all, statements};
use super::{OpenError, PostgresSettings, schema};
use crate::{Keyring, Schema, SealedBy, StoreError};

/// One asks, and where it was cut off another does.
const CONNECTIONS: u8 = 2;
/// What is said on one connection is heard on another within some milliseconds. Nodes that waited longer for each other
/// would find what is new by looking themselves.
const HEARD_WITHIN: Duration = Duration::from_secs(2);
/// The oldest that is tested, as PostgreSQL tells its major version.
const MAJOR_VERSION_MIN: i32 = 15;

statements! {
    // What is kept for superusers, and since version 16 for others, is not for nodes.
    FACTS = "SELECT current_setting('server_version_num')::integer / 10000 AS major_version,
        pg_is_in_recovery() AS in_recovery, current_setting('transaction_read_only') = 'on' AS read_only,
        coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
        least(
            current_setting('max_connections')::integer - current_setting('superuser_reserved_connections')::integer
                - coalesce(current_setting('reserved_connections', true)::integer, 0),
            (SELECT nullif(rolconnlimit, -1) FROM pg_roles WHERE rolname = current_user),
            (SELECT nullif(datconnlimit, -1) FROM pg_database WHERE datname = current_database())
        ) AS connections";
    NODES_ALIVE = "SELECT count(*) AS nodes FROM nodes
        WHERE seen_at > clock_timestamp() - make_interval(secs => $1)";
    IS_SEALED = "SELECT EXISTS (SELECT 1 FROM canary) AS is_sealed";
    // Some, found without looking through all of them.
    CALLED = "SELECT DISTINCT url FROM (SELECT url FROM callbacks WHERE enabled LIMIT $1) AS called ORDER BY url";
    // A word that nobody else says.
    WORD = "SELECT gen_random_uuid()::text AS word";
    LISTEN = "LISTEN buddy_inspection";
    UNLISTEN = "UNLISTEN buddy_inspection";
    NOTIFY = "SELECT pg_notify('buddy_inspection', $1)";
}

/// Whether the server takes writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesWrites {
    /// It does.
    Yes,
    /// It follows another.
    Standby,
    /// Transactions write nothing, unless they say so.
    ReadOnly,
}

/// What the server says of itself, and of its nodes.
#[derive(Clone, Debug)]
pub struct PostgresReading {
    /// PostgreSQL's major version.
    pub major_version: i32,
    /// It is one that nodes can work with.
    pub is_version_known: bool,
    /// Whether it takes writes.
    pub takes_writes: TakesWrites,
    /// This user may make tables.
    pub may_create: bool,
    /// Connections that this user may have in all.
    pub connections: i32,
    /// Connections that one node has at most.
    pub connections_of_a_node: i32,
    /// Of the tables; one beyond what is known can still be worked with.
    pub schema: Schema,
    /// A master key has been used.
    pub is_sealed: bool,
    /// Nodes that have shown within some seconds that they are alive.
    pub nodes_alive: i64,
}

/// A database that is looked at and not used.
#[derive(Debug)]
pub struct PostgresInspection {
    pub(super) pool: Pool,
    direct: Direct,
}

impl PostgresInspection {
    /// Connects when something is asked.
    pub fn new(settings: &PostgresSettings) -> Result<Self, OpenError> {
        let direct = Direct::new(&settings.url, settings.durability)?;
        Ok(Self { pool: Pool::new(&direct, CONNECTIONS), direct })
    }

    /// That of the tables, 0 where there are none. One that this version cannot work with is an error.
    pub async fn schema(&self) -> Result<Schema, OpenError> {
        let (found, known) = (reading!(self, |client| Ok(schema::found(client).await))??, schema::known());
        reading!(self, |client| Ok(schema::refuse_newer(client, found, known).await))??;
        Ok(Schema { found, known })
    }

    /// Whether these keys open what is sealed in it, as a start finds out: `false` where nothing is sealed yet, an
    /// error where they do not.
    pub async fn opens_with(&self, keyring: &Keyring) -> Result<bool, OpenError> {
        reading!(self, |client| Ok(schema::check_canary(client, keyring).await))?
    }

    /// What each master key has sealed. Read in pages, so that nodes go on as ever.
    pub async fn sealed_by(&self) -> Result<SealedBy, OpenError> {
        if self.schema().await?.found == 0 {
            return Ok(SealedBy::default());
        }
        Ok(Sealed { pool: &self.pool }.by().await?)
    }

    /// Nodes that have shown within some seconds that they are alive.
    pub async fn nodes_alive(&self) -> Result<i64, OpenError> {
        if self.schema().await?.found == 0 {
            return Ok(0);
        }
        Ok(reading!(self, |client| {
            let statement = client.prepare_cached(NODES_ALIVE).await?;
            let row = client.query_one(&statement, &[&DEAD_AFTER.as_secs_f64()]).await?;
            get(&row, "nodes")
        })?)
    }

    /// What it says of itself.
    pub async fn reading(&self) -> Result<PostgresReading, OpenError> {
        let row = reading!(self, |client| {
            let statement = client.prepare_cached(FACTS).await?;
            Ok(client.query_one(&statement, &[]).await?)
        })?;
        let schema = self.schema().await?;
        let major_version = get(&row, "major_version").map_err(StoreError::from)?;
        let fact = |column| get(&row, column).map_err(StoreError::from);
        Ok(PostgresReading {
            major_version,
            is_version_known: major_version >= MAJOR_VERSION_MIN,
            takes_writes: match (fact("in_recovery")?, fact("read_only")?) {
                (true, _) => TakesWrites::Standby,
                (false, true) => TakesWrites::ReadOnly,
                (false, false) => TakesWrites::Yes,
            },
            may_create: fact("may_create")?,
            connections: get(&row, "connections").map_err(StoreError::from)?,
            connections_of_a_node: CONNECTIONS_OF_A_NODE.into(),
            schema,
            is_sealed: schema.found > 0 && self.is_sealed().await?,
            nodes_alive: self.nodes_alive().await?,
        })
    }

    async fn is_sealed(&self) -> Result<bool, StoreError> {
        reading!(self, |client| {
            let statement = client.prepare_cached(IS_SEALED).await?;
            get(&client.query_one(&statement, &[]).await?, "is_sealed")
        })
    }

    /// By how many milliseconds this clock, which says `now`, is ahead of the database's. Good to half of what the
    /// question takes.
    pub async fn clock_offset(&self, now: UnixMillis) -> Result<i64, OpenError> {
        let begun = Instant::now();
        Ok(reading!(self, |client| schema::clock_offset(client, now, begun).await)?)
    }

    /// Where agents' callbacks go: of so many that are enabled, each URL once.
    pub async fn callback_urls(&self, limit: u32) -> Result<Vec<String>, OpenError> {
        let limit = i64::from(limit);
        Ok(reading!(self, |client| query_all(client, CALLED, &[&limit], |row| get(row, "url")).await)?)
    }

    /// Whether what is said on one connection is heard on another, as nodes tell each other what is new. A pooler that
    /// lends a connection for each transaction keeps it from them.
    pub async fn passes_notifications(&self) -> Result<bool, OpenError> {
        let (listener, mut driver) = self.direct.connect().await?;
        let listening = async {
            let word: String = get(&listener.query_one(WORD, &[]).await?, "word")?;
            listener.batch_execute(LISTEN).await?;
            Ok::<_, Failure>(word)
        };
        let word = driven(&mut driver, listening).await?;
        reading!(self, |client| {
            let statement = client.prepare_cached(NOTIFY).await?;
            Ok(client.query_one(&statement, &[&word]).await?)
        })?;
        let heard = timeout(HEARD_WITHIN, hear(&mut driver, &word)).await.unwrap_or(false);
        // Behind a pooler the connection is another's next.
        let unlistening = async { Ok(listener.batch_execute(UNLISTEN).await?) };
        driven(&mut driver, unlistening).await?;
        Ok(heard)
    }
}

/// Does what needs the other half of its connection meanwhile.
async fn driven<T>(
    driver: &mut Driver,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::pin!(work);
    let ended = Failure::NoConnection("it has closed the connection");
    let done = async {
        loop {
            tokio::select! {
                biased;
                done = &mut work => return done,
                message = poll_fn(|context| driver.poll_message(context)) => {
                    if !matches!(message, Some(Ok(_))) {
                        return Err(ended);
                    }
                }
            }
        }
    };
    super::pool::in_time(done).await
}

/// Until the word is heard; `false`: the connection has ended before.
async fn hear(driver: &mut Driver, word: &str) -> bool {
    while let Some(Ok(message)) = poll_fn(|context| driver.poll_message(context)).await {
        if matches!(&message, AsyncMessage::Notification(said) if said.payload() == word) {
            return true;
        }
    }
    false
}
