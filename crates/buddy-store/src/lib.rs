//! Buddy's disk: the only code that knows SQL and sealing.
//!
//! Everything that is kept goes through the [`Store`] trait, made of small groups by noun. What names a user, and
//! every secret, is sealed before it reaches a table; tokens are kept as hashes.

#[cfg(feature = "bench")]
pub mod bench;
mod columns;
mod configured;
#[cfg(test)]
mod conformance;
mod postgres;
mod renewal;
mod seal;
mod sqlite;
mod statements;
mod store;
mod vitals;

pub use postgres::{
    BadDatabaseUrl, DatabaseUrl, OpenError as PostgresOpenError, PostgresInspection, PostgresKeys,
    PostgresReading, PostgresSettings, PostgresStore, TakesWrites, Trust as DatabaseTrust,
};
pub use seal::{BadMasterKey, Keyring, MasterKey, MasterKeyId};
pub use sqlite::{
    BackedUp, BackupError, DATABASE_FILE, Durability, Inspection, OpenError, QuickCheck, RestoreError,
    Restored, Schema, SqliteSettings, SqliteStore, back_up, restore,
};
pub use store::{
    AgentChange, AgentTally, Agents, ApiKeys, Appended, AuditLog, Callbacks, Change, Changed,
    ConfiguredCallback, HandedOver, Messages, Nodes, Numbered, Page, PutCallback, Resealing,
    ResolutionFilter, Resolutions, RotationBegun, SealedBy, SealedValues, Sealing, Sessions, Settlement,
    Store, StoreError, Tallies, Written,
};
pub use vitals::{Failures, PoolUse, Vitals};
