//! Callbacks and their secrets, which are sealed.

use async_trait::async_trait;
use buddy_core::agent::{Callback, CallbackSecrets, Rotation};
use buddy_core::audit::AuditEntry;
use buddy_core::id::{AgentId, id_bytes};
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;
use rusqlite::{Connection, Row};

use super::statement::{execute, query_optional, statements};
use super::{SqliteStore, agents, audit};
use crate::columns::open_secret;
use crate::seal::Place;
use crate::{Callbacks, ConfiguredCallback, Keyring, PutCallback, RotationBegun, StoreError};

statements! {
    ONE = "SELECT url, timeout_ms, max_concurrent, require_ticket, enabled,
        secret, secret_created_at, next_secret, overlap_ends_at FROM callbacks WHERE agent_id = ?1";
    PUT = "INSERT INTO callbacks (agent_id, url, timeout_ms, max_concurrent, require_ticket, enabled,
            secret, secret_created_at, next_secret, overlap_ends_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
        ON CONFLICT (agent_id) DO UPDATE SET url = excluded.url, timeout_ms = excluded.timeout_ms,
            max_concurrent = excluded.max_concurrent, require_ticket = excluded.require_ticket,
            enabled = excluded.enabled, secret = excluded.secret,
            secret_created_at = excluded.secret_created_at, next_secret = excluded.next_secret,
            overlap_ends_at = excluded.overlap_ends_at";
    DELETE = "DELETE FROM callbacks WHERE agent_id = ?1";
}

#[async_trait]
impl Callbacks for SqliteStore {
    async fn put_callback(
        &self,
        agent_id: AgentId,
        callback: Callback,
        secret: Option<CallbackSecret>,
        made: CallbackSecret,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<PutCallback, StoreError> {
        let keyring = self.keyring.clone();
        self.write(move |connection| {
            if !agents::is_there(connection, agent_id)? {
                return Ok(PutCallback::NoAgent);
            }
            let fresh = |current| CallbackSecrets { current, created_at: now, rotation: None };
            let (stored, stored_secrets) =
                read(connection, &keyring, agent_id)?.map(|stored| (stored.callback, stored.secrets)).unzip();
            let mut changed = callback.settings_other_than(stored.as_ref());
            if secret.is_some() || stored.is_none() {
                changed.push("secret");
            }
            let (secrets, made_secret_taken) = match (secret, stored_secrets) {
                (Some(own), _) => (fresh(own), false),
                (None, Some(secrets)) => (secrets, false),
                (None, None) => (fresh(made), true),
            };
            let configured = ConfiguredCallback { callback, secrets };
            keep(connection, &keyring, agent_id, &configured)?;
            audit::note_with(connection, entry, changed)?;
            Ok(PutCallback::Put { configured, made_secret_taken })
        })
        .await
    }

    async fn callback(&self, agent_id: AgentId) -> Result<Option<ConfiguredCallback>, StoreError> {
        let keyring = self.keyring.clone();
        self.read(move |connection| read(connection, &keyring, agent_id)).await
    }

    async fn delete_callback(&self, agent_id: AgentId, entry: AuditEntry) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let deleted = execute(connection, DELETE, [id_bytes(agent_id)])? > 0;
            audit::noted_if(connection, deleted, &entry)
        })
        .await
    }

    async fn begin_rotation(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        overlap_seconds: u32,
        now: UnixMillis,
        entry: AuditEntry,
    ) -> Result<RotationBegun, StoreError> {
        let keyring = self.keyring.clone();
        self.write(move |connection| {
            let Some(ConfiguredCallback { callback, secrets }) = read(connection, &keyring, agent_id)? else {
                return Ok(RotationBegun::NoCallback);
            };
            let settled = secrets.at(now);
            if settled.rotation.is_some() {
                return Ok(RotationBegun::AlreadyOpen);
            }
            let overlap_ends_at = now.plus_seconds(overlap_seconds);
            // Without an overlap it has ended by now, and `next` is current.
            let secrets =
                CallbackSecrets { rotation: Some(Rotation { next, overlap_ends_at }), ..settled }.at(now);
            keep(connection, &keyring, agent_id, &ConfiguredCallback { callback, secrets: secrets.clone() })?;
            audit::note_with(connection, entry, vec!["secret"])?;
            Ok(RotationBegun::Begun(secrets))
        })
        .await
    }

    async fn promote_secret(
        &self,
        agent_id: AgentId,
        next: CallbackSecret,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let keyring = self.keyring.clone();
        self.write(move |connection| {
            let Some(ConfiguredCallback { callback, secrets }) = read(connection, &keyring, agent_id)? else {
                return Ok(false);
            };
            // An overlap that has ended made `next` current by itself, at its own time.
            let secrets = secrets.at(now);
            if secrets.rotation.as_ref().is_none_or(|rotation| rotation.next != next) {
                return Ok(false);
            }
            let secrets = secrets.promoted(now);
            keep(connection, &keyring, agent_id, &ConfiguredCallback { callback, secrets })?;
            Ok(true)
        })
        .await
    }
}

fn read(
    connection: &Connection,
    keyring: &Keyring,
    agent_id: AgentId,
) -> Result<Option<ConfiguredCallback>, StoreError> {
    let key = id_bytes(agent_id);
    query_optional(connection, ONE, [key], |row| {
        let current: Vec<u8> = row.get("secret")?;
        Ok(ConfiguredCallback {
            callback: Callback {
                url: row.get("url")?,
                timeout_ms: row.get("timeout_ms")?,
                max_concurrent: row.get("max_concurrent")?,
                require_ticket: row.get("require_ticket")?,
                enabled: row.get("enabled")?,
            },
            secrets: CallbackSecrets {
                current: open_secret(keyring, Place::CallbackSecret, key, &current)?,
                created_at: UnixMillis(row.get("secret_created_at")?),
                rotation: rotation_from(row, keyring, key)?,
            },
        })
    })
}

fn rotation_from(row: &Row<'_>, keyring: &Keyring, key: [u8; 16]) -> Result<Option<Rotation>, StoreError> {
    let next: Option<Vec<u8>> = row.get("next_secret")?;
    let overlap_ends_at: Option<i64> = row.get("overlap_ends_at")?;
    let Some((next, overlap_ends_at)) = next.zip(overlap_ends_at) else {
        return Ok(None);
    };
    Ok(Some(Rotation {
        next: open_secret(keyring, Place::NextCallbackSecret, key, &next)?,
        overlap_ends_at: UnixMillis(overlap_ends_at),
    }))
}

/// Writes all of it; a secret that changes its column is thereby sealed for its new one.
fn keep(
    connection: &Connection,
    keyring: &Keyring,
    agent_id: AgentId,
    configured: &ConfiguredCallback,
) -> Result<(), StoreError> {
    let key = id_bytes(agent_id);
    let ConfiguredCallback { callback, secrets } = configured;
    let seal = |place, secret: &CallbackSecret| keyring.seal(place, &key, secret.expose().as_bytes());
    let rotation = secrets.rotation.as_ref();
    let values = (
        key,
        &callback.url,
        callback.timeout_ms,
        callback.max_concurrent,
        callback.require_ticket,
        callback.enabled,
        seal(Place::CallbackSecret, &secrets.current),
        secrets.created_at.0,
        rotation.map(|rotation| seal(Place::NextCallbackSecret, &rotation.next)),
        rotation.map(|rotation| rotation.overlap_ends_at.0),
    );
    execute(connection, PUT, values).map(drop)
}
