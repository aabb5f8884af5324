//! A port of the system's choice, on loopback only.

use std::net::Ipv4Addr;

use tokio::net::TcpListener;

use crate::Failure;

/// Listens and says where on standard output, as `buddy serve` does: the address is the line's end.
pub async fn announced(scheme: &str) -> Result<TcpListener, Failure> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("listening on {scheme}://{}", listener.local_addr()?);
    Ok(listener)
}
