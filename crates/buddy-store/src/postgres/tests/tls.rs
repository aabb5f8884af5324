//! Whom the store believes to be the database.

use std::path::Path;

use buddy_cluster::Tls;
use buddy_shop::certificate::Authority;
use tempfile::TempDir;

use super::*;

async fn opened(host: &str, port: u16, mode: &str, roots: &Path) -> Result<(), String> {
    let url =
        format!("postgres://buddy@{host}:{port}/postgres?sslmode={mode}&sslrootcert={}", roots.display());
    match PostgresStore::open(settings(&url), keyring(1)).await {
        Ok(store) => store.ready().await.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_believed_for_its_name_or_for_its_authority_and_no_other() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let (certificate, key) = authority.pem_for("localhost").unwrap();
    let cluster = blocking(move || Cluster::start_with_tls(&Tls { certificate, key })).await;
    let directory = TempDir::new().unwrap();
    let [roots, others, none] =
        ["roots.pem", "others.pem", "none.pem"].map(|name| directory.path().join(name));
    std::fs::write(&roots, authority.pem()).unwrap();
    std::fs::write(&others, other.pem()).unwrap();
    std::fs::write(&none, "").unwrap();
    let port = cluster.port();

    for mode in ["verify-full", "require", "verify-ca"] {
        opened("localhost", port, mode, &roots).await.unwrap();
        let refused = opened("localhost", port, mode, &others).await.unwrap_err();
        assert!(refused.contains("invalid peer certificate"), "{refused}");
    }
    // It has no certificate for its address.
    opened("127.0.0.1", port, "verify-ca", &roots).await.unwrap();
    let refused = opened("127.0.0.1", port, "verify-full", &roots).await.unwrap_err();
    assert!(refused.contains("not valid for name"), "{refused}");
    // It takes nobody without TLS.
    let refused = opened("127.0.0.1", port, "disable", &roots).await.unwrap_err();
    assert!(refused.contains("28000"), "{refused}");
    for (file, fault) in [(none, "no certificate"), (directory.path().join("missing"), "No such file")] {
        let refused = opened("localhost", port, "verify-full", &file).await.unwrap_err();
        assert!(refused.contains("sslrootcert") && refused.contains(fault), "{refused}");
    }
}
