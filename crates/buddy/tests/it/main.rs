//! The server from outside: the real binary, real TLS, real processes.

mod cli;
mod flows;
mod routes;
mod support;
