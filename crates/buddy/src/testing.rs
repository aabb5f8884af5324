//! An app whose time the test decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use buddy_core::secret::CallbackSecret;
use buddy_core::session::OpenedBy;
use buddy_core::time::UnixMillis;
use buddy_store::MasterKey;
use tempfile::TempDir;

use crate::agents::{CallbackSettings, KnownAgent, NewAgent};
use crate::ambient::{Ambient, Clock, SystemRandom};
use crate::app::{self, App};
use crate::audit::By;
use crate::config::Settings;
use crate::sessions::Begin;

/// When the tests begin.
pub(crate) const BEGUN: UnixMillis = UnixMillis(1_717_000_000_000);

/// A clock that goes on when it is told to.
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<AtomicI64>);

impl ManualClock {
    fn at(moment: UnixMillis) -> Self {
        Self(Arc::new(AtomicI64::new(moment.0)))
    }

    pub(crate) fn advance_seconds(&self, seconds: u32) {
        self.0.fetch_add(i64::from(seconds) * 1000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::SeqCst))
    }
}

/// Who acts in the tests.
pub(crate) fn operator() -> By {
    By::admin([192, 0, 2, 7].into())
}

/// A whole app without a listener, on a data dir of its own.
pub(crate) struct TestApp {
    pub(crate) app: Arc<App>,
    pub(crate) clock: ManualClock,
    _data_dir: TempDir,
}

impl TestApp {
    /// A node on a PostgreSQL, whose clock stands at this moment.
    pub(crate) async fn start_node(database: &str, moment: UnixMillis) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(moment);
        let mut settings = Settings::for_this_process(data_dir.path().to_owned());
        settings.database = Some(database.parse().unwrap());
        // The same on all nodes.
        settings.master_keys = vec![MasterKey::from_bytes([1; 32])];
        let listen = settings.listen;
        let ambient = Ambient::new(clock.clone(), SystemRandom);
        let app = app::start(settings, listen, ambient).await.unwrap().app;
        Self { app, clock, _data_dir: data_dir }
    }

    pub(crate) fn start() -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let clock = ManualClock::at(BEGUN);
        let settings = Settings::for_this_process(data_dir.path().to_owned());
        let listen = settings.listen;
        let ambient = Ambient::new(clock.clone(), SystemRandom);
        Self { app: app::start_alone(settings, listen, ambient).unwrap().app, clock, _data_dir: data_dir }
    }

    /// An agent whose sessions live for a minute, with a callback that nothing listens at.
    pub(crate) async fn agent(&self, secret: &str) -> Arc<KnownAgent> {
        let new =
            NewAgent { name: "Test".into(), allowed_origins: Vec::new(), session_ttl_seconds: Some(60) };
        let agent = self.app.agents.create(&operator(), new).await.unwrap();
        let callback = CallbackSettings {
            url: "https://127.0.0.1:9/".into(),
            secret: Some(CallbackSecret::parse(secret).unwrap().expose().to_owned()),
            timeout_ms: None,
            max_concurrent: None,
            require_ticket: None,
            enabled: None,
        };
        self.app.agents.put_callback(&operator(), agent.id, callback).await.unwrap();
        self.app.agents.known(agent.id).await.unwrap()
    }

    /// A visitor's session that waits to be identified.
    pub(crate) async fn session(&self, known: &KnownAgent) -> buddy_core::session::Session {
        let begin =
            Begin { agent_id: known.agent.id, identify: false, opened_by: OpenedBy::Visitor, waits: false };
        self.app.sessions.begin(known, &begin).await.unwrap().session
    }
}
