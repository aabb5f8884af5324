//! What is seen and sealed anew by who is no node.

use buddy_core::time::UnixMillis;

use super::*;
use crate::{Agents, PostgresInspection, PostgresKeys, Resealing, Schema, Sealing};

fn inspection(database: &str) -> PostgresInspection {
    PostgresInspection::new(&settings(&Cluster::shared().url(database))).unwrap()
}

fn ring(first: u8, other: u8) -> Keyring {
    Keyring::new(MasterKey::from_bytes([first; 32]), vec![MasterKey::from_bytes([other; 32])])
}

#[tokio::test]
async fn a_database_without_tables_is_read_and_none_are_made() {
    let database = blocking(|| Cluster::shared().create_database(None)).await;
    let inspection = inspection(&database);
    let reading = inspection.reading().await.unwrap();
    assert!(reading.is_version_known && reading.may_create && !reading.is_sealed, "{reading:?}");
    assert_eq!(reading.takes_writes, TakesWrites::Yes);
    assert_eq!((reading.schema, reading.nodes_alive), (Schema { found: 0, known: 1 }, 0));
    assert!(inspection.sealed_by().await.unwrap().keys.is_empty());
    assert!(!inspection.opens_with(&keyring(1)).await.unwrap());
    assert!(inspection.passes_notifications().await.unwrap());
    let tables = "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(number(&raw(&database).await, tables).await, 0);
}

#[tokio::test]
async fn nodes_are_counted_and_who_looks_is_none() {
    let (store, database) = node().await;
    let inspection = inspection(&database);
    let reading = inspection.reading().await.unwrap();
    assert_eq!((reading.nodes_alive, reading.schema.found, reading.is_sealed), (1, 1, true));
    // 12 of the pool, the writer's, heart, teller, listener.
    assert_eq!(reading.connections_of_a_node, 16);
    assert!(inspection.opens_with(&keyring(1)).await.unwrap());
    assert!(matches!(inspection.opens_with(&keyring(2)).await, Err(OpenError::WrongMasterKey)));
    store.close().await;
    assert_eq!(inspection.nodes_alive().await.unwrap(), 0);
}

#[tokio::test]
async fn what_stands_in_a_nodes_way_is_read() {
    let (_store, database) = node().await;
    let client = raw(&database).await;
    let limits = format!(
        "ALTER DATABASE {database} CONNECTION LIMIT 40; ALTER DATABASE {database} SET default_transaction_read_only = on"
    );
    client.batch_execute(&limits).await.unwrap();
    let reading = inspection(&database).reading().await.unwrap();
    assert_eq!((reading.takes_writes, reading.connections), (TakesWrites::ReadOnly, 40));

    let newer = "SET default_transaction_read_only = off; INSERT INTO refinery_schema_history
        SELECT 99, 'later', applied_on, checksum FROM refinery_schema_history LIMIT 1";
    client.batch_execute(newer).await.unwrap();
    assert_eq!(inspection(&database).schema().await.unwrap(), Schema { found: 99, known: 1 });
    client.batch_execute("UPDATE compatibility SET least_known = 99").await.unwrap();
    for refused in [
        inspection(&database).reading().await.map(drop),
        inspection(&database).sealed_by().await.map(drop),
        PostgresKeys::open(inspection(&database), keyring(1)).await.map(drop),
    ] {
        assert!(matches!(refused, Err(OpenError::Newer { found: 99, known: 1 })), "{refused:?}");
    }
}

#[tokio::test]
async fn a_user_that_may_make_no_tables_is_told_so_and_its_limit_counts() {
    let (_store, database) = node().await;
    let role = format!("reader_of_{database}");
    let client = raw(&database).await;
    client.batch_execute(&format!("CREATE ROLE {role} LOGIN CONNECTION LIMIT 9")).await.unwrap();
    client.batch_execute(&format!("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")).await.unwrap();
    let url = Cluster::shared().url(&database).replace("buddy@", &format!("{role}@"));
    let reading = PostgresInspection::new(&settings(&url)).unwrap().reading().await.unwrap();
    assert!(!reading.may_create && reading.connections == 9, "{reading:?}");
}

#[tokio::test]
async fn the_clock_is_held_against_the_databases() {
    let (_store, database) = node().await;
    let inspection = inspection(&database);
    let millis = "SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    let theirs = number(&raw(&database).await, millis).await;
    let offset = inspection.clock_offset(UnixMillis(theirs + 60_000)).await.unwrap();
    // Theirs has gone on since; ours is taken to have stood still but for the question.
    assert!((30_000..=60_000).contains(&offset), "{offset}");
}

#[tokio::test]
async fn all_is_sealed_anew_beside_a_node_and_no_session_becomes_anothers() {
    let (store, database) = node().await;
    let dyn_store: Arc<dyn Store> = store.clone();
    let agent_id = with_agent(&dyn_store).await;
    identified(&dyn_store, agent_id, 1, "ada").await;
    let before = store.sealed_by().await.unwrap();
    let old = MasterKey::from_bytes([1; 32]).id();
    let new = MasterKey::from_bytes([2; 32]).id();
    assert_eq!(inspection(&database).sealed_by().await.unwrap(), before);
    assert!(before.by(old).total() >= 2, "{before:?}");

    let keys = PostgresKeys::open(inspection(&database), ring(2, 1)).await.unwrap();
    let mut pass = Resealing::begin();
    while !pass.is_over() {
        pass = keys.reseal(pass, 1).await.unwrap();
    }
    assert_eq!((pass.resealed, pass.left, pass.unopened), (before.by(old).total(), 0, 0));
    let after = keys.sealed_by().await.unwrap();
    assert_eq!((after.by(old).total(), after.by(new)), (0, before.by(old)));
    assert_eq!(number(&raw(&database).await, "SELECT count(*) FROM nodes").await, 1);
    assert!(store.agent(agent_id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_database_that_is_away_is_an_error_and_never_a_count() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let inspection = PostgresInspection::new(&settings(&format!("postgres://buddy@{nobody}/buddy"))).unwrap();
    let refused = inspection.sealed_by().await.unwrap_err();
    assert!(matches!(refused, OpenError::Database(_)), "{refused}");
}
