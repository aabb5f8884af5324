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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_to_this_machine_is_to_ourselves_where_we_listen_everywhere() {
        let policy = |own: &str| Policy {
            allow: Vec::new(),
            allow_http: false,
            own_hosts: Vec::new(),
            own_addresses: vec![own.parse().unwrap()],
        };
        for (own, local, peer, ourselves) in [
            ("0.0.0.0:8700", "203.0.113.7:50000", "203.0.113.7:8700", true),
            ("[::]:8700", "203.0.113.7:50000", "203.0.113.7:8700", true),
            ("0.0.0.0:8700", "203.0.113.7:50000", "203.0.113.7:443", false),
            ("0.0.0.0:8700", "203.0.113.7:50000", "203.0.113.8:8700", false),
            ("127.0.0.1:8700", "203.0.113.7:50000", "203.0.113.7:8700", false),
        ] {
            let (local, peer) = (local.parse().unwrap(), peer.parse().unwrap());
            assert_eq!(policy(own).leads_to_ourselves(local, peer), ourselves, "{own} {peer}");
        }
    }

    #[test]
    fn a_network_of_ipv4_opens_no_ipv6_address_that_embeds_one_of_it() {
        let policy = Policy {
            allow: vec!["127.0.0.0/8".parse().unwrap(), "::/0".parse().unwrap()],
            allow_http: true,
            own_hosts: Vec::new(),
            own_addresses: Vec::new(),
        };
        for (address, secure, expected) in [
            ("127.0.0.1:1", true, Ok(())),
            ("127.0.0.1:1", false, Ok(())),
            ("[::1]:1", false, Ok(())),
            ("[::ffff:127.0.0.1]:1", true, Err(Reason::AddressBlocked)),
            ("[::127.0.0.1]:1", true, Err(Reason::AddressBlocked)),
            ("10.0.0.1:1", true, Err(Reason::AddressBlocked)),
            ("8.8.8.8:1", true, Ok(())),
            ("8.8.8.8:1", false, Err(Reason::NotHttps)),
            ("[2606:4700::1111]:1", false, Ok(())),
        ] {
            assert_eq!(policy.admit(address.parse().unwrap(), secure), expected, "{address} {secure}");
        }
    }
}
