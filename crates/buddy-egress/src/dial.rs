//! The single place that connects. The guard stands on each socket address that is about to be dialled,
//! however it was come by.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use buddy_core::reason::Reason;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsConnector;

use crate::fault::Fault;
use crate::limits::{DIAL_STAGGER, DIALLED_PER_FAMILY_MAX};
use crate::policy::Policy;
use crate::target::Target;
use crate::wire::{Socket, Stream, Wire};

/// Connects to the first of a name's addresses that answers. One refused address refuses them all.
pub(crate) async fn connect(
    policy: &Policy,
    target: &Target,
    addresses: &[IpAddr],
) -> Result<Arc<Socket>, Fault> {
    for address in addresses {
        policy.admit(SocketAddr::new(*address, target.port), target.secure)?;
    }
    let mut waiting = in_turn(addresses);
    let mut dialled = FuturesUnordered::new();
    let mut fault = Fault::from(Reason::ConnectFailed);
    loop {
        if let Some(address) = waiting.pop_front() {
            dialled.push(dial(policy, SocketAddr::new(address, target.port), target.secure));
        }
        let stagger = sleep_until(Instant::now() + DIAL_STAGGER);
        tokio::select! {
            biased;
            done = dialled.next() => match done {
                Some(Ok(socket)) => return Ok(socket),
                Some(Err(failed)) => fault = failed,
                None => return Err(fault),
            },
            () = stagger, if !waiting.is_empty() => {}
        }
    }
}

/// The TLS handshake, or none for plain HTTP.
pub(crate) async fn secure(
    tls: &TlsConnector,
    target: &Target,
    socket: Arc<Socket>,
) -> Result<Stream, Fault> {
    if !target.secure {
        return Ok(Stream::Plain(Wire(socket)));
    }
    match tls.connect(target.server_name.clone(), Wire(socket)).await {
        Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
        Err(error) => Err(Fault::new(Reason::TlsFailed, error)),
    }
}

async fn dial(policy: &Policy, address: SocketAddr, secure: bool) -> Result<Arc<Socket>, Fault> {
    policy.admit(address, secure)?;
    let failed = |error: io::Error| Fault::new(Reason::ConnectFailed, error);
    #[expect(clippy::disallowed_methods, reason = "the one place that connects, one line below the guard")]
    let tcp = TcpStream::connect(address).await.map_err(failed)?;
    tcp.set_nodelay(true).map_err(failed)?;
    let peer = tcp.peer_addr().map_err(failed)?;
    let local = tcp.local_addr().map_err(failed)?;
    if peer != address || policy.leads_to_ourselves(local, peer) {
        return Err(Reason::AddressBlocked.into());
    }
    Ok(Socket::new(tcp))
}

/// The addresses to dial, IPv6 first and then by turns (RFC 8305, section 4).
fn in_turn(addresses: &[IpAddr]) -> VecDeque<IpAddr> {
    let family = |wanted: fn(&IpAddr) -> bool| {
        addresses.iter().copied().filter(wanted).take(DIALLED_PER_FAMILY_MAX).collect::<Vec<_>>()
    };
    let (v6, v4) = (family(IpAddr::is_ipv6), family(IpAddr::is_ipv4));
    let mut order = VecDeque::new();
    for turn in 0..DIALLED_PER_FAMILY_MAX {
        order.extend(v6.get(turn));
        order.extend(v4.get(turn));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_guard_stands_on_the_socket_address_itself() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let policy = |allow: &[&str], own_addresses: Vec<SocketAddr>| Policy {
            allow: allow.iter().map(|network| network.parse().unwrap()).collect(),
            allow_http: true,
            own_hosts: Vec::new(),
            own_addresses,
        };
        for (policy, secure) in [
            (policy(&[], vec![]), true),
            (policy(&["10.0.0.0/8"], vec![]), false),
            (policy(&["127.0.0.0/8"], vec![address]), true),
        ] {
            let fault = dial(&policy, address, secure).await.unwrap_err();
            assert_eq!(fault.reason, Reason::AddressBlocked);
        }
        // The first connection to come is the one that was let through.
        let opened = policy(&["127.0.0.0/8"], vec![]);
        let (admitted, accepted) =
            futures_util::future::join(dial(&opened, address, false), listener.accept()).await;
        let (_, peer) = accepted.unwrap();
        assert_eq!(admitted.unwrap().local(), peer);
    }

    #[test]
    fn two_of_each_family_are_dialled_by_turns_beginning_with_ipv6() {
        let order = |addresses: &[&str]| {
            let addresses = addresses.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
            in_turn(&addresses).iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(order(&["1.1.1.1"]), "1.1.1.1");
        assert_eq!(order(&["1.1.1.1", "2600::1"]), "2600::1 1.1.1.1");
        assert_eq!(order(&["2600::1", "2600::2", "2600::3"]), "2600::1 2600::2");
        assert_eq!(
            order(&["1.1.1.1", "1.1.1.2", "1.1.1.3", "2600::1", "2600::2", "2600::3"]),
            "2600::1 1.1.1.1 2600::2 1.1.1.2"
        );
    }
}
