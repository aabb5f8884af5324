use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

use buddy_verify::{BINDING_SECONDS, BINDINGS_MAX, MemoryStore};

const SESSION: &str = "sess_01hz2v6yqefws8h3k5n7p9r1tv";

/// A store, and the hands of its clock.
fn store() -> (MemoryStore, Arc<AtomicI64>) {
    let clock = Arc::new(AtomicI64::new(1_717_000_000));
    let time = clock.clone();
    (MemoryStore::new(move || time.load(Ordering::Relaxed)), clock)
}

#[test]
fn the_first_user_has_the_session() {
    let (store, _) = store();
    assert_eq!(store.find(SESSION), None);
    assert!(store.bind(SESSION, "ada"));
    assert!(!store.bind(SESSION, "grace"));
    assert!(store.bind(SESSION, "ada"));
    assert_eq!(store.find(SESSION).as_deref(), Some("ada"));
}

#[test]
fn of_many_at_once_one_has_the_session() {
    let (store, _) = store();
    let won = AtomicUsize::new(0);
    std::thread::scope(|threads| {
        for user in 0..8 {
            let (store, won) = (&store, &won);
            threads.spawn(move || {
                if store.bind(SESSION, &user.to_string()) {
                    won.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(won.into_inner(), 1);
}

#[test]
fn a_binding_ends_after_ten_minutes_and_binding_again_does_not_make_it_longer() {
    let (store, clock) = store();
    assert!(store.bind(SESSION, "ada"));
    clock.fetch_add(BINDING_SECONDS - 1, Ordering::Relaxed);
    assert!(store.bind(SESSION, "ada"));
    assert_eq!(store.find(SESSION).as_deref(), Some("ada"));
    clock.fetch_add(1, Ordering::Relaxed);
    assert_eq!(store.find(SESSION), None);
    assert!(store.bind(SESSION, "grace"));
    assert_eq!(store.find(SESSION).as_deref(), Some("grace"));
}

#[test]
fn the_oldest_is_forgotten_when_there_are_too_many() {
    let (store, _) = store();
    for number in 0..=BINDINGS_MAX {
        assert!(store.bind(&number.to_string(), "ada"));
    }
    assert_eq!(store.find("0"), None);
    assert_eq!(store.find("1").as_deref(), Some("ada"));
    assert_eq!(store.find(&BINDINGS_MAX.to_string()).as_deref(), Some("ada"));
}

#[test]
fn a_clock_that_is_turned_back_takes_no_session_away() {
    let (store, clock) = store();
    assert!(store.bind("one", "ada"));
    clock.fetch_sub(3600, Ordering::Relaxed);
    assert!(!store.bind("one", "grace"));
    assert!(store.bind("two", "ada"));
    // Ended, while what was bound before it has not.
    clock.fetch_add(BINDING_SECONDS, Ordering::Relaxed);
    assert_eq!(store.find("two"), None);
    assert!(store.bind("two", "grace"));
    assert!(!store.bind("two", "ada"));
    clock.fetch_add(7200, Ordering::Relaxed);
    assert!(store.bind("one", "grace") && store.bind("two", "ada"));
}
