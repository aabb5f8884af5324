//! Whose session is whose: in memory, or behind a network.

use buddy_verify::{BindingStore, MemoryStore};

use crate::clock::unix_now;
use crate::found::Error;

/// [`BindingStore`] for a store that is waited for, such as Redis or a database.
///
/// Every [`BindingStore`] is one too. It is called on the runtime's own threads, so let it only ever touch memory.
pub trait AsyncBindingStore: Send + Sync + 'static {
    /// What may go wrong.
    type Error: Into<Error> + Send;

    /// Binds a session to a user, in one step that nobody else can come between, and says whether it is that user's now: newly,
    /// or already, which makes it last no longer. False: it is another's.
    fn bind(&self, session_id: &str, user_id: &str)
    -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// The id of the user whose session it is.
    fn find(&self, session_id: &str) -> impl Future<Output = Result<Option<String>, Self::Error>> + Send;
}

impl<S: BindingStore + Send + Sync + 'static> AsyncBindingStore for S {
    type Error = S::Error;

    async fn bind(&self, session_id: &str, user_id: &str) -> Result<bool, S::Error> {
        BindingStore::bind(self, session_id, user_id)
    }

    async fn find(&self, session_id: &str) -> Result<Option<String>, S::Error> {
        BindingStore::find(self, session_id)
    }
}

/// The bindings of this process, by the system's clock. Several processes need a store that they share.
pub fn memory_store() -> MemoryStore {
    MemoryStore::new(unix_now)
}
