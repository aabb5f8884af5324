use tempfile::TempDir;

use super::super::Durability;
use super::super::directory::{OpenAs, connect, private_database};
use super::super::statement::execute;
use super::*;

/// A log that is due for everything after a few pages.
const SHORT: Pace = Pace { passive_every: 8, restart_at: 32, restart_anyway_at: 64 };
/// A frame of the log: a page and its header.
const FRAME: u64 = 4_096 + 24;

struct Bench {
    writer: Connection,
    checkpoints: Checkpoints,
    directory: TempDir,
}

impl Bench {
    fn new(pace: Pace) -> Self {
        let directory = TempDir::new().unwrap();
        let file = private_database(directory.path()).unwrap();
        let open = || connect(&file, OpenAs::Writer(Durability::Normal)).unwrap();
        let mut writer = open();
        writer.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
        writer.execute_batch("CREATE TABLE numbers (n INTEGER PRIMARY KEY, filling BLOB) STRICT").unwrap();
        let checkpoints = Checkpoints::start(&mut writer, open(), pace).unwrap();
        Self { writer, checkpoints, directory }
    }

    /// Commits two or three pages at a time, this many times.
    fn write(&mut self, times: u32) {
        for _ in 0..times {
            execute(&self.writer, "INSERT INTO numbers (filling) VALUES (zeroblob(8000))", []).unwrap();
            self.checkpoints.after_commit(&self.writer);
        }
    }

    fn reader(&self) -> Connection {
        Connection::open(self.directory.path().join("buddy.sqlite3")).unwrap()
    }

    fn log_pages(&self) -> u64 {
        let log = self.directory.path().join("buddy.sqlite3-wal");
        std::fs::metadata(log).map_or(0, |log| log.len() / FRAME)
    }
}

fn count(connection: &Connection) -> i64 {
    connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0)).unwrap()
}

#[test]
fn writes_without_a_pause_do_not_grow_the_log_without_bound() {
    let mut bench = Bench::new(SHORT);
    bench.write(1_000);
    let longest = u64::from(SHORT.restart_anyway_at + SHORT.passive_every);
    assert!(bench.log_pages() <= longest, "{} pages", bench.log_pages());
    assert_eq!(count(&bench.reader()), 1_000);
}

#[test]
fn a_reader_of_an_old_state_delays_the_log_only_while_it_reads() {
    let mut bench = Bench::new(SHORT);
    bench.write(1);
    let reader = bench.reader();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(count(&reader), 1);
    bench.write(40);
    assert!(bench.checkpoints.last_pages > SHORT.restart_anyway_at);
    assert_eq!(count(&reader), 1, "it still reads the old state");
    reader.execute_batch("COMMIT").unwrap();
    bench.write(20);
    assert!(bench.checkpoints.last_pages < SHORT.restart_anyway_at, "{}", bench.checkpoints.last_pages);
    assert_eq!(count(&reader), 61);
}

#[test]
fn in_a_quiet_while_the_log_is_emptied_unless_someone_reads_it() {
    let mut bench = Bench::new(PACE);
    bench.write(5);
    assert!(bench.log_pages() > 0);
    let other = bench.reader();
    other.execute_batch("BEGIN").unwrap();
    assert_eq!(count(&other), 5);
    empty(&bench.reader()).unwrap();
    assert!(bench.log_pages() > 0);
    other.execute_batch("COMMIT").unwrap();
    empty(&bench.reader()).unwrap();
    assert_eq!(bench.log_pages(), 0);
    bench.write(1);
    assert_eq!(count(&other), 6);
}

#[test]
fn at_the_end_the_log_is_empty() {
    let mut bench = Bench::new(PACE);
    bench.write(5);
    let Bench { writer, checkpoints, directory } = bench;
    checkpoints.finish(&writer);
    assert_eq!(std::fs::metadata(directory.path().join("buddy.sqlite3-wal")).unwrap().len(), 0);
    assert_eq!(count(&writer), 5);
}
