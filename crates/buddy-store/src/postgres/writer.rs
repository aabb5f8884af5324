//! The one task of a node that writes what every session needs: it commits in groups, so that one flush to the server's
//! disk serves many.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

use super::failure::{Failure, Tries};
pub(super) use super::group::Work;
use super::group::{self, Done};
use super::partitions::{Partitions, day_of};
use super::pool::{OPERATION, Pool, in_time};
use crate::StoreError;

/// Writes of one transaction: the flush is well shared by then, and the first of them does not wait long.
const GROUP_MAX: usize = 512;
/// Writes that wait; two groups keep the task busy, and whoever comes then waits with its caller.
const QUEUE_MAX: usize = 2 * GROUP_MAX;
/// From the end of one commit to the next, at least: under load writes gather into groups, and each costs less; a write
/// that comes alone is not held up.
const COMMIT_PACE: Duration = Duration::from_millis(2);
/// Groups of a node are written one after the other; one by one where one of a group does not fit.
pub(super) const CONNECTIONS: u8 = 1;

/// Where the answer of a write goes.
type Reply = oneshot::Sender<Result<bool, StoreError>>;

struct Job {
    work: Work,
    reply: Reply,
}

/// The way to the task.
pub(super) struct Writer {
    queue: Mutex<Option<mpsc::Sender<Job>>>,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(direct: &super::pool::Direct, partitions: Arc<Partitions>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE_MAX);
        let pool = Pool::new(direct, CONNECTIONS);
        let task = tokio::spawn(run(pool, partitions, jobs));
        Self { queue: Mutex::new(Some(queue)), task: Mutex::new(Some(task)) }
    }

    /// Does it in the next group; the answer comes after the commit. Whoever has waited for as long as an operation may
    /// take is told that it failed, though it may yet be done.
    pub(super) async fn write(&self, work: Work) -> Result<bool, StoreError> {
        let queue = unpoisoned(&self.queue).clone().ok_or(StoreError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let answered = async {
            queue.send(Job { work, reply }).await.map_err(|_| StoreError::Closed)?;
            drop(queue);
            answer.await.map_err(|_| StoreError::Closed)?
        };
        timeout(OPERATION, answered).await.unwrap_or_else(|_| Err(Failure::TooSlow.into()))
    }

    /// Takes no more work, and waits until what is queued is done.
    pub(super) async fn close(&self) {
        drop(unpoisoned(&self.queue).take());
        let task = unpoisoned(&self.task).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the writing task did not end well");
        }
    }
}

/// Neither mutex guards more than one whole value, so a panic elsewhere leaves it good.
fn unpoisoned<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run(pool: Pool, partitions: Arc<Partitions>, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = Vec::with_capacity(GROUP_MAX);
    let mut not_before = Instant::now();
    while jobs.recv_many(&mut waiting, GROUP_MAX).await > 0 {
        sleep_until(not_before).await;
        while waiting.len() < GROUP_MAX
            && let Ok(job) = jobs.try_recv()
        {
            waiting.push(job);
        }
        // Whoever has given up has been told that it failed.
        waiting.retain(|job| !job.reply.is_closed());
        let (group, replies): (Vec<Work>, Vec<Reply>) =
            waiting.drain(..).map(|job| (job.work, job.reply)).unzip();
        let answers = write_group(&pool, &partitions, &group.iter().collect::<Vec<_>>()).await;
        not_before = Instant::now() + COMMIT_PACE;
        for (reply, answer) in replies.into_iter().zip(answers) {
            // The caller may have gone; the write is done all the same.
            let _ = reply.send(answer);
        }
    }
    pool.close();
}

/// Writes a group; if it fails for what is in it, each piece by itself, so that only the one fails.
pub(super) async fn write_group(
    pool: &Pool,
    partitions: &Partitions,
    group: &[&Work],
) -> Vec<Result<bool, StoreError>> {
    let failure = match in_one(pool, partitions, group).await {
        Ok(done) => return done.into_iter().map(Done::answer).collect(),
        Err(failure) => failure,
    };
    if group.len() > 1 && failure.is_of_a_value() {
        let mut answers = Vec::with_capacity(group.len());
        for work in group {
            let one = in_one(pool, partitions, &[*work]).await;
            let answer = one.map(|done| done.first().copied().unwrap_or(Done::Nothing).answer());
            answers.push(answer.unwrap_or_else(|failure| Err(failure.into())));
        }
        return answers;
    }
    let error = StoreError::from(failure);
    tracing::error!(%error, writes = group.len(), "a group of writes was lost");
    group.iter().map(|_| Err(again(&error))).collect()
}

/// In one transaction; tried again where it was undone for another's sake, or where a day is missing after all.
async fn in_one(pool: &Pool, partitions: &Partitions, group: &[&Work]) -> Result<Vec<Done>, Failure> {
    let mut tries = Tries::new();
    let mut day_was_missing = false;
    let days: HashSet<i64> = group.iter().filter_map(|work| work.resolution()).map(day_of).collect();
    loop {
        partitions.ensure(pool, days.clone()).await?;
        let outcome = in_time(once(pool, group)).await;
        match outcome {
            Err(failure) if tries.again(&failure) => {}
            Err(failure) if failure.is_of_a_partition() && !day_was_missing => {
                day_was_missing = true;
                partitions.forget();
            }
            outcome => return outcome,
        }
    }
}

async fn once(pool: &Pool, group: &[&Work]) -> Result<Vec<Done>, Failure> {
    let mut lease = pool.get().await?;
    let outcome = group::commit(lease.client(), group).await;
    if outcome.is_err() && lease.client().batch_execute("ROLLBACK").await.is_err() {
        // The connection is not given back, and with it all that was begun ends.
        return outcome;
    }
    lease.give_back();
    outcome
}

/// The same for each that was in the group.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Closed => StoreError::Closed,
        StoreError::Database(text) => StoreError::Database(text.clone()),
        StoreError::Sealed { table, column } => StoreError::Sealed { table, column },
        StoreError::Unreadable { table, column } => StoreError::Unreadable { table, column },
    }
}
