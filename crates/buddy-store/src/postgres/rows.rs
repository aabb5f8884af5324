//! The rows of a group by column, as the statements that write them take them.

use buddy_core::reason::Reason;
use buddy_core::resolution::Resolution;
use buddy_core::session::Session;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

use super::statement::key;
use crate::columns::{UserColumns, opened_by_word};
use crate::{Settlement, StoreError};

type Value<'a> = &'a (dyn ToSql + Sync);

/// New sessions.
#[derive(Default)]
pub(super) struct NewSessions<'a> {
    pub(super) ids: Vec<Uuid>,
    agents: Vec<Uuid>,
    pub(super) tokens: Vec<&'a [u8]>,
    statuses: Vec<&'static str>,
    opened_by: Vec<&'static str>,
    callbacks_made: Vec<bool>,
    failures: Vec<Option<&'static str>>,
    created_at: Vec<i64>,
    expires_at: Vec<i64>,
    resolved_at: Vec<Option<i64>>,
    owners: Vec<Option<Uuid>>,
    user_hashes: Vec<Option<&'a [u8]>>,
    identities: Vec<Option<&'a [u8]>>,
}

impl<'a> NewSessions<'a> {
    pub(super) fn push(&mut self, session: &'a Session, user: &'a UserColumns, owner: Option<Uuid>) {
        let (user_hash, identity) = user;
        self.ids.push(key(session.id));
        self.agents.push(key(session.agent_id));
        self.tokens.push(&session.token_hash.0);
        self.statuses.push(session.status.as_str());
        self.opened_by.push(opened_by_word(session.opened_by));
        self.callbacks_made.push(session.callback_made);
        self.failures.push(session.failure.map(Reason::as_str));
        self.created_at.push(session.created_at.0);
        self.expires_at.push(session.expires_at.0);
        self.resolved_at.push(session.resolved_at.map(|at| at.0));
        self.owners.push(owner);
        self.user_hashes.push(user_hash.as_ref().map(<[u8; 32]>::as_slice));
        self.identities.push(identity.as_deref());
    }

    pub(super) fn values(&self) -> [Value<'_>; 13] {
        [
            &self.ids,
            &self.agents,
            &self.tokens,
            &self.statuses,
            &self.opened_by,
            &self.callbacks_made,
            &self.failures,
            &self.created_at,
            &self.expires_at,
            &self.resolved_at,
            &self.owners,
            &self.user_hashes,
            &self.identities,
        ]
    }
}

/// Sessions that are settled.
#[derive(Default)]
pub(super) struct SettledSessions<'a> {
    pub(super) ids: Vec<Uuid>,
    resolved_at: Vec<i64>,
    statuses: Vec<&'static str>,
    callbacks_made: Vec<bool>,
    failures: Vec<Option<&'static str>>,
    user_hashes: Vec<Option<&'a [u8]>>,
    identities: Vec<Option<&'a [u8]>>,
}

impl<'a> SettledSessions<'a> {
    pub(super) fn push(&mut self, id: Uuid, settlement: &Settlement, user: &'a UserColumns) {
        let (user_hash, identity) = user;
        self.ids.push(id);
        self.resolved_at.push(settlement.resolved_at.0);
        self.statuses.push(settlement.status.as_str());
        self.callbacks_made.push(settlement.callback_made);
        self.failures.push(settlement.failure.map(Reason::as_str));
        self.user_hashes.push(user_hash.as_ref().map(<[u8; 32]>::as_slice));
        self.identities.push(identity.as_deref());
    }

    pub(super) fn values(&self) -> [Value<'_>; 7] {
        [
            &self.ids,
            &self.resolved_at,
            &self.statuses,
            &self.callbacks_made,
            &self.failures,
            &self.user_hashes,
            &self.identities,
        ]
    }
}

/// Resolutions with their numbers.
#[derive(Default)]
pub(super) struct KeptResolutions {
    ids: Vec<Uuid>,
    agents: Vec<Uuid>,
    sessions: Vec<Uuid>,
    outcomes: Vec<&'static str>,
    reasons: Vec<Option<&'static str>>,
    started_at: Vec<i64>,
    durations: Vec<i64>,
    warnings: Vec<String>,
    attempts: Vec<String>,
    numbers: Vec<i64>,
}

impl KeptResolutions {
    pub(super) fn push(&mut self, resolution: &Resolution, number: i64) -> Result<(), StoreError> {
        let unwritable = |_| StoreError::Database("a resolution could not be written as JSON".to_owned());
        self.ids.push(key(resolution.id));
        self.agents.push(key(resolution.agent_id));
        self.sessions.push(key(resolution.session_id));
        self.outcomes.push(resolution.outcome.as_str());
        self.reasons.push(resolution.reason.map(Reason::as_str));
        self.started_at.push(resolution.started_at.0);
        self.durations.push(i64::try_from(resolution.duration).unwrap_or(i64::MAX));
        self.warnings.push(serde_json::to_string(&resolution.warnings).map_err(unwritable)?);
        self.attempts.push(serde_json::to_string(&resolution.attempts).map_err(unwritable)?);
        self.numbers.push(number);
        Ok(())
    }

    pub(super) fn values(&self) -> [Value<'_>; 10] {
        [
            &self.ids,
            &self.agents,
            &self.sessions,
            &self.outcomes,
            &self.reasons,
            &self.started_at,
            &self.durations,
            &self.warnings,
            &self.attempts,
            &self.numbers,
        ]
    }
}
