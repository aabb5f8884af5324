//! Identifying sessions: each once, in the background, whatever becomes of the request that began it.

mod bulkhead;
mod flight;
mod recovery;
mod rehearsal;
pub(crate) mod request;
mod runner;

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use buddy_core::id::SessionId;
use buddy_core::reason::Reason;
use buddy_core::resolution::{Outcome, Resolution};
use buddy_core::session::{Session, Status};
use buddy_egress::Egress;
use buddy_store::{ConfiguredCallback, Settlement, Store};
use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::agents::Agents;
use crate::ambient::Ambient;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

use bulkhead::Bulkheads;
pub(crate) use flight::News;

/// Runs resolutions and settles their sessions.
pub(crate) struct Identifier {
    store: Arc<dyn Store>,
    agents: Arc<Agents>,
    egress: Egress,
    bulkheads: Bulkheads,
    news: Arc<News>,
    ambient: Ambient,
    metrics: Arc<Metrics>,
    tasks: TaskTracker,
    running: Mutex<HashSet<SessionId>>,
    places: Arc<Semaphore>,
}

/// A place among the sessions that may be pending at once; free again when dropped.
pub(crate) struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// What comes of a session that is being identified, told to whoever began it without the store being asked.
pub(crate) struct Settling(oneshot::Receiver<Session>);

impl Settling {
    /// The settled session. `None`: what came of it is to be read, now or later.
    pub(crate) async fn settled(self) -> Option<Session> {
        self.0.await.ok()
    }
}

impl Identifier {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        agents: Arc<Agents>,
        egress: Egress,
        news: Arc<News>,
        ambient: Ambient,
        metrics: Arc<Metrics>,
        max_pending: usize,
    ) -> Self {
        Self {
            store,
            agents,
            bulkheads: Bulkheads::new(egress.clone()),
            egress,
            news,
            ambient,
            metrics,
            tasks: TaskTracker::new(),
            running: Mutex::new(HashSet::new()),
            places: Arc::new(Semaphore::new(max_pending.min(Semaphore::MAX_PERMITS))),
        }
    }

    /// A place for one more pending session, to be had before the session is stored.
    pub(crate) fn place(&self) -> Result<Place, Refusal> {
        self.places.clone().try_acquire_owned().map(Place).map_err(|_| Refusal::Overloaded)
    }

    /// Identifies a `pending` session in the background, unless that is being done already.
    pub(crate) fn start(
        self: &Arc<Self>,
        session: Session,
        configured: ConfiguredCallback,
        place: Place,
    ) -> Settling {
        let identifier = Arc::clone(self);
        let (tell, settling) = oneshot::channel();
        let identify = async move {
            if let Some(settled) = identifier.identify(session, configured).await {
                // Mostly nobody waits for it.
                let _ = tell.send(settled);
            }
            drop(place);
        };
        // What it logs carries the id of the request that began it.
        self.tasks.spawn(identify.in_current_span());
        Settling(settling)
    }

    /// Ends when every resolution that was started has ended.
    pub(crate) async fn drained(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Lets go of what agents without traffic hold.
    pub(crate) fn tidy(&self) {
        self.bulkheads.drop_idle();
    }

    /// The settled session, if it was settled by this.
    async fn identify(&self, session: Session, configured: ConfiguredCallback) -> Option<Session> {
        let _running = Running::enter(self, session.id)?;
        let settlement = self.settlement(&session, configured).await;
        self.settle(&session, settlement).await
    }

    async fn settle(&self, session: &Session, settlement: Settlement) -> Option<Session> {
        match self.store.settle_session(session.id, settlement.clone()).await {
            Ok(settled_now) => {
                if settled_now {
                    self.metrics.settled(&settlement);
                }
                self.news.settled(session.id, session.agent_id);
                log(session, &settlement);
                settled_now.then(|| settlement.of(session))
            }
            // It stays pending, and the recovery takes it up again.
            Err(error) => {
                tracing::error!(session = %session.id, %error, "a settled session could not be stored");
                None
            }
        }
    }

    async fn settlement(&self, session: &Session, configured: ConfiguredCallback) -> Settlement {
        let bulkhead = self.bulkheads.of(session.agent_id, &configured.callback);
        let in_flight = self.metrics.callback_in_flight();
        let means = runner::Means { egress: &self.egress, bulkhead: &bulkhead, ambient: &self.ambient };
        let id = self.ambient.id();
        let started_at = self.ambient.now();
        let about = runner::About { session_id: session.id, agent_id: session.agent_id };
        let run = runner::resolve(means, id, about, &configured);
        let mut done = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
            // A fault of ours must not leave the visitor's agent waiting for ever.
            runner::Resolved::interrupted()
        });
        drop(in_flight);
        if let Some(next) = done.proven_secret.take() {
            self.promote(session, next).await;
        }
        let (resolution, identity) = done.into_record(id, about, started_at);
        Settlement {
            status: if identity.is_some() { Status::Authenticated } else { Status::Anonymous },
            callback_made: true,
            failure: resolution.reason,
            identity,
            resolved_at: self.ambient.now(),
            resolution,
        }
    }

    async fn promote(&self, session: &Session, next: buddy_core::secret::CallbackSecret) {
        match self.agents.promote(session.agent_id, next).await {
            Ok(true) => {
                tracing::info!(agent = %session.agent_id, "the next secret is current: the endpoint holds it");
            }
            Ok(false) => {}
            Err(error) => {
                tracing::error!(agent = %session.agent_id, %error, "a secret could not be made current");
            }
        }
    }
}

/// The settlement of a session that nobody is asked about: nobody is signed in, or that is no use.
pub(crate) fn unasked(session: &Session, failure: Option<Reason>, ambient: &Ambient) -> Settlement {
    let resolved_at = ambient.now();
    let resolution = Resolution {
        id: ambient.id(),
        session_id: session.id,
        agent_id: session.agent_id,
        outcome: if failure.is_some() { Outcome::Failed } else { Outcome::Nobody },
        reason: failure,
        warnings: Vec::new(),
        started_at: resolved_at,
        duration: 0,
        attempts: Vec::new(),
    };
    Settlement {
        status: Status::Anonymous,
        callback_made: false,
        failure,
        identity: None,
        resolved_at,
        resolution,
    }
}

/// One line for each resolution: what an operator greps for, and nothing about the user.
fn log(session: &Session, settlement: &Settlement) {
    let resolution = &settlement.resolution;
    let reason = settlement.failure.map_or("", Reason::as_str);
    let code = settlement.failure.map_or("", |reason| reason.code().as_str());
    tracing::info!(
        session = %session.id,
        agent = %session.agent_id,
        resolution = %resolution.id,
        outcome = resolution.outcome.as_str(),
        code,
        reason,
        attempts = resolution.attempts.len(),
        duration_ms = resolution.duration / 1000,
        "session settled"
    );
}

/// The session is being identified; ends when dropped.
struct Running<'a> {
    identifier: &'a Identifier,
    id: SessionId,
}

impl<'a> Running<'a> {
    fn enter(identifier: &'a Identifier, id: SessionId) -> Option<Self> {
        let entered = identifier.running.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        entered.then_some(Self { identifier, id })
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.identifier.running.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.id);
    }
}
