use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::conformance::conformance;
use crate::{MasterKey, Store};

fn keyring(first: u8, others: &[u8]) -> Keyring {
    let key = |&byte: &u8| MasterKey::from_bytes([byte; 32]);
    Keyring::new(key(&first), others.iter().map(key).collect())
}

fn settings(directory: &TempDir) -> SqliteSettings {
    SqliteSettings { directory: directory.path().to_owned(), durability: Durability::Full }
}

fn fresh() -> (Arc<dyn Store>, TempDir) {
    let directory = TempDir::new().unwrap();
    let store = SqliteStore::open(settings(&directory), keyring(1, &[])).unwrap();
    (Arc::new(store), directory)
}

conformance!(fresh);
