//! How many of something may be open at once for each of many.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use metrics::Gauge;

use crate::metrics::Counted;
use crate::refusal::Refusal;

/// Counts what is open. Holds only those that have something open.
pub(crate) struct Places<K: Copy + Eq + Hash> {
    most: usize,
    open: Gauge,
    taken: Mutex<HashMap<K, usize>>,
}

impl<K: Copy + Eq + Hash> Places<K> {
    /// `open` says how many there are in all.
    pub(crate) fn new(most: usize, open: Gauge) -> Self {
        Self { most, open, taken: Mutex::default() }
    }

    /// A place, free again when it is dropped.
    pub(crate) fn take(self: &Arc<Self>, of: K) -> Result<Place<K>, Refusal> {
        let mut taken = self.lock();
        let count = taken.entry(of).or_default();
        if *count >= self.most {
            return Err(Refusal::TooManyStreams(self.most));
        }
        *count += 1;
        Ok(Place { places: Arc::clone(self), of, _open: Counted::one(&self.open) })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<K, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One that is open.
pub(crate) struct Place<K: Copy + Eq + Hash> {
    places: Arc<Places<K>>,
    of: K,
    _open: Counted,
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        let mut taken = self.places.lock();
        if let Some(count) = taken.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.of);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_has_its_own_places_and_they_are_free_again_when_dropped() {
        let places = Arc::new(Places::new(2, Gauge::noop()));
        let taken = [places.take('a').unwrap(), places.take('a').unwrap()];
        assert!(matches!(places.take('a'), Err(Refusal::TooManyStreams(2))));
        let other = places.take('b').unwrap();
        let [first, second] = taken;
        drop(first);
        let again = places.take('a').unwrap();
        assert!(places.take('a').is_err());
        drop((second, again, other));
        assert!(places.lock().is_empty());
    }
}
