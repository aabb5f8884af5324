//! How a callback's secrets stand: which one signs, whether a rotation is open, and which one the endpoint took last.

use buddy_core::agent::CallbackSecrets;
use buddy_core::id::AgentId;
use buddy_core::resolution::{Attempt, Resolution, SignedWith};
use buddy_store::{Page, ResolutionFilter};

use super::fault::Fault;
use super::row::Row;
use crate::app::App;
use crate::refusal::Refusal;
use crate::said;

/// Resolutions that are looked through for one that the endpoint took: an endpoint that refused so many takes none.
const LOOKED_THROUGH: u32 = 50;

/// What the page says of them.
pub(super) struct SecretState {
    pub(super) signs_since: String,
    pub(super) overlap_ends: Option<String>,
    pub(super) accepted: Option<Accepted>,
}

/// The secret that the endpoint took last.
pub(super) struct Accepted {
    pub(super) which: &'static str,
    pub(super) when: String,
    pub(super) path: String,
}

impl SecretState {
    pub(super) async fn of(app: &App, id: AgentId, secrets: &CallbackSecrets) -> Result<Self, Fault> {
        let page = Page { before: None, limit: LOOKED_THROUGH };
        let latest =
            app.store.resolutions(id, ResolutionFilter::default(), page).await.map_err(Refusal::from)?;
        Ok(Self {
            signs_since: said::minute(secrets.created_at),
            overlap_ends: secrets.rotation.as_ref().map(|open| said::minute(open.overlap_ends_at)),
            accepted: latest.iter().find_map(|resolution| accepted(resolution, secrets)),
        })
    }
}

fn accepted(resolution: &Resolution, secrets: &CallbackSecrets) -> Option<Accepted> {
    let taken = resolution.attempts.iter().rev().find(|attempt| took_signature(attempt))?;
    Some(Accepted {
        which: which(taken, secrets),
        when: said::minute(taken.started_at),
        path: Row::of(resolution).path,
    })
}

/// A 2xx says that the signature was right, whatever may be wrong with the body.
fn took_signature(attempt: &Attempt) -> bool {
    attempt.status.is_some_and(|status| (200..300).contains(&status))
}

fn which(attempt: &Attempt, secrets: &CallbackSecrets) -> &'static str {
    match (attempt.signed_with, &secrets.rotation) {
        (SignedWith::Next, Some(_)) => "the next secret",
        // What the next one signed with success made it current, a moment later.
        (SignedWith::Next, None) => "the secret that signs now",
        (SignedWith::Current, _) if attempt.started_at >= secrets.created_at => "the secret that signs now",
        (SignedWith::Current, _) => "an older secret",
    }
}
