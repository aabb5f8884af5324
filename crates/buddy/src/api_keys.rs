//! Platform API keys: made by the operator, presented by the agent's own software.

use std::sync::Arc;

use buddy_core::agent::{ApiKey, check_key_label};
use buddy_core::audit::{Action, AuditEntry};
use buddy_core::id::{AgentId, KeyId};
use buddy_core::secret::{Token, TokenHash, TokenKind};
use buddy_store::{Page, Store};

use crate::agents::found;
use crate::ambient::Ambient;
use crate::audit::{Audit, By};
use crate::refusal::Refusal;

/// `lastUsedAt` is true to this: a write for every call would cost more than it tells.
const LAST_USED_STEP_SECONDS: u32 = 60;

/// The use cases.
pub(crate) struct ApiKeys {
    store: Arc<dyn Store>,
    ambient: Ambient,
    audit: Audit,
}

impl ApiKeys {
    pub(crate) fn new(store: Arc<dyn Store>, ambient: Ambient) -> Self {
        let audit = Audit::new(store.clone(), ambient.clone());
        Self { store, ambient, audit }
    }

    /// A new key, in clear this once.
    pub(crate) async fn create(
        &self,
        by: &By,
        agent_id: AgentId,
        label: Option<String>,
    ) -> Result<(ApiKey, Token), Refusal> {
        let entry = self.audit.entry(by, Action::CreateApiKey, Some(agent_id));
        self.audit.refused(entry.clone(), self.try_create(agent_id, label, entry).await).await
    }

    async fn try_create(
        &self,
        agent_id: AgentId,
        label: Option<String>,
        entry: AuditEntry,
    ) -> Result<(ApiKey, Token), Refusal> {
        if let Some(label) = &label {
            check_key_label(label)?;
        }
        let token = self.ambient.token(TokenKind::ApiKey);
        let created_at = self.ambient.now();
        let key = ApiKey { id: self.ambient.id(), agent_id, label, created_at, last_used_at: None };
        let entry = AuditEntry { key_id: Some(key.id), ..entry };
        found(self.store.create_api_key(key.clone(), token.hash(), entry).await?, "agent")?;
        Ok((key, token))
    }

    pub(crate) async fn page(&self, agent_id: AgentId, page: Page<KeyId>) -> Result<Vec<ApiKey>, Refusal> {
        found(self.store.agent(agent_id).await?.is_some(), "agent")?;
        Ok(self.store.api_keys(agent_id, page).await?)
    }

    pub(crate) async fn delete(&self, by: &By, agent_id: AgentId, id: KeyId) -> Result<(), Refusal> {
        let entry = self.audit.entry(by, Action::DeleteApiKey, Some(agent_id));
        let entry = AuditEntry { key_id: Some(id), ..entry };
        let deleted = self.store.delete_api_key(agent_id, id, entry.clone()).await?;
        self.audit.refused(entry, found(deleted, "API key")).await
    }

    /// The key that was presented, if it is one; notes that it was used.
    pub(crate) async fn presented(&self, token: &str) -> Result<Option<ApiKey>, Refusal> {
        let key = self.store.api_key_by_hash(TokenHash::of(token)).await?;
        if let Some(key) = &key {
            let now = self.ambient.now();
            let stale = now.minus_seconds(LAST_USED_STEP_SECONDS);
            if key.last_used_at.is_none_or(|used| used < stale) {
                self.store.touch_api_key(key.id, now).await?;
            }
        }
        Ok(key)
    }
}
