//! What is made sure of before the first write, and what is told of the database later.

use buddy_core::agent::Agent;
use tokio::task::JoinSet;

use super::*;
use crate::{Agents, Sessions};

async fn refusal(database: &str, first: u8) -> OpenError {
    PostgresStore::open(settings(&Cluster::shared().url(database)), keyring(first)).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_six_nodes_that_start_together_on_an_empty_database_all_start() {
    let database = blocking(|| Cluster::shared().create_database(None)).await;
    let mut opening = JoinSet::new();
    for _ in 0..6 {
        let url = Cluster::shared().url(&database);
        opening.spawn(async move { PostgresStore::open(settings(&url), keyring(1)).await.unwrap() });
    }
    let nodes = opening.join_all().await;
    nodes[0].create_agent(agent(1), entry()).await.unwrap();
    for node in &nodes {
        assert_eq!(node.agent(id(1)).await.unwrap(), Some(agent(1)));
    }
    let client = raw(&database).await;
    assert_eq!(number(&client, "SELECT count(*) FROM canary").await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM refinery_schema_history").await, 1);
    assert_eq!(number(&client, "SELECT count(*) FROM nodes").await, 6);
}

#[tokio::test]
async fn a_wrong_master_key_is_refused() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    assert!(matches!(refusal(&database, 2).await, OpenError::WrongMasterKey));
    assert_eq!(another(&database).await.agent(id(1)).await.unwrap(), Some(agent(1)));
}

#[tokio::test]
async fn a_newer_schema_is_worked_with_until_it_says_otherwise() {
    let (store, database) = node().await;
    let client = raw(&database).await;
    let newer = "INSERT INTO refinery_schema_history
        SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1";
    client.batch_execute(newer).await.unwrap();
    another(&database).await.create_agent(agent(1), entry()).await.unwrap();
    store.ready().await.unwrap();

    client.batch_execute("UPDATE compatibility SET least_known = 99").await.unwrap();
    let refused = refusal(&database, 1).await;
    assert!(matches!(refused, OpenError::Newer { found: 99, known: 1 }), "{refused}");
    let unready = store.ready().await.unwrap_err().to_string();
    assert!(unready.contains("schema 99"), "{unready}");
}

#[tokio::test]
async fn a_lost_canary_is_only_made_anew_where_nothing_was_sealed() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let client = raw(&database).await;
    client.batch_execute("DELETE FROM canary").await.unwrap();
    assert!(matches!(refusal(&database, 1).await, OpenError::NoCanary));
    client.batch_execute("DELETE FROM agents").await.unwrap();
    PostgresStore::open(settings(&Cluster::shared().url(&database)), keyring(2)).await.unwrap();
    assert!(matches!(refusal(&database, 1).await, OpenError::WrongMasterKey));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_the_password() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://anna:hush@{nobody}/buddy");
    let refused = PostgresStore::open(settings(&url), keyring(1)).await.unwrap_err();
    let text = refused.to_string();
    assert!(matches!(refused, OpenError::Database(_)), "{text}");
    assert!(text.contains("refused") && !text.contains("hush") && !text.contains("anna"), "{text}");
}

#[test]
fn every_refusal_is_one_line_that_names_a_setting() {
    let refusals = [
        OpenError::WrongMasterKey,
        OpenError::Newer { found: 2, known: 1 },
        OpenError::NoCanary,
        OpenError::Roots("roots.pem: not found".into()),
        OpenError::Database("connection refused".into()),
    ];
    for refusal in refusals {
        let text = refusal.to_string();
        assert!(text.contains("--database-url") && !text.contains('\n'), "{text}");
    }
}

#[tokio::test]
async fn a_database_is_reached_by_its_socket_too() {
    let database = database().await;
    let url = Cluster::shared().socket_url(&database);
    let store = PostgresStore::open(settings(&url), keyring(1)).await.unwrap();
    store.ready().await.unwrap();
}

#[tokio::test]
async fn a_database_that_takes_no_writes_is_not_ready() {
    let (store, database) = node().await;
    let read_only = format!("ALTER DATABASE {database} SET default_transaction_read_only = on");
    raw(&database).await.batch_execute(&read_only).await.unwrap();
    let unready = store.ready().await.unwrap_err().to_string();
    assert!(unready.contains("read-only"), "{unready}");
}

#[tokio::test]
async fn a_clock_is_told_by_how_much_it_is_ahead() {
    let (store, database) = node().await;
    let client = raw(&database).await;
    let minute = 60_000;
    let theirs = number(&client, schema::CLOCK).await;
    let ahead = store.clock_offset(UnixMillis(theirs + minute)).await.unwrap();
    // What has passed since their clock was read is not ours to know; it is less than a minute.
    assert!((1..=minute).contains(&ahead), "{ahead}");
    let behind = store.clock_offset(UnixMillis(theirs - minute)).await.unwrap();
    assert!((-2 * minute..=-minute).contains(&behind), "{behind}");
}

#[tokio::test]
async fn what_the_database_cannot_take_is_an_error_that_tells_no_value() {
    let (store, database) = node().await;
    let unlawful = Agent { name: "canary-name\0".into(), ..agent(1) };
    let error = store.create_agent(unlawful, entry()).await.unwrap_err().to_string();
    assert!(error.contains("22021") && !error.contains("canary"), "{error}");
    store.create_agent(agent(1), entry()).await.unwrap();
    let error = store.create_agent(agent(1), entry()).await.unwrap_err().to_string();
    assert!(error.contains("agents_pkey") && !error.contains("INSERT"), "{error}");

    store.create_session(session(id(1), 1), None).await.unwrap();
    let client = raw(&database).await;
    client.batch_execute("UPDATE sessions SET failure = 'canary-word'").await.unwrap();
    let error = store.session(id(1), NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreadable { table: "sessions", column: "failure" }), "{error}");
}

#[tokio::test]
async fn a_closed_store_does_nothing_more_and_has_left() {
    let (store, database) = node().await;
    let tenure = store.tenure();
    store.close().await;
    store.close().await;
    assert!(tenure.is_cancelled());
    assert!(matches!(store.agent(id(1)).await, Err(StoreError::Closed)));
    assert!(matches!(store.create_session(session(id(1), 1), None).await, Err(StoreError::Closed)));
    assert!(matches!(store.ready().await, Err(StoreError::Closed)));
    assert_eq!(number(&raw(&database).await, "SELECT count(*) FROM nodes").await, 0);
}
