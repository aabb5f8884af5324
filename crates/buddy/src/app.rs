//! The composition root: the one file that names concrete types and puts the parts together.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use buddy_core::secret::TokenHash;
use buddy_core::time::UnixMillis;
use buddy_egress::{Egress, EgressError, EgressSettings};
use buddy_store::{
    DatabaseUrl, Durability, Keyring, MasterKey, OpenError, PostgresOpenError, PostgresSettings,
    PostgresStore, SqliteSettings, SqliteStore, Store, StoreError, Vitals,
};
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
use crate::metrics::{Levels, Metrics};
use crate::resolutions::Resolutions;
use crate::sessions::Sessions;
use crate::stats::Stats;
use crate::traces::{CollectorError, Traces};

/// Why the server cannot start, in one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartError {
    #[error(transparent)]
    Keys(#[from] KeysError),
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Database(#[from] PostgresOpenError),
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Traces(#[from] CollectorError),
}

/// The database's own health, beside what is kept in it.
#[async_trait]
pub(crate) trait Health: Send + Sync {
    /// It answers, takes writes, and has tables that this version knows.
    async fn ready(&self) -> Result<(), StoreError>;
    /// How far this clock is ahead of the database's, in milliseconds; 0 where that has none of its own.
    async fn clock_offset(&self, now: UnixMillis) -> Result<i64, StoreError>;
    /// What it knows of its own state without asking the database.
    async fn vitals(&self) -> Vitals;
    /// Everything written is on disk, and nothing more will be.
    async fn close(&self);
}

#[async_trait]
impl Health for SqliteStore {
    async fn ready(&self) -> Result<(), StoreError> {
        Self::ready(self).await
    }

    async fn clock_offset(&self, _: UnixMillis) -> Result<i64, StoreError> {
        Ok(0)
    }

    async fn vitals(&self) -> Vitals {
        Self::vitals(self).await
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

#[async_trait]
impl Health for PostgresStore {
    async fn ready(&self) -> Result<(), StoreError> {
        Self::ready(self).await
    }

    async fn clock_offset(&self, now: UnixMillis) -> Result<i64, StoreError> {
        Self::clock_offset(self, now).await
    }

    async fn vitals(&self) -> Vitals {
        Self::vitals(self)
    }

    async fn close(&self) {
        Self::close(self).await;
    }
}

/// A store that is open, seen from its two sides.
struct Opened {
    store: Arc<dyn Store>,
    health: Arc<dyn Health>,
    has_other_nodes: bool,
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
    pub(crate) news: Arc<News>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) health: Arc<dyn Health>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) traces: Traces,
    pub(crate) limiter: Limiter,
    /// Whose word on a client's address is believed.
    pub(crate) trusted_proxies: Vec<IpNet>,
    /// Connections of clients at once.
    pub(crate) max_connections: usize,
    pub(crate) ambient: Ambient,
    pub(crate) admin_token: TokenHash,
    /// The origin that browsers know this server by.
    pub(crate) public_origin: String,
    /// Cancelled when the server is to end soon: it still answers, and is not ready for more.
    pub(crate) draining: CancellationToken,
    /// How long that takes.
    pub(crate) drain: Duration,
    /// Cancelled when the server is to end.
    pub(crate) stopping: CancellationToken,
}

impl App {
    /// It is to end: it finishes what it has, and is not ready for more.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.is_cancelled() || self.stopping.is_cancelled()
    }

    /// How far this clock is ahead of the database's, in milliseconds; kept for who watches, too.
    pub(crate) async fn look_at_the_clock(&self) -> Result<i64, StoreError> {
        let offset = self.health.clock_offset(self.ambient.now()).await?;
        self.metrics.clock_offset(offset);
        Ok(offset)
    }

    /// How it is now.
    pub(crate) async fn levels(&self) -> Levels {
        Levels {
            pending: self.identifier.pending(),
            has_tenure: !self.store.tenure().is_cancelled(),
            is_draining: self.is_draining(),
            store: self.health.vitals().await,
        }
    }
}

/// An app, and what the start should tell the operator.
pub(crate) struct Started {
    pub(crate) app: Arc<App>,
    /// Where the admin token is kept, if it was not given.
    pub(crate) admin_token_path: Option<std::path::PathBuf>,
}

/// Opens the data dir and the database, and puts everything together. `listen` is where the server really listens.
pub(crate) async fn start(
    mut settings: Settings,
    listen: SocketAddr,
    ambient: Ambient,
) -> Result<Started, StartError> {
    let Some(url) = settings.database.take() else { return start_alone(settings, listen, ambient) };
    let egress = egress(&settings, listen)?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    for (given, what) in [
        (!settings.master_keys.is_empty(), "BUDDY_MASTER_KEY"),
        (settings.admin_token.is_some(), "BUDDY_ADMIN_TOKEN"),
    ] {
        if !given {
            tracing::warn!(
                "{what} is not set, and this node's own is in its data dir: other nodes need the same"
            );
        }
    }
    let keyring = keyring(std::mem::take(&mut settings.master_keys), &data_dir, &ambient)?;
    let opened = open_postgres(url, settings.durability, keyring).await?;
    put_together(settings, listen, ambient, egress, &data_dir, opened)
}

/// The same on SQLite: the only node that there is.
pub(crate) fn start_alone(
    mut settings: Settings,
    listen: SocketAddr,
    ambient: Ambient,
) -> Result<Started, StartError> {
    // First what may refuse the start without having made anything.
    let egress = egress(&settings, listen)?;
    let data_dir = DataDir::open(&settings.data_dir)?;
    let keyring = keyring(std::mem::take(&mut settings.master_keys), &data_dir, &ambient)?;
    let opened = open_sqlite(&settings, &data_dir, keyring)?;
    put_together(settings, listen, ambient, egress, &data_dir, opened)
}

async fn open_postgres(
    url: DatabaseUrl,
    durability: Durability,
    keyring: Keyring,
) -> Result<Opened, PostgresOpenError> {
    let postgres = Arc::new(PostgresStore::open(PostgresSettings { url, durability }, keyring).await?);
    Ok(Opened { store: postgres.clone(), health: postgres, has_other_nodes: true })
}

fn open_sqlite(settings: &Settings, data_dir: &DataDir, keyring: Keyring) -> Result<Opened, OpenError> {
    let sqlite = SqliteSettings { directory: data_dir.path().to_owned(), durability: settings.durability };
    let sqlite = Arc::new(SqliteStore::open(sqlite, keyring)?);
    Ok(Opened { store: sqlite.clone(), health: sqlite, has_other_nodes: false })
}

fn put_together(
    mut settings: Settings,
    listen: SocketAddr,
    ambient: Ambient,
    egress: Egress,
    data_dir: &DataDir,
    Opened { store, health, has_other_nodes }: Opened,
) -> Result<Started, StartError> {
    let (admin_token, admin_token_path) = match &settings.admin_token {
        Some(token) => (TokenHash::of(token), None),
        None => (TokenHash::of(&data_dir.admin_token(&ambient)?), Some(data_dir.admin_token_path())),
    };
    let metrics = Arc::new(Metrics::new());
    metrics.started(ambient.now(), settings.max_connections.most, settings.max_pending);
    let traces = Traces::start(settings.otlp.take(), settings.egress_ca.as_deref(), &ambient, &metrics)?;
    let news = Arc::new(News::new(store.clone()));
    let agents = Arc::new(Agents::new(store.clone(), egress.clone(), ambient.clone()));
    let identifier = Identifier::new(
        store.clone(),
        agents.clone(),
        egress.clone(),
        news.clone(),
        ambient.clone(),
        metrics.clone(),
        settings.max_pending,
    );
    let identifier = Arc::new(identifier.traced(traces.clone()));
    let sessions = Sessions {
        store: store.clone(),
        agents: agents.clone(),
        identifier: identifier.clone(),
        news: news.clone(),
        ambient: ambient.clone(),
        metrics: metrics.clone(),
        has_other_nodes,
    };
    let stopping = CancellationToken::new();
    let messages = Messages::new(store.clone(), news.clone(), ambient.clone(), stopping.clone(), &metrics);
    let resolutions =
        Resolutions::new(store.clone(), agents.clone(), news.clone(), stopping.clone(), &metrics);
    let checker = Checker { agents: agents.clone(), egress, ambient: ambient.clone() };
    let stats = Stats { store: store.clone(), agents: agents.clone(), ambient: ambient.clone() };
    let app = App {
        audit: agents.audit.clone(),
        agents,
        api_keys: ApiKeys::new(store.clone(), ambient.clone()),
        checker,
        sessions,
        stats,
        resolutions: Arc::new(resolutions),
        messages: Arc::new(messages),
        identifier,
        news,
        store,
        health,
        metrics,
        traces,
        limiter: Limiter::new(settings.sessions_per_minute, settings.agent_sessions_per_minute),
        trusted_proxies: settings.trusted_proxies,
        max_connections: settings.max_connections.most,
        ambient,
        admin_token,
        public_origin: public_origin(settings.public_url.as_ref(), listen),
        draining: CancellationToken::new(),
        drain: settings.drain,
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
