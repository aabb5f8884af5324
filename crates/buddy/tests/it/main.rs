//! The server from outside: the real binary, real TLS, real processes.
// All of it is tests, helpers too: said for the lints.
#![cfg(test)]

mod cli;
mod console;
mod deploy;
mod examples;
mod flows;
mod routes;
mod support;
