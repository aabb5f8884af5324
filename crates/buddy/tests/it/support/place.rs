//! Who has the machine: what is measured by the clock waits until no other server runs, and none begins meanwhile.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

static RUNNING: Mutex<Running> = Mutex::new(Running { servers: 0, alone: false });
static CHANGED: Condvar = Condvar::new();

struct Running {
    servers: usize,
    /// The one server is to have no company.
    alone: bool,
}

/// A running server's place; it is free again when it is dropped.
pub(super) struct Place(());

impl Place {
    /// Beside any others. It goes before one that waits to be alone, which may wait for this very test.
    pub(super) fn among_others() -> Self {
        Self::once(|running| !running.alone, false)
    }

    pub(super) fn alone() -> Self {
        Self::once(|running| running.servers == 0, true)
    }

    fn once(free: fn(&Running) -> bool, alone: bool) -> Self {
        let waited = CHANGED.wait_while(running(), |running| !free(running));
        let mut running = waited.unwrap_or_else(PoisonError::into_inner);
        running.servers += 1;
        running.alone = alone;
        Self(())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut running = running();
        running.servers -= 1;
        running.alone = false;
        CHANGED.notify_all();
    }
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
