//! What is made sure of before the first write.

use std::os::unix::fs::PermissionsExt;

use buddy_core::message::Sender;
use buddy_core::reason::Reason;
use rusqlite::config::DbConfig;

use super::*;
use crate::conformance::fixtures::*;

/// A directory with one agent in it, closed well.
async fn closed_with_agent() -> TempDir {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    crate::Agents::create_agent(&store, agent(1), entry()).await.unwrap();
    store.close().await;
    directory
}

async fn has_agent(store: SqliteStore) -> bool {
    crate::Agents::agent(&store, id(1)).await.unwrap() == Some(agent(1))
}

fn refusal(directory: &TempDir, keyring: Keyring) -> OpenError {
    SqliteStore::open(settings(directory.path()), keyring).unwrap_err()
}

#[tokio::test]
async fn a_wrong_master_key_is_refused_and_nothing_is_written() {
    let directory = closed_with_agent().await;
    let before = files(directory.path());
    for wrong in [keyring(2, &[]), keyring(2, &[3, 4])] {
        assert!(matches!(refusal(&directory, wrong), OpenError::WrongMasterKey));
    }
    assert_eq!(files(directory.path()), before);
    assert!(has_agent(open(&directory, keyring(1, &[]))).await);
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_nothing_is_written() {
    let directory = closed_with_agent().await;
    raw(&directory)
        .execute(
            "INSERT INTO refinery_schema_history
                SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1",
            [],
        )
        .unwrap();
    let before = files(directory.path());
    let refused = refusal(&directory, keyring(1, &[]));
    assert!(matches!(refused, OpenError::Newer { found: 99, known: 6 }), "{refused}");
    assert_eq!(files(directory.path()), before);
}

#[tokio::test]
async fn data_of_the_first_schema_is_brought_up_to_date_and_goes_on() {
    let directory = closed_with_agent().await;
    let store = shared(&directory, keyring(1, &[]));
    identified(&store, id(1), 1, "ada").await;
    store.create_session(pending(id(1), 2), None).await.unwrap();
    drop(store);
    back_to_the_second_schema(&directory);
    // And to what the first version wrote.
    raw(&directory)
        .execute_batch(
            "DROP TABLE messages;
            ALTER TABLE agents DROP COLUMN handed_over;
            ALTER TABLE deleted_agents DROP COLUMN messages_left;
            DELETE FROM refinery_schema_history WHERE version = 2;",
        )
        .unwrap();

    let store = shared(&directory, keyring(1, &[]));
    assert_eq!(store.agent(id(1)).await.unwrap(), Some(agent(1)));
    for number in [1, 2] {
        let said = message(id(number), number, Sender::Visitor);
        store.write_message(said, NOW).await.unwrap();
    }
    store.settle_session(id(2), authenticated(id(1), 2, "bob")).await.unwrap();
    let handed_over = store.handed_over(id(1), 0, 10, NOW).await.unwrap();
    assert_eq!(handed_over.iter().map(|handed| handed.message.id).collect::<Vec<_>>(), [id(1), id(2)]);
}

fn back_to_the_second_schema(directory: &TempDir) {
    back_to_the_third_schema(directory);
    raw(directory)
        .execute_batch(
            "DROP TABLE tally_minutes;
            DROP TABLE tally_hours;
            ALTER TABLE deleted_agents DROP COLUMN tallies_left;
            DELETE FROM refinery_schema_history WHERE version > 2;",
        )
        .unwrap();
}

fn back_to_the_third_schema(directory: &TempDir) {
    raw(directory)
        .execute_batch(
            "DROP TABLE audit;
            DROP INDEX resolutions_by_reason;
            DROP INDEX resolutions_by_number;
            DROP INDEX resolutions_by_session;
            CREATE INDEX resolutions_by_agent ON resolutions (agent_id, id);
            ALTER TABLE resolutions DROP COLUMN number;
            DELETE FROM refinery_schema_history WHERE version > 3;",
        )
        .unwrap();
}

#[tokio::test]
async fn resolutions_of_the_third_schema_are_numbered_below_those_to_come() {
    let directory = closed_with_agent().await;
    let store = shared(&directory, keyring(1, &[]));
    store.create_agent(agent(2), entry()).await.unwrap();
    for number in [3, 1, 2] {
        resolved(&store, id(1), number, Reason::Html).await;
        resolved(&store, id(2), number + 10, Reason::Html).await;
    }
    drop(store);
    back_to_the_third_schema(&directory);
    let store = shared(&directory, keyring(1, &[]));
    resolved(&store, id(1), 4, Reason::Html).await;
    let numbered = store.resolutions_since(id(1), 0, 10).await.unwrap();
    let numbers = numbered.iter().map(|one| one.number).collect::<Vec<_>>();
    assert_eq!(numbers[..3], [1, 2, 3]);
    assert!(numbers[3] > 3);
    let order = numbered.iter().map(|one| one.resolution.id).collect::<Vec<_>>();
    assert_eq!(order, [id(1), id(2), id(3), id(4)]);
    assert_eq!(store.last_resolution_number(id(2)).await.unwrap(), 3);
}

#[tokio::test]
async fn resolutions_of_the_second_schema_are_counted_in_as_if_they_were_settled_now() {
    let directory = closed_with_agent().await;
    let store = shared(&directory, keyring(1, &[]));
    store.create_agent(agent(2), entry()).await.unwrap();
    for (number, &reason) in (100..).zip(Reason::ALL) {
        resolved(&store, id(1), number, reason).await;
    }
    // Every bucket's least and greatest duration, and some that are too long.
    let edges = (0..33).map(|bits| 1_u64 << bits).flat_map(|least| [least - 1, least, least + least / 3]);
    for (number, duration) in (200..).zip(edges) {
        let agent_id = id(1 + number % 2);
        let mut settlement = Arc::unwrap_or_clone(authenticated(agent_id, number, "ada"));
        settlement.resolution.duration = duration;
        settlement.resolved_at.0 =
            settlement.resolution.started_at.0 + i64::try_from(duration / 1000).unwrap();
        store.create_session(session(agent_id, number), Some(settlement.into())).await.unwrap();
    }
    for number in 300..303 {
        store.create_session(session(id(2), number), Some(nobody(id(2), number))).await.unwrap();
    }
    let counted = async |store: &Arc<dyn Store>| {
        let mut counted = Vec::new();
        for agent_id in [id(1), id(2)] {
            counted.push(store.tallies(agent_id, NOW..later(2 * 3600), 60).await.unwrap());
        }
        counted
    };
    let expected = counted(&store).await;
    assert!(expected.iter().all(|minutes| minutes.len() > 2), "{expected:?}");
    drop(store);
    back_to_the_second_schema(&directory);
    let store = shared(&directory, keyring(1, &[]));
    assert_eq!(counted(&store).await, expected);
}

#[tokio::test]
async fn a_lost_canary_is_only_made_anew_where_nothing_was_sealed() {
    let directory = closed_with_agent().await;
    raw(&directory).execute("DELETE FROM canary", []).unwrap();
    assert!(matches!(refusal(&directory, keyring(1, &[])), OpenError::NoCanary));

    raw(&directory).execute("DELETE FROM agents", []).unwrap();
    open(&directory, keyring(2, &[])).close().await;
    assert!(matches!(refusal(&directory, keyring(1, &[])), OpenError::WrongMasterKey));
}

#[tokio::test]
async fn a_directory_has_one_store_at_a_time() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    assert!(matches!(refusal(&directory, keyring(1, &[])), OpenError::InUse { .. }));
    store.close().await;
    let second = open(&directory, keyring(1, &[]));
    assert!(matches!(refusal(&directory, keyring(1, &[])), OpenError::InUse { .. }));
    drop(second);
    open(&directory, keyring(1, &[])).close().await;
}

#[tokio::test]
async fn only_the_owner_may_read_any_file() {
    let directory = TempDir::new().unwrap();
    for name in ["buddy.sqlite3", "buddy.lock"] {
        let path = directory.path().join(name);
        std::fs::write(&path, []).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o666)).unwrap();
    }
    let store = open(&directory, keyring(1, &[]));
    crate::Agents::create_agent(&store, agent(1), entry()).await.unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["buddy.lock", "buddy.sqlite3", "buddy.sqlite3-shm", "buddy.sqlite3-wal"]);
}

#[test]
fn a_missing_directory_and_a_file_that_is_no_database_are_named() {
    let directory = TempDir::new().unwrap();
    let missing = directory.path().join("missing");
    let refused = SqliteStore::open(settings(&missing), keyring(1, &[])).unwrap_err();
    assert!(matches!(&refused, OpenError::File { path, .. } if path.starts_with(&missing)), "{refused}");

    std::fs::write(directory.path().join("buddy.sqlite3"), [b'x'; 5_000]).unwrap();
    let refused = refusal(&directory, keyring(1, &[]));
    assert!(matches!(refused, OpenError::Database(_)), "{refused}");
}

#[test]
fn every_refusal_is_one_line_that_names_a_setting() {
    let directory = std::path::PathBuf::from("/data");
    let refusals = [
        OpenError::WrongMasterKey,
        OpenError::Newer { found: 2, known: 1 },
        OpenError::InUse { directory: directory.clone() },
        OpenError::File { path: directory, error: std::io::ErrorKind::PermissionDenied.into() },
        OpenError::WrittenMeanwhile,
        OpenError::NoCanary,
        OpenError::Database("disk I/O error".into()),
    ];
    for refusal in refusals {
        let text = refusal.to_string();
        assert!(text.contains("--data-dir") && !text.contains('\n'), "{text}");
    }
}

#[test]
fn durability_decides_how_commits_are_flushed() {
    let (_store, directory) = fresh();
    let file = directory.path().join("buddy.sqlite3");
    for (durability, synchronous) in [(Durability::Full, 2), (Durability::Normal, 1)] {
        let connection = directory::connect(&file, OpenAs::Writer(durability)).unwrap();
        let value = |pragma| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0)).unwrap();
        assert_eq!(value("synchronous"), synchronous);
        assert_eq!((value("foreign_keys"), value("secure_delete"), value("wal_autocheckpoint")), (1, 2, 0));
    }
    let reader = directory::connect(&file, OpenAs::Reader).unwrap();
    assert!(reader.db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG).unwrap());
    assert!(reader.execute("DELETE FROM agents", []).is_err());
}
