//! A day's resolutions lie in a partition of their own.

use buddy_core::id::{ResolutionId, new_id};
use buddy_core::reason::Reason;
use buddy_core::resolution::Resolution;

use super::*;
use crate::{Agents, Resolutions, Sessions, Settlement};

/// In seconds.
const DAY: u32 = 24 * 3600;

/// Keeps a resolution that began so many days later.
async fn keep(store: &PostgresStore, number: u16, days: u32) -> ResolutionId {
    let id: ResolutionId = new_id(later(days * DAY), [u8::try_from(number).unwrap(); 10]);
    let resolution = Resolution { id, ..resolution(super::id(1), number, Some(Reason::Html)) };
    let settlement =
        Settlement { resolution, ..Arc::unwrap_or_clone(failed(super::id(1), number, Reason::Html)) };
    let kept = store.create_session(session(super::id(1), number), Some(Arc::new(settlement))).await;
    assert!(kept.unwrap());
    id
}

async fn partitions(database: &str) -> Vec<String> {
    let sql = "SELECT inhrelid::regclass::text FROM pg_inherits
        WHERE inhparent = 'resolutions'::regclass ORDER BY 1";
    raw(database).await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn a_day_is_made_when_it_is_needed_and_dropped_when_it_is_old() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    assert_eq!(partitions(&database).await, Vec::<String>::new());
    keep(&store, 1, 0).await;
    keep(&store, 2, 0).await;
    let newer = keep(&store, 3, 1).await;
    // NOW is the 15th.
    assert_eq!(partitions(&database).await, ["resolutions_20270115", "resolutions_20270116"]);
    // The day of `before` is not over.
    store.remove_old_resolutions(later(3600), 10).await.unwrap();
    assert!(partitions(&database).await.contains(&"resolutions_20270115".to_owned()));
    assert_eq!(store.remove_old_resolutions(later(DAY), 10).await.unwrap(), 2);
    assert!(!partitions(&database).await.contains(&"resolutions_20270115".to_owned()));
    let left = store.resolutions_since(id(1), 0, 10).await.unwrap();
    assert_eq!(left.iter().map(|one| one.resolution.id).collect::<Vec<_>>(), [newer]);
}

#[tokio::test]
async fn the_days_that_come_next_are_made_ahead() {
    let (store, database) = node().await;
    store.remove_old_resolutions(UnixMillis(0), 10).await.unwrap();
    let today = "SELECT 'resolutions_' || to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYYMMDD')";
    let today: String = raw(&database).await.query_one(today, &[]).await.unwrap().get(0);
    let made = partitions(&database).await;
    assert_eq!(made.len(), 2);
    assert!(made.contains(&today), "{made:?}");
}

#[tokio::test]
async fn a_day_that_another_node_has_dropped_is_made_again() {
    let (one, database) = node().await;
    let two = another(&database).await;
    one.create_agent(agent(1), entry()).await.unwrap();
    keep(&one, 1, 0).await;
    assert_eq!(two.remove_old_resolutions(later(2 * DAY), 10).await.unwrap(), 1);
    let again = keep(&one, 2, 0).await;
    assert!(two.resolution(id(1), again).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_need_the_same_day_at_once_all_get_it() {
    let (one, database) = node().await;
    one.create_agent(agent(1), entry()).await.unwrap();
    let nodes = [one, another(&database).await, another(&database).await];
    let mut keeping = tokio::task::JoinSet::new();
    for (number, node) in (1..).zip(nodes) {
        keeping.spawn(async move {
            for day in 0..4 {
                keep(&node, u16::try_from(10 * day + number).unwrap(), day).await;
            }
        });
    }
    keeping.join_all().await;
    assert_eq!(partitions(&database).await.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_day_that_is_in_use_is_left_for_the_next_time() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    keep(&store, 1, 0).await;
    let reader = raw(&database).await;
    reader.batch_execute("BEGIN; SELECT count(*) FROM resolutions").await.unwrap();
    assert_eq!(store.remove_old_resolutions(later(2 * DAY), 10).await.unwrap(), 0);
    assert_eq!(store.last_resolution_number(id(1)).await.unwrap(), later(1).0 * 1000);
    reader.batch_execute("COMMIT").await.unwrap();
    assert_eq!(store.remove_old_resolutions(later(2 * DAY), 10).await.unwrap(), 1);
}
