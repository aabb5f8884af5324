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
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use buddy_core::id::SessionId;
use buddy_core::reason::Reason;
use buddy_core::resolution::{Outcome, Resolution};
use buddy_core::session::{Session, Status};
use buddy_egress::Egress;
use buddy_store::{Change, ConfiguredCallback, Settlement, Store, StoreError};
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::agents::{Agents, found};
use crate::ambient::Ambient;
use crate::logs;
use crate::metrics::Metrics;
use crate::refusal::Refusal;
use crate::traces::{self, Resolving, Traces};

use bulkhead::Bulkheads;
pub(crate) use flight::News;
use running::{Running, RunningNow};

/// Before an outcome that the store did not take is given to it again.
const STORE_AGAIN_AFTER: Duration = Duration::from_millis(500);
/// How often: for as long as a restart of a database takes. After that the session is identified anew.
const STORE_AGAIN_MAX: u32 = 20;

/// Runs resolutions and settles their sessions.
pub(crate) struct Identifier {
    store: Arc<dyn Store>,
    agents: Arc<Agents>,
    egress: Egress,
    bulkheads: Bulkheads,
    news: Arc<News>,
    ambient: Ambient,
    metrics: Arc<Metrics>,
    traces: Traces,
    tasks: TaskTracker,
    running: Arc<RunningNow>,
    /// Some session was left pending by this node.
    left_behind: AtomicBool,
    places: Arc<Semaphore>,
    max_pending: usize,
}

/// A place among the sessions that may be pending at once, for this one, which nobody else on this node identifies; free
/// again when dropped.
pub(crate) struct Place {
    running: Running,
    tenure: CancellationToken,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    /// The session is on disk, and pending.
    pub(crate) fn is_on_disk(&self) {
        self.running.is_on_disk();
    }
}

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
        let max_pending = max_pending.min(Semaphore::MAX_PERMITS);
        Self {
            store,
            agents,
            bulkheads: Bulkheads::new(egress.clone()),
            egress,
            news,
            ambient,
            metrics,
            traces: Traces::off(),
            tasks: TaskTracker::new(),
            running: Arc::default(),
            left_behind: AtomicBool::new(false),
            places: Arc::new(Semaphore::new(max_pending)),
            max_pending,
        }
    }

    /// The same, with traces of what it takes up by itself.
    pub(crate) fn traced(self, traces: Traces) -> Self {
        Self { traces, ..self }
    }

    /// A place for one more pending session, to be had before it is stored as such. Refused as overloaded if there is none,
    /// or if the session has one already, and as an outage while this node may not act.
    pub(crate) fn place(&self, id: SessionId) -> Result<Place, Refusal> {
        let permit = self.permit()?;
        let tenure = self.store.tenure();
        if tenure.is_cancelled() {
            // It would be given up at once, and be pending until another node finds it.
            return Err(Refusal::Store(StoreError::Database(
                "this node is not known to be alive".to_owned(),
            )));
        }
        let running = self.running.enter(id).ok_or(Refusal::Overloaded)?;
        Ok(Place { running, tenure, _permit: permit })
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        let permit = self.places.clone().try_acquire_owned();
        permit.inspect_err(|_| self.metrics.session_refused()).map_err(|_| Refusal::Overloaded)
    }

    /// Sessions that have a place now.
    pub(crate) fn pending(&self) -> usize {
        self.max_pending - self.places.available_permits()
    }

    /// Identifies a `pending` session in the background.
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
                Kept::Already => Ok(identifier.identify(&session, &configured, &place.tenure).await),
                Kept::WithOutcome => identifier.identify_unkept(session, &configured, &place.running).await,
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

    /// The settled session, if it was settled by this. The endpoint is asked for as long as the session is this node's: once
    /// another may have taken it over, nothing more is sent.
    async fn identify(
        &self,
        session: &Session,
        configured: &ConfiguredCallback,
        tenure: &CancellationToken,
    ) -> Option<Session> {
        let settlement = Box::pin(self.settlement(session, configured));
        let Some(settlement) = tenure.run_until_cancelled(settlement).await else {
            self.give_up();
            tracing::warn!(session = %session.id, "given up: the database could not be told that this node is alive");
            return None;
        };
        self.settle(session, settlement, tenure).await
    }

    /// The same for a session that is not on disk yet: mostly it is written once, with its outcome.
    async fn identify_unkept(
        &self,
        session: Session,
        configured: &ConfiguredCallback,
        running: &Running,
    ) -> Result<Option<Session>, Refusal> {
        // Boxed: the task is moved some times before it begins, and this is most of it.
        let settlement = Box::pin(self.settlement(&session, configured));
        let wanted = pin!(running.is_wanted_on_disk());
        let settlement = match select(settlement, wanted).await {
            Either::Left((settlement, _)) => {
                let create = self.store.create_session(session.clone(), Some(settlement.clone()));
                found(traces::stored("store create_session", create).await?, "agent")?;
                running.is_on_disk();
                return Ok(Some(self.settled(&session, &settlement)));
            }
            Either::Right(((), settlement)) => settlement,
        };
        let tenure = self.store.tenure();
        let keep = async {
            let create = self.store.create_session(session.clone(), None);
            found(traces::stored("store create_session", create).await?, "agent")?;
            running.is_on_disk();
            Ok::<_, Refusal>(())
        };
        // The callback goes on meanwhile; it ends if the session cannot be kept.
        let both = async {
            match select(pin!(keep), settlement).await {
                Either::Left((kept, settlement)) => {
                    kept?;
                    Ok::<_, Refusal>(settlement.await)
                }
                Either::Right((settlement, keep)) => {
                    keep.await?;
                    Ok(settlement)
                }
            }
        };
        let Some(settlement) = tenure.run_until_cancelled(both).await else {
            self.give_up();
            return Ok(None);
        };
        Ok(self.settle(&session, settlement?, &tenure).await)
    }

    async fn settle(
        &self,
        session: &Session,
        settlement: Arc<Settlement>,
        tenure: &CancellationToken,
    ) -> Option<Session> {
        match self.store_settlement(session, &settlement, tenure).await {
            Ok(true) => Some(self.settled(session, &settlement)),
            // Something else has happened to it meanwhile: it was revoked, or is gone.
            Ok(false) => {
                self.news.tell(Change::Settled(session.id, session.agent_id));
                log(session, &settlement);
                None
            }
            // It stays pending, and the recovery takes it up again.
            Err(error) => {
                tracing::error!(session = %session.id, %error, "a settled session could not be stored");
                self.left_behind.store(true, Ordering::Relaxed);
                None
            }
        }
    }

    /// Tried again for a while: what the endpoint said is not thrown away for a moment's outage, and it is not asked again.
    async fn store_settlement(
        &self,
        session: &Session,
        settlement: &Arc<Settlement>,
        tenure: &CancellationToken,
    ) -> Result<bool, StoreError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let settle = self.store.settle_session(session.id, settlement.clone());
            match traces::stored("store settle_session", settle).await {
                Err(StoreError::Database(reason)) if tries < STORE_AGAIN_MAX && !tenure.is_cancelled() => {
                    tracing::warn!(session = %session.id, reason, "a settled session is stored again");
                    tokio::time::sleep(STORE_AGAIN_AFTER).await;
                }
                stored => return stored,
            }
        }
    }

    /// The session as it is now that its settlement is on disk, which is counted, logged and announced. Announced last:
    /// whoever waits for this very session is told it right after, and is not to read the store for having heard first.
    fn settled(&self, session: &Session, settlement: &Settlement) -> Session {
        self.metrics.settled(settlement);
        log(session, settlement);
        let settled = settlement.of(session);
        self.news.tell(Change::Settled(session.id, session.agent_id));
        settled
    }

    async fn settlement(&self, session: &Session, configured: &ConfiguredCallback) -> Arc<Settlement> {
        let bulkhead = self.bulkheads.of(session.agent_id, &configured.callback);
        let in_flight = self.metrics.callback_in_flight();
        let resolving = Resolving::begin();
        let resolving = resolving.as_ref();
        let means =
            runner::Means { egress: &self.egress, bulkhead: &bulkhead, ambient: &self.ambient, resolving };
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
        if let Some(resolving) = resolving {
            resolving.resolved(&resolution);
        }
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
