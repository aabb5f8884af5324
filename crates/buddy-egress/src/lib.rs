//! Buddy's only way out: looks up, checks, dials and asks a customer's HTTPS endpoint within bounds.
//!
//! A URL is read once ([`Egress::target`]); its name is resolved once per connection, every address is checked,
//! and only what was checked is dialled. No redirect is followed, no proxy variable is read, nothing is inflated.

pub mod address;
mod connection;
mod dial;
mod exchange;
mod fault;
mod handshake;
pub mod limits;
mod line;
mod lookup;
mod peek;
mod policy;
mod pool;
mod target;
mod tls;
mod wire;

use std::net::SocketAddr;
use std::sync::Arc;

use buddy_core::reason::Reason;
use http::HeaderValue;
use ipnet::IpNet;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;

pub use exchange::{Answer, Exchange, Request};
pub use handshake::{CertificateFault, Handshake, Trouble, ValidUntil};
pub use line::Line;
pub use peek::{Addresses, Head, Peek};
pub use pool::Pool;
pub use target::Target;

use lookup::Lookup;
use policy::Policy;

/// What the operator decides about the way out.
#[derive(Clone, Debug, Default)]
pub struct EgressSettings {
    /// Networks that may be reached though they are not public.
    pub allow: Vec<IpNet>,
    /// Plain HTTP, and only to addresses within `allow`.
    pub allow_http: bool,
    /// Further roots to believe, in PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// Our own public host names, refused as targets. Names only: addresses are refused by `own_addresses`.
    pub own_hosts: Vec<String>,
    /// Our own listening sockets, refused when they would be dialled.
    pub own_addresses: Vec<SocketAddr>,
    /// Name servers to ask, over UDP and TCP; `None`: those of `/etc/resolv.conf`.
    pub name_servers: Option<Vec<SocketAddr>>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The PEM text is none, or holds what is no root.
    #[error(
        "--egress-ca (BUDDY_EGRESS_CA) holds a certificate that cannot be read ({0}): give a PEM file of root certificates"
    )]
    RootsUnreadable(String),
    /// Nothing between `BEGIN CERTIFICATE` and `END CERTIFICATE`.
    #[error("--egress-ca (BUDDY_EGRESS_CA) holds no certificate: give a PEM file with at least one")]
    RootsEmpty,
    /// No resolver can be made.
    #[error("the name servers in /etc/resolv.conf cannot be used ({0}): mend that file")]
    NameServers(String),
}

/// The way out. Cheap to clone.
#[derive(Clone)]
pub struct Egress(Arc<Shared>);

pub(crate) struct Shared {
    policy: Arc<Policy>,
    lookup: Lookup,
    tls: TlsConnector,
}

impl Egress {
    /// Reads the roots, the hosts file and the name servers, once.
    pub fn new(settings: EgressSettings) -> Result<Self, EgressError> {
        let EgressSettings { allow, allow_http, extra_roots_pem, own_hosts, own_addresses, name_servers } =
            settings;
        Ok(Self(Arc::new(Shared {
            policy: Arc::new(Policy { allow, allow_http, own_hosts, own_addresses }),
            lookup: Lookup::new(name_servers.as_deref())?,
            tls: tls::connector(extra_roots_pem.as_deref())?,
        })))
    }

    /// Reads a URL: what can be known of it without asking anybody. A name's addresses are checked each time
    /// it is dialled.
    pub fn target(&self, url: &str) -> Result<Target, Reason> {
        Target::parse(url, &self.0.policy)
    }

    /// A pool of connections: one for each agent and configuration. At most `idle_max` of them wait in it: as many as may
    /// be in use at once, else a busy agent would dial anew all the time.
    #[must_use]
    pub fn pool(&self, idle_max: usize) -> Pool {
        Pool::new(idle_max)
    }

    /// Asks once, by POST. Ends by `deadline`, whatever the endpoint does; dropping the future closes its
    /// connection.
    pub async fn exchange(
        &self,
        pool: &Pool,
        target: &Target,
        request: Request,
        deadline: Instant,
    ) -> Exchange {
        exchange::run(&self.0, pool, target, &request, deadline).await
    }

    /// Goes as far as the TLS handshake, over a connection of its own: for the endpoint check.
    pub async fn handshake(&self, target: &Target, deadline: Instant) -> Handshake {
        handshake::run(&self.0, target, deadline).await
    }

    /// A connection for the operator's own commands: to a server of theirs, not to a customer's endpoint. The target's
    /// path counts for nothing.
    pub async fn line(&self, target: &Target, deadline: Instant) -> Result<Line, Trouble> {
        Line::open(&self.0, target, deadline).await
    }

    /// Looks a target's host up and dials nothing: for the operator's check of a deployment.
    pub async fn addresses(&self, target: &Target, deadline: Instant) -> Addresses {
        peek::addresses(&self.0, target, deadline).await
    }

    /// Sends an unsigned HEAD over a connection of its own: for the operator's check of a deployment.
    pub async fn peek(&self, target: &Target, user_agent: HeaderValue, deadline: Instant) -> Peek {
        peek::run(&self.0, target, user_agent, deadline).await
    }
}

impl std::fmt::Debug for Egress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Egress").field("policy", &self.0.policy).finish_non_exhaustive()
    }
}
