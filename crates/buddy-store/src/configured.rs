//! What a change makes of a configured callback, on every backend alike.

use buddy_core::agent::{Callback, CallbackSecrets, Rotation};
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;

use crate::ConfiguredCallback;

/// What a callback that was put has become.
pub(crate) struct Put {
    pub(crate) configured: ConfiguredCallback,
    pub(crate) made_secret_taken: bool,
    /// The names of the settings that are other than before.
    pub(crate) changed: Vec<&'static str>,
}

/// Puts a callback in place of what is stored.
pub(crate) fn put(
    stored: Option<ConfiguredCallback>,
    callback: Callback,
    secret: Option<CallbackSecret>,
    made: CallbackSecret,
    now: UnixMillis,
) -> Put {
    let fresh = |current| CallbackSecrets { current, created_at: now, rotation: None };
    let mut changed = callback.settings_other_than(stored.as_ref().map(|stored| &stored.callback));
    if secret.is_some() || stored.is_none() {
        changed.push("secret");
    }
    let (secrets, made_secret_taken) = match (secret, stored) {
        (Some(own), _) => (fresh(own), false),
        (None, Some(stored)) => (stored.secrets, false),
        (None, None) => (fresh(made), true),
    };
    Put { configured: ConfiguredCallback { callback, secrets }, made_secret_taken, changed }
}

/// Opens a rotation. `None`: another is still open.
pub(crate) fn rotated(
    stored: ConfiguredCallback,
    next: CallbackSecret,
    overlap_seconds: u32,
    now: UnixMillis,
) -> Option<ConfiguredCallback> {
    let settled = stored.secrets.at(now);
    if settled.rotation.is_some() {
        return None;
    }
    let overlap_ends_at = now.plus_seconds(overlap_seconds);
    // Without an overlap it has ended by now, and `next` is current.
    let secrets = CallbackSecrets { rotation: Some(Rotation { next, overlap_ends_at }), ..settled }.at(now);
    Some(ConfiguredCallback { secrets, ..stored })
}

/// Makes `next` current. `None`: it is not that of an open rotation.
pub(crate) fn promoted(
    stored: ConfiguredCallback,
    next: &CallbackSecret,
    now: UnixMillis,
) -> Option<ConfiguredCallback> {
    // An overlap that has ended made `next` current by itself, at its own time.
    let secrets = stored.secrets.at(now);
    if secrets.rotation.as_ref().is_none_or(|rotation| rotation.next != *next) {
        return None;
    }
    Some(ConfiguredCallback { secrets: secrets.promoted(now), ..stored })
}
