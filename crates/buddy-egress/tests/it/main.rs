//! The way out against real sockets, real TLS and a real name server on loopback.

mod dials;
mod exchange;
mod handshake;
mod hostile;
mod line;
mod lookup;
mod peek;
mod pool;
mod support;
mod tls;
