//! A few connections that only read, each used by one thread at a time. They see all that was answered for.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;

/// Reads at once: a few slow lists do not hold up the short look-ups, and each costs some MiB of cache at most.
pub(super) const CONNECTIONS: u32 = 4;

/// The connections. Reads run on the runtime's blocking threads: no thread of ours stands idle for them.
pub(super) struct Readers {
    permits: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        Self { permits: Arc::new(Semaphore::new(connections.len())), idle: Arc::new(Mutex::new(connections)) }
    }

    /// Reads on the next free connection.
    pub(super) async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let permit = self.permits.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let lease = Lease::take(self.idle.clone(), permit);
        match tokio::task::spawn_blocking(move || work(lease.connection())).await {
            Ok(outcome) => outcome,
            Err(error) if error.is_panic() => {
                tracing::error!("a read panicked");
                Err(StoreError::Database("a read panicked".to_owned()))
            }
            Err(_) => Err(StoreError::Closed),
        }
    }

    /// Waits for the reads that run, and closes the connections.
    pub(super) async fn close(&self) {
        let all = self.permits.acquire_many(CONNECTIONS).await;
        self.permits.close();
        drop(all);
        connections(&self.idle).clear();
    }
}

/// A connection and the right to it; gives both back, in this order, even if the read panics.
struct Lease {
    connection: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
    _permit: OwnedSemaphorePermit,
}

impl Lease {
    fn take(idle: Arc<Mutex<Vec<Connection>>>, permit: OwnedSemaphorePermit) -> Self {
        // The one given back last has the warmest cache.
        let connection = connections(&idle).pop();
        Self { connection, idle, _permit: permit }
    }

    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("there are as many connections as permits")
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        connections(&self.idle).extend(self.connection.take());
    }
}

/// A list of whole connections, so a panic elsewhere leaves it good.
fn connections(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}
