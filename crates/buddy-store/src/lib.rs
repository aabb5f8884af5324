//! Buddy's disk: the only code that knows SQL and sealing.
//!
//! Everything that is kept goes through the [`Store`] trait, made of small groups by noun. What names a user, and
//! every secret, is sealed before it reaches a table; tokens are kept as hashes.

#[cfg(feature = "bench")]
pub mod bench;
mod columns;
#[cfg(test)]
mod conformance;
mod postgres;
mod seal;
mod sqlite;
mod statements;
mod store;

pub use postgres::{
    BadDatabaseUrl, DatabaseUrl, OpenError as PostgresOpenError, PostgresSettings, PostgresStore,
};
pub use seal::{BadMasterKey, Keyring, MasterKey};
pub use sqlite::{
    DATABASE_FILE, Durability, Inspection, OpenError, QuickCheck, Schema, SqliteSettings, SqliteStore,
};
pub use store::{
    AgentChange, AgentTally, Agents, ApiKeys, Appended, AuditLog, Callbacks, Change, Changed,
    ConfiguredCallback, HandedOver, Messages, Nodes, Numbered, Page, PutCallback, ResolutionFilter,
    Resolutions, RotationBegun, Sessions, Settlement, Store, StoreError, Tallies, Written,
};
