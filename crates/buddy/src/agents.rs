//! Agents, their callbacks and secrets: what an operator sets, and what a session start reads.

use std::sync::Arc;
use std::time::Duration;

use buddy_core::agent::{
    Agent, Callback, CallbackSecrets, check_max_concurrent, check_name, check_origins, check_overlap,
    check_session_ttl, check_timeout_ms,
};
use buddy_core::audit::{Action, AuditEntry};
use buddy_core::id::AgentId;
use buddy_core::limits::{
    MAX_CONCURRENT_DEFAULT, ROTATION_OVERLAP_SECONDS_DEFAULT, SESSION_TTL_SECONDS_DEFAULT, TIMEOUT_MS_DEFAULT,
};
use buddy_core::secret::CallbackSecret;
use buddy_egress::Egress;
use buddy_store::{
    AgentChange, Change, ConfiguredCallback, Page, PutCallback, RotationBegun, Store, StoreError,
};
use moka::future::Cache;

use crate::ambient::Ambient;
use crate::audit::{Audit, By};
use crate::refusal::Refusal;

/// Agents whose settings are kept at hand: the busiest of a platform with many more.
const KNOWN_AGENTS_MAX: u64 = 10_000;
/// How old settings at hand may be. A change made here counts at once, one made on another node as soon as that is heard
/// of, and within this in any case.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Agents that a search looks at in one read: some milliseconds of one of the store's readers.
const SEARCHED_AT_ONCE: u32 = 500;

/// An agent and its callback as they count now.
#[derive(Debug)]
pub(crate) struct KnownAgent {
    pub(crate) agent: Agent,
    pub(crate) callback: Option<Arc<ConfiguredCallback>>,
}

impl KnownAgent {
    pub(crate) fn allows_origin(&self, origin: &str) -> bool {
        self.agent.allowed_origins.iter().any(|allowed| allowed == origin)
    }
}

/// What an operator asks for in a new agent.
pub(crate) struct NewAgent {
    pub(crate) name: String,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) session_ttl_seconds: Option<u32>,
}

/// What an operator sets of a callback; what is left out takes its default.
pub(crate) struct CallbackSettings {
    pub(crate) url: String,
    pub(crate) secret: Option<String>,
    pub(crate) timeout_ms: Option<u32>,
    pub(crate) max_concurrent: Option<u32>,
    pub(crate) require_ticket: Option<bool>,
    pub(crate) enabled: Option<bool>,
}

/// A callback as it is now, and a secret of Buddy's making that is shown this once.
pub(crate) struct SetCallback {
    pub(crate) configured: ConfiguredCallback,
    pub(crate) generated_secret: Option<CallbackSecret>,
}

/// An open rotation, or one that was done at once.
pub(crate) struct Rotated {
    pub(crate) secrets: CallbackSecrets,
    pub(crate) generated_secret: Option<CallbackSecret>,
}

/// The use cases.
pub(crate) struct Agents {
    store: Arc<dyn Store>,
    egress: Egress,
    ambient: Ambient,
    pub(crate) audit: Audit,
    known: Cache<AgentId, Arc<KnownAgent>>,
}

impl Agents {
    pub(crate) fn new(store: Arc<dyn Store>, egress: Egress, ambient: Ambient) -> Self {
        let known = Cache::builder().max_capacity(KNOWN_AGENTS_MAX).time_to_live(KNOWN_FOR).build();
        let audit = Audit::new(store.clone(), ambient.clone());
        Self { store, egress, ambient, audit, known }
    }

    /// The agent and its callback. An overlap that has ended is already accounted for.
    pub(crate) async fn known(&self, id: AgentId) -> Result<Arc<KnownAgent>, Refusal> {
        match self.known.get(&id).await {
            Some(known) => Ok(known),
            None => Box::pin(self.load(id)).await,
        }
    }

    async fn load(&self, id: AgentId) -> Result<Arc<KnownAgent>, Refusal> {
        let load = async {
            let Some(agent) = self.store.agent(id).await? else {
                return Err(Refusal::NotFound("agent"));
            };
            let callback = self.store.callback(id).await?;
            let callback = callback.map(|callback| Arc::new(self.now_counting(callback)));
            Ok(Arc::new(KnownAgent { agent, callback }))
        };
        self.known.try_get_with(id, load).await.map_err(|refusal| match &*refusal {
            Refusal::NotFound(what) => Refusal::NotFound(what),
            other => Refusal::Store(StoreError::Database(other.to_string())),
        })
    }

    fn now_counting(&self, callback: ConfiguredCallback) -> ConfiguredCallback {
        ConfiguredCallback { secrets: callback.secrets.at(self.ambient.now()), ..callback }
    }

    pub(crate) async fn create(&self, by: &By, new: NewAgent) -> Result<Agent, Refusal> {
        let entry = self.audit.entry(by, Action::CreateAgent, None);
        self.audit.refused(entry.clone(), self.try_create(new, entry).await).await
    }

    async fn try_create(&self, new: NewAgent, entry: AuditEntry) -> Result<Agent, Refusal> {
        check_name(&new.name)?;
        let agent = Agent {
            id: self.ambient.id(),
            name: new.name,
            allowed_origins: check_origins(new.allowed_origins)?,
            session_ttl_seconds: check_session_ttl(
                new.session_ttl_seconds.unwrap_or(SESSION_TTL_SECONDS_DEFAULT),
            )?,
            created_at: self.ambient.now(),
        };
        let entry = AuditEntry { agent_id: Some(agent.id), ..entry };
        self.store.create_agent(agent.clone(), entry).await?;
        Ok(agent)
    }

    pub(crate) async fn page(&self, page: Page<AgentId>) -> Result<Vec<Arc<KnownAgent>>, Refusal> {
        let agents = self.store.agents(page).await?;
        self.with_callbacks(agents).await
    }

    /// The same of those that have this in their name or id, in whatever case.
    pub(crate) async fn search(
        &self,
        part: &str,
        page: Page<AgentId>,
    ) -> Result<Vec<Arc<KnownAgent>>, Refusal> {
        let part = part.to_lowercase();
        let has_part =
            |agent: &Agent| agent.name.to_lowercase().contains(&part) || agent.id.to_string().contains(&part);
        let wanted = usize::try_from(page.limit).unwrap_or(usize::MAX);
        let mut before = page.before;
        let mut found = Vec::new();
        loop {
            let agents = self.store.agents(Page { before, limit: SEARCHED_AT_ONCE }).await?;
            before = agents.last().map(|agent| agent.id);
            found.extend(agents.into_iter().filter(has_part));
            if before.is_none() || found.len() >= wanted {
                found.truncate(wanted);
                return self.with_callbacks(found).await;
            }
        }
    }

    async fn with_callbacks(&self, agents: Vec<Agent>) -> Result<Vec<Arc<KnownAgent>>, Refusal> {
        let mut known = Vec::with_capacity(agents.len());
        for agent in agents {
            let callback = self.store.callback(agent.id).await?;
            let callback = callback.map(|callback| Arc::new(self.now_counting(callback)));
            known.push(Arc::new(KnownAgent { agent, callback }));
        }
        Ok(known)
    }

    pub(crate) async fn update(
        &self,
        by: &By,
        id: AgentId,
        change: AgentChange,
    ) -> Result<Arc<KnownAgent>, Refusal> {
        let entry = self.audit.entry(by, Action::UpdateAgent, Some(id));
        self.audit.refused(entry.clone(), self.try_update(id, change, entry).await).await?;
        self.known(id).await
    }

    async fn try_update(&self, id: AgentId, change: AgentChange, entry: AuditEntry) -> Result<(), Refusal> {
        if let Some(name) = &change.name {
            check_name(name)?;
        }
        let change = AgentChange {
            name: change.name,
            allowed_origins: change.allowed_origins.map(check_origins).transpose()?,
            session_ttl_seconds: change.session_ttl_seconds.map(check_session_ttl).transpose()?,
        };
        let updated = self.store.update_agent(id, change, entry).await?;
        self.forget(id).await;
        found(updated.is_some(), "agent")
    }

    pub(crate) async fn delete(&self, by: &By, id: AgentId) -> Result<(), Refusal> {
        let entry = self.audit.entry(by, Action::DeleteAgent, Some(id));
        let deleted = self.store.delete_agent(id, entry.clone()).await?;
        self.forget(id).await;
        self.audit.refused(entry, found(deleted, "agent")).await
    }

    /// Some agent's widget may be embedded on this origin.
    pub(crate) async fn any_allows_origin(&self, origin: &str) -> Result<bool, Refusal> {
        Ok(self.store.any_agent_allows_origin(origin).await?)
    }

    pub(crate) async fn put_callback(
        &self,
        by: &By,
        id: AgentId,
        settings: CallbackSettings,
    ) -> Result<SetCallback, Refusal> {
        let entry = self.audit.entry(by, Action::PutCallback, Some(id));
        self.audit.refused(entry.clone(), self.try_put_callback(id, settings, entry).await).await
    }

    async fn try_put_callback(
        &self,
        id: AgentId,
        settings: CallbackSettings,
        entry: AuditEntry,
    ) -> Result<SetCallback, Refusal> {
        let target = self.egress.target(&settings.url).map_err(Refusal::CallbackUrl)?;
        let callback = Callback {
            url: target.as_str().to_owned(),
            timeout_ms: check_timeout_ms(settings.timeout_ms.unwrap_or(TIMEOUT_MS_DEFAULT))?,
            max_concurrent: check_max_concurrent(settings.max_concurrent.unwrap_or(MAX_CONCURRENT_DEFAULT))?,
            require_ticket: settings.require_ticket.unwrap_or(false),
            enabled: settings.enabled.unwrap_or(true),
        };
        let secret = settings.secret.as_deref().map(CallbackSecret::parse).transpose()?;
        let made = self.ambient.callback_secret();
        let put =
            self.store.put_callback(id, callback, secret, made.clone(), self.ambient.now(), entry).await?;
        self.forget(id).await;
        match put {
            PutCallback::NoAgent => Err(Refusal::NotFound("agent")),
            PutCallback::Put { configured, made_secret_taken } => Ok(SetCallback {
                configured: self.now_counting(configured),
                generated_secret: made_secret_taken.then_some(made),
            }),
        }
    }

    pub(crate) async fn callback(&self, id: AgentId) -> Result<Arc<ConfiguredCallback>, Refusal> {
        self.known(id).await?.callback.clone().ok_or(Refusal::NotFound("callback"))
    }

    pub(crate) async fn delete_callback(&self, by: &By, id: AgentId) -> Result<(), Refusal> {
        let entry = self.audit.entry(by, Action::DeleteCallback, Some(id));
        let deleted = self.store.delete_callback(id, entry.clone()).await?;
        self.forget(id).await;
        self.audit.refused(entry, found(deleted, "callback")).await
    }

    /// Begins a rotation; `secret` is the business's own next one, else Buddy makes it.
    pub(crate) async fn rotate(
        &self,
        by: &By,
        id: AgentId,
        secret: Option<&str>,
        overlap_seconds: Option<u32>,
    ) -> Result<Rotated, Refusal> {
        let entry = self.audit.entry(by, Action::RotateCallbackSecret, Some(id));
        let rotated = self.try_rotate(id, secret, overlap_seconds, entry.clone()).await;
        self.audit.refused(entry, rotated).await
    }

    async fn try_rotate(
        &self,
        id: AgentId,
        secret: Option<&str>,
        overlap_seconds: Option<u32>,
        entry: AuditEntry,
    ) -> Result<Rotated, Refusal> {
        let overlap = check_overlap(overlap_seconds.unwrap_or(ROTATION_OVERLAP_SECONDS_DEFAULT))?;
        let own = secret.map(CallbackSecret::parse).transpose()?;
        let generated_secret = own.is_none().then(|| self.ambient.callback_secret());
        let next = own.or_else(|| generated_secret.clone()).expect("one of the two is there");
        let begun = self.store.begin_rotation(id, next, overlap, self.ambient.now(), entry).await?;
        self.forget(id).await;
        match begun {
            RotationBegun::NoCallback => Err(Refusal::NotFound("callback")),
            RotationBegun::AlreadyOpen => Err(Refusal::RotationOpen),
            RotationBegun::Begun(secrets) => Ok(Rotated { secrets, generated_secret }),
        }
    }

    /// The endpoint has shown that it holds the next secret.
    pub(crate) async fn promote(&self, id: AgentId, next: CallbackSecret) -> Result<bool, Refusal> {
        let promoted = self.store.promote_secret(id, next, self.ambient.now()).await?;
        self.forget(id).await;
        Ok(promoted)
    }

    /// Settings were changed here: what is at hand of them is old, on the other nodes too.
    async fn forget(&self, id: AgentId) {
        self.known.invalidate(&id).await;
        self.store.tell(Change::Agent(id));
    }

    /// Another node has changed something.
    pub(crate) async fn hear(&self, change: Change) {
        match change {
            Change::Agent(id) => self.known.invalidate(&id).await,
            Change::Anything => self.known.invalidate_all(),
            _ => {}
        }
    }
}

pub(crate) fn found(there: bool, what: &'static str) -> Result<(), Refusal> {
    if there { Ok(()) } else { Err(Refusal::NotFound(what)) }
}
