//! What the peers, the endpoint and the driver have in common: the callback as it is signed, TLS between them, and how
//! a program says where it listens.

pub mod agents;
pub mod callback;
pub mod listen;
pub mod pace;
pub mod tls;

/// What ends one of these programs; it is printed.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;
