#![doc = include_str!("../README.md")]

mod clock;
mod found;
mod http;
mod identity;
mod session;
mod store;

pub use buddy_verify;
pub use buddy_verify::{
    BINDING_SECONDS, BODY_BYTES_MAX, BindingStore, MemoryStore, Refusal, User, UserId, VerifyError,
};
pub use found::{Error, Found};
pub use identity::{IdentityEndpoint, identity_endpoint};
pub use session::{SessionEndpoint, session_endpoint};
pub use store::{AsyncBindingStore, memory_store};
