//! What all who listen have in common: how many may, how they wait, and why it ends.

mod places;

use std::time::Duration;

use tokio::sync::futures::OwnedNotified;
use tokio_util::sync::CancellationToken;

pub(crate) use places::{Place, Places};

/// Nothing was announced: within this a stream finds out that what it tells of has ended, or that its key is gone.
pub(crate) const LOOK_AGAIN: Duration = Duration::from_secs(15);

/// Why a stream ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The session has ended, the agent was deleted, or the key is gone.
    Ended,
    /// The session was revoked.
    Revoked,
    /// The server stops; come again.
    Stopping,
}

impl End {
    /// As it is written in the API.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ended => "ended",
            Self::Revoked => "revoked",
            Self::Stopping => "stopping",
        }
    }
}

/// Ends when there may be something new. `false`: there is not, for the server is to end.
pub(crate) async fn waited(announced: OwnedNotified, stopping: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stopping.cancelled() => false,
        () = announced => true,
        () = tokio::time::sleep(LOOK_AGAIN) => true,
    }
}
