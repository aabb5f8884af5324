//! Sessions: begun, identified once, read, revoked. Stored before they are answered.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::callback::ticket;
use buddy_core::id::{AgentId, SessionId, made_at};
use buddy_core::identity::Identity;
use buddy_core::reason::Reason;
use buddy_core::secret::{Token, TokenHash, TokenKind};
use buddy_core::session::{OpenedBy, Session, Status};
use buddy_store::{Change, ConfiguredCallback, Settlement, Store};
use tokio::time::{Instant, timeout_at};

use crate::agents::{Agents, KnownAgent, found};
use crate::ambient::Ambient;
use crate::identify::{Identifier, Kept, News, Place, Settling, unasked};
use crate::metrics::Metrics;
use crate::nodes::CLOCK_OFFSET_MAX_MS;
use crate::refusal::Refusal;
use crate::traces;

/// Nothing was heard of a session that is waited for: another node may have settled it, and could not tell.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// A session that another node has in memory alone is on disk within this: the time that it may be there, and a write.
const KEPT_ELSEWHERE_WITHIN: Duration = Duration::from_millis(400);

/// Who wants a session, and how.
pub(crate) struct Begin {
    pub(crate) agent_id: AgentId,
    /// Identify at once, or wait for the call.
    pub(crate) identify: bool,
    pub(crate) opened_by: OpenedBy,
    /// Nothing is answered before the outcome, or before the session was read.
    pub(crate) waits: bool,
}

/// A session that was begun.
pub(crate) struct Begun {
    pub(crate) session: Session,
    pub(crate) token: Token,
    /// What comes of it, if the endpoint is asked.
    pub(crate) settling: Option<Settling>,
}

/// Whose identities are to be taken back.
pub(crate) enum Revoke {
    Session(SessionId),
    User(String),
}

/// What identifying a session takes.
enum Plan {
    /// The endpoint is asked.
    Ask(Arc<ConfiguredCallback>, Place),
    /// The agent wants a ticket and there is none: nobody is signed in, and nobody needs to be asked.
    Nobody,
    /// There is no enabled callback.
    NotConfigured,
}

/// The use cases.
pub(crate) struct Sessions {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) agents: Arc<Agents>,
    pub(crate) identifier: Arc<Identifier>,
    pub(crate) news: Arc<News>,
    pub(crate) ambient: Ambient,
    pub(crate) metrics: Arc<Metrics>,
    /// Other nodes share the store.
    pub(crate) has_other_nodes: bool,
}

impl Sessions {
    /// Begins a session of `known`; it is on disk when this ends, or for one who waits when its outcome is told.
    pub(crate) async fn begin(&self, known: &KnownAgent, begin: &Begin) -> Result<Begun, Refusal> {
        let token = self.ambient.token(TokenKind::Session);
        let created_at = self.ambient.now();
        let mut session = Session {
            id: self.ambient.id(),
            agent_id: begin.agent_id,
            token_hash: token.hash(),
            status: Status::Created,
            opened_by: begin.opened_by,
            callback_made: false,
            failure: None,
            created_at,
            expires_at: created_at.plus_seconds(known.agent.session_ttl_seconds),
            resolved_at: None,
        };
        traces::about(session.id);
        let plan =
            if begin.identify { Some(self.plan(known, session.id, begin.opened_by, false)?) } else { None };
        let settlement = plan.as_ref().and_then(|plan| self.settlement_of(plan, &session));
        if matches!(plan, Some(Plan::Ask(..))) {
            session.status = Status::Pending;
        }
        let kept = if begin.waits && matches!(plan, Some(Plan::Ask(..))) {
            Kept::WithOutcome
        } else {
            let create = self.store.create_session(session.clone(), settlement.clone());
            found(traces::stored("store create_session", create).await?, "agent")?;
            if let Some(Plan::Ask(_, place)) = &plan {
                place.is_on_disk();
            }
            Kept::Already
        };
        self.metrics.session_begun(begin.opened_by);
        if let Some(settlement) = settlement {
            self.metrics.settled(&settlement);
            self.news.tell(Change::Resolved(session.agent_id));
            session = settlement.of(&session);
        }
        let settling = match plan {
            Some(Plan::Ask(configured, place)) => {
                Some(self.identifier.start(session.clone(), configured, place, kept))
            }
            _ => None,
        };
        Ok(Begun { session, token, settling })
    }

    /// Identifies a session, or joins what runs, or finds it settled. Never a second callback.
    pub(crate) async fn identify(&self, session: Session, ticket: Option<&str>) -> Result<Session, Refusal> {
        traces::about(session.id);
        if session.status.is_settled() {
            return Ok(session);
        }
        let known = self.agents.known(session.agent_id).await?;
        let ticket_good = check_ticket(&known, session.id, ticket)?;
        if session.status == Status::Created {
            let plan = match self.plan(&known, session.id, session.opened_by, ticket_good) {
                // Its place, or the last one, may have gone to another call for this very session: then there is one to join.
                Err(Refusal::Overloaded) => return self.join_or_refuse(session.id).await,
                plan => plan?,
            };
            if let Some(settlement) = self.settlement_of(&plan, &session) {
                let settle = self.store.settle_session(session.id, settlement.clone());
                if traces::stored("store settle_session", settle).await? {
                    self.metrics.settled(&settlement);
                }
                self.news.tell(Change::Settled(session.id, session.agent_id));
            } else if let Plan::Ask(configured, place) = plan
                && traces::stored(
                    "store begin_identify",
                    self.store.begin_identify(session.id, self.ambient.now()),
                )
                .await?
            {
                place.is_on_disk();
                self.identifier.start(session.clone(), configured, place, Kept::Already);
            }
        }
        self.session(session.id).await
    }

    async fn join_or_refuse(&self, id: SessionId) -> Result<Session, Refusal> {
        let session = self.session(id).await?;
        if session.status == Status::Created { Err(Refusal::Overloaded) } else { Ok(session) }
    }

    /// What identifying takes; for a callback a place is taken already.
    fn plan(
        &self,
        known: &KnownAgent,
        id: SessionId,
        opened_by: OpenedBy,
        ticket_good: bool,
    ) -> Result<Plan, Refusal> {
        let Some(configured) = known.callback.as_ref().filter(|configured| configured.callback.enabled)
        else {
            return Ok(Plan::NotConfigured);
        };
        let bound = ticket_good || opened_by == OpenedBy::Server;
        if configured.callback.require_ticket && !bound {
            return Ok(Plan::Nobody);
        }
        Ok(Plan::Ask(configured.clone(), self.identifier.place(id)?))
    }

    /// The settlement of a plan that asks nobody.
    fn settlement_of(&self, plan: &Plan, session: &Session) -> Option<Arc<Settlement>> {
        let failure = match plan {
            Plan::Ask(..) => return None,
            Plan::Nobody => None,
            Plan::NotConfigured => Some(Reason::NotConfigured),
        };
        Some(unasked(session, failure, &self.ambient))
    }

    pub(crate) async fn session(&self, id: SessionId) -> Result<Session, Refusal> {
        self.identifier.keep_now(id).await;
        let mut found = self.store.session(id, self.ambient.now()).await?;
        if found.is_none() && self.is_kept_soon(id).await {
            found = self.store.session(id, self.ambient.now()).await?;
        }
        found.ok_or(Refusal::NotFound("session"))
    }

    async fn with_identity(&self, id: SessionId) -> Result<Option<(Session, Option<Identity>)>, Refusal> {
        self.identifier.keep_now(id).await;
        let mut found = self.store.session_with_identity(id, self.ambient.now()).await?;
        if found.is_none() && self.is_kept_soon(id).await {
            found = self.store.session_with_identity(id, self.ambient.now()).await?;
        }
        Ok(found)
    }

    /// Of a session that is not there: whether it may be in the memory of another node alone, which has just begun it, and
    /// is on disk when this ends. Its endpoint knows its id, and may ask any node.
    async fn is_kept_soon(&self, id: SessionId) -> bool {
        let age = self.ambient.now().0 - made_at(id).0;
        let young = -CLOCK_OFFSET_MAX_MS..CLOCK_OFFSET_MAX_MS;
        let may_be = self.has_other_nodes && young.contains(&age);
        if may_be {
            tokio::time::sleep(KEPT_ELSEWHERE_WITHIN).await;
        }
        may_be
    }

    /// The session that this visitor's token is for.
    pub(crate) async fn of_visitor(&self, id: SessionId, token: &str) -> Result<Option<Session>, Refusal> {
        let session = self.session(id).await?;
        Ok(session.token_hash.matches(&TokenHash::of(token)).then_some(session))
    }

    /// Both sessions are authenticated, of one agent and one user; the other one is of this token.
    pub(crate) async fn is_same_user(
        &self,
        session: &Session,
        other: SessionId,
        other_token: &str,
    ) -> Result<bool, Refusal> {
        let Some((other, theirs)) = self.with_identity(other).await? else { return Ok(false) };
        if other.agent_id != session.agent_id || !other.token_hash.matches(&TokenHash::of(other_token)) {
            return Ok(false);
        }
        let Some((_, ours)) = self.with_identity(session.id).await? else { return Ok(false) };
        let (Some(ours), Some(theirs)) = (ours, theirs) else { return Ok(false) };
        Ok(ours.user_id() == theirs.user_id())
    }

    /// The session, for the software of its agent.
    pub(crate) async fn of_agent(&self, agent_id: AgentId, id: SessionId) -> Result<Session, Refusal> {
        let session = self.session(id).await?;
        if session.agent_id == agent_id { Ok(session) } else { Err(Refusal::NotFound("session")) }
    }

    /// The session and who its user is, for the software of that agent.
    pub(crate) async fn identity(
        &self,
        agent_id: AgentId,
        id: SessionId,
    ) -> Result<(Session, Option<Identity>), Refusal> {
        let found = self.with_identity(id).await?;
        found.filter(|(session, _)| session.agent_id == agent_id).ok_or(Refusal::NotFound("session"))
    }

    /// The session that was just begun, settled. `None`: something else has happened to it, and it is to be read.
    pub(crate) async fn settled(
        &self,
        id: SessionId,
        settling: Settling,
    ) -> Result<Option<Session>, Refusal> {
        let subscription = self.news.of_settling(id);
        tokio::select! {
            biased;
            settled = settling.settled() => settled,
            () = subscription.announced() => Ok(None),
        }
    }

    /// Ends once the session is settled, or after `wait`, or when it is gone.
    pub(crate) async fn wait_until_settled(&self, id: SessionId, wait: Duration) -> Result<(), Refusal> {
        if wait.is_zero() {
            return Ok(());
        }
        let until = Instant::now() + wait;
        loop {
            let subscription = self.news.of_settling(id);
            let announced = subscription.announced();
            // Subscribed before it is read: what is settled in between is not missed.
            if self.session(id).await?.status.is_settled() || Instant::now() >= until {
                return Ok(());
            }
            let _ = timeout_at(until.min(Instant::now() + LOOK_AGAIN), announced).await;
        }
    }

    /// Takes identities back; the number of sessions that this changed.
    pub(crate) async fn revoke(&self, agent_id: AgentId, revoke: Revoke) -> Result<usize, Refusal> {
        let now = self.ambient.now();
        let revoked = match revoke {
            Revoke::Session(id) => {
                self.identifier.keep_now(id).await;
                let changed = self.store.revoke_session(agent_id, id, now).await?;
                if changed == 0 { Vec::new() } else { vec![id] }
            }
            Revoke::User(user_id) => self.store.revoke_user(agent_id, &user_id, now).await?,
        };
        for id in &revoked {
            self.news.tell(Change::Settled(*id, agent_id));
        }
        Ok(revoked.len())
    }
}

/// A ticket that was given must be good, wanted or not; while a rotation is open either secret may have made it.
fn check_ticket(known: &KnownAgent, id: SessionId, ticket: Option<&str>) -> Result<bool, Refusal> {
    let Some(ticket) = ticket else { return Ok(false) };
    // Without a secret there is nothing to check against, and nobody will be asked.
    let Some(configured) = &known.callback else { return Ok(false) };
    let secrets = &configured.secrets;
    let next = secrets.rotation.as_ref().map(|rotation| &rotation.next);
    let good = std::iter::once(&secrets.current).chain(next).any(|secret| ticket::verify(secret, id, ticket));
    if good { Ok(true) } else { Err(Refusal::InvalidTicket) }
}
