//! One thread that writes to SQLite, a commit for all that wait.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use buddy_bench_peers::Failure;
use bytes::Bytes;
use clap::ValueEnum;
use rusqlite::{Connection, Statement, params};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use crate::sessions::Identity;

/// Rows of one commit: above any load that one core can bring.
const GROUP_MAX: usize = 512;

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Durability {
    /// A crash of this program
    Normal,
    /// A power cut
    Full,
}

/// What is kept of a session.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) agent_id: String,
    pub(crate) answer: Option<Bytes>,
    /// Milliseconds since 1970.
    pub(crate) at: u64,
}

type Waiting = (Row, oneshot::Sender<()>);

pub(crate) struct Writer(Sender<Waiting>);

impl Writer {
    pub(crate) fn open(file: &Path, durability: Durability) -> Result<Self, Failure> {
        let synchronous = match durability {
            Durability::Normal => "NORMAL",
            Durability::Full => "FULL",
        };
        let database = Connection::open(file)?;
        database.execute_batch(&format!(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous};
             CREATE TABLE sessions (id TEXT PRIMARY KEY, agent_id TEXT NOT NULL, status TEXT NOT NULL, user_id TEXT,
                email TEXT, role TEXT, custom_attributes TEXT, at INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
        ))?;
        let (sender, receiver) = channel();
        // A failed write drops the channel, and with it every session that waits: they all get no answer.
        thread::spawn(move || {
            if let Err(error) = write(&database, &receiver) {
                eprintln!("writing failed: {error}");
            }
        });
        Ok(Self(sender))
    }

    /// Returns once the row is committed.
    pub(crate) async fn keep(&self, row: Row) -> Result<(), Failure> {
        let (done, committed) = oneshot::channel();
        self.0.send((row, done)).map_err(|_| "the writer has ended")?;
        Ok(committed.await?)
    }
}

fn write(database: &Connection, rows: &Receiver<Waiting>) -> rusqlite::Result<()> {
    let mut insert = database.prepare("INSERT INTO sessions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let mut group = Vec::new();
    while let Ok(first) = rows.recv() {
        group.push(first);
        group.extend(rows.try_iter().take(GROUP_MAX - 1));
        database.execute_batch("BEGIN IMMEDIATE")?;
        for (row, _) in &group {
            put(&mut insert, row)?;
        }
        database.execute_batch("COMMIT")?;
        for (_, done) in group.drain(..) {
            // Whoever waited may have gone.
            let _ = done.send(());
        }
    }
    Ok(())
}

fn put(insert: &mut Statement<'_>, row: &Row) -> rusqlite::Result<usize> {
    let identity = Identity::of(row.answer.as_deref());
    let identity = identity.as_ref();
    insert.execute(params![
        row.id,
        row.agent_id,
        if identity.is_some() { "authenticated" } else { "anonymous" },
        identity.map(|identity| &*identity.user_id),
        identity.and_then(|identity| identity.email.as_deref()),
        identity.and_then(|identity| identity.role.as_deref()),
        identity.and_then(|identity| identity.custom_attributes.map(RawValue::get)),
        row.at.cast_signed()
    ])
}
