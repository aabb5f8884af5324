//! Identifying sessions: each once, in the background, whatever becomes of the request that began it.

mod bulkhead;
mod flight;
mod recovery;
mod rehearsal;
pub(crate) mod request;
mod runner;
mod running;

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use buddy_core::id::SessionId;
use buddy_core::reason::Reason;
use buddy_core::resolution::{Outcome, Resolution};
use buddy_core::session::{Session, Status};
use buddy_egress::Egress;
use buddy_store::{ConfiguredCallback, Settlement, Store};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::task::TaskTracker;

use crate::agents::{Agents, found};
use crate::ambient::Ambient;
use crate::logs;
use crate::metrics::Metrics;
use crate::refusal::Refusal;

use bulkhead::Bulkheads;
pub(crate) use flight::News;
use running::RunningNow;

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
    running: RunningNow,
    places: Arc<Semaphore>,
}

/// A place among the sessions that may be pending at once; free again when dropped.
pub(crate) struct Place(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

/// What comes of a session that is being identified, told to whoever began it without the store being asked.
pub(crate) struct Settling(oneshot::Receiver<Result<Option<Session>, Refusal>>);

impl Settling {
    /// The settled session. `None`: what came of it is to be read, now or later. The error: it could not be kept.
    pub(crate) async fn settled(self) -> Result<Option<Session>, Refusal> {
        self.0.await.unwrap_or(Ok(None))
    }
}

/// Whether a session that is to be identified is on disk.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is.
    Already,
    /// It will be, together with its outcome; sooner if that takes long or if anybody asks for it. For whoever begins a
    /// session and waits for the outcome: nothing is answered before either.
    WithOutcome,
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
            running: RunningNow::default(),
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
        configured: Arc<ConfiguredCallback>,
        place: Place,
        kept: Kept,
    ) -> Settling {
        let identifier = Arc::clone(self);
        let (tell, settling) = oneshot::channel();
        let identify = async move {
            let told = match kept {
                Kept::Already => Ok(identifier.identify(session, &configured).await),
                Kept::WithOutcome => identifier.identify_unkept(session, &configured).await,
            };
            // Mostly nobody waits for it.
            let _ = tell.send(told);
            drop(place);
        };
        // What it logs carries the id of the request that began it.
        self.tasks.spawn(logs::carried_on(identify));
        Settling(settling)
    }

    /// Before anything is read of a session: one that is not on disk yet, for its outcome is waited for, is put there.
    /// Its endpoint knows the id already, and may ask.
    pub(crate) async fn keep_now(&self, id: SessionId) {
        self.running.keep_now(id).await;
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
    async fn identify(&self, session: Session, configured: &ConfiguredCallback) -> Option<Session> {
        let _running = self.running.enter(session.id, true)?;
        let settlement = self.settlement(&session, configured).await;
        self.settle(&session, settlement).await
    }

    /// The same for a session that is not on disk yet: mostly it is written once, with its outcome.
    async fn identify_unkept(
        &self,
        session: Session,
        configured: &ConfiguredCallback,
    ) -> Result<Option<Session>, Refusal> {
        let Some(running) = self.running.enter(session.id, false) else { return Ok(None) };
        let settlement = pin!(self.settlement(&session, configured));
        let wanted = pin!(running.is_wanted_on_disk());
        match select(settlement, wanted).await {
            Either::Left((settlement, _)) => {
                let kept = self.store.create_session(session.clone(), Some(settlement.clone())).await;
                found(kept?, "agent")?;
                running.is_on_disk();
                Ok(Some(self.settled(&session, &settlement)))
            }
            Either::Right(((), settlement)) => {
                let keep = async {
                    found(self.store.create_session(session.clone(), None).await?, "agent")?;
                    running.is_on_disk();
                    Ok::<_, Refusal>(())
                };
                // The callback goes on meanwhile; it ends if the session cannot be kept.
                let settlement = match select(pin!(keep), settlement).await {
                    Either::Left((kept, settlement)) => {
                        kept?;
                        settlement.await
                    }
                    Either::Right((settlement, keep)) => {
                        keep.await?;
                        settlement
                    }
                };
                Ok(self.settle(&session, settlement).await)
            }
        }
    }

    async fn settle(&self, session: &Session, settlement: Arc<Settlement>) -> Option<Session> {
        match self.store.settle_session(session.id, settlement.clone()).await {
            Ok(true) => Some(self.settled(session, &settlement)),
            // Something else has happened to it meanwhile: it was revoked, or is gone.
            Ok(false) => {
                self.news.settled(session.id, session.agent_id);
                log(session, &settlement);
                None
            }
            // It stays pending, and the recovery takes it up again.
            Err(error) => {
                tracing::error!(session = %session.id, %error, "a settled session could not be stored");
                None
            }
        }
    }

    /// The session as it is now that its settlement is on disk, which is counted, logged and announced. Announced last:
    /// whoever waits for this very session is told it right after, and is not to read the store for having heard first.
    fn settled(&self, session: &Session, settlement: &Settlement) -> Session {
        self.metrics.settled(settlement);
        log(session, settlement);
        let settled = settlement.of(session);
        self.news.settled(session.id, session.agent_id);
        settled
    }

    async fn settlement(&self, session: &Session, configured: &ConfiguredCallback) -> Arc<Settlement> {
        let bulkhead = self.bulkheads.of(session.agent_id, &configured.callback);
        let in_flight = self.metrics.callback_in_flight();
        let means = runner::Means { egress: &self.egress, bulkhead: &bulkhead, ambient: &self.ambient };
        let id = self.ambient.id();
        let started_at = self.ambient.now();
        let about = runner::About { session_id: session.id, agent_id: session.agent_id };
        let run = runner::resolve(means, id, about, configured);
        let mut done = AssertUnwindSafe(run).catch_unwind().await.unwrap_or_else(|_| {
            // A fault of ours must not leave the visitor's agent waiting for ever.
            runner::Resolved::interrupted()
        });
        drop(in_flight);
        if let Some(next) = done.proven_secret.take() {
            self.promote(session, next).await;
        }
        let (resolution, identity) = done.into_record(id, about, started_at);
        Arc::new(Settlement {
            status: if identity.is_some() { Status::Authenticated } else { Status::Anonymous },
            callback_made: true,
            failure: resolution.reason,
            identity,
            resolved_at: self.ambient.now(),
            resolution,
        })
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
pub(crate) fn unasked(session: &Session, failure: Option<Reason>, ambient: &Ambient) -> Arc<Settlement> {
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
    Arc::new(Settlement {
        status: Status::Anonymous,
        callback_made: false,
        failure,
        identity: None,
        resolved_at,
        resolution,
    })
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
