//! One process has the data directory: there is no other node.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::SqliteStore;
use crate::{Change, Nodes};

impl Nodes for SqliteStore {
    fn tenure(&self) -> CancellationToken {
        self.tenure.clone()
    }

    fn tell(&self, _: Change) {}

    fn changes(&self) -> Option<mpsc::Receiver<Change>> {
        None
    }
}
