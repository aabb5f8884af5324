//! Is the listening address free, or a Buddy's?

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use buddy_egress::{Egress, Head};
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::hosts::USER_AGENT;
use super::{Check, Finding, HOST_TIME};
use crate::http::VERSION_HEADER;

/// The version of the Buddy whose answer it is, if it is one's.
pub(super) fn version(head: Option<&Head>) -> Option<String> {
    let head = head.filter(|head| head.status == 200)?;
    head.headers.get(VERSION_HEADER)?.to_str().ok().map(str::to_owned)
}

/// The finding, and whether a Buddy runs there.
pub(super) async fn look(listen: SocketAddr, way: &Egress) -> (Finding, bool) {
    if listen.port() == 0 {
        return (Finding::ok(Check::Port, "any that is free is taken at the start"), false);
    }
    if let Some(version) = asked(listen, way).await {
        return (Finding::ok(Check::Port, format!("Buddy {version} answers on {listen}")), true);
    }
    // Let go at once: nothing is accepted.
    let finding = match TcpListener::bind(listen).await {
        Ok(_) => Finding::ok(Check::Port, format!("{listen} is free: no server runs yet")),
        Err(error) => refused(listen, &error),
    };
    (finding, false)
}

fn refused(listen: SocketAddr, error: &std::io::Error) -> Finding {
    let (message, mend) = match error.kind() {
        ErrorKind::AddrInUse => (
            format!("{listen} is held by a program that does not answer as Buddy"),
            "Stop that program (`ss -ltnp` names it), or choose another --listen.",
        ),
        ErrorKind::AddrNotAvailable => (
            format!("{listen} is no address of this machine"),
            "Choose an address that `ip address` shows for --listen, or 0.0.0.0 for all.",
        ),
        ErrorKind::PermissionDenied => (
            format!("{listen} may not be listened on by this user"),
            "Choose a port from 1024 up, with a proxy before it, for --listen.",
        ),
        _ => (format!("{listen} cannot be listened on: {error}"), "Choose another --listen."),
    };
    Finding::fail(Check::Port, message, mend)
}

async fn asked(listen: SocketAddr, way: &Egress) -> Option<String> {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    let target = way.target(&format!("http://{}/healthz", SocketAddr::new(ip, listen.port()))).ok()?;
    version(way.peek(&target, USER_AGENT, Instant::now() + HOST_TIME).await.head.as_ref())
}
