//! Both endpoints behind axum, asked over real sockets by a client that sends exactly what it is told to.
// All of it is tests, helpers too: said for the lints.
#![cfg(test)]

#[path = "../../../rust/tests/it/endpoint_rows.rs"]
mod endpoint_rows;
#[path = "../../../rust/tests/it/vectors.rs"]
mod vectors;

mod body;
mod log;
mod readme;
mod rows;
mod store;
mod support;
