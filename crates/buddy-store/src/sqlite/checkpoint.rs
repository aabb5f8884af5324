//! Bringing the write-ahead log back into the database file, on a thread of its own, so that this flush to the
//! disk never holds up a commit.
//!
//! A passive checkpoint alone would never let the log begin anew while writes go on without a pause, and the log
//! would grow for ever. So once it is long, the writer itself takes the last step, right after a passive
//! checkpoint has left little to do.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::OpenError;
use super::directory::BUSY_TIMEOUT;
use super::statement::{query_optional, statements};
use crate::StoreError;

/// When the log is worked off, by its length in pages of 4 KiB.
#[derive(Clone, Copy)]
pub(super) struct Pace {
    /// What is written between two passive checkpoints.
    passive_every: u32,
    /// From here on the log begins anew after the next passive checkpoint.
    restart_at: u32,
    /// Here it does so even if the passive checkpoints lag behind.
    restart_anyway_at: u32,
}

/// 8 MiB, so that a page that changes often is copied once; 64 MiB, the log's usual length under writes without a
/// pause; 128 MiB, which it passes only while a stranger reads an old state of the file.
pub(super) const PACE: Pace = Pace { passive_every: 2_000, restart_at: 16_000, restart_anyway_at: 32_000 };

/// How long the writer waits for readers of the old log; they are done in a moment, but for a stranger's.
const RESTART_WAIT: Duration = Duration::from_millis(100);
/// In a quiet while the log is emptied, so that nothing removed from the tables lives on in it for long.
const QUIET: Duration = Duration::from_secs(30);

statements! {
    PASSIVE = "PRAGMA wal_checkpoint(PASSIVE)";
    RESTART = "PRAGMA wal_checkpoint(RESTART)";
    TRUNCATE = "PRAGMA wal_checkpoint(TRUNCATE)";
}

/// What the two threads know of each other.
#[derive(Default)]
struct Passive {
    /// Held during a checkpoint: SQLite refuses a second one at once, however long it may wait for other locks.
    running: Mutex<()>,
    /// One has just brought in all that there was.
    caught_up: AtomicBool,
}

impl Passive {
    fn alone(&self) -> std::sync::MutexGuard<'_, ()> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The writer's side of it.
pub(super) struct Checkpoints {
    /// The log's length as of the last commit.
    pages: Arc<AtomicU32>,
    passive: Arc<Passive>,
    pace: Pace,
    last_pages: u32,
    next_passive: u32,
    next_restart: u32,
    nudge: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Checkpoints {
    /// Starts the thread, and counts the pages that `writer` commits.
    pub(super) fn start(
        writer: &mut Connection,
        connection: Connection,
        pace: Pace,
    ) -> Result<Self, OpenError> {
        let pages = Arc::new(AtomicU32::new(0));
        let counter = pages.clone();
        writer.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, length: i32| {
            counter.store(u32::try_from(length).unwrap_or(0), Ordering::Relaxed);
            Ok(())
        }))?;
        let passive = Arc::new(Passive::default());
        let shared = passive.clone();
        // One nudge that waits is as good as many.
        let (nudge, nudges) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("buddy-store-checkpoint".to_owned())
            .spawn(move || run(&connection, &nudges, &shared))
            .map_err(|error| OpenError::Database(format!("no thread for checkpoints: {error}")))?;
        Ok(Self {
            pages,
            passive,
            pace,
            last_pages: 0,
            next_passive: pace.passive_every,
            next_restart: pace.restart_at,
            nudge,
            thread,
        })
    }

    /// Asks for a checkpoint where one is due.
    pub(super) fn after_commit(&mut self, writer: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.last_pages {
            self.next_passive = self.pace.passive_every;
            self.next_restart = self.pace.restart_at;
        }
        self.last_pages = pages;
        let due = pages >= self.next_restart;
        if due && (pages >= self.pace.restart_anyway_at || self.passive.caught_up.load(Ordering::Acquire)) {
            self.restart(writer, pages);
        } else if pages >= self.next_passive {
            self.next_passive = pages + self.pace.passive_every;
            self.passive.caught_up.store(false, Ordering::Release);
            // Full: a nudge waits already. The thread is gone: said when it went.
            let _ = self.nudge.try_send(());
        }
    }

    fn restart(&mut self, writer: &Connection, pages: u32) {
        self.passive.caught_up.store(false, Ordering::Release);
        let _alone = self.passive.alone();
        // If a reader holds the old log, it grows by one step more before the next try.
        self.next_restart = pages + self.pace.passive_every;
        if let Err(error) = waiting(writer, RESTART_WAIT, RESTART) {
            tracing::warn!(%error, "the write-ahead log could not begin anew");
        }
    }

    /// Ends the thread and leaves the log empty.
    pub(super) fn finish(self, writer: &Connection) {
        let Self { nudge, thread, .. } = self;
        drop(nudge);
        if thread.join().is_err() {
            tracing::error!("the checkpointing thread panicked");
        }
        if let Err(error) = checkpoint(writer, TRUNCATE) {
            tracing::warn!(%error, "the write-ahead log was left for the next start");
        }
    }
}

fn run(connection: &Connection, nudges: &Receiver<()>, passive: &Passive) {
    loop {
        let nudge = nudges.recv_timeout(QUIET);
        let _alone = passive.alone();
        let done = match nudge {
            Ok(()) => checkpoint(connection, PASSIVE).map(|log| {
                passive.caught_up.store(log.is_brought_in(), Ordering::Release);
            }),
            Err(RecvTimeoutError::Timeout) => empty(connection),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        if let Err(error) = done {
            tracing::warn!(%error, "a checkpoint failed; the next one takes it up");
        }
    }
}

/// Flushes first and truncates then, so that the writer is only ever locked out for the short second step.
fn empty(connection: &Connection) -> Result<(), StoreError> {
    let log = checkpoint(connection, PASSIVE)?;
    if log.pages > 0 && log.is_brought_in() {
        waiting(connection, Duration::ZERO, TRUNCATE)?;
    }
    Ok(())
}

/// A checkpoint that waits for others no longer than this.
fn waiting(connection: &Connection, wait: Duration, sql: &str) -> Result<Log, StoreError> {
    connection.busy_timeout(wait)?;
    let log = checkpoint(connection, sql);
    connection.busy_timeout(BUSY_TIMEOUT)?;
    log
}

/// The log after a checkpoint, in pages.
struct Log {
    pages: i64,
    brought_in: i64,
}

impl Log {
    /// Both are -1 where another process kept the checkpoint from beginning.
    fn is_brought_in(&self) -> bool {
        self.pages >= 0 && self.brought_in >= self.pages
    }
}

fn checkpoint(connection: &Connection, sql: &str) -> Result<Log, StoreError> {
    let log = query_optional(connection, sql, [], |row| {
        Ok(Log { pages: row.get("log")?, brought_in: row.get("checkpointed")? })
    })?;
    log.ok_or_else(|| StoreError::Database("a checkpoint gave no answer".to_owned()))
}

#[cfg(test)]
mod tests;
