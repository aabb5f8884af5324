//! Several nodes on one database.

use std::collections::BTreeSet;
use std::time::Duration;

use buddy_core::id::SessionId;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::*;
use crate::{Agents, Sessions};

/// Longer than anything here takes; what is waited for comes or the test fails.
const PATIENCE: Duration = Duration::from_mins(1);

async fn pending_of(store: &PostgresStore) -> BTreeSet<SessionId> {
    let sessions = store.pending_sessions(NOW, None, 1_000).await.unwrap();
    sessions.into_iter().map(|session| session.id).collect()
}

/// Takes over until nothing is left.
async fn all_taken(store: Arc<PostgresStore>) -> Vec<SessionId> {
    let mut taken = Vec::new();
    loop {
        let some = store.take_over_sessions(NOW, 7).await.unwrap();
        if some.is_empty() {
            return taken;
        }
        taken.extend(some.into_iter().map(|session| session.id));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_node_leaves_pending_is_taken_over_by_one_of_those_that_ask() {
    const SESSIONS: u16 = 60;
    let (gone, database) = node().await;
    gone.create_agent(agent(1), entry()).await.unwrap();
    for number in 0..SESSIONS {
        assert!(gone.create_session(pending(id(1), number), None).await.unwrap());
    }
    let others = [another(&database).await, another(&database).await];
    for other in &others {
        assert_eq!(other.take_over_sessions(NOW, 10).await.unwrap().len(), 0, "it is alive");
        assert!(pending_of(other).await.is_empty());
    }
    assert_eq!(pending_of(&gone).await.len(), usize::from(SESSIONS));
    gone.close().await;
    let mut taking = JoinSet::new();
    for other in others.iter().cloned() {
        taking.spawn(all_taken(other));
    }
    let taken = taking.join_all().await.concat();
    assert_eq!(taken.len(), usize::from(SESSIONS));
    assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), usize::from(SESSIONS));
    let [one, two] = [pending_of(&others[0]).await, pending_of(&others[1]).await];
    assert!(one.is_disjoint(&two));
    assert_eq!(one.len() + two.len(), usize::from(SESSIONS));
}

#[tokio::test]
async fn a_node_is_gone_when_its_last_sign_of_life_is_too_old_by_the_databases_clock() {
    let (store, database) = node().await;
    store.create_agent(agent(1), entry()).await.unwrap();
    let client = raw(&database).await;
    for number in 1..=3 {
        store.create_session(pending(id(1), number), None).await.unwrap();
    }
    store.create_session(session(id(1), 4), None).await.unwrap();
    store.begin_identify(id(4), NOW).await.unwrap();
    let key = |number: u16| statement::key(id::<buddy_core::id::SessionKind>(number));
    let set = format!(
        "INSERT INTO nodes VALUES (gen_random_uuid(), clock_timestamp() - interval '5 seconds');
        INSERT INTO nodes VALUES (gen_random_uuid(), clock_timestamp() + interval '1 hour');
        UPDATE sessions SET owner = (SELECT id FROM nodes ORDER BY seen_at LIMIT 1) WHERE id = '{}';
        UPDATE sessions SET owner = (SELECT id FROM nodes ORDER BY seen_at DESC LIMIT 1) WHERE id = '{}';
        UPDATE sessions SET owner = gen_random_uuid() WHERE id = '{}';",
        key(1),
        key(2),
        key(3)
    );
    client.batch_execute(&set).await.unwrap();
    assert_eq!(all_taken(store.clone()).await, [id(1), id(3)]);
    assert_eq!(pending_of(&store).await, [id(1), id(3), id(4)].into());
    // A settled one is nobody's.
    store.settle_session(id(1), authenticated(id(1), 1, "ada")).await.unwrap();
    assert_eq!(number(&client, "SELECT count(*) FROM sessions WHERE owner IS NULL").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_taken_for_gone_begins_anew() {
    let (store, database) = node().await;
    let tenure = store.tenures.current();
    raw(&database).await.batch_execute("DELETE FROM nodes").await.unwrap();
    timeout(PATIENCE, tenure.token.cancelled()).await.unwrap();
    let next = timeout(PATIENCE, store.tenures.next()).await.unwrap();
    assert_ne!(next.id, tenure.id);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_heard_by_the_others_and_not_by_who_told_it() {
    let (one, database) = node().await;
    let two = another(&database).await;
    let (mut to_one, mut to_two) = (one.changes().unwrap(), two.changes().unwrap());
    assert!(one.changes().is_none(), "it is taken");
    for change in [Change::Settled(id(1), id(2)), Change::Written(id(3)), Change::Agent(id(4))] {
        one.tell(change);
        assert_eq!(timeout(PATIENCE, to_two.recv()).await.unwrap(), Some(change));
    }
    two.tell(Change::Resolved(id(5)));
    assert_eq!(timeout(PATIENCE, to_one.recv()).await.unwrap(), Some(Change::Resolved(id(5))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_lost_connection_anything_may_have_changed() {
    let (one, database) = node().await;
    let two = another(&database).await;
    let mut heard = two.changes().unwrap();
    let client = raw(&database).await;
    let cut = |query: &str| {
        format!(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE '{query}%' AND pid <> pg_backend_pid()"
        )
    };
    client.batch_execute(&cut("LISTEN")).await.unwrap();
    assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(Change::Anything));
    one.tell(Change::Written(id(1)));
    assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(Change::Written(id(1))));
    // The teller's: what it could not say becomes anything, too.
    client.batch_execute(&cut("SELECT pg_notify")).await.unwrap();
    one.tell(Change::Written(id(2)));
    assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(Change::Anything));
}

#[tokio::test]
async fn more_than_can_wait_becomes_anything() {
    let (one, database) = node().await;
    let two = another(&database).await;
    let mut heard = two.changes().unwrap();
    // On one thread, nobody takes any of it meanwhile.
    for number in 0..5_000 {
        one.tell(Change::Written(id(number)));
    }
    assert_eq!(timeout(PATIENCE, heard.recv()).await.unwrap(), Some(Change::Anything));
}
