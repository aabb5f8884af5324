//! The published vectors, which every language's package must agree with, and what they do not say.
// All of it is tests, helpers too: said for the lints.
#![cfg(test)]

mod endpoint_rows;
mod endpoints;
mod store;
mod user;
mod vectors;
mod verify;
