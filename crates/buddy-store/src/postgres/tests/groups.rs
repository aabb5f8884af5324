//! What is written together.

use buddy_core::message::Sender;
use buddy_core::reason::Reason;
use buddy_core::session::{Session, Status};

use super::writer::{Work, write_group};
use super::*;
use crate::columns::{settled, user_columns};
use crate::{Agents, Messages, Resolutions, Sessions, Settlement, Tallies};

fn create(store: &PostgresStore, session: Session, settlement: Option<Arc<Settlement>>) -> Work {
    let user = user_columns(&store.keyring, session.id, session.agent_id, settlement.as_deref()).unwrap();
    Work::Create { session: settled(session, settlement.as_deref()), settlement, user, owner: None }
}

fn settle(store: &PostgresStore, number: u16, settlement: Arc<Settlement>) -> Work {
    let user =
        user_columns(&store.keyring, id(number), settlement.resolution.agent_id, Some(&settlement)).unwrap();
    Work::Settle { id: id(number), settlement, user }
}

/// Writes all of it in one group; what each was answered.
async fn answers(store: &PostgresStore, group: &[Work]) -> Vec<Option<bool>> {
    let group: Vec<&Work> = group.iter().collect();
    let answers = write_group(&store.pool, &store.partitions, &group).await;
    answers.into_iter().map(Result::ok).collect()
}

async fn counted(store: &PostgresStore) -> u64 {
    let minutes = store.tallies(id(1), NOW..later(3600), 60).await.unwrap();
    minutes
        .iter()
        .map(|(_, tally)| tally.counts.authenticated + tally.counts.failed.iter().sum::<u64>())
        .sum()
}

#[tokio::test]
async fn of_a_group_only_the_one_fails_that_does_not_fit() {
    let (store, _) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let mut unlawful = create(&store, session(id(1), 2), None);
    let Work::Create { user, .. } = &mut unlawful else { unreachable!() };
    // Only an authenticated session has an identity.
    *user = (Some([1; 32]), Some(vec![1]));
    let group = [
        create(&store, session(id(1), 1), Some(authenticated(id(1), 1, "ada"))),
        unlawful,
        create(&store, session(id(1), 3), Some(failed(id(1), 3, Reason::Html))),
        create(&store, session(id(9), 4), None),
    ];
    assert_eq!(answers(&store, &group).await, [Some(true), None, Some(true), Some(false)]);
    for (number, there) in [(1, true), (2, false), (3, true), (4, false)] {
        assert_eq!(store.session(id(number), NOW).await.unwrap().is_some(), there);
    }
    assert_eq!(counted(&store).await, 2);
}

#[tokio::test]
async fn what_is_written_again_after_a_lost_answer_is_kept_and_counted_once() {
    let (store, _) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let group = [
        create(&store, session(id(1), 1), Some(authenticated(id(1), 1, "ada"))),
        create(&store, pending(id(1), 2), None),
        create(&store, pending(id(1), 2), None),
        settle(&store, 2, failed(id(1), 2, Reason::Html)),
    ];
    assert_eq!(answers(&store, &group).await, [Some(true); 4]);
    let last = store.last_resolution_number(id(1)).await.unwrap();
    assert_eq!(answers(&store, &group).await, [Some(true), Some(true), Some(true), Some(false)]);
    assert_eq!(counted(&store).await, 2);
    let kept = store.resolutions_since(id(1), 0, 10).await.unwrap();
    assert_eq!(kept.len(), 2);
    assert_eq!(store.last_resolution_number(id(1)).await.unwrap(), last);
    assert_eq!(store.session(id(2), NOW).await.unwrap().unwrap().failure, Some(Reason::Html));

    let usurper = Session { token_hash: hash(7), ..session(id(1), 1) };
    let group = [create(&store, usurper, None), create(&store, session(id(1), 3), None)];
    assert_eq!(answers(&store, &group).await, [None, Some(true)]);
}

#[tokio::test]
async fn of_two_in_a_group_that_settle_the_same_the_earlier_does_and_both_resolutions_are_kept() {
    let (store, _) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    store.create_session(pending(id(1), 1), None).await.unwrap();
    store.write_message(message(id(1), 1, Sender::Visitor), NOW).await.unwrap();
    let late = Arc::new(Settlement {
        resolved_at: later(TTL),
        ..Arc::unwrap_or_clone(authenticated(id(1), 1, "eve"))
    });
    let group = [settle(&store, 1, late), settle(&store, 1, authenticated(id(1), 2, "ada"))];
    assert_eq!(answers(&store, &group).await, [Some(false), Some(true)]);
    assert_eq!(store.resolutions_since(id(1), 0, 10).await.unwrap().len(), 2);
    assert_eq!(store.handed_over(id(1), 0, 10, NOW).await.unwrap().len(), 1);
    assert_eq!(counted(&store).await, 1);
}

#[tokio::test]
async fn numbers_go_on_over_nodes() {
    let (one, database) = node().await;
    let two = another(&database).await;
    one.create_agent(agent(1), entry()).await.unwrap();
    let mut last = 0;
    for number in 0..6 {
        let store = if number % 2 == 0 { &one } else { &two };
        let settlement = Some(failed(id(1), number, Reason::Html));
        assert!(store.create_session(session(id(1), number), settlement).await.unwrap());
        let next = store.last_resolution_number(id(1)).await.unwrap();
        assert!(next > last, "{next} after {last}");
        last = next;
    }
    assert_eq!(counted(&one).await, 6);
}

/// Waits until somebody else waits for a lock.
async fn somebody_waits(client: &tokio_postgres::Client) {
    let waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted
        AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())";
    while number(client, waiting).await == 0 {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_undone_for_anothers_sake_is_done_again() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    for number in [1, 2] {
        let settlement = Some(authenticated(id(1), number, "ada"));
        store.create_session(session(id(1), number), settlement).await.unwrap();
    }
    let client = raw(&database).await;
    // The other one is to be the first who finds that they wait for each other.
    let lock = |number: u16| {
        let key = statement::key(id::<buddy_core::id::SessionKind>(number));
        format!("SELECT 1 FROM sessions WHERE id = '{key}' FOR UPDATE")
    };
    client.batch_execute("SET deadlock_timeout = '1min'; BEGIN").await.unwrap();
    client.batch_execute(&lock(2)).await.unwrap();
    let revoking = store.clone();
    let revoking = tokio::spawn(async move { revoking.revoke_user(id(1), "ada", NOW).await });
    somebody_waits(&raw(&database).await).await;
    client.batch_execute(&lock(1)).await.unwrap();
    client.batch_execute("COMMIT").await.unwrap();
    assert_eq!(revoking.await.unwrap().unwrap(), [id(1), id(2)]);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    client.batch_execute("SELECT pg_stat_clear_snapshot()").await.unwrap();
    while number(&client, deadlocks).await == 0 {}
    assert_eq!(store.session(id(1), NOW).await.unwrap().unwrap().status, Status::Revoked);
}
