//! Threads that wake when they are to.

/// Has the kernel wake this thread at the moment that it asked for, not in company of others.
#[cfg(target_os = "linux")]
pub fn wake_precisely() {
    use std::num::NonZeroU64;

    use rustix::thread::set_current_timer_slack;

    /// Nanoseconds by which the kernel may be late; it takes 50 µs unless told.
    const SLACK: NonZeroU64 = NonZeroU64::new(1_000).expect("not zero");
    // Where it is not granted, all that is measured is later by the same 50 µs.
    let _ = set_current_timer_slack(Some(SLACK));
}

/// There is no such wish elsewhere.
#[cfg(not(target_os = "linux"))]
pub fn wake_precisely() {}
