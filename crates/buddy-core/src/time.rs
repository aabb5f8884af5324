//! Moments as the store and the wire know them. The clock itself is the caller's.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// Whole seconds, as the callback's `timestamp` has them.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// This moment and `seconds` more; stays at the latest moment rather than wrap.
    #[must_use]
    pub fn plus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(i64::from(seconds) * 1000))
    }

    /// This moment less `seconds`.
    #[must_use]
    pub fn minus_seconds(self, seconds: u32) -> Self {
        Self(self.0.saturating_sub(i64::from(seconds) * 1000))
    }

    /// The last moment up to this one that is a whole number of `seconds` since 1970.
    #[must_use]
    pub fn floored_to(self, seconds: u32) -> Self {
        Self(self.0 - self.0.rem_euclid(i64::from(seconds) * 1000))
    }
}
