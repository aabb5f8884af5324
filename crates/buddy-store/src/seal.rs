//! Sealing: AES-256-GCM under a key per purpose, bound to the table, column and row of the value.
//!
//! A sealed value is one byte of version, four of key id, twelve of nonce, the ciphertext, sixteen of tag. Each
//! purpose's key is HKDF-SHA256 (RFC 5869) of the master key, with the purpose as its info. Nonces are random:
//! NIST SP 800-38D, section 8.3, bounds one key to 2^32 of them, which is 4 billion identities per master key, and as
//! many changes of messages.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, MAX_TAG_LEN, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::{hkdf, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use buddy_core::id::{AgentId, id_bytes};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::StoreError;

/// AES-256 and HMAC-SHA256 keys, and what HKDF-SHA256 gives in one block.
const KEY_LEN: usize = 32;
/// The only form there is; another would begin with another number.
const VERSION: u8 = 1;
/// Enough to tell a few keys apart; a chance match costs one vain try.
const KEY_ID_LEN: usize = 4;
const NONCE_AT: usize = 1 + KEY_ID_LEN;
const TEXT_AT: usize = NONCE_AT + NONCE_LEN;

const CALLBACK_SECRET: &[u8] = b"callback-secret";
const IDENTITY: &[u8] = b"identity";
const MESSAGE: &[u8] = b"message";
const USER_ID_HASH: &[u8] = b"user-id-hash";
const CANARY: &[u8] = b"canary";
const KEY_ID: &[u8] = b"key-id";

/// The key from which all others are derived. Never printed, zeroed on drop.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterKey([u8; KEY_LEN]);

/// The text is not a master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "BUDDY_MASTER_KEY must be exactly 32 bytes in standard base64 (44 characters): make one with `openssl rand -base64 32`"
)]
pub struct BadMasterKey;

impl MasterKey {
    /// Reads a key of 32 bytes in standard base64, padded, with nothing round it.
    pub fn from_base64(text: &str) -> Result<Self, BadMasterKey> {
        let bytes = Zeroizing::new(BASE64_STANDARD.decode(text).map_err(|_| BadMasterKey)?);
        bytes.as_slice().try_into().map(Self).map_err(|_| BadMasterKey)
    }

    /// A key of these bytes, which must be random.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        Self(bytes)
    }

    /// What tells it apart, and is written before every value that it has sealed.
    pub fn id(&self) -> MasterKeyId {
        DerivedKeys::of(self).id
    }

    /// The text that [`Self::from_base64`] reads, for the key file.
    pub fn to_base64(&self) -> Zeroizing<String> {
        Zeroizing::new(BASE64_STANDARD.encode(self.0))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

/// By what a master key is told apart. Derived from it, and says nothing of it; shown as eight hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MasterKeyId([u8; KEY_ID_LEN]);

impl MasterKeyId {
    /// Of the key that has sealed this, whether it is known or not. `None`: it is no sealed value.
    pub(crate) fn of_sealed(sealed: &[u8]) -> Option<Self> {
        let (&version, rest) = sealed.split_first()?;
        if version == VERSION { rest.first_chunk().copied().map(Self) } else { None }
    }
}

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

/// Where a sealed value lives; it opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    CallbackSecret,
    NextCallbackSecret,
    Identity,
    MessageText,
    Canary,
}

impl Place {
    fn table(self) -> &'static str {
        match self {
            Self::CallbackSecret | Self::NextCallbackSecret => "callbacks",
            Self::Identity => "sessions",
            Self::MessageText => "messages",
            Self::Canary => "canary",
        }
    }

    fn column(self) -> &'static str {
        match self {
            Self::CallbackSecret => "secret",
            Self::NextCallbackSecret => "next_secret",
            Self::Identity => "identity",
            Self::MessageText => "text",
            Self::Canary => "sealed",
        }
    }

    /// Each part with its length before it, so that no two places write the same bytes.
    fn bound_to(self, row: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for part in [self.table().as_bytes(), self.column().as_bytes(), row] {
            let length = u32::try_from(part.len()).expect("names and row ids are short");
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }

    fn does_not_open(self) -> StoreError {
        StoreError::Sealed { table: self.table(), column: self.column() }
    }

    /// What opened is not what this version seals there.
    pub(crate) fn unreadable(self) -> StoreError {
        StoreError::Unreadable { table: self.table(), column: self.column() }
    }
}

/// The keys derived from one master key.
struct DerivedKeys {
    id: MasterKeyId,
    callback_secret: RandomizedNonceKey,
    identity: RandomizedNonceKey,
    message: RandomizedNonceKey,
    canary: RandomizedNonceKey,
    user_id_hash: hmac::Key,
}

impl DerivedKeys {
    fn of(master: &MasterKey) -> Self {
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(&master.0);
        let derive = |purpose: &[u8]| {
            let mut key = Zeroizing::new([0; KEY_LEN]);
            root.expand(&[purpose], hkdf::HKDF_SHA256)
                .and_then(|block| block.fill(key.as_mut()))
                .expect("HKDF-SHA256 gives one block of 32 bytes");
            key
        };
        let sealing = |purpose| {
            RandomizedNonceKey::new(&AES_256_GCM, derive(purpose).as_ref())
                .expect("AES-256-GCM takes any key of 32 bytes")
        };
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&derive(KEY_ID)[..KEY_ID_LEN]);
        Self {
            id: MasterKeyId(id),
            callback_secret: sealing(CALLBACK_SECRET),
            identity: sealing(IDENTITY),
            message: sealing(MESSAGE),
            canary: sealing(CANARY),
            user_id_hash: hmac::Key::new(hmac::HMAC_SHA256, derive(USER_ID_HASH).as_ref()),
        }
    }

    fn sealing(&self, place: Place) -> &RandomizedNonceKey {
        match place {
            Place::CallbackSecret | Place::NextCallbackSecret => &self.callback_secret,
            Place::Identity => &self.identity,
            Place::MessageText => &self.message,
            Place::Canary => &self.canary,
        }
    }

    /// The agent's id has a fixed length, so that no other pair of agent and user gives the same bytes.
    fn user_hash(&self, agent_id: AgentId, user_id: &str) -> UserHash {
        let mut context = hmac::Context::with_key(&self.user_id_hash);
        context.update(&id_bytes(agent_id));
        context.update(user_id.as_bytes());
        let mut hash = [0; KEY_LEN];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }
}

/// By what a user's sessions are found again though nothing about the user is stored in clear.
pub(crate) type UserHash = [u8; KEY_LEN];

/// All keys that are in use: the first seals, each opens what it sealed.
pub struct Keyring {
    first: DerivedKeys,
    others: Vec<DerivedKeys>,
}

impl Keyring {
    /// A ring whose `first` key seals from now on; `others` still open what they sealed.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "the master keys are zeroed here, when they are dropped"
    )]
    pub fn new(first: MasterKey, others: Vec<MasterKey>) -> Self {
        Self { first: DerivedKeys::of(&first), others: others.iter().map(DerivedKeys::of).collect() }
    }

    /// A ring of these keys, the first of which seals. `None`: there is none.
    pub fn of(keys: Vec<MasterKey>) -> Option<Self> {
        let mut keys = keys.into_iter();
        keys.next().map(|first| Self::new(first, keys.collect()))
    }

    /// The keys of the ring, the one that seals first.
    pub fn ids(&self) -> Vec<MasterKeyId> {
        self.keys().map(|keys| keys.id).collect()
    }

    /// There are keys that open and do not seal.
    pub(crate) fn has_others(&self) -> bool {
        !self.others.is_empty()
    }

    /// The key that seals has sealed this.
    pub(crate) fn seals_like(&self, sealed: &[u8]) -> bool {
        MasterKeyId::of_sealed(sealed) == Some(self.first.id)
    }

    /// Seals a value for this place and row.
    pub(crate) fn seal(&self, place: Place, row: &[u8], text: &[u8]) -> Vec<u8> {
        // One allocation, so that no copy of the clear text is left behind by growth.
        let mut sealed = Vec::with_capacity(TEXT_AT + text.len() + MAX_TAG_LEN);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.first.id.0);
        sealed.extend_from_slice(&[0; NONCE_LEN]);
        sealed.extend_from_slice(text);
        let (nonce, tag) = self
            .first
            .sealing(place)
            .seal_in_place_separate_tag(Aad::from(place.bound_to(row)), &mut sealed[TEXT_AT..])
            .expect("AES-256-GCM seals any value below 64 GiB");
        sealed[NONCE_AT..TEXT_AT].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    /// Opens a value that was sealed for this place and row, by any key of the ring.
    pub(crate) fn open(
        &self,
        place: Place,
        row: &[u8],
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, StoreError> {
        let (head, text) = sealed.split_at_checked(TEXT_AT).ok_or_else(|| place.does_not_open())?;
        if head[0] != VERSION {
            return Err(place.does_not_open());
        }
        self.keys()
            .filter(|keys| keys.id.0 == head[1..NONCE_AT])
            .find_map(|keys| {
                let nonce = Nonce::try_assume_unique_for_key(&head[NONCE_AT..]).ok()?;
                let mut opened = Zeroizing::new(text.to_vec());
                let aad = Aad::from(place.bound_to(row));
                let length = keys.sealing(place).open_in_place(nonce, aad, &mut opened).ok()?.len();
                opened.truncate(length);
                Some(opened)
            })
            .ok_or_else(|| place.does_not_open())
    }

    /// The hash under which a new session's user is kept.
    pub(crate) fn user_hash(&self, agent_id: AgentId, user_id: &str) -> UserHash {
        self.first.user_hash(agent_id, user_id)
    }

    /// Every hash under which this user's sessions may have been kept.
    pub(crate) fn user_hashes(&self, agent_id: AgentId, user_id: &str) -> Vec<UserHash> {
        self.keys().map(|keys| keys.user_hash(agent_id, user_id)).collect()
    }

    fn keys(&self) -> impl Iterator<Item = &DerivedKeys> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

#[cfg(test)]
mod tests;
