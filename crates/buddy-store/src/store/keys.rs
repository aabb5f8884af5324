//! What each master key has sealed, and sealing it anew by another.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::StoreError;
use crate::MasterKeyId;
use crate::seal::Place;

/// Change of the master key: what an older key has sealed is sealed anew by the ring's first.
#[async_trait]
pub trait Sealing {
    /// Takes a pass one step on: looks at `limit` rows at most, and seals anew what another key of the ring has sealed.
    /// A row that is changed meanwhile keeps its change, and is left for the next pass. A user's hash is renewed in the
    /// same write as the identity, so that the user can be revoked at any time. The canary comes last, and only if
    /// nothing was left for another pass.
    async fn reseal(&self, pass: Resealing, limit: u32) -> Result<Resealing, StoreError>;
    /// What each key has sealed, in the ring or not. Counted row by row, and so of no single moment while others write.
    async fn sealed_by(&self) -> Result<SealedBy, StoreError>;
}

/// A pass over all that is sealed, as far as it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resealing {
    pub(crate) next: Next,
    /// Values that it has sealed anew.
    pub resealed: u64,
    /// Values that were changed by others meanwhile; they are left for the next pass.
    pub left: u64,
    /// Values that no key of the ring opens. They stay as they are.
    pub unopened: u64,
}

/// Where a pass goes on: behind this row of that table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Behind the callback of this agent.
    Callbacks([u8; 16]),
    /// Behind this session.
    Sessions([u8; 16]),
    /// Behind the message at this position of this session.
    Messages([u8; 16], i64),
    /// All tables are done.
    Canary,
    /// There is nothing more.
    End,
}

impl Next {
    /// No id is all zeros: a `UUIDv7` has its version and variant in it.
    pub(crate) const BEGIN: Self = Self::Callbacks([0; 16]);

    /// The begin of the next table.
    pub(crate) fn table_after(self) -> Self {
        match self {
            Self::Callbacks(_) => Self::Sessions([0; 16]),
            Self::Sessions(_) => Self::Messages([0; 16], 0),
            Self::Messages(..) => Self::Canary,
            Self::Canary | Self::End => Self::End,
        }
    }
}

impl Resealing {
    /// A pass that is still to begin.
    #[must_use]
    pub fn begin() -> Self {
        Self { next: Next::BEGIN, resealed: 0, left: 0, unopened: 0 }
    }

    /// It has come to the end.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.next == Next::End
    }

    /// It has come to the end, and another has nothing to do.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.is_over() && self.left == 0
    }

    /// The same, at its end.
    pub(crate) fn over(self) -> Self {
        Self { next: Next::End, ..self }
    }
}

/// How many values there are that one key has sealed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SealedValues {
    /// Callback secrets, each rotation's next one too.
    pub callbacks: u64,
    /// Identities.
    pub sessions: u64,
    /// Texts.
    pub messages: u64,
    /// 1 where it has sealed the value by which a wrong key is found out.
    pub canary: u64,
}

impl SealedValues {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.callbacks + self.sessions + self.messages + self.canary
    }
}

/// What each key has sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SealedBy {
    /// Of every key that has sealed anything.
    pub keys: BTreeMap<MasterKeyId, SealedValues>,
    /// Values that no key can have sealed.
    pub unreadable: u64,
}

impl SealedBy {
    /// Counts a value.
    pub(crate) fn count(&mut self, place: Place, sealed: &[u8]) {
        let Some(id) = MasterKeyId::of_sealed(sealed) else {
            self.unreadable += 1;
            return;
        };
        let values = self.keys.entry(id).or_default();
        *match place {
            Place::CallbackSecret | Place::NextCallbackSecret => &mut values.callbacks,
            Place::Identity => &mut values.sessions,
            Place::MessageText => &mut values.messages,
            Place::Canary => &mut values.canary,
        } += 1;
    }

    /// What this key has sealed.
    #[must_use]
    pub fn by(&self, id: MasterKeyId) -> SealedValues {
        self.keys.get(&id).copied().unwrap_or_default()
    }
}
