//! The one thread that writes: it commits in groups, so that one flush to the disk serves many writes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::OpenError;
use super::checkpoint::{Checkpoints, PACE};
use super::directory::DirectoryLock;
use super::statement::{execute, statements};
use crate::StoreError;

/// Writes of one transaction: the flush is well shared by then, and the first of them does not wait long.
const GROUP_MAX: usize = 512;
/// Writes that wait; two groups keep the thread busy, and whoever comes then waits with its caller.
const QUEUE_MAX: usize = 2 * GROUP_MAX;

statements! {
    BEGIN = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";
    SAVEPOINT = "SAVEPOINT job";
    RELEASE = "RELEASE job";
    ROLLBACK_JOB = "ROLLBACK TO job";
}

/// The way to the thread.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It has the lock for as long as it may write.
    pub(super) fn start(
        mut connection: Connection,
        checkpoints: Connection,
        lock: DirectoryLock,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let checkpoints = Checkpoints::start(&mut connection, checkpoints, PACE)?;
        let thread = std::thread::Builder::new()
            .name("buddy-store-writer".to_owned())
            .spawn(move || {
                run(connection, jobs, checkpoints);
                drop(lock);
            })
            .map_err(|error| OpenError::Database(format!("no thread for writing: {error}")))?;
        Ok(Self { queue: Mutex::new(Some(queue)), thread: Mutex::new(Some(thread)) })
    }

    /// Does the work in the next group; the answer comes after the commit. Once it is queued it is done, whether
    /// or not anyone waits for it.
    pub(super) async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        let queue = unpoisoned(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Write { work: Some(work), outcome: None, reply });
        queue.send(job).await.map_err(|_| StoreError::Closed)?;
        drop(queue);
        answer.await.map_err(|_| StoreError::Closed)?
    }

    /// Takes no more work, and waits until what is queued is done.
    pub(super) async fn close(&self) {
        drop(unpoisoned(&self.queue).take());
        let thread = unpoisoned(&self.thread).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the writing thread did not end well");
            }
        }
    }
}

impl Drop for Writer {
    /// Whoever opens the directory next finds it free and whole.
    fn drop(&mut self) {
        drop(unpoisoned(&self.queue).take());
        if let Some(thread) = unpoisoned(&self.thread).take() {
            // A panic there was reported where it happened.
            let _ = thread.join();
        }
    }
}

/// Neither mutex guards more than one whole value, so a panic elsewhere leaves it good.
fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A write whose type the thread need not know.
trait Job: Send {
    /// Does the work, within the group's transaction. `false`: it failed and must leave nothing.
    fn run(&mut self, connection: &Connection) -> bool;
    /// Gives the answer. `lost`: the group was not committed, for this reason.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

struct Write<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Write<T, F>
where
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn run(&mut self, connection: &Connection) -> bool {
        let work = self.work.take().expect("a job is run once");
        // What a panic leaves half done is rolled back with its savepoint.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            tracing::error!("a write panicked; it was rolled back");
            Err(StoreError::Database("a write panicked".to_owned()))
        });
        self.outcome.insert(outcome).is_ok()
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        let answer = match (lost, self.outcome) {
            (None, Some(outcome)) => outcome,
            (Some(reason), _) => Err(StoreError::Database(reason.to_owned())),
            (None, None) => unreachable!("a group is only committed after all of its jobs were run"),
        };
        // The caller may have gone; the write is done all the same.
        let _ = self.reply.send(answer);
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the connection is closed when its thread ends")]
fn run(connection: Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>, mut checkpoints: Checkpoints) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while jobs.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
        let lost = commit(&connection, &mut group).err().map(|error| {
            tracing::error!(%error, writes = group.len(), "a group of writes was lost");
            roll_back(&connection);
            error.to_string()
        });
        for job in group.drain(..) {
            job.answer(lost.as_deref());
        }
        checkpoints.after_commit(&connection);
    }
    checkpoints.finish(&connection);
}

/// Runs all jobs of the group, each for itself, and commits what succeeded.
fn commit(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    execute(connection, BEGIN, [])?;
    for job in group {
        execute(connection, SAVEPOINT, [])?;
        if !job.run(connection) {
            // A full disk, among others, makes SQLite roll back the whole transaction by itself; then no
            // savepoint is left, this fails, and with it the group.
            execute(connection, ROLLBACK_JOB, [])?;
        }
        execute(connection, RELEASE, [])?;
    }
    execute(connection, COMMIT, []).map(drop)
}

fn roll_back(connection: &Connection) {
    if connection.is_autocommit() {
        return;
    }
    if let Err(error) = execute(connection, ROLLBACK, []) {
        tracing::error!(%error, "a lost group could not be rolled back");
    }
}

#[cfg(test)]
mod tests;
