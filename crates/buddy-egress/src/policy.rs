//! What the operator has opened, and what is ourselves.

use std::net::{IpAddr, SocketAddr};

use buddy_core::reason::Reason;
use ipnet::IpNet;

use crate::address::{Class, classify};

/// The rules that every address passes through, whether it was written in a URL or came from the DNS.
#[derive(Debug)]
pub(crate) struct Policy {
    pub(crate) allow: Vec<IpNet>,
    pub(crate) allow_http: bool,
    pub(crate) own_hosts: Vec<String>,
    pub(crate) own_addresses: Vec<SocketAddr>,
}

impl Policy {
    /// The one guard. `secure`: the address is to be spoken to over TLS.
    pub(crate) fn admit(&self, address: SocketAddr, secure: bool) -> Result<(), Reason> {
        let opened = self.opens(address.ip());
        match classify(address.ip()) {
            Class::Never => return Err(Reason::AddressBlocked),
            Class::Operator if !opened => return Err(Reason::AddressBlocked),
            Class::Operator | Class::Public => {}
        }
        if self.is_ourselves(address) {
            return Err(Reason::AddressBlocked);
        }
        // Plain HTTP stays within the operator's own networks, even where the address is public.
        if secure || opened { Ok(()) } else { Err(Reason::NotHttps) }
    }

    /// Names that only an operator's own network answers may be asked for.
    pub(crate) fn opens_special_names(&self) -> bool {
        !self.allow.is_empty()
    }

    /// `name` as the URL parser leaves it: lower-case, without the trailing dot.
    pub(crate) fn is_own_host(&self, name: &str) -> bool {
        let bare = |host: &str| host.strip_suffix('.').unwrap_or(host).eq_ignore_ascii_case(name);
        self.own_hosts.iter().any(|host| bare(host))
    }

    /// One of our listening sockets; one that listens everywhere is reached through any loopback address.
    fn is_ourselves(&self, address: SocketAddr) -> bool {
        self.own_addresses.iter().any(|own| {
            let ip = own.ip().to_canonical();
            own.port() == address.port()
                && (ip == address.ip() || (ip.is_unspecified() && address.ip().is_loopback()))
        })
    }

    /// A connection that was made came out at our own listening socket: by an address of this machine that
    /// only the system knows to be one.
    pub(crate) fn leads_to_ourselves(&self, local: SocketAddr, peer: SocketAddr) -> bool {
        local.ip() == peer.ip()
            && self.own_addresses.iter().any(|own| own.port() == peer.port() && own.ip().is_unspecified())
    }

    fn opens(&self, address: IpAddr) -> bool {
        self.allow.iter().any(|network| network.contains(&address))
    }
}
