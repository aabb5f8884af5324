//! What the store says of its own state.

use super::*;
use crate::conformance::fixtures::*;
use crate::{Agents, AuditLog, Callbacks, Failures};

#[tokio::test]
async fn what_fails_is_counted_by_its_kind() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    let agent_id = agent(1).id;
    store.create_agent(agent(1), entry()).await.unwrap();
    let put = store.put_callback(agent_id, callback(), Some(secret("now")), secret("made"), NOW, entry());
    put.await.unwrap();
    store.callback(agent_id).await.unwrap();
    assert_eq!(store.vitals().await.failures, Failures::default());

    let past_the_store = raw(&directory);
    past_the_store.execute("UPDATE callbacks SET secret = x'00'", []).unwrap();
    past_the_store.execute("UPDATE audit SET address = 'nowhere'", []).unwrap();
    store.callback(agent_id).await.unwrap_err();
    for _ in 0..2 {
        store.audit_entries(None, first(10)).await.unwrap_err();
    }
    past_the_store.execute("ALTER TABLE audit RENAME TO gone", []).unwrap();
    for number in 2..5 {
        store.create_agent(agent(number), entry()).await.unwrap_err();
    }
    let failures = Failures { unavailable: 3, sealed: 1, unreadable: 2 };
    assert_eq!(store.vitals().await.failures, failures);
    store.close().await;
    assert!(matches!(store.agent(agent_id).await, Err(StoreError::Closed)));
    assert_eq!(store.vitals().await.failures, failures, "a store that is closed does not fail");
}

#[tokio::test]
async fn the_logs_length_is_that_of_its_file() {
    let directory = TempDir::new().unwrap();
    let store = open(&directory, keyring(1, &[]));
    store.create_agent(agent(1), entry()).await.unwrap();
    let log = directory.path().join(directory::LOG_FILE);
    let written = std::fs::metadata(&log).unwrap().len();
    assert!(written > 0);
    let vitals = store.vitals().await;
    assert_eq!((vitals.log_bytes, vitals.pool), (Some(written), None));
    store.close().await;
    assert_eq!(store.vitals().await.log_bytes, Some(0), "there is no such file: {}", log.display());
}
