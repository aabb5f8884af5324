//! The composition root: the one file that names concrete types and puts the parts together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use async_trait::async_trait;
use buddy_core::secret::TokenHash;
use buddy_egress::{Egress, EgressError, EgressSettings};
use buddy_store::{Keyring, MasterKey, OpenError, SqliteSettings, SqliteStore, Store, StoreError};
use ipnet::IpNet;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::agents::Agents;
use crate::ambient::Ambient;
use crate::api_keys::ApiKeys;
use crate::audit::Audit;
use crate::check::Checker;
use crate::config::{DataDir, KeysError, Settings};
use crate::http::limit::Limiter;
use crate::identify::{Identifier, News};
use crate::messages::Messages;
use crate::metrics::Metrics;
use crate::resolutions::Resolutions;
use crate::sessions::Sessions;
use crate::stats::Stats;

/// Why the server cannot start, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Egress(#[from] EgressError),
}

/// The database's own health, beside what is kept in it.
#[async_trait]
pub(crate) trait Health: Send + Sync {
    /// It answers.
    async fn ready(&self) -> Result<(), StoreError>;
    /// Everything written is on disk, and nothing more will be.
    async fn close(&self);
}

#[async_trait]
impl Health for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        Self::ready(self).await
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// Everything that a call may need.
pub(crate) struct App {
    pub(crate) agents: Arc<Agents>,
    pub(crate) audit: Audit,
    pub(crate) api_keys: ApiKeys,
    pub(crate) checker: Checker,
    pub(crate) sessions: Sessions,
    pub(crate) stats: Stats,
    pub(crate) resolutions: Arc<Resolutions>,
    pub(crate) messages: Arc<Messages>,
    pub(crate) identifier: Arc<Identifier>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) health: Arc<dyn Health>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) limiter: Limiter,
    /// Whose word on a client's address is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) ambient: Ambient,
    pub(crate) admin_token: TokenHash,
    /// The origin that browsers know this server by.
    pub(crate) public_origin: String,
    /// Cancelled when the server is to end.
    pub(crate) stopping: CancellationToken,
}

/// An app, and what the start should tell the operator.
pub(crate) struct Started {
    pub(crate) app: Arc<App>,
    /// Where the admin token is kept, if it was not given.
    pub(crate) admin_token_path: Option<std::path::PathBuf>,
}

/// Opens the data dir and puts everything together. `listen` is where the server really listens.
pub(crate) fn start(
    mut settings: Settings,
    listen: SocketAddr,
    ambient: Ambient,
) -> Result<Started, StartError> {
    // First what may refuse the start without having made anything.
    let egress = egress(&settings, listen)?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let keyring = keyring(std::mem::take(&mut settings.master_keys), &data_dir, &ambient)?;
    let sqlite = SqliteSettings { directory: data_dir.path().to_owned(), durability: settings.durability };
    let sqlite = Arc::new(SqliteStore::open(sqlite, keyring)?);
    let (admin_token, admin_token_path) = match &settings.admin_token {
        Some(token) => (TokenHash::of(token), None),
        None => (TokenHash::of(&data_dir.admin_token(&ambient)?), Some(data_dir.admin_token_path())),
    };
    let store: Arc<dyn Store> = sqlite.clone();
    let metrics = Arc::new(Metrics::new());
    let news = Arc::new(News::default());
    let agents = Arc::new(Agents::new(store.clone(), egress.clone(), ambient.clone()));
    let identifier = Arc::new(Identifier::new(
        store.clone(),
        agents.clone(),
        egress.clone(),
        news.clone(),
        ambient.clone(),
        metrics.clone(),
        settings.max_pending,
    ));
    let sessions = Sessions {
        store: store.clone(),
        agents: agents.clone(),
        identifier: identifier.clone(),
        news: news.clone(),
        ambient: ambient.clone(),
        metrics: metrics.clone(),
    };
    let stopping = CancellationToken::new();
    let messages = Arc::new(Messages::new(store.clone(), news.clone(), ambient.clone(), stopping.clone()));
    let resolutions = Arc::new(Resolutions::new(store.clone(), agents.clone(), news, stopping.clone()));
    let checker = Checker { agents: agents.clone(), egress, ambient: ambient.clone() };
    let stats = Stats { store: store.clone(), agents: agents.clone(), ambient: ambient.clone() };
    let app = App {
        audit: agents.audit.clone(),
        agents,
        api_keys: ApiKeys::new(store.clone(), ambient.clone()),
        checker,
        sessions,
        stats,
        resolutions,
        messages,
        identifier,
        store,
        health: sqlite,
        metrics,
        limiter: Limiter::new(settings.sessions_per_minute, settings.agent_sessions_per_minute),
        trusted_proxies: settings.trusted_proxies,
        ambient,
        admin_token,
        public_origin: public_origin(settings.public_url.as_ref(), listen),
        stopping,
    };
    Ok(Started { app: Arc::new(app), admin_token_path })
}

fn keyring(given: Vec<MasterKey>, data_dir: &DataDir, ambient: &Ambient) -> Result<Keyring, KeysError> {
    let keys = if given.is_empty() { data_dir.master_keys(ambient)? } else { given };
    Ok(Keyring::of(keys).expect("there is at least one key"))
}

/// The way out to customers, as these settings have it.
pub(crate) fn egress(settings: &Settings, listen: SocketAddr) -> Result<Egress, EgressError> {
    // A host name of ours is never a customer's endpoint; an address is told apart by its port below.
    let own_host = settings.public_url.as_ref().and_then(Url::domain).filter(|host| *host != "localhost");
    Egress::new(EgressSettings {
        allow: settings.egress_allow.clone(),
        allow_http: settings.egress_allow_http,
        extra_roots_pem: settings.egress_ca.clone(),
        own_hosts: own_host.map(str::to_owned).into_iter().collect(),
        own_addresses: vec![listen],
        name_servers: None,
    })
}

fn public_origin(public_url: Option<&Url>, listen: SocketAddr) -> String {
    if let Some(url) = public_url {
        return url.origin().ascii_serialization();
    }
    let ip = if listen.ip().is_unspecified() { IpAddr::from([127, 0, 0, 1]) } else { listen.ip() };
    format!("http://{}", SocketAddr::new(ip, listen.port()))
}
