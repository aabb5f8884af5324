//! Callbacks and their secrets, which are sealed. Whoever changes one has the agent's row first.

use async_trait::async_trait;
use buddy_core::agent::{Callback, CallbackSecrets, Rotation};
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, id_bytes};
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use super::failure::Failure;
use super::pool::{reading, writing};
use super::statement::{execute, get, get_narrow, key, query_optional, statements};
use super::{PostgresStore, agents, audit};
use crate::columns::open_secret;
use crate::seal::Place;
use crate::{Callbacks, ConfiguredCallback, Keyring, PutCallback, RotationBegun, StoreError};

statements! {
    ONE = "SELECT url, timeout_ms, max_concurrent, require_ticket, enabled,
        secret, secret_created_at, next_secret, overlap_ends_at FROM callbacks WHERE agent_id = $1";
    PUT = "INSERT INTO callbacks (agent_id, url, timeout_ms, max_concurrent, require_ticket, enabled,
            secret, secret_created_at, next_secret, overlap_ends_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
        ON CONFLICT (agent_id) DO UPDATE SET url = excluded.url, timeout_ms = excluded.timeout_ms,
            max_concurrent = excluded.max_concurrent, require_ticket = excluded.require_ticket,
            enabled = excluded.enabled, secret = excluded.secret,
            secret_created_at = excluded.secret_created_at, next_secret = excluded.next_secret,
            overlap_ends_at = excluded.overlap_ends_at";
    DELETE = "DELETE FROM callbacks WHERE agent_id = $1";
}

#[async_trait]
impl Callbacks for PostgresStore {
    async fn put_callback(
        &self,
        agent_id: AgentId,
        callback: Callback,
        secret: Option<CallbackSecret>,
        made: CallbackSecret,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<PutCallback, StoreError> {
        let fresh = |current: &CallbackSecret| CallbackSecrets {
            current: current.clone(),
            created_at: now,
            rotation: None,
        };
        writing!(self, |tx| {
            if !agents::lock(tx, agent_id).await? {
                return Ok(PutCallback::NoAgent);
            }
            let stored = read(tx, &self.keyring, agent_id).await?;
            let mut changed = callback.settings_other_than(stored.as_ref().map(|stored| &stored.callback));
            if secret.is_some() || stored.is_none() {
                changed.push("secret");
            }
            let (secrets, made_secret_taken) = match (&secret, stored) {
                (Some(own), _) => (fresh(own), false),
                (None, Some(stored)) => (stored.secrets, false),
                (None, None) => (fresh(&made), true),
            };
            let configured = ConfiguredCallback { callback: callback.clone(), secrets };
            keep(tx, &self.keyring, agent_id, &configured).await?;
            audit::note_with(tx, &entry, changed).await?;
            Ok(PutCallback::Put { configured, made_secret_taken })
        })
    }

    async fn callback(&self, agent_id: AgentId) -> Result<Option<ConfiguredCallback>, StoreError> {
        reading!(self, |client| read(client, &self.keyring, agent_id).await)
    }

    async fn delete_callback(&self, agent_id: AgentId, entry: AuditEntry) -> Result<bool, StoreError> {
        writing!(self, |tx| {
            agents::lock(tx, agent_id).await?;
            let deleted = execute(tx, DELETE, &[&key(agent_id)]).await? > 0;
            audit::noted_if(tx, deleted, &entry).await
        })
    }

    async fn begin_rotation(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        overlap_seconds: u32,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<RotationBegun, StoreError> {
        writing!(self, |tx| {
            agents::lock(tx, agent_id).await?;
            let found = read(tx, &self.keyring, agent_id).await?;
            let Some(ConfiguredCallback { callback, secrets }) = found else {
                return Ok(RotationBegun::NoCallback);
            };
            let settled = secrets.at(now);
            if settled.rotation.is_some() {
                return Ok(RotationBegun::AlreadyOpen);
            }
            let rotation =
                Some(Rotation { next: next.clone(), overlap_ends_at: now.plus_seconds(overlap_seconds) });
            // Without an overlap it has ended by now, and `next` is current.
            let secrets = CallbackSecrets { rotation, ..settled }.at(now);
            let configured = ConfiguredCallback { callback, secrets: secrets.clone() };
            keep(tx, &self.keyring, agent_id, &configured).await?;
            audit::note_with(tx, &entry, vec!["secret"]).await?;
            Ok(RotationBegun::Begun(secrets))
        })
    }

    async fn promote_secret(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        writing!(self, |tx| {
            agents::lock(tx, agent_id).await?;
            let found = read(tx, &self.keyring, agent_id).await?;
            let Some(ConfiguredCallback { callback, secrets }) = found else { return Ok(false) };
            // An overlap that has ended made `next` current by itself, at its own time.
            let secrets = secrets.at(now);
            if secrets.rotation.as_ref().is_none_or(|rotation| rotation.next != next) {
                return Ok(false);
            }
            let secrets = secrets.promoted(now);
            keep(tx, &self.keyring, agent_id, &ConfiguredCallback { callback, secrets }).await?;
            Ok(true)
        })
    }
}

async fn read(
    client: &impl GenericClient,
    keyring: &Keyring,
    agent_id: AgentId,
) -> Result<Option<ConfiguredCallback>, Failure> {
    query_optional(client, ONE, &[&key(agent_id)], |row| callback_from(row, keyring, id_bytes(agent_id)))
        .await
}

fn callback_from(row: &Row, keyring: &Keyring, key: [u8; 16]) -> Result<ConfiguredCallback, Failure> {
    let current: Vec<u8> = get(row, "secret")?;
    Ok(ConfiguredCallback {
        callback: Callback {
            url: get(row, "url")?,
            timeout_ms: get_narrow(row, "callbacks", "timeout_ms")?,
            max_concurrent: get_narrow(row, "callbacks", "max_concurrent")?,
            require_ticket: get(row, "require_ticket")?,
            enabled: get(row, "enabled")?,
        },
        secrets: CallbackSecrets {
            current: open_secret(keyring, Place::CallbackSecret, key, &current)?,
            created_at: UnixMillis(get(row, "secret_created_at")?),
            rotation: rotation_from(row, keyring, key)?,
        },
    })
}

fn rotation_from(row: &Row, keyring: &Keyring, key: [u8; 16]) -> Result<Option<Rotation>, Failure> {
    let next: Option<Vec<u8>> = get(row, "next_secret")?;
    let overlap_ends_at: Option<i64> = get(row, "overlap_ends_at")?;
    let Some((next, overlap_ends_at)) = next.zip(overlap_ends_at) else {
        return Ok(None);
    };
    Ok(Some(Rotation {
        next: open_secret(keyring, Place::NextCallbackSecret, key, &next)?,
        overlap_ends_at: UnixMillis(overlap_ends_at),
    }))
}

/// Writes all of it; a secret that changes its column is thereby sealed for its new one.
async fn keep(
    client: &impl GenericClient,
    keyring: &Keyring,
    agent_id: AgentId,
    configured: &ConfiguredCallback,
) -> Result<(), Failure> {
    let ConfiguredCallback { callback, secrets } = configured;
    let seal =
        |place, secret: &CallbackSecret| keyring.seal(place, &id_bytes(agent_id), secret.expose().as_bytes());
    let rotation = secrets.rotation.as_ref();
    let (timeout_ms, max_concurrent) = (i64::from(callback.timeout_ms), i64::from(callback.max_concurrent));
    let current = seal(Place::CallbackSecret, &secrets.current);
    let next = rotation.map(|rotation| seal(Place::NextCallbackSecret, &rotation.next));
    let overlap_ends_at = rotation.map(|rotation| rotation.overlap_ends_at.0);
    let agent = key(agent_id);
    let values: [&(dyn ToSql + Sync); 10] = [
        &agent,
        &callback.url,
        &timeout_ms,
        &max_concurrent,
        &callback.require_ticket,
        &callback.enabled,
        &current,
        &secrets.created_at.0,
        &next,
        &overlap_ends_at,
    ];
    execute(client, PUT, &values).await.map(drop)
}
