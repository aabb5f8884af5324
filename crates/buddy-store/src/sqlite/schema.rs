//! The tables, brought up to date; and the checks that come before the first write.

use refinery::{Migration, Runner};
use rusqlite::Connection;

use super::OpenError;
use super::statement::{execute, query_optional, statements};
use crate::columns::{CANARY_ROW, CANARY_TEXT};
use crate::seal::Place;
use crate::{Keyring, StoreError};

/// Every step from nothing to now, oldest first. A released one is never changed.
const MIGRATIONS: &[(&str, &str)] = &[
    ("V1__tables", include_str!("migrations/V1__tables.sql")),
    ("V2__messages", include_str!("migrations/V2__messages.sql")),
    ("V3__tallies", include_str!("migrations/V3__tallies.sql")),
    ("V4__resolution_numbers", include_str!("migrations/V4__resolution_numbers.sql")),
    ("V5__audit", include_str!("migrations/V5__audit.sql")),
    ("V6__resolution_reasons", include_str!("migrations/V6__resolution_reasons.sql")),
];

statements! {
    PROBE = "SELECT count(*) FROM canary";
    TABLE_EXISTS = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1";
    SCHEMA_VERSION = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    CANARY = "SELECT sealed FROM canary WHERE id = 1";
    KEEP_CANARY = "INSERT INTO canary (id, sealed) VALUES (1, ?1)";
    ANY_AGENT = "SELECT 1 FROM agents LIMIT 1";
}

/// Refuses a database that is not ours to write, and brings the others up to date.
pub(super) fn prepare(connection: &mut Connection, keyring: &Keyring) -> Result<(), OpenError> {
    let migrations = migrations();
    refuse_newer(connection)?;
    let has_canary = check_canary(connection, keyring)?;

    connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    // Grouped, so that a step and the note that it was taken are one transaction.
    Runner::new(&migrations)
        .set_grouped(true)
        .run(connection)
        .map_err(|error| OpenError::Database(error.to_string()))?;
    if !has_canary {
        let sealed = keyring.seal(Place::Canary, CANARY_ROW, CANARY_TEXT);
        execute(connection, KEEP_CANARY, [sealed])?;
    }
    Ok(())
}

/// Touches the file, and fails where it cannot be read.
pub(super) fn probe(connection: &Connection) -> Result<(), StoreError> {
    query_optional(connection, PROBE, [], |_| Ok(())).map(drop)
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
pub(super) fn found(connection: &Connection) -> Result<i32, OpenError> {
    if !table_exists(connection, "refinery_schema_history")? {
        return Ok(0);
    }
    Ok(query_optional(connection, SCHEMA_VERSION, [], |row| Ok(row.get(0)?))?.unwrap_or(0))
}

fn refuse_newer(connection: &Connection) -> Result<(), OpenError> {
    let (found, known) = (found(connection)?, known());
    if found > known { Err(OpenError::Newer { found, known }) } else { Ok(()) }
}

/// Whether there is a canary; if there is, it opens.
pub(super) fn check_canary(connection: &Connection, keyring: &Keyring) -> Result<bool, OpenError> {
    if !table_exists(connection, "canary")? {
        return Ok(false);
    }
    let sealed: Option<Vec<u8>> = query_optional(connection, CANARY, [], |row| Ok(row.get(0)?))?;
    match sealed {
        Some(sealed) => {
            keyring.open(Place::Canary, CANARY_ROW, &sealed)?;
            Ok(true)
        }
        // The very first start was cut off before its last step: nothing has been sealed yet.
        None if query_optional(connection, ANY_AGENT, [], |_| Ok(()))?.is_none() => Ok(false),
        None => Err(OpenError::NoCanary),
    }
}

fn table_exists(connection: &Connection, name: &str) -> Result<bool, OpenError> {
    Ok(query_optional(connection, TABLE_EXISTS, [name], |_| Ok(()))?.is_some())
}
