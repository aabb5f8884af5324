//! Names to addresses: asynchronous, bounded, and never with a search domain.

use std::fs::File;
use std::io;
use std::net::{IpAddr, SocketAddr};

use buddy_core::reason::Reason;
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::net::NetError;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::op::Query;
use hickory_resolver::proto::rr::{Name, RecordType};
use hickory_resolver::{Hosts, TokioResolver, system_conf};

use crate::EgressError;
use crate::fault::Fault;
use crate::limits::{
    ADDRESSES_MAX, DNS_CACHE_ENTRIES, DNS_NEGATIVE_TTL_MAX, DNS_NEGATIVE_TTL_MIN, DNS_RETRIES, DNS_TRY,
    DNS_TTL_MAX, DNS_TTL_MIN,
};

/// The resolver. It and the hosts file are read once, at the start.
pub(crate) struct Lookup {
    resolver: TokioResolver,
    hosts: Hosts,
}

impl Lookup {
    /// `None`: the name servers of `/etc/resolv.conf`.
    pub(crate) fn new(name_servers: Option<&[SocketAddr]>) -> Result<Self, EgressError> {
        let hosts = Hosts::from_system().unwrap_or_default();
        let name_servers = match name_servers {
            Some(addresses) => addresses.iter().copied().map(name_server).collect(),
            None => system_name_servers().map_err(|error| EgressError::NameServers(error.to_string()))?,
        };
        Self::with_hosts(name_servers, hosts)
    }

    fn with_hosts(name_servers: Vec<NameServerConfig>, hosts: Hosts) -> Result<Self, EgressError> {
        let config = ResolverConfig::from_name_servers(name_servers);
        let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
        bound(builder.options_mut());
        let resolver = builder.build().map_err(|error| EgressError::NameServers(error.to_string()))?;
        Ok(Self { resolver, hosts })
    }

    /// Every address of a name, from the hosts file if it has any, else from the DNS; at least one.
    pub(crate) async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, Fault> {
        let name = absolute(name).map_err(|error| Fault::new(Reason::DnsFailed, error))?;
        let mut found = self.in_hosts(&name);
        if found.is_empty() {
            found = self.in_dns(&name).await?;
        }
        // In the order of the answer, by which a zone spreads its load.
        let mut addresses = Vec::new();
        for address in found {
            if !addresses.contains(&address) {
                addresses.push(address);
            }
        }
        match addresses.len() {
            0 => Err(Reason::DnsFailed.into()),
            1..=ADDRESSES_MAX => Ok(addresses),
            _ => Err(Reason::AddressBlocked.into()),
        }
    }

    fn in_hosts(&self, name: &Name) -> Vec<IpAddr> {
        [RecordType::A, RecordType::AAAA]
            .into_iter()
            .filter_map(|family| self.hosts.lookup_static_host(&Query::query(name.clone(), family)))
            .flat_map(|found| addresses_in(&found))
            .collect()
    }

    /// Both families at once. One that fails leaves the other's answer whole: only what was checked is dialled.
    async fn in_dns(&self, name: &Name) -> Result<Vec<IpAddr>, Fault> {
        let (v4, v6) = futures_util::future::join(
            self.resolver.lookup(name.clone(), RecordType::A),
            self.resolver.lookup(name.clone(), RecordType::AAAA),
        )
        .await;
        let mut addresses = Vec::new();
        let mut trouble = None;
        for answer in [v4, v6] {
            match answer {
                Ok(found) => addresses.extend(addresses_in(&found)),
                Err(error) => trouble = Some(error),
            }
        }
        match trouble {
            Some(error) if addresses.is_empty() => Err(fault(error)),
            _ => Ok(addresses),
        }
    }
}

fn fault(error: NetError) -> Fault {
    let reason = if matches!(error, NetError::Timeout) { Reason::TimeoutDns } else { Reason::DnsFailed };
    Fault::new(reason, error)
}

fn addresses_in(found: &hickory_resolver::lookup::Lookup) -> Vec<IpAddr> {
    found.answers().iter().filter_map(|record| record.data.ip_addr()).collect()
}

/// With its final dot, so that no search domain is ever tried after it.
fn absolute(name: &str) -> Result<Name, hickory_resolver::proto::ProtoError> {
    let mut name = Name::from_ascii(name)?;
    name.set_fqdn(true);
    Ok(name)
}

/// As resolv.conf(5) says: without that file, the name server of this machine.
fn system_name_servers() -> Result<Vec<NameServerConfig>, NetError> {
    match File::open("/etc/resolv.conf") {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Ok(vec![name_server(SocketAddr::from(([127, 0, 0, 1], 53)))])
        }
        _ => system_conf::read_system_conf().map(|(config, _)| config.name_servers),
    }
}

fn name_server(address: SocketAddr) -> NameServerConfig {
    let at_port = |mut connection: ConnectionConfig| {
        connection.port = address.port();
        connection
    };
    let connections = vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())];
    NameServerConfig::new(address.ip(), true, connections)
}

fn bound(options: &mut ResolverOpts) {
    options.timeout = DNS_TRY;
    options.attempts = DNS_RETRIES;
    options.cache_size = DNS_CACHE_ENTRIES;
    options.positive_min_ttl = Some(DNS_TTL_MIN);
    options.positive_max_ttl = Some(DNS_TTL_MAX);
    options.negative_min_ttl = Some(DNS_NEGATIVE_TTL_MIN);
    options.negative_max_ttl = Some(DNS_NEGATIVE_TTL_MAX);
    // We read the file ourselves: the resolver would still ask the DNS for the family that is not in it.
    options.use_hosts_file = ResolveHosts::Never;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_name_in_the_hosts_file_is_asked_of_nobody_else() {
        let mut hosts = Hosts::default();
        let file = "10.0.0.5 Shop.local shop\n10.0.0.6 shop.local # the second\nfd00::5 six.local\n";
        hosts.read_hosts_conf(file.as_bytes()).unwrap();
        let lookup = Lookup::with_hosts(Vec::new(), hosts).unwrap();
        for (name, expected) in
            [("shop.local", "10.0.0.5 10.0.0.6"), ("shop", "10.0.0.5"), ("six.local", "fd00::5")]
        {
            let addresses = lookup.addresses(name).await.unwrap();
            let addresses = addresses.iter().map(ToString::to_string).collect::<Vec<_>>();
            assert_eq!(addresses.join(" "), expected);
        }
        let fault = lookup.addresses("other.example").await.unwrap_err();
        assert_eq!(fault.reason, Reason::DnsFailed);
    }

    #[tokio::test]
    async fn localhost_is_this_machine_without_a_name_server() {
        let lookup = Lookup::with_hosts(Vec::new(), Hosts::default()).unwrap();
        let addresses = lookup.addresses("localhost").await.unwrap();
        assert!(addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
    }
}
