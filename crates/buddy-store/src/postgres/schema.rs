//! The tables, brought up to date by one node while the others wait; and the checks that come before the first write.

use std::time::Duration;

use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use refinery::{Migration, Runner};
use tokio::time::{Instant, timeout};
use tokio_postgres::Client;
use tokio_util::task::AbortOnDropHandle;

use super::OpenError;
use super::failure::Failure;
use super::pool::Direct;
use super::statement::statements;
use crate::columns::{CANARY_ROW, CANARY_TEXT};
use crate::seal::Place;
use crate::{Keyring, StoreError};

/// Every step from nothing to now, oldest first. A released one is never changed.
///
/// While a newer version is rolled out, nodes of the older one go on writing: so a step only adds what the older one does
/// not mind. What has to go is left unused by one version, and removed by a later one, whose step raises `least_known` in
/// the table `compatibility` to the version that knows to do without.
const MIGRATIONS: &[(&str, &str)] = &[("V1__tables", include_str!("migrations/V1__tables.sql"))];

/// All that a start does at the tables, with the wait for the other nodes that start.
const PREPARING: Duration = Duration::from_mins(2);

statements! {
    // Whoever starts takes its turn. The number means nothing but is nobody else's here.
    TAKE_TURNS = "SELECT pg_advisory_lock(7308604758)";
    // Both the wait for the turn and a step may take longer than anything else.
    NO_HURRY = "SET statement_timeout = 0";
    TABLE_EXISTS = "SELECT to_regclass($1) IS NOT NULL AS is_there";
    SCHEMA_VERSION = "SELECT coalesce(max(version), 0) AS version FROM refinery_schema_history";
    LEAST_KNOWN = "SELECT least_known FROM compatibility";
    CANARY = "SELECT sealed FROM canary WHERE id = 1";
    KEEP_CANARY = "INSERT INTO canary (id, sealed) VALUES (1, $1)";
    ANY_AGENT = "SELECT 1 FROM agents LIMIT 1";
    READINESS = "SELECT pg_is_in_recovery() AS in_recovery,
        current_setting('transaction_read_only') = 'on' AS read_only, least_known FROM compatibility";
    CLOCK = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS millis";
}

/// Refuses a database that is not ours to write, and brings the others up to date.
pub(super) async fn prepare(direct: &Direct, keyring: &Keyring) -> Result<(), OpenError> {
    let preparing = async {
        let (mut client, driver) = direct.connect().await.map_err(StoreError::from)?;
        let driver = AbortOnDropHandle::new(tokio::spawn(driver.run()));
        client.batch_execute(NO_HURRY).await?;
        client.execute(TAKE_TURNS, &[]).await?;
        let prepared = prepare_in_turn(&mut client, keyring).await;
        // The turn ends with the connection.
        drop(driver);
        prepared
    };
    timeout(PREPARING, preparing).await.unwrap_or_else(|_| {
        Err(OpenError::Database("another node has not finished with the tables".to_owned()))
    })
}

async fn prepare_in_turn(client: &mut Client, keyring: &Keyring) -> Result<(), OpenError> {
    let (found, known) = (found(client).await?, known());
    refuse_newer(client, found, known).await?;
    let has_canary = check_canary(client, keyring).await?;
    if found < known {
        // Grouped, so that a step and the note that it was taken are one transaction.
        Runner::new(&migrations())
            .set_grouped(true)
            .run_async(client)
            .await
            .map_err(|error| OpenError::Database(error.to_string()))?;
    }
    if !has_canary {
        let sealed = keyring.seal(Place::Canary, CANARY_ROW, CANARY_TEXT);
        client.execute(KEEP_CANARY, &[&sealed]).await?;
    }
    Ok(())
}

fn migrations() -> Vec<Migration> {
    MIGRATIONS
        .iter()
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<_, _>>()
        .expect("the migrations are named V<number>__<name>")
}

/// The newest schema that this version knows.
pub(super) fn known() -> i32 {
    migrations().iter().map(Migration::version).max().expect("there is a first migration")
}

/// The schema of the database; 0 where it has no tables yet.
pub(super) async fn found(client: &Client) -> Result<i32, OpenError> {
    if !table_exists(client, "refinery_schema_history").await? {
        return Ok(0);
    }
    Ok(client.query_one(SCHEMA_VERSION, &[]).await?.try_get("version")?)
}

/// A newer schema is no hindrance as long as it says that this version can work with it.
pub(super) async fn refuse_newer(client: &Client, found: i32, known: i32) -> Result<(), OpenError> {
    if found <= known {
        return Ok(());
    }
    let least_known: i32 = client.query_one(LEAST_KNOWN, &[]).await?.try_get("least_known")?;
    if known < least_known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

/// Whether there is a canary; if there is, it opens.
pub(super) async fn check_canary(client: &Client, keyring: &Keyring) -> Result<bool, OpenError> {
    if !table_exists(client, "canary").await? {
        return Ok(false);
    }
    match client.query_opt(CANARY, &[]).await? {
        Some(row) => {
            let sealed: Vec<u8> = row.try_get("sealed")?;
            keyring.open(Place::Canary, CANARY_ROW, &sealed)?;
            Ok(true)
        }
        // The very first start was cut off before its last step: nothing has been sealed yet.
        None if client.query_opt(ANY_AGENT, &[]).await?.is_none() => Ok(false),
        None => Err(OpenError::NoCanary),
    }
}

async fn table_exists(client: &Client, name: &str) -> Result<bool, OpenError> {
    Ok(client.query_one(TABLE_EXISTS, &[&name]).await?.try_get("is_there")?)
}

/// By how many milliseconds this clock, which said `now` when the question was begun, is ahead of the database's. Good to
/// half of what the question takes.
pub(super) async fn clock_offset(
    client: &impl GenericClient,
    now: UnixMillis,
    begun: Instant,
) -> Result<i64, Failure> {
    let statement = client.prepare_cached(CLOCK).await?;
    let asked = begun.elapsed();
    let theirs: i64 = client.query_one(&statement, &[]).await?.try_get("millis")?;
    let middle = (asked + begun.elapsed()) / 2;
    let ours = now.0.saturating_add(i64::try_from(middle.as_millis()).unwrap_or(i64::MAX));
    Ok(ours.saturating_sub(theirs))
}

/// Whether it can be written, and by this version.
pub(super) fn judge(row: &tokio_postgres::Row) -> Result<(), Failure> {
    let unready = |text: String| Err(Failure::Store(StoreError::Database(text)));
    let (in_recovery, read_only): (bool, bool) = (row.try_get("in_recovery")?, row.try_get("read_only")?);
    let least_known: i32 = row.try_get("least_known")?;
    if in_recovery {
        return unready("it is a standby and takes no writes".to_owned());
    }
    if read_only {
        return unready("it takes no writes: its transactions are read-only".to_owned());
    }
    if known() < least_known {
        return unready(format!(
            "a newer version of buddy has changed its tables: schema {least_known} has to be known, and this version knows {}",
            known()
        ));
    }
    Ok(())
}
