use std::sync::Arc;

use buddy_cluster::Cluster;
use tokio::sync::OnceCell;

use super::*;
use crate::conformance::fixtures::*;
use crate::conformance::keys::Reopened;
use crate::conformance::{conformance, keys_conformance};
use crate::{MasterKey, Store};

mod groups;
mod heal;
mod inspecting;
mod nodes;
mod opening;
mod partitions;
mod statements;
mod tls;

fn keyring(first: u8) -> Keyring {
    Keyring::new(MasterKey::from_bytes([first; 32]), Vec::new())
}

fn settings(url: &str) -> PostgresSettings {
    PostgresSettings { url: url.parse().unwrap(), durability: Durability::Full }
}

async fn open(cluster: &Cluster, database: &str) -> Arc<PostgresStore> {
    Arc::new(PostgresStore::open(settings(&cluster.url(database)), keyring(1)).await.unwrap())
}

/// A database of its own with all tables: a copy of one that was opened once.
async fn database() -> String {
    static TEMPLATE: OnceCell<String> = OnceCell::const_new();
    let template = TEMPLATE.get_or_init(|| async {
        let template = blocking(|| Cluster::shared().create_database(None)).await;
        open(Cluster::shared(), &template).await.close().await;
        // The server may need a moment to notice that a connection was closed, and copies no database with one.
        let end = format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '{template}'"
        );
        blocking(move || Cluster::shared().run(&end)).await;
        template
    });
    let template = template.await.clone();
    blocking(move || Cluster::shared().create_database(Some(&template))).await
}

/// What starts programs and waits for them.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    tokio::task::spawn_blocking(work).await.unwrap()
}

/// A node on a database of its own, as its own type, and the database's name.
async fn node() -> (Arc<PostgresStore>, String) {
    let database = database().await;
    (open(Cluster::shared(), &database).await, database)
}

/// Another node on the same database.
async fn another(database: &str) -> Arc<PostgresStore> {
    open(Cluster::shared(), database).await
}

async fn fresh() -> (Arc<dyn Store>, ()) {
    (node().await.0, ())
}

/// A connection to the database, past the store.
async fn raw(database: &str) -> tokio_postgres::Client {
    let url = Cluster::shared().url(database);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// The one number that a question gives.
async fn number(client: &tokio_postgres::Client, sql: &str) -> i64 {
    client.query_one(sql, &[]).await.unwrap().get(0)
}

conformance!(fresh);

/// A database that a case opens with one ring of keys after another.
struct Unopened(String);

impl Reopened for Unopened {
    async fn open(&self, first: u8, others: &[u8]) -> Arc<dyn Store> {
        let key = |byte: u8| MasterKey::from_bytes([byte; 32]);
        let ring = Keyring::new(key(first), others.iter().copied().map(key).collect());
        let settings = settings(&Cluster::shared().url(&self.0));
        Arc::new(PostgresStore::open(settings, ring).await.unwrap())
    }
}

async fn unopened() -> Unopened {
    Unopened(database().await)
}

keys_conformance!(unopened);
