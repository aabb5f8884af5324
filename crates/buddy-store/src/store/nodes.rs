//! The nodes that share a store.

use buddy_core::id::{AgentId, SessionId};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// What a node has done, as far as others may wait for it or have it at hand. It says where to look, never what is
/// there: whoever hears of it reads the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Change {
    /// A session of this agent was settled or revoked.
    Settled(SessionId, AgentId),
    /// A session's conversation has changed.
    Written(SessionId),
    /// There is something new for an agent's software.
    HandedOver(AgentId),
    /// One of an agent's sessions has a resolution.
    Resolved(AgentId),
    /// An agent's settings have changed, or it is gone.
    Agent(AgentId),
    /// Some of what was told has not arrived: anything may have changed.
    Anything,
}

/// The nodes that share the store: which of them may act, and what they tell each other. A backend that has only one
/// node has nobody to tell.
pub trait Nodes {
    /// Cancelled when this node may no longer act for the pending sessions that it has, since it could not show for too
    /// long that it is alive, and another may take them over. A node that shows it again has a new one. To be had before
    /// the write by which a session becomes pending, so that it is none of a later tenure.
    fn tenure(&self) -> CancellationToken;
    /// Tells the other nodes, soon. Never waits, and nothing is sure: whoever needs to know looks by itself, too.
    fn tell(&self, change: Change);
    /// What the other nodes tell, to be taken once. `None`: there are no other nodes.
    fn changes(&self) -> Option<mpsc::Receiver<Change>>;
}
