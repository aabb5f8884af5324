//! A database that goes away and comes back.

use std::time::Duration;

use tokio::time::timeout;

use super::*;
use crate::{Agents, Failures, Sessions};

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_all_fails_and_nothing_is_wrong_and_then_all_is_well() {
    let cluster = blocking(|| Arc::new(Cluster::start())).await;
    let (stopped, started) = (cluster.clone(), cluster.clone());
    let store = open(&cluster, "postgres").await;
    store.create_agent(agent(1), entry()).await.unwrap();
    store.create_session(pending(id(1), 1), None).await.unwrap();
    let (tenure, mut changes) = (store.tenure(), store.changes().unwrap());

    blocking(move || stopped.stop()).await;
    assert!(matches!(store.agent(id(1)).await, Err(StoreError::Database(_))));
    assert!(matches!(store.create_session(session(id(1), 2), None).await, Err(StoreError::Database(_))));
    assert!(matches!(store.begin_identify(id(1), NOW).await, Err(StoreError::Database(_))));
    assert!(matches!(store.ready().await, Err(StoreError::Database(_))));
    assert_eq!(store.vitals().failures, Failures { unavailable: 4, ..Failures::default() });
    timeout(PATIENCE, tenure.cancelled()).await.unwrap();
    assert!(store.tenure().is_cancelled());
    assert_eq!(store.take_over_sessions(NOW, 10).await.unwrap().len(), 0);

    blocking(move || started.start_again()).await;
    assert_eq!(store.agent(id(1)).await.unwrap(), Some(agent(1)));
    assert!(store.create_session(session(id(1), 2), None).await.unwrap());
    store.ready().await.unwrap();
    let next = timeout(PATIENCE, store.tenures.next()).await.unwrap();
    assert!(!next.token.is_cancelled() && !store.tenure().is_cancelled());
    assert_eq!(timeout(PATIENCE, changes.recv()).await.unwrap(), Some(Change::Anything));
    // What became pending in the tenure that has ended is nobody's, until somebody takes it over.
    assert_eq!(store.pending_sessions(NOW, None, 10).await.unwrap().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_was_cut_is_replaced_without_a_word() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let client = raw(&database).await;
    let cut = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    for number in 2..5 {
        client.batch_execute(cut).await.unwrap();
        store.create_agent(agent(number), entry()).await.unwrap();
        assert_eq!(store.agent(id(number)).await.unwrap(), Some(agent(number)));
        assert!(store.create_session(session(id(1), number), None).await.unwrap());
    }
}

/// Time is tokio's and goes as fast as nothing else happens: what bounds the wait is the store's own.
#[tokio::test(start_paused = true)]
async fn a_server_that_takes_connections_and_says_nothing_is_not_waited_for() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://buddy@{}/buddy", silent.local_addr().unwrap());
    let refused = PostgresStore::open(settings(&url), keyring(1)).await.unwrap_err().to_string();
    assert!(refused.contains("does not answer to new connections"), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_waits_for_too_long_is_ended_by_the_server_and_its_connection_is_good() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let client = raw(&database).await;
    client.batch_execute("BEGIN; LOCK TABLE agents").await.unwrap();
    let in_use = async {
        // The read has taken its connection by the time that this is polled.
        let pool = store.vitals().pool.unwrap();
        (pool.most, pool.in_use, pool.waiting)
    };
    let (read, in_use, written) =
        tokio::join!(store.agent(id(1)), in_use, store.create_session(session(id(1), 1), None));
    assert_eq!(in_use, (usize::from(pool::CONNECTIONS), 1, 0));
    for error in [read.unwrap_err(), written.unwrap_err()] {
        assert!(error.to_string().contains("57014"), "{error}");
    }
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.agent(id(1)).await.unwrap(), Some(agent(1)));
    assert!(store.create_session(session(id(1), 1), None).await.unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_freezes_is_not_waited_for_and_its_node_gives_up_its_tenure() {
    let cluster = blocking(|| Arc::new(Cluster::start())).await;
    let (freezing, thawing) = (cluster.clone(), cluster.clone());
    let store = open(&cluster, "postgres").await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let tenure = store.tenure();

    blocking(move || freezing.freeze()).await;
    let both = async { tokio::join!(store.agent(id(1)), store.create_session(pending(id(1), 1), None)) };
    let (read, written) = timeout(PATIENCE, both).await.unwrap();
    assert!(matches!(read, Err(StoreError::Database(_))), "{read:?}");
    assert!(matches!(written, Err(StoreError::Database(_))), "{written:?}");
    timeout(PATIENCE, tenure.cancelled()).await.unwrap();

    blocking(move || thawing.thaw()).await;
    assert_eq!(store.agent(id(1)).await.unwrap(), Some(agent(1)));
    assert!(store.create_session(pending(id(1), 1), None).await.unwrap());
    timeout(PATIENCE, store.tenures.next()).await.unwrap();
}
