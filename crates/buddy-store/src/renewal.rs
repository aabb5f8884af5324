//! Sealing values anew by another master key: what is the same on every backend.

use buddy_core::id::id_from_bytes;
use buddy_core::identity::Identity;

use crate::seal::{Place, UserHash};
use crate::{Keyring, StoreError};

/// A sealed value where it stands.
pub(crate) struct Value<'a> {
    pub(crate) place: Place,
    /// The row that it is bound to.
    pub(crate) bound_to: Vec<u8>,
    /// The row's first key, and the second where there is one.
    pub(crate) key: [u8; 16],
    pub(crate) position: i64,
    /// The agent whose user an identity is; of others all zeros.
    pub(crate) agent: [u8; 16],
    pub(crate) sealed: &'a [u8],
}

/// A value that is to take the place of another.
pub(crate) struct Renewal {
    pub(crate) place: Place,
    pub(crate) key: [u8; 16],
    pub(crate) position: i64,
    pub(crate) was: Vec<u8>,
    pub(crate) sealed: Vec<u8>,
    pub(crate) user_hash: Option<UserHash>,
}

/// What of a page is to be renewed.
#[derive(Default)]
pub(crate) struct Renewals {
    pub(crate) renewals: Vec<Renewal>,
    pub(crate) unopened: u64,
}

impl Renewals {
    /// Opens what another key has sealed, and seals it anew. Nothing is written.
    pub(crate) fn add(&mut self, keyring: &Keyring, value: &Value<'_>) -> Result<(), StoreError> {
        if keyring.seals_like(value.sealed) {
            return Ok(());
        }
        match renewal(keyring, value) {
            Ok(renewal) => self.renewals.push(renewal),
            Err(StoreError::Sealed { .. } | StoreError::Unreadable { .. }) => self.unopened += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// How many values there are to be renewed.
    pub(crate) fn count(&self) -> u64 {
        u64::try_from(self.renewals.len()).expect("a count fits 64 bits")
    }
}

fn renewal(keyring: &Keyring, value: &Value<'_>) -> Result<Renewal, StoreError> {
    let &Value { place, ref bound_to, key, position, agent, sealed } = value;
    let text = keyring.open(place, bound_to, sealed)?;
    let user_hash = if place == Place::Identity {
        let identity: Identity = serde_json::from_slice(&text).map_err(|_| place.unreadable())?;
        Some(keyring.user_hash(id_from_bytes(agent), identity.user_id()))
    } else {
        None
    };
    let renewed = keyring.seal(place, bound_to, &text);
    Ok(Renewal { place, key, position, was: sealed.to_vec(), sealed: renewed, user_hash })
}
