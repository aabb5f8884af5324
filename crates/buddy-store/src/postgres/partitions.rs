//! A partition of the resolutions for each UTC day, made before the first row of its day and dropped when it is old.
//!
//! A new one is attached, which neither reads nor writes of the others wait for. Dropping one waits for all that is under
//! way, and what comes meanwhile waits for it: so not for long, or not now.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use buddy_core::id::{ResolutionId, made_at};
use buddy_core::time::UnixMillis;
use deadpool_postgres::{GenericClient, Transaction};
use uuid::Uuid;

use super::deleted_agents::bound;
use super::failure::{Failure, Tries};
use super::pool::{Pool, in_time};
use super::statement::{execute, exists, get, query_all, query_optional, statements};
use crate::StoreError;
use crate::columns::first_id_of;

const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
/// Before it is tried another time.
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// Whoever makes a partition has no other lock that another could wait for, and is quick.
const LOCK_TRIES: u32 = 10;

statements! {
    // The longest that others may be held up; `local`: of this transaction.
    LOCK_SOON = "SELECT set_config('lock_timeout', '200ms', true)";
    // Those who make and drop partitions take turns. The number means nothing but is nobody else's here.
    TAKE_TURNS = "SELECT pg_advisory_xact_lock(7308604759)";
    NAME = "SELECT 'resolutions_' || to_char(to_timestamp($1::bigint * 86400) AT TIME ZONE 'UTC', 'YYYYMMDD') AS name";
    IS_THERE = "SELECT 1 FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'resolutions'::regclass AND relname = $1";
    OLD = "SELECT relname::text AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
        WHERE inhparent = 'resolutions'::regclass AND relname::text COLLATE \"C\" < $1 ORDER BY relname";
    TODAY = "SELECT floor(extract(epoch FROM clock_timestamp()) / 86400)::bigint AS day";
}

/// The days that are known to have a partition.
#[derive(Default)]
pub(super) struct Partitions {
    known: Mutex<HashSet<i64>>,
}

/// The UTC day, counted from 1970, on which it began.
pub(super) fn day_of(id: ResolutionId) -> i64 {
    made_at(id).0 / DAY_MILLIS
}

impl Partitions {
    /// Makes sure that these days have one.
    pub(super) async fn ensure(&self, pool: &Pool, days: HashSet<i64>) -> Result<(), Failure> {
        let missing: Vec<i64> = days.difference(&self.known()).copied().collect();
        for day in missing {
            patiently(pool, Step::Make(day)).await?;
            self.known().insert(day);
        }
        Ok(())
    }

    /// Makes those of today and of tomorrow, by the database's clock.
    pub(super) async fn make_ahead(&self, pool: &Pool) -> Result<(), StoreError> {
        let today = in_time(async {
            let mut lease = pool.get().await?;
            let today = query_optional(&*lease.client(), TODAY, &[], |row| get::<i64>(row, "day")).await;
            lease.give_back();
            today
        });
        let today = today.await?;
        Ok(self.ensure(pool, today.into_iter().flat_map(|day| [day, day + 1]).collect()).await?)
    }

    /// Drops those of days that were over by `before`, until `limit` rows are counted; how many of them there were, as
    /// far as that can be told by a look at so many. What cannot be had at once is left for the next time.
    pub(super) async fn drop_before(
        &self,
        pool: &Pool,
        before: UnixMillis,
        limit: u64,
    ) -> Result<u64, StoreError> {
        let mut dropped = 0;
        while dropped < limit {
            match once(pool, Step::DropOldest { before, limit: limit - dropped }).await {
                Ok(Some(rows)) => dropped += rows,
                Ok(None) => break,
                Err(failure) if failure.is_lock_timeout() || failure.is_conflict() => {
                    tracing::info!("an old day of resolutions is in use; it is dropped the next time");
                    break;
                }
                Err(failure) => return Err(failure.into()),
            }
        }
        self.forget();
        Ok(dropped)
    }

    /// Another node may have dropped some.
    pub(super) fn forget(&self) {
        self.known().clear();
    }

    /// Nothing but whole numbers are in it, so a panic elsewhere leaves it good.
    fn known(&self) -> std::sync::MutexGuard<'_, HashSet<i64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is done in a transaction of its own.
#[derive(Clone, Copy)]
enum Step {
    /// Makes the day's, if it is not there.
    Make(i64),
    /// Drops the oldest of those that were over by then, and counts its rows as far as the limit.
    DropOldest { before: UnixMillis, limit: u64 },
}

impl Step {
    /// How many rows were counted; `None`: there is no old one.
    async fn run(self, tx: &Transaction<'_>) -> Result<Option<u64>, Failure> {
        match self {
            Self::Make(day) => make(tx, day).await.map(|()| None),
            Self::DropOldest { before, limit } => drop_oldest(tx, before, limit).await,
        }
    }
}

/// It has no lock for longer than it takes.
async fn once(pool: &Pool, step: Step) -> Result<Option<u64>, Failure> {
    in_time(async {
        let mut lease = pool.get().await?;
        let outcome = async {
            let tx = lease.client().transaction().await.map_err(Failure::of_nothing_done)?;
            execute(&tx, LOCK_SOON, &[]).await?;
            execute(&tx, TAKE_TURNS, &[]).await?;
            let rows = step.run(&tx).await?;
            tx.commit().await?;
            Ok(rows)
        }
        .await;
        lease.give_back();
        outcome
    })
    .await
}

/// The same, again while others have the locks.
async fn patiently(pool: &Pool, step: Step) -> Result<(), Failure> {
    let (mut tries, mut locked) = (Tries::new(), 0);
    loop {
        match once(pool, step).await {
            Err(failure) if failure.is_lock_timeout() && locked < LOCK_TRIES => {
                locked += 1;
                tokio::time::sleep(LOCK_PAUSE).await;
            }
            Err(failure) if tries.again(&failure) => {}
            outcome => return outcome.map(drop),
        }
    }
}

async fn make(tx: &Transaction<'_>, day: i64) -> Result<(), Failure> {
    let name = name_of(tx, day).await?;
    if exists(tx, IS_THERE, &[&name]).await? {
        return Ok(());
    }
    let [begin, end] = [day, day + 1].map(|day| Uuid::from_bytes(first_id_of(UnixMillis(day * DAY_MILLIS))));
    // No values can be passed to such statements: the name has digits in it, and the bounds are ids.
    tx.batch_execute(&format!(
        "CREATE TABLE {name} (LIKE resolutions INCLUDING ALL);
        ALTER TABLE resolutions ATTACH PARTITION {name} FOR VALUES FROM ('{begin}') TO ('{end}');"
    ))
    .await?;
    Ok(())
}

async fn drop_oldest(tx: &Transaction<'_>, before: UnixMillis, limit: u64) -> Result<Option<u64>, Failure> {
    let first_kept = name_of(tx, before.0.div_euclid(DAY_MILLIS)).await?;
    let old: Vec<String> = query_all(tx, OLD, &[&first_kept], |row| get(row, "name")).await?;
    let Some(name) = old.first() else { return Ok(None) };
    let count = format!("SELECT count(*) AS rows FROM (SELECT 1 FROM {name} LIMIT $1) AS counted");
    let rows: i64 = tx.query_one(&count, &[&bound(limit)]).await?.try_get("rows")?;
    tx.batch_execute(&format!("DROP TABLE {name}")).await?;
    Ok(Some(u64::try_from(rows).unwrap_or(0)))
}

async fn name_of(client: &impl GenericClient, day: i64) -> Result<String, Failure> {
    query_optional(client, NAME, &[&day], |row| get(row, "name"))
        .await?
        .ok_or_else(|| StoreError::Database("a day has no name".to_owned()).into())
}
