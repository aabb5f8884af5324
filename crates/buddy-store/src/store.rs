//! What every backend can do. Plain operations by noun; each is atomic, and a write has reached the disk (as far
//! as the chosen durability goes) when its future ends.

mod audit;
pub(crate) mod keys;
mod messages;
mod nodes;
mod resolutions;
mod tallies;

use std::sync::Arc;

use async_trait::async_trait;
use buddy_core::agent::{Agent, ApiKey, Callback, CallbackSecrets};
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, KeyId, SessionId};
use buddy_core::identity::Identity;
use buddy_core::reason::Reason;
use buddy_core::resolution::Resolution;
use buddy_core::secret::{CallbackSecret, TokenHash};
use buddy_core::session::{Session, Status};
use buddy_core::time::UnixMillis;

pub use audit::AuditLog;
pub use keys::{Resealing, SealedBy, SealedValues, Sealing};
pub use messages::{Appended, Changed, HandedOver, Messages, Written};
pub use nodes::{Change, Nodes};
pub use resolutions::{Numbered, ResolutionFilter, Resolutions};
pub use tallies::{AgentTally, Tallies};

/// Why the store could not do it. What a caller sees of it is only that it failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused or failed; the text is for the operator's log and names no value.
    #[error("the database failed: {0}")]
    Database(String),
    /// A sealed value does not open: the row was altered, or its key is not configured.
    #[error("a sealed value in {table}.{column} does not open")]
    Sealed {
        /// The table it is in.
        table: &'static str,
        /// The column it is in.
        column: &'static str,
    },
    /// A stored value is not of the form that this version writes.
    #[error("a stored value in {table}.{column} cannot be read")]
    Unreadable {
        /// The table it is in.
        table: &'static str,
        /// The column it is in.
        column: &'static str,
    },
    /// The store has been closed.
    #[error("the store is closed")]
    Closed,
}

/// All of it.
pub trait Store:
    Agents
    + Callbacks
    + ApiKeys
    + Sessions
    + Messages
    + Resolutions
    + Tallies
    + AuditLog
    + Nodes
    + Sealing
    + Send
    + Sync
    + 'static
{
}

impl<T> Store for T where
    T: Agents
        + Callbacks
        + ApiKeys
        + Sessions
        + Messages
        + Resolutions
        + Tallies
        + AuditLog
        + Nodes
        + Sealing
        + Send
        + Sync
        + 'static
{
}

/// A stretch of a list: at most `limit` rows, newest first, all older than `before`.
#[derive(Clone, Copy, Debug)]
pub struct Page<Id> {
    /// The last id of the page before.
    pub before: Option<Id>,
    /// At most this many rows.
    pub limit: u32,
}

/// What of an agent is to be changed; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AgentChange {
    /// A new name.
    pub name: Option<String>,
    /// New origins, in place of all the old ones.
    pub allowed_origins: Option<Vec<String>>,
    /// A new life for sessions begun from now on.
    pub session_ttl_seconds: Option<u32>,
}

/// Agents.
#[async_trait]
pub trait Agents {
    /// Keeps a new agent.
    async fn create_agent(&self, agent: Agent, entry: AuditEntry) -> Result<(), StoreError>;
    /// The agent, if there is one.
    async fn agent(&self, id: AgentId) -> Result<Option<Agent>, StoreError>;
    /// A page of all agents.
    async fn agents(&self, page: Page<AgentId>) -> Result<Vec<Agent>, StoreError>;
    /// Changes an agent and returns it as it is then.
    async fn update_agent(
        &self,
        id: AgentId,
        change: AgentChange,
        entry: AuditEntry,
    ) -> Result<Option<Agent>, StoreError>;
    /// Removes the agent and all that is its own: callback, keys, sessions with their messages,
    /// resolutions, tallies. `false`: there was none.
    async fn delete_agent(&self, id: AgentId, entry: AuditEntry) -> Result<bool, StoreError>;
    /// Some agent allows this origin.
    async fn any_agent_allows_origin(&self, origin: &str) -> Result<bool, StoreError>;
}

/// A callback with its secrets as they are stored: a rotation whose overlap has ended is still shown as open, see
/// [`CallbackSecrets::at`].
#[derive(Clone, Debug)]
pub struct ConfiguredCallback {
    /// Where and how.
    pub callback: Callback,
    /// Signed with what.
    pub secrets: CallbackSecrets,
}

/// What became of a `put_callback`.
#[derive(Debug)]
pub enum PutCallback {
    /// There is no such agent.
    NoAgent,
    /// Done.
    Put {
        /// As it is now.
        configured: ConfiguredCallback,
        /// The agent had no secret and none was given, so the one that was made for it was taken.
        made_secret_taken: bool,
    },
}

/// What became of a `begin_rotation`.
#[derive(Debug)]
pub enum RotationBegun {
    /// The agent, or its callback, is not there.
    NoCallback,
    /// Another rotation is still open.
    AlreadyOpen,
    /// Done; the secrets as they are now.
    Begun(CallbackSecrets),
}

/// Callbacks and their secrets.
#[async_trait]
pub trait Callbacks {
    /// Sets all of an agent's callback. With `secret`: that one counts from `now` and an open rotation ends.
    /// Without: the stored secrets stay, and where there are none `made` is taken.
    async fn put_callback(
        &self,
        agent_id: AgentId,
        callback: Callback,
        secret: Option<CallbackSecret>,
        made: CallbackSecret,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<PutCallback, StoreError>;
    /// The agent's callback, if it has one.
    async fn callback(&self, agent_id: AgentId) -> Result<Option<ConfiguredCallback>, StoreError>;
    /// Removes the callback and its secrets. `false`: there was none.
    async fn delete_callback(&self, agent_id: AgentId, entry: AuditEntry) -> Result<bool, StoreError>;
    /// Opens a rotation to `next`, or with `overlap_seconds` 0 makes it current at once. A rotation whose overlap
    /// has ended by `now` is no longer open.
    async fn begin_rotation(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        overlap_seconds: u32,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<RotationBegun, StoreError>;
    /// Makes `next` the current secret, if it is that of the open rotation. `false`: it is not.
    async fn promote_secret(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        now: UnixMillis,
    ) -> Result<bool, StoreError>;
}

/// Platform API keys, kept as hashes.
#[async_trait]
pub trait ApiKeys {
    /// Keeps a new key. `false`: there is no such agent.
    async fn create_api_key(
        &self,
        key: ApiKey,
        hash: TokenHash,
        entry: AuditEntry,
    ) -> Result<bool, StoreError>;
    /// A page of the agent's keys.
    async fn api_keys(&self, agent_id: AgentId, page: Page<KeyId>) -> Result<Vec<ApiKey>, StoreError>;
    /// The key that was presented, if it is one.
    async fn api_key_by_hash(&self, hash: TokenHash) -> Result<Option<ApiKey>, StoreError>;
    /// Notes that a key was used.
    async fn touch_api_key(&self, id: KeyId, now: UnixMillis) -> Result<(), StoreError>;
    /// Removes a key. `false`: the agent has no such key.
    async fn delete_api_key(
        &self,
        agent_id: AgentId,
        id: KeyId,
        entry: AuditEntry,
    ) -> Result<bool, StoreError>;
}

/// How a session was settled, and what was done for it.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// `Authenticated` or `Anonymous`.
    pub status: Status,
    /// A callback was made.
    pub callback_made: bool,
    /// Why there is no user, if it failed.
    pub failure: Option<Reason>,
    /// Who the user is; only with `Authenticated`.
    pub identity: Option<Identity>,
    /// When.
    pub resolved_at: UnixMillis,
    /// The record of it.
    pub resolution: Resolution,
}

impl Settlement {
    /// The session as it is once this is kept.
    #[must_use]
    pub fn of(&self, session: &Session) -> Session {
        Session {
            status: self.status,
            callback_made: self.callback_made,
            failure: self.failure,
            resolved_at: Some(self.resolved_at),
            ..session.clone()
        }
    }
}

/// Sessions and their identities. An expired session, or one whose agent was deleted, is not found.
#[async_trait]
pub trait Sessions {
    /// Keeps a new session; with `settlement`, settled at once in the same write. `false`: there is no such agent. A
    /// backend that may lose its answer on the way takes one that it has already, with this token, for kept.
    async fn create_session(
        &self,
        session: Session,
        settlement: Option<Arc<Settlement>>,
    ) -> Result<bool, StoreError>;
    /// The session, unless it has ended by `now`.
    async fn session(&self, id: SessionId, now: UnixMillis) -> Result<Option<Session>, StoreError>;
    /// The session and who its user is.
    async fn session_with_identity(
        &self,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<Option<(Session, Option<Identity>)>, StoreError>;
    /// `created` → `pending`. `false`: it was not `created`, or has ended.
    async fn begin_identify(&self, id: SessionId, now: UnixMillis) -> Result<bool, StoreError>;
    /// Settles a `created` or `pending` session, hands its visitor's messages over, keeps the resolution
    /// and counts it, in one write. `false`: it was settled, revoked or gone already; then only the resolution is
    /// kept (unless its agent is gone).
    async fn settle_session(&self, id: SessionId, settlement: Arc<Settlement>) -> Result<bool, StoreError>;
    /// Takes the identity of one session away, and its messages; the number of sessions that this changed.
    async fn revoke_session(
        &self,
        agent_id: AgentId,
        id: SessionId,
        now: UnixMillis,
    ) -> Result<u64, StoreError>;
    /// Takes the identity of this user away from all sessions of the agent, and their messages; returns those
    /// that this changed.
    async fn revoke_user(
        &self,
        agent_id: AgentId,
        user_id: &str,
        now: UnixMillis,
    ) -> Result<Vec<SessionId>, StoreError>;
    /// This node's sessions that are `pending`, oldest first, all newer than `after`. Where there is one node only, all are
    /// its own, those from before a crash too.
    async fn pending_sessions(
        &self,
        now: UnixMillis,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<Session>, StoreError>;
    /// Takes over at most `limit` pending sessions of nodes that are gone: they are this node's from now on, and no other
    /// node's. None where there is one node only.
    async fn take_over_sessions(&self, now: UnixMillis, limit: u32) -> Result<Vec<Session>, StoreError>;
    /// Removes at most `limit` sessions that have ended by `now` and messages of such; how many there were.
    async fn remove_ended_sessions(&self, now: UnixMillis, limit: u32) -> Result<u64, StoreError>;
}
