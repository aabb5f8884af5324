//! Settings: each a flag, an environment variable and a line of `buddy.toml`, in that order of precedence.

mod keys;
mod otlp;
mod parse;
mod source;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use buddy_store::{DatabaseUrl, Durability, MasterKey};
use ipnet::IpNet;
use tracing::level_filters::LevelFilter;
use url::{Host, Url};
use zeroize::Zeroizing;

pub(crate) use keys::{DataDir, KeysError, admin_token_path, read_admin_token};
pub(crate) use otlp::OtlpSettings;
pub(crate) use parse::networks;
pub(crate) use source::{Flags, Given, load, load_for_sqlite};

/// A wrong setting, in one sentence that names it.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {must}")]
pub(crate) struct WrongSetting {
    /// The setting, as the operator wrote it: a flag, a variable, or a line of a file.
    pub(crate) setting: String,
    /// What it must be.
    pub(crate) must: String,
}

/// This machine's own addresses.
pub(crate) fn loopback() -> [IpNet; 2] {
    [
        IpNet::new_assert(IpAddr::from([127, 0, 0, 0]), 8),
        IpNet::new_assert(IpAddr::V6(Ipv6Addr::LOCALHOST), 128),
    ]
}

/// All addresses there are: for what the operator has named, and no customer.
pub(crate) fn everywhere() -> [IpNet; 2] {
    [IpNet::new_assert(Ipv4Addr::UNSPECIFIED.into(), 0), IpNet::new_assert(Ipv6Addr::UNSPECIFIED.into(), 0)]
}

/// The URL leads to this machine, by the name for that or an address of its own.
pub(crate) fn is_of_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// How many connections clients may have open at once.
#[derive(Debug)]
pub(crate) struct MaxConnections {
    /// So many.
    pub(crate) most: usize,
    /// The setting that says so; `None`: nobody has set it.
    pub(crate) set_by: Option<String>,
}

impl Default for MaxConnections {
    /// With the files beside them below 16,384, which is a usual limit.
    fn default() -> Self {
        Self { most: 10_000, set_by: None }
    }
}

/// Everything that an operator may set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where SQLite and the key file are.
    pub(crate) data_dir: PathBuf,
    /// The PostgreSQL that several nodes share; `None`: SQLite in the data dir.
    pub(crate) database: Option<DatabaseUrl>,
    /// How browsers reach this server: scheme, host and port, nothing after it.
    pub(crate) public_url: Option<url::Url>,
    /// The operator's token; made and kept in the data dir where none is given.
    pub(crate) admin_token: Option<Zeroizing<String>>,
    /// The keys that seal what is kept, the first one for writing; made and kept where none is given.
    pub(crate) master_keys: Vec<MasterKey>,
    /// Addresses that callbacks may reach though they are not public.
    pub(crate) egress_allow: Vec<IpNet>,
    /// Plain HTTP, to those addresses only.
    pub(crate) egress_allow_http: bool,
    /// PEM of further roots.
    pub(crate) egress_ca: Option<Vec<u8>>,
    /// Session starts of strangers per client address; 0 is no limit.
    pub(crate) sessions_per_minute: u32,
    /// The same of one agent from all addresses; 0 is no limit.
    pub(crate) agent_sessions_per_minute: u32,
    /// Proxies in front, whose `X-Forwarded-For` is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Connections that clients may have open at once.
    pub(crate) max_connections: MaxConnections,
    /// Sessions that may be pending at once.
    pub(crate) max_pending: usize,
    /// How long requests are still taken after the end was asked for.
    pub(crate) drain: Duration,
    /// How much is logged.
    pub(crate) log: LevelFilter,
    /// Where traces go; `None`: nowhere, and none are made.
    pub(crate) otlp: Option<OtlpSettings>,
    /// What a power cut may cost.
    pub(crate) durability: Durability,
}

impl Settings {
    /// Those of a server for this process alone, such as the demo's: a free port of the loopback, which callbacks may
    /// reach too, no limits, no log.
    pub(crate) fn for_this_process(data_dir: PathBuf) -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            data_dir,
            database: None,
            public_url: None,
            admin_token: None,
            master_keys: Vec::new(),
            egress_allow: loopback().to_vec(),
            egress_allow_http: false,
            egress_ca: None,
            sessions_per_minute: 0,
            agent_sessions_per_minute: 0,
            trusted_proxies: Vec::new(),
            max_connections: MaxConnections::default(),
            max_pending: 1000,
            drain: Duration::ZERO,
            log: LevelFilter::OFF,
            otlp: None,
            durability: Durability::Full,
        }
    }
}
