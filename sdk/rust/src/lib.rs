#![doc = include_str!("../README.md")]

mod answer;
pub mod identity;
mod refusal;
mod request;
mod secret;
pub mod session;
mod store;
mod ticket;
mod user;
mod verify;

pub use answer::Answer;
pub use refusal::Refusal;
pub use request::{BODY_BYTES_MAX, Request};
pub use store::{BINDING_SECONDS, BINDINGS_MAX, BindingStore, MemoryStore};
pub use ticket::{BadSessionId, ticket};
pub use user::{BadUser, EMAIL_CHARS_MAX, ROLE_CHARS_MAX, USER_ID_CHARS_MAX, User, UserId};
pub use verify::{Callback, TOLERANCE_SECONDS, VerifyError, verify};
