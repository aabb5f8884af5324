//! Settings: each a flag, an environment variable and a line of `buddy.toml`, in that order of precedence.

mod keys;
mod parse;
mod source;

use std::net::SocketAddr;
use std::path::PathBuf;

use buddy_store::{Durability, MasterKey};
use ipnet::IpNet;
use zeroize::Zeroizing;

pub(crate) use keys::{DataDir, KeysError};
pub(crate) use source::{Flags, load};

/// A wrong setting, in one sentence that names it.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {must}")]
pub(crate) struct WrongSetting {
    /// The setting, as the operator wrote it: a flag, a variable, or a line of a file.
    pub(crate) setting: String,
    /// What it must be.
    pub(crate) must: String,
}

/// Everything that an operator may set.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Where to listen.
    pub(crate) listen: SocketAddr,
    /// Where SQLite and the key file are.
    pub(crate) data_dir: PathBuf,
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
    /// Sessions that may be pending at once.
    pub(crate) max_pending: usize,
    /// How much is logged.
    pub(crate) log: tracing::level_filters::LevelFilter,
    /// What a power cut may cost.
    pub(crate) durability: Durability,
}
