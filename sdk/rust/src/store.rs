//! Whose session is whose, for ten minutes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// How long a binding lasts: Buddy asks within seconds of the ticket; the rest is for slow pages and clocks.
pub const BINDING_SECONDS: i64 = 600;
/// How many bindings are kept in memory: some 20 MB, and 166 new sessions a second.
pub const BINDINGS_MAX: usize = 100_000;

/// Where session → user is noted. Bindings last [`BINDING_SECONDS`], and the first user has the session.
pub trait BindingStore {
    /// What may go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Binds a session to a user, in one step that nobody else can come between, and says whether it is that user's now: newly,
    /// or already, which makes it last no longer. False: it is another's.
    ///
    /// # Errors
    /// The store does not work.
    fn bind(&self, session_id: &str, user_id: &str) -> Result<bool, Self::Error>;

    /// The id of the user whose session it is.
    ///
    /// # Errors
    /// The store does not work.
    fn find(&self, session_id: &str) -> Result<Option<String>, Self::Error>;
}

/// The bindings of **one process**, in memory; at most [`BINDINGS_MAX`], then the oldest is forgotten. A clone has the same.
#[derive(Clone)]
pub struct MemoryStore {
    bindings: Arc<Mutex<Bindings>>,
    clock: Arc<dyn Fn() -> i64 + Send + Sync>,
}

impl MemoryStore {
    /// A store that reads the time, in unix seconds, from this clock.
    pub fn new(clock: impl Fn() -> i64 + Send + Sync + 'static) -> Self {
        Self { bindings: Arc::default(), clock: Arc::new(clock) }
    }

    /// See [`BindingStore::bind`]; nothing goes wrong in memory.
    pub fn bind(&self, session_id: &str, user_id: &str) -> bool {
        let now = (self.clock)();
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner).bind(session_id, user_id, now)
    }

    /// See [`BindingStore::find`]; nothing goes wrong in memory.
    pub fn find(&self, session_id: &str) -> Option<String> {
        let now = (self.clock)();
        self.bindings.lock().unwrap_or_else(PoisonError::into_inner).find(session_id, now)
    }
}

impl BindingStore for MemoryStore {
    type Error = Infallible;

    fn bind(&self, session_id: &str, user_id: &str) -> Result<bool, Infallible> {
        Ok(self.bind(session_id, user_id))
    }

    fn find(&self, session_id: &str) -> Result<Option<String>, Infallible> {
        Ok(self.find(session_id))
    }
}

impl<S: BindingStore + ?Sized> BindingStore for Arc<S> {
    type Error = S::Error;

    fn bind(&self, session_id: &str, user_id: &str) -> Result<bool, S::Error> {
        (**self).bind(session_id, user_id)
    }

    fn find(&self, session_id: &str) -> Result<Option<String>, S::Error> {
        (**self).find(session_id)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Bindings {
    by_session: HashMap<Arc<str>, Binding>,
    /// The keys of `by_session`: each lasts equally long, so the oldest is also the first to end.
    oldest_first: VecDeque<Arc<str>>,
}

struct Binding {
    user_id: String,
    ends_at: i64,
}

impl Bindings {
    fn bind(&mut self, session_id: &str, user_id: &str, now: i64) -> bool {
        self.forget_ended(now);
        let binding = Binding { user_id: user_id.to_owned(), ends_at: now.saturating_add(BINDING_SECONDS) };
        let session_id: Arc<str> = session_id.into();
        match self.by_session.entry(session_id.clone()) {
            Entry::Occupied(found) if found.get().ends_at > now => return found.get().user_id == user_id,
            // Ended, but behind one that has not: the clock was turned back in between.
            Entry::Occupied(mut ended) => {
                ended.insert(binding);
            }
            Entry::Vacant(free) => {
                free.insert(binding);
                self.oldest_first.push_back(session_id);
            }
        }
        if self.oldest_first.len() > BINDINGS_MAX {
            self.forget_oldest();
        }
        true
    }

    fn find(&self, session_id: &str, now: i64) -> Option<String> {
        let binding = self.by_session.get(session_id).filter(|binding| binding.ends_at > now)?;
        Some(binding.user_id.clone())
    }

    fn forget_ended(&mut self, now: i64) {
        while let Some(oldest) = self.oldest_first.front()
            && self.by_session[oldest].ends_at <= now
        {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(oldest) = self.oldest_first.pop_front() {
            self.by_session.remove(&oldest);
        }
    }
}
