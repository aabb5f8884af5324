use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Waker};

use tempfile::TempDir;
use tokio::task::unconstrained;

use super::super::Durability;
use super::super::directory::{OpenAs, connect, private_database};
use super::*;

/// A writer on a table of numbers, which counts its commits and can be made to refuse them.
struct Bench {
    writer: Writer,
    commits: Arc<AtomicUsize>,
    refuse: Arc<AtomicBool>,
    directory: TempDir,
}

type Answer<T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send>>;

impl Bench {
    fn new() -> Arc<Self> {
        let directory = TempDir::new().unwrap();
        let lock = DirectoryLock::take(directory.path()).unwrap();
        let file = private_database(directory.path()).unwrap();
        let open = || connect(&file, OpenAs::Writer(Durability::Normal)).unwrap();
        let (mut writer, checkpoints) = (open(), open());
        writer.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        writer.execute_batch("CREATE TABLE numbers (n INTEGER PRIMARY KEY, filling BLOB) STRICT").unwrap();
        let (commits, refuse) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (count, refusing) = (commits.clone(), refuse.clone());
        writer
            .commit_hook(Some(move || {
                count.fetch_add(1, Ordering::SeqCst);
                refusing.load(Ordering::SeqCst)
            }))
            .unwrap();
        let writer = Writer::start(writer, checkpoints, lock).unwrap();
        Arc::new(Self { writer, commits, refuse, directory })
    }

    /// Queues a job and leaves it there; the answer is still to be awaited.
    fn queue<T, F>(self: &Arc<Self>, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let bench = self.clone();
        Self::queued(async move { bench.writer.write(work).await })
    }

    /// The same for a job that can be done again.
    fn queue_often<T, F>(self: &Arc<Self>, work: F) -> Answer<T>
    where
        T: Send + 'static,
        F: Fn(&Connection, &mut Group) -> Result<T, StoreError> + Send + 'static,
    {
        let bench = self.clone();
        Self::queued(async move { bench.writer.write_often(work).await })
    }

    fn queued<T>(write: impl Future<Output = Result<T, StoreError>> + Send + 'static) -> Answer<T> {
        // Else a test that queues more than a hundred at once is made to yield, with the rest of them not queued.
        let mut answer: Answer<T> = Box::pin(unconstrained(write));
        assert!(answer.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        answer
    }

    /// Queues the keeping of a number; the answer tells how many commits there were before its own.
    fn keep(self: &Arc<Self>, number: i64) -> Answer<usize> {
        let commits = self.commits.clone();
        self.queue(move |connection| {
            insert(connection, number)?;
            Ok(commits.load(Ordering::SeqCst))
        })
    }

    /// Holds the thread in a job of its own until the sender is dropped: what is queued meanwhile waits.
    async fn hold(self: &Arc<Self>) -> (std::sync::mpsc::Sender<()>, Answer<()>) {
        let (release, released) = std::sync::mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let held = self.queue(move |_| {
            begun.send(()).unwrap();
            assert!(released.recv().is_err());
            Ok(())
        });
        has_begun.await.unwrap();
        (release, held)
    }

    fn numbers(&self) -> Vec<i64> {
        let connection = Connection::open(self.directory.path().join("buddy.sqlite3")).unwrap();
        let mut statement = connection.prepare("SELECT n FROM numbers ORDER BY n").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }
}

fn insert(connection: &Connection, number: i64) -> Result<(), StoreError> {
    execute(connection, "INSERT INTO numbers (n) VALUES (?1)", [number]).map(drop)
}

#[tokio::test]
async fn a_job_that_fails_or_panics_harms_no_other_of_its_group() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    let before = bench.keep(1);
    let failing: Answer<()> = bench.queue(|connection| {
        insert(connection, 2)?;
        insert(connection, 1)
    });
    let panicking: Answer<()> = bench.queue(|connection| {
        insert(connection, 3)?;
        panic!("on purpose")
    });
    let refused: Answer<()> = bench.queue(|connection| {
        insert(connection, 4)?;
        Err(StoreError::Unreadable { table: "numbers", column: "n" })
    });
    let after = bench.keep(5);
    drop(release);
    held.await.unwrap();
    assert_eq!(before.await.unwrap(), after.await.unwrap(), "they were committed together");
    assert!(matches!(failing.await, Err(StoreError::Database(text)) if text.contains("UNIQUE")));
    assert!(matches!(panicking.await, Err(StoreError::Database(text)) if text == "a write panicked"));
    assert!(matches!(refused.await, Err(StoreError::Unreadable { .. })));
    assert_eq!(bench.numbers(), [1, 5]);
}

#[tokio::test]
async fn what_can_be_done_again_is_so_once_another_of_its_group_has_failed() {
    for panics in [false, true] {
        let bench = Bench::new();
        let (release, held) = bench.hold().await;
        let runs = Arc::new(AtomicUsize::new(0));
        let keep = |number| {
            let (runs, commits) = (runs.clone(), bench.commits.clone());
            bench.queue_often(move |connection, _| {
                runs.fetch_add(1, Ordering::SeqCst);
                insert(connection, number)?;
                Ok(commits.load(Ordering::SeqCst))
            })
        };
        let once = bench.keep(5);
        let before = keep(1);
        let failing: Answer<()> = bench.queue_often(move |connection, _| {
            insert(connection, 2)?;
            assert!(!panics, "on purpose");
            insert(connection, 1)
        });
        let after = keep(3);
        drop(release);
        held.await.unwrap();
        let commits = [before.await.unwrap(), after.await.unwrap(), once.await.unwrap()];
        assert_eq!(commits, [commits[0]; 3], "they were committed together");
        assert!(matches!(failing.await, Err(StoreError::Database(_))));
        assert_eq!(
            runs.load(Ordering::SeqCst),
            3,
            "the first was done again, the one after it was not reached before"
        );
        assert_eq!(bench.numbers(), [1, 3, 5]);
    }
}

#[tokio::test]
async fn a_group_that_is_not_committed_is_lost_to_all_of_it() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    let group = [bench.keep(1), bench.keep(2), bench.keep(3)];
    bench.refuse.store(true, Ordering::SeqCst);
    drop(release);
    assert!(held.await.is_err());
    for answer in group {
        assert!(matches!(answer.await, Err(StoreError::Database(_))));
    }
    bench.refuse.store(false, Ordering::SeqCst);
    bench.writer.write(|connection| insert(connection, 4)).await.unwrap();
    assert_eq!(bench.numbers(), [4]);
}

#[tokio::test]
async fn what_a_full_disk_refuses_is_not_answered_as_kept() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    let before = bench.keep(1);
    let too_large: Answer<()> = bench.queue(|connection| {
        connection.pragma_update_and_check(None, "max_page_count", 8, |_| Ok(()))?;
        execute(connection, "INSERT INTO numbers VALUES (2, zeroblob(1000000))", []).map(drop)
    });
    let after = bench.keep(3);
    drop(release);
    held.await.unwrap();
    let kept = [(1, before.await.is_ok()), (2, too_large.await.is_ok()), (3, after.await.is_ok())];
    assert!(!kept[1].1);
    let answered: Vec<i64> = kept.iter().filter(|(_, kept)| *kept).map(|(number, _)| *number).collect();
    assert_eq!(bench.numbers(), answered);
    bench.writer.write(|connection| insert(connection, 4)).await.unwrap();
    assert!(bench.numbers().contains(&4));
}

#[tokio::test]
async fn a_write_is_done_even_if_its_caller_or_the_writer_is_dropped() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    drop(bench.keep(1));
    drop(bench.keep(2));
    drop(held);
    drop(release);
    let file = bench.directory.path().join("buddy.sqlite3");
    let Ok(Bench { writer, directory, .. }) = Arc::try_unwrap(bench) else { panic!("no one else has it") };
    drop(writer);
    let connection = Connection::open(file).unwrap();
    let sum: i64 = connection.query_row("SELECT sum(n) FROM numbers", [], |row| row.get(0)).unwrap();
    assert_eq!(sum, 3);
    assert!(DirectoryLock::take(directory.path()).is_ok());
}

#[tokio::test]
async fn more_than_fits_the_queue_waits_and_no_group_is_over_its_size() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    let total = QUEUE_MAX + 3;
    let answers: Vec<Answer<usize>> =
        (0..total).map(|number| bench.keep(i64::try_from(number).unwrap())).collect();
    assert_eq!(unpoisoned(&bench.writer.queue).as_ref().unwrap().capacity(), 0);
    drop(release);
    held.await.unwrap();
    let mut waiting = tokio::task::JoinSet::new();
    for answer in answers {
        waiting.spawn(answer);
    }
    let mut groups = std::collections::BTreeMap::<usize, usize>::new();
    for before in waiting.join_all().await {
        *groups.entry(before.unwrap()).or_default() += 1;
    }
    assert_eq!(groups.values().sum::<usize>(), total);
    assert!(groups.values().all(|&jobs| jobs <= GROUP_MAX), "{groups:?}");
    assert!(groups.len() < 10, "{groups:?}");
    assert_eq!(bench.numbers().len(), total);
}

#[tokio::test]
async fn a_closed_writer_has_done_what_was_queued_and_takes_no_more() {
    let bench = Bench::new();
    let (release, held) = bench.hold().await;
    let queued = bench.keep(1);
    let mut closing = Box::pin(bench.writer.close());
    assert!(closing.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    assert!(matches!(bench.writer.write(|_| Ok(())).await, Err(StoreError::Closed)));
    drop(release);
    held.await.unwrap();
    queued.await.unwrap();
    closing.await;
    assert_eq!(bench.numbers(), [1]);
}
