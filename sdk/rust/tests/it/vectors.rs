//! Reads the published vectors.

use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

/// The repository's, unless `BUDDY_VECTORS` names another folder.
#[expect(
    clippy::disallowed_methods,
    reason = "where the vectors are is said to the tests of every language so"
)]
fn folder() -> PathBuf {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/vectors");
    std::env::var_os("BUDDY_VECTORS").map_or(repository, PathBuf::from)
}

pub(crate) fn read<T: DeserializeOwned>(name: &str) -> T {
    let path = folder().join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
