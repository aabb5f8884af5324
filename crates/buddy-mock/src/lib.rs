//! Endpoints that misbehave on purpose: a named case for everything that a customer's endpoint can do to Buddy,
//! and what Buddy is to make of it.
//!
//! [`GROUPS`] is the table, [`Endpoint`] one such endpoint behind a real socket and real TLS. The tests run the
//! server against every case; `buddy mock-endpoint` lets an integrator try each. No signature is checked here:
//! what is tried is Buddy, not its customer.

pub mod behaviour;
mod certificate;
#[cfg(feature = "dns")]
pub mod dns;
pub mod door;
pub mod endpoint;
mod play;
mod table;
pub mod wire;

pub use behaviour::{Behaviour, Expect};
pub use endpoint::{Endpoint, Event};
pub use table::{GROUPS, Group};
