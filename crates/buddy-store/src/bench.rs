//! Sealing as `benches/` measures it: the very calls by which an identity is kept and read. Nothing else may seal, so
//! this is there with the feature `bench` only.

use buddy_core::id::{SessionId, id_bytes};
use zeroize::Zeroizing;

use crate::seal::Place;
use crate::{Keyring, StoreError};

/// Seals an identity's JSON for its session.
pub fn seal_identity(keyring: &Keyring, id: SessionId, text: &[u8]) -> Vec<u8> {
    keyring.seal(Place::Identity, &id_bytes(id), text)
}

/// Opens what [`seal_identity`] gave. [`StoreError::Sealed`]: by another key, for another session, or altered.
pub fn open_identity(
    keyring: &Keyring,
    id: SessionId,
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, StoreError> {
    keyring.open(Place::Identity, &id_bytes(id), sealed)
}
