//! How an operation on the database fails, and which failures are worth another try.

use std::error::Error as _;

use deadpool_postgres::{PoolError, TimeoutType};
use tokio_postgres::error::{DbError, SqlState};

use crate::StoreError;

/// Why an operation failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The database refused, or the connection broke.
    Postgres(tokio_postgres::Error),
    /// The connection was dead before anything was done on it.
    Stale(tokio_postgres::Error),
    /// No connection could be had in time.
    NoConnection(&'static str),
    /// The time was over. What the server has done of it is not known.
    TooSlow,
    /// Not the connection's fault.
    Store(StoreError),
}

impl Failure {
    /// For what can be done again, whatever came of it.
    pub(super) fn of_nothing_done(error: tokio_postgres::Error) -> Self {
        if error.is_closed() { Self::Stale(error) } else { Self::Postgres(error) }
    }

    /// The same of a failure.
    pub(super) fn of_reading(self) -> Self {
        match self {
            Self::Postgres(error) => Self::of_nothing_done(error),
            other => other,
        }
    }

    /// What the database says, if it says anything.
    pub(super) fn db(&self) -> Option<&DbError> {
        match self {
            Self::Postgres(error) | Self::Stale(error) => error.as_db_error(),
            _ => None,
        }
    }

    fn code(&self) -> Option<&SqlState> {
        self.db().map(DbError::code)
    }

    /// Two transactions stood in each other's way, and this one was undone as a whole.
    pub(super) fn is_conflict(&self) -> bool {
        self.code().is_some_and(|code| {
            *code == SqlState::T_R_SERIALIZATION_FAILURE || *code == SqlState::T_R_DEADLOCK_DETECTED
        })
    }

    /// Someone else had a lock for too long.
    pub(super) fn is_lock_timeout(&self) -> bool {
        self.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }

    /// A value does not fit: SQLSTATE classes 22 (data) and 23 (constraints), or it could not even be sent.
    pub(super) fn is_of_a_value(&self) -> bool {
        match self {
            Self::Store(_) => true,
            _ => self.code().is_some_and(|code| matches!(&code.code()[..2], "22" | "23")),
        }
    }

    /// A row has no partition to go to.
    pub(super) fn is_of_a_partition(&self) -> bool {
        self.db().is_some_and(|error| {
            *error.code() == SqlState::CHECK_VIOLATION
                && error.constraint().is_none()
                && error.table() == Some("resolutions")
        })
    }

    pub(super) fn is_stale(&self) -> bool {
        matches!(self, Self::Stale(_))
    }

    /// Keeps what an operator can act on, and neither a value nor the text of a statement: those are in the error's
    /// detail, where a server has any.
    fn told(error: &tokio_postgres::Error) -> String {
        if let Some(error) = error.as_db_error() {
            return format!("{} (SQLSTATE {})", error.message(), error.code().code());
        }
        match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => Self::Postgres(error),
            PoolError::Timeout(TimeoutType::Wait) => Self::NoConnection("all connections are in use"),
            PoolError::Timeout(_) => Self::NoConnection("it does not answer to new connections"),
            PoolError::Closed => Self::Store(StoreError::Closed),
            PoolError::NoRuntimeSpecified | PoolError::PostCreateHook(_) => {
                Self::NoConnection("no connection could be made")
            }
        }
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Store(error) => error,
            Failure::Postgres(error) | Failure::Stale(error) => Self::Database(Failure::told(&error)),
            Failure::NoConnection(text) => Self::Database(text.to_owned()),
            Failure::TooSlow => Self::Database("it did not answer in time".to_owned()),
        }
    }
}

/// How often what is worth it is tried once more.
pub(super) struct Tries {
    conflicts: u8,
    stale: u8,
}

impl Tries {
    /// Two that stand in each other's way seldom do so again.
    const CONFLICTS: u8 = 5;
    /// A pool's connections are found dead one after the other.
    const STALE: u8 = 2;

    pub(super) fn new() -> Self {
        Self { conflicts: Self::CONFLICTS, stale: Self::STALE }
    }

    /// It is to be tried again.
    pub(super) fn again(&mut self, failure: &Failure) -> bool {
        let left = if failure.is_conflict() {
            &mut self.conflicts
        } else if failure.is_stale() {
            &mut self.stale
        } else {
            return false;
        };
        *left = left.saturating_sub(1);
        *left > 0
    }
}
