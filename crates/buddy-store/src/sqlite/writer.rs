//! The one thread that writes: it commits in groups, so that one flush to the disk serves many writes.
//!
//! There are two kinds of them. Most are done once, each within a savepoint of its own. The few that every session needs
//! can be done again, and so need none: should one fail, the group begins anew with savepoints. A savepoint makes SQLite
//! keep a copy of each page that is changed after it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::OpenError;
use super::agents::AgentsThere;
use super::checkpoint::{Checkpoints, PACE};
use super::directory::DirectoryLock;
use super::resolutions::Numbers;
use super::statement::{execute, statements};
use super::tallies::Gained;
use crate::StoreError;

/// Writes of one transaction: the flush is well shared by then, and the first of them does not wait long.
const GROUP_MAX: usize = 512;
/// Writes that wait; two groups keep the thread busy, and whoever comes then waits with its caller.
const QUEUE_MAX: usize = 2 * GROUP_MAX;

/// From one commit to the next, at least: under load writes gather into groups, and each costs less; a write that comes
/// alone is not held up.
const COMMIT_PACE: Duration = Duration::from_millis(2);

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
        self.queue(|reply| Box::new(Write { work: Some(work), outcome: None, reply })).await
    }

    /// The same for work that can be done again after all that it did was rolled back.
    pub(super) async fn write_often<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        F: Fn(&Connection, &mut Group) -> Result<T, StoreError> + Send + 'static,
        T: Send + 'static,
    {
        self.queue(|reply| Box::new(Repeatable { work, outcome: None, reply })).await
    }

    async fn queue<T>(&self, job: impl FnOnce(Reply<T>) -> Box<dyn Job>) -> Result<T, StoreError> {
        let queue = unpoisoned(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        queue.send(job(reply)).await.map_err(|_| StoreError::Closed)?;
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

/// Where the answer of a write goes.
type Reply<T> = oneshot::Sender<Result<T, StoreError>>;

/// What the writes of a group have in common.
#[derive(Default)]
pub(super) struct Group {
    /// Which agents are there, asked once for all of them.
    pub(super) agents: AgentsThere,
    /// What they count, kept once for all of them.
    pub(super) gained: Gained,
    /// The last numbers given, of this group and of those before.
    pub(super) numbers: Numbers,
}

/// A write whose type the thread need not know.
trait Job: Send {
    /// It can be run again after a rollback.
    fn is_repeatable(&self) -> bool;
    /// Does the work, within the group's transaction. `false`: it failed and must leave nothing.
    fn run(&mut self, connection: &Connection, group: &mut Group) -> bool;
    /// Gives the answer. `lost`: the group was not committed, for this reason.
    fn answer(self: Box<Self>, lost: Option<&str>);
}

struct Write<T, F> {
    work: Option<F>,
    outcome: Option<Result<T, StoreError>>,
    reply: Reply<T>,
}

impl<T, F> Job for Write<T, F>
where
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn is_repeatable(&self) -> bool {
        false
    }

    fn run(&mut self, connection: &Connection, _: &mut Group) -> bool {
        let work = self.work.take().expect("such a job is run once");
        self.outcome.insert(caught(|| work(connection))).is_ok()
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        tell(self.reply, self.outcome, lost);
    }
}

struct Repeatable<T, F> {
    work: F,
    outcome: Option<Result<T, StoreError>>,
    reply: Reply<T>,
}

impl<T, F> Job for Repeatable<T, F>
where
    F: Fn(&Connection, &mut Group) -> Result<T, StoreError> + Send,
    T: Send,
{
    fn is_repeatable(&self) -> bool {
        true
    }

    fn run(&mut self, connection: &Connection, group: &mut Group) -> bool {
        self.outcome.insert(caught(|| (self.work)(connection, group))).is_ok()
    }

    fn answer(self: Box<Self>, lost: Option<&str>) {
        tell(self.reply, self.outcome, lost);
    }
}

/// What a panic leaves half done is rolled back as after any failure.
fn caught<T>(work: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        tracing::error!("a write panicked; it was rolled back");
        Err(StoreError::Database("a write panicked".to_owned()))
    })
}

fn tell<T>(reply: Reply<T>, outcome: Option<Result<T, StoreError>>, lost: Option<&str>) {
    let answer = match (lost, outcome) {
        (None, Some(outcome)) => outcome,
        (Some(reason), _) => Err(StoreError::Database(reason.to_owned())),
        (None, None) => unreachable!("a group is only committed after all of its jobs were run"),
    };
    // The caller may have gone; the write is done all the same.
    let _ = reply.send(answer);
}

#[expect(clippy::needless_pass_by_value, reason = "the connection is closed when its thread ends")]
fn run(connection: Connection, mut jobs: mpsc::Receiver<Box<dyn Job>>, mut checkpoints: Checkpoints) {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    let mut group = Group::default();
    let mut last_commit: Option<Instant> = None;
    while jobs.blocking_recv_many(&mut waiting, GROUP_MAX) > 0 {
        gather(&mut jobs, &mut waiting, last_commit);
        let lost = commit(&connection, &mut waiting, &mut group).err().map(|error| {
            tracing::error!(%error, writes = waiting.len(), "a group of writes was lost");
            roll_back(&connection);
            group.gained.forget();
            error.to_string()
        });
        last_commit = Some(now());
        for job in waiting.drain(..) {
            job.answer(lost.as_deref());
        }
        checkpoints.after_commit(&connection);
    }
    checkpoints.finish(&connection);
}

/// Waits until the next commit may come, and takes what has come meanwhile.
fn gather(
    jobs: &mut mpsc::Receiver<Box<dyn Job>>,
    waiting: &mut Vec<Box<dyn Job>>,
    last_commit: Option<Instant>,
) {
    let wait = last_commit.map_or(Duration::ZERO, |at| COMMIT_PACE.saturating_sub(now().duration_since(at)));
    if wait.is_zero() {
        return;
    }
    #[expect(clippy::disallowed_methods, reason = "the one thread that has nothing else to do meanwhile")]
    std::thread::sleep(wait);
    while waiting.len() < GROUP_MAX
        && let Ok(job) = jobs.try_recv()
    {
        waiting.push(job);
    }
}

#[expect(clippy::disallowed_methods, reason = "the pace of commits is the machine's; no test waits for it")]
fn now() -> Instant {
    Instant::now()
}

/// Runs all jobs of the group, each for itself, and commits what succeeded.
fn commit(connection: &Connection, jobs: &mut [Box<dyn Job>], group: &mut Group) -> Result<(), StoreError> {
    jobs.sort_by_key(|job| !job.is_repeatable());
    let (often, once) = jobs.split_at_mut(jobs.partition_point(|job| job.is_repeatable()));
    // The group before may have removed one.
    group.agents.forget();
    execute(connection, BEGIN, [])?;
    if !often.iter_mut().all(|job| job.run(connection, group)) {
        roll_back(connection);
        group.gained.forget();
        execute(connection, BEGIN, [])?;
        run_each(connection, often, group)?;
    }
    // Before what may read it.
    group.gained.keep(connection)?;
    run_each(connection, once, group)?;
    execute(connection, COMMIT, []).map(drop)
}

fn run_each(connection: &Connection, jobs: &mut [Box<dyn Job>], group: &mut Group) -> Result<(), StoreError> {
    for job in jobs {
        execute(connection, SAVEPOINT, [])?;
        if !job.run(connection, group) {
            // A full disk, among others, makes SQLite roll back the whole transaction by itself; then no
            // savepoint is left, this fails, and with it the group.
            execute(connection, ROLLBACK_JOB, [])?;
        }
        execute(connection, RELEASE, [])?;
    }
    Ok(())
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
