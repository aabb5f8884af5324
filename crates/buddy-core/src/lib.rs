//! The rules of Buddy: what an id, a secret, a signed callback and its answer are, and what becomes of them.
//!
//! Pure by construction: no async, no I/O, no clock and no randomness of its own. Time and random bytes are
//! arguments, so every rule here is tested by a table.

pub mod agent;
pub mod audit;
pub mod callback;
pub mod id;
pub mod identity;
pub mod limits;
pub mod message;
pub mod reason;
pub mod resolution;
pub mod secret;
pub mod session;
pub mod tally;
pub mod time;
