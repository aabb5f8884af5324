use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::conformance::{conformance, keys_conformance};
use crate::{MasterKey, Store};

mod backing_up;
mod inspecting;
mod keeping;
mod opening;
mod sealing;
mod vitals;

fn keyring(first: u8, others: &[u8]) -> Keyring {
    let key = |&byte: &u8| MasterKey::from_bytes([byte; 32]);
    Keyring::new(key(&first), others.iter().map(key).collect())
}

fn settings(directory: &Path) -> SqliteSettings {
    SqliteSettings { directory: directory.to_owned(), durability: Durability::Full }
}

fn open(directory: &TempDir, keyring: Keyring) -> SqliteStore {
    SqliteStore::open(settings(directory.path()), keyring).unwrap()
}

/// A store as the cases of the conformance suite take it.
fn shared(directory: &TempDir, keyring: Keyring) -> Arc<dyn Store> {
    Arc::new(open(directory, keyring))
}

fn fresh() -> (Arc<dyn Store>, TempDir) {
    let directory = TempDir::new().unwrap();
    (shared(&directory, keyring(1, &[])), directory)
}

/// The database, past the store.
fn raw(directory: &TempDir) -> Connection {
    Connection::open(directory.path().join("buddy.sqlite3")).unwrap()
}

/// Every file of the directory with all of its bytes.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let read = |entry: std::io::Result<std::fs::DirEntry>| {
        let path = entry.unwrap().path();
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    std::fs::read_dir(directory).unwrap().map(read).collect()
}

fn opened() -> std::future::Ready<(Arc<dyn Store>, TempDir)> {
    std::future::ready(fresh())
}

conformance!(opened);

impl crate::conformance::keys::Reopened for TempDir {
    async fn open(&self, first: u8, others: &[u8]) -> Arc<dyn Store> {
        shared(self, keyring(first, others))
    }
}

async fn unopened() -> TempDir {
    TempDir::new().unwrap()
}

keys_conformance!(unopened);

/// The statements of the files whose tables grow with every session, and of the others.
const HOT: &[&[&str]] = &[
    api_keys::ALL,
    audit::ALL,
    callbacks::ALL,
    keys::ALL,
    messages::ALL,
    resolutions::ALL,
    sessions::ALL,
    tallies::ALL,
];
const COLD: &[&[&str]] = &[
    agents::ALL,
    backup::ALL,
    checkpoint::ALL,
    deleted_agents::ALL,
    inspection::ALL,
    schema::ALL,
    writer::ALL,
];

#[test]
fn every_statement_fits_the_tables() {
    let (_store, directory) = fresh();
    let connection = raw(&directory);
    for sql in HOT.iter().chain(COLD).copied().flatten() {
        connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    let count = HOT.iter().chain(COLD).copied().flatten().count();
    assert!(count <= directory::CACHED_STATEMENTS, "{count}");
}

#[test]
fn no_statement_reads_through_a_hot_table() {
    let (_store, directory) = fresh();
    let connection = raw(&directory);
    let removing = [
        deleted_agents::REMOVE_SESSIONS,
        deleted_agents::REMOVE_MESSAGES,
        deleted_agents::REMOVE_RESOLUTIONS,
        deleted_agents::REMOVE_TALLIES,
    ];
    for sql in HOT.iter().copied().flatten().chain(&removing) {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps =
            plan.raw_query().mapped(|row| row.get::<_, String>("detail")).collect::<Result<Vec<_>, _>>();
        for step in steps.unwrap() {
            let whole_table =
                step.starts_with("SCAN ") && !step.contains("json_each") && step != "SCAN CONSTANT ROW";
            assert!(!whole_table && !step.contains("TEMP B-TREE"), "{sql}: {step}");
        }
    }
}

#[test]
fn what_is_asked_often_has_an_index_of_its_own() {
    let (_store, directory) = fresh();
    let connection = raw(&directory);
    for (sql, index) in [
        (sessions::PENDING, "sessions_pending"),
        (sessions::REVOKE_USER, "sessions_by_user"),
        (sessions::REMOVE_ENDED, "sessions_by_end"),
        (resolutions::LIST, "resolutions_by_number (agent_id=? AND number<?)"),
        (resolutions::LIST_OF_REASON, "resolutions_by_reason (agent_id=? AND reason=? AND number<?)"),
        (resolutions::LIST_OF_SESSION, "resolutions_by_session (session_id=? AND id<?)"),
        (resolutions::OF_SESSION, "resolutions_by_session (session_id=? AND id<?)"),
        (resolutions::SINCE, "resolutions_by_number (agent_id=? AND number>?)"),
        (resolutions::LAST_NUMBER, "resolutions_by_number (agent_id=?)"),
        (messages::CHANGED, "messages_by_change"),
        (messages::LAST_CHANGE, "messages_by_change"),
        (messages::HANDED_OVER, "messages_by_agent (agent_id=? AND handed_over>?)"),
        (messages::REMOVE_ENDED, "sessions_by_end"),
        (keys::CALLBACKS, "PRIMARY KEY (agent_id>?)"),
        (keys::SESSIONS, "PRIMARY KEY (id>?)"),
        (keys::MESSAGES, "PRIMARY KEY ((session_id,position)>(?,?))"),
        (keys::RENEW_IDENTITY, "PRIMARY KEY (id=?)"),
        (keys::RENEW_TEXT, "PRIMARY KEY (session_id=? AND position=?)"),
        (audit::LIST_OF_AGENT, "audit_by_agent (agent_id=? AND id<?)"),
        (tallies::OLD_MINUTES, "PRIMARY KEY (begins_at<?)"),
        (tallies::REMOVE_OLD, "tally_hours_by_begin (begins_at<?)"),
        (deleted_agents::REMOVE_SESSIONS, "sessions_by_user"),
        (deleted_agents::REMOVE_MESSAGES, "messages_by_agent"),
    ] {
        let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps: Vec<String> =
            plan.raw_query().mapped(|row| row.get("detail")).map(Result::unwrap).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{sql}: {steps:?}");
    }
}
