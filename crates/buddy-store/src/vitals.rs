//! What a store knows of its own state without asking the database: for whoever watches over it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::StoreError;

/// A store's own state, as of a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// What has failed.
    pub failures: Failures,
    /// The connections to the database, where there are several to choose from.
    pub pool: Option<PoolUse>,
    /// The length of the write-ahead log's file in bytes, where the store keeps that by itself.
    pub log_bytes: Option<u64>,
}

/// Operations that failed since the store was opened. What is asked of one that is closed is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    /// The database refused, failed, or did not answer.
    pub unavailable: u64,
    /// A sealed value did not open.
    pub sealed: u64,
    /// A value was not of the form that this version writes.
    pub unreadable: u64,
}

/// How far a pool of connections is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolUse {
    /// Connections there may be.
    pub most: usize,
    /// Connections that somebody works with.
    pub in_use: usize,
    /// Connections that are open and free.
    pub idle: usize,
    /// Operations that wait for one.
    pub waiting: usize,
}

/// Counts failures.
#[derive(Debug, Default)]
pub(crate) struct FailureCounts {
    unavailable: AtomicU64,
    sealed: AtomicU64,
    unreadable: AtomicU64,
}

impl FailureCounts {
    /// The outcome, counted if it is a failure.
    pub(crate) fn counted<T>(&self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        outcome.inspect_err(|error| self.count(error))
    }

    pub(crate) fn count(&self, error: &StoreError) {
        let counter = match error {
            StoreError::Database(_) => &self.unavailable,
            StoreError::Sealed { .. } => &self.sealed,
            StoreError::Unreadable { .. } => &self.unreadable,
            StoreError::Closed => return,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn so_far(&self) -> Failures {
        Failures {
            unavailable: self.unavailable.load(Ordering::Relaxed),
            sealed: self.sealed.load(Ordering::Relaxed),
            unreadable: self.unreadable.load(Ordering::Relaxed),
        }
    }
}
