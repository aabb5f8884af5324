//! What is answered for stays; what is removed goes.

use buddy_core::reason::Reason;
use buddy_core::time::UnixMillis;

use super::*;
use crate::conformance::fixtures::*;
use crate::{Agents, Sessions};

#[tokio::test]
async fn what_was_kept_is_there_after_closing_and_after_dropping() {
    let directory = TempDir::new().unwrap();
    let agent_id = with_agent(&shared(&directory, keyring(1, &[]))).await;
    for number in 1..=5 {
        let store = shared(&directory, keyring(1, &[]));
        identified(&store, agent_id, number, "ada").await;
    }
    let store = open(&directory, keyring(1, &[]));
    assert!(store.create_session(pending(agent_id, 6), None).await.unwrap());
    store.close().await;

    let store = shared(&directory, keyring(1, &[]));
    for number in 1..=5 {
        assert_eq!(found(&store, id(number)).await.1, Some(told(&identity("ada"))));
        assert!(store.resolution(agent_id, id(number)).await.unwrap().is_some());
    }
    let pending = store.pending_sessions(NOW, None, 10).await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!(pending[0].id, id(6));
}

/// A crash leaves the files as they are at that moment; so does a copy of them while the store runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_survives_a_crash() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..300 {
        let store = store.clone();
        writes.spawn(async move { identified(&store, agent_id, number, "ada").await });
    }
    assert_eq!(writes.join_all().await.len(), 300);
    let crashed = TempDir::new().unwrap();
    for (name, bytes) in files(directory.path()) {
        // What the processes shared of the log does not outlive them.
        if !name.ends_with("-shm") {
            std::fs::write(crashed.path().join(name), bytes).unwrap();
        }
    }
    let after = shared(&crashed, keyring(1, &[]));
    for number in 0..300 {
        assert_eq!(found(&after, id(number)).await.1, Some(told(&identity("ada"))));
    }
}

#[tokio::test]
async fn a_closed_store_has_one_file_and_does_nothing_more() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    store.ready().await.unwrap();
    store.create_agent(agent(1), entry()).await.unwrap();
    store.close().await;
    store.close().await;
    assert_eq!(files(directory.path()).keys().collect::<Vec<_>>(), ["buddy.lock", "buddy.sqlite3"]);
    assert!(matches!(store.agent(id(1)).await, Err(StoreError::Closed)));
    assert!(matches!(store.create_agent(agent(2), entry()).await, Err(StoreError::Closed)));
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
}

#[tokio::test]
async fn a_read_that_panics_costs_no_connection() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    for _ in 0..2 * readers::CONNECTIONS {
        let outcome: Result<(), _> = store.read(|_| panic!("on purpose")).await;
        assert!(matches!(outcome, Err(StoreError::Database(_))));
    }
    store.ready().await.unwrap();
}

#[tokio::test]
async fn nothing_sealed_of_a_deleted_agent_is_left_after_the_next_removals() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    store.put_callback(agent_id, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    store.begin_rotation(agent_id, secret("next"), 60, NOW, entry()).await.unwrap();
    store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap();
    identified(&store, agent_id, 1, "ada").await;
    store.create_session(session(agent_id, 2), None).await.unwrap();

    let count = |what: &str| {
        let sql = format!("SELECT count(*) FROM {what}");
        raw(&directory).query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    assert!(store.delete_agent(agent_id, entry()).await.unwrap());
    assert_eq!(count("callbacks") + count("api_keys") + count("agent_origins"), 0);
    assert_eq!(count("deleted_agents"), 1);
    assert_eq!(store.remove_ended_sessions(NOW, 10).await.unwrap(), 1);
    assert_eq!(store.remove_old_resolutions(NOW, 10).await.unwrap(), 1);
    assert_eq!(store.remove_old_tallies(NOW, 10).await.unwrap(), 0);
    assert_eq!(count("sessions WHERE identity IS NOT NULL OR user_hash IS NOT NULL"), 0);
    assert_eq!(count("resolutions") + count("deleted_agents"), 0);
    assert_eq!(store.tallies_into_hours(later(3600), 10).await.unwrap(), 1);
    assert_eq!(count("tally_minutes") + count("tally_hours"), 0);
    // It holds nothing about anyone, and goes when it ends.
    assert_eq!(count("sessions"), 1);
    assert_eq!(store.remove_ended_sessions(later(TTL), 10).await.unwrap(), 1);
}

#[tokio::test]
async fn an_error_tells_no_value_and_no_statement() {
    let (store, directory) = fresh();
    let agent_id = with_agent(&store).await;
    identified(&store, agent_id, 1, "canary-user").await;
    let again = authenticated(agent_id, 1, "canary-user");
    let error = store.create_session(session(agent_id, 1), Some(again)).await.unwrap_err().to_string();
    assert!(
        error.contains("sessions.id") && !error.contains("INSERT") && !error.contains("canary"),
        "{error}"
    );

    raw(&directory).execute("UPDATE sessions SET failure = 'canary-word'", []).unwrap();
    let error = store.session(id(1), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { table: "sessions", column: "failure" }), "{error}");

    raw(&directory).execute("DROP TABLE sessions", []).unwrap();
    let error = store.session(id(1), NOW).await.unwrap_err().to_string();
    assert!(error.contains("no such table") && !error.contains("SELECT"), "{error}");
}

#[tokio::test]
async fn of_old_resolutions_each_is_removed_by_itself_at_most_limit_at_a_time() {
    let (store, _directory) = fresh();
    let agent_id = with_agent(&store).await;
    for number in 1..=5 {
        resolved(&store, agent_id, number, Reason::Html).await;
    }
    let before = UnixMillis(NOW.0 + 5);
    assert_eq!(store.remove_old_resolutions(NOW, 100).await.unwrap(), 0);
    for removed in [3, 1, 0] {
        assert_eq!(store.remove_old_resolutions(before, 3).await.unwrap(), removed);
    }
    assert_eq!(store.last_resolution_number(agent_id).await.unwrap(), later(1).0 * 1000 + 4);
    assert!(store.resolution(agent_id, id(5)).await.unwrap().is_some());
}
