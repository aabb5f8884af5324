use std::sync::Arc;

use buddy_core::id::AgentId;
use buddy_core::message::Sender;
use buddy_core::session::Status;

use super::fixtures::*;
use crate::{MasterKey, MasterKeyId, Resealing, SealedBy, SealedValues, Store};

/// A store that is opened with one ring of keys after another. Whoever opens it has let go of it before.
pub(crate) trait Reopened {
    /// Opens it with the keys whose bytes are all the same: the first one seals.
    async fn open(&self, first: u8, others: &[u8]) -> Arc<dyn Store>;
}

/// Above all that a case looks at, so that a pass comes to its end in a few steps.
const MANY: u32 = 100;

fn key(byte: u8) -> MasterKeyId {
    MasterKey::from_bytes([byte; 32]).id()
}

async fn with_rotation(store: &Arc<dyn Store>) -> AgentId {
    let agent_id = with_agent(store).await;
    let put =
        store.put_callback(agent_id, callback(), Some(secret("now")), secret("made"), NOW, entry()).await;
    put.unwrap();
    store.begin_rotation(agent_id, secret("next"), 60, NOW, entry()).await.unwrap();
    agent_id
}

/// Sessions of these numbers, all of this user, each with a message.
async fn with_sessions(store: &Arc<dyn Store>, agent_id: AgentId, numbers: std::ops::RangeInclusive<u16>) {
    for number in numbers {
        identified(store, agent_id, number, "ada").await;
        store.write_message(message(id(number), number, Sender::Visitor), NOW).await.unwrap();
    }
}

/// A pass from here to its end.
async fn pass_from(store: &Arc<dyn Store>, mut pass: Resealing, limit: u32) -> Resealing {
    while !pass.is_over() {
        pass = store.reseal(pass, limit).await.unwrap();
    }
    pass
}

async fn pass(store: &Arc<dyn Store>) -> Resealing {
    pass_from(store, Resealing::begin(), MANY).await
}

/// Exactly these keys have sealed exactly so much: callbacks, sessions, messages, canary.
async fn assert_sealed_by(store: &Arc<dyn Store>, expected: &[(u8, [u64; 4])]) {
    let values = |&(byte, [callbacks, sessions, messages, canary]): &(u8, [u64; 4])| {
        (key(byte), SealedValues { callbacks, sessions, messages, canary })
    };
    let expected = SealedBy { keys: expected.iter().map(values).collect(), unreadable: 0 };
    assert_eq!(store.sealed_by().await.unwrap(), expected);
}

pub(crate) async fn all_is_sealed_anew_and_then_opens_with_the_first_key_alone(at: &impl Reopened) {
    let store = at.open(1, &[]).await;
    let agent_id = with_rotation(&store).await;
    with_sessions(&store, agent_id, 1..=3).await;
    store.create_session(pending(agent_id, 4), None).await.unwrap();
    assert_sealed_by(&store, &[(1, [2, 3, 3, 1])]).await;
    drop(store);

    let store = at.open(2, &[1]).await;
    with_sessions(&store, agent_id, 5..=5).await;
    assert_sealed_by(&store, &[(1, [2, 3, 3, 1]), (2, [0, 1, 1, 0])]).await;
    let done = pass(&store).await;
    assert_eq!((done.resealed, done.left, done.unopened, done.is_complete()), (9, 0, 0, true));
    assert_sealed_by(&store, &[(2, [2, 4, 4, 1])]).await;
    assert_eq!(pass(&store).await.resealed, 0, "there is nothing left for another");
    drop(store);

    let store = at.open(2, &[]).await;
    assert_reads_whole(&store, agent_id, &[1, 2, 3, 5]).await;
    assert_eq!(found(&store, id(4)).await.0.status, Status::Pending);
    let changed = store.changed_messages(id(1), 0, 10, NOW).await.unwrap().unwrap();
    let changes = changed.iter().map(|one| one.change).collect::<Vec<_>>();
    assert_eq!(changes, [1], "it is no change of a conversation");
    assert_eq!(store.revoke_user(agent_id, "ada", NOW).await.unwrap().len(), 4);
}

/// The secrets, and these sessions of Ada's with their messages.
async fn assert_reads_whole(store: &Arc<dyn Store>, agent_id: AgentId, numbers: &[u16]) {
    let secrets = store.callback(agent_id).await.unwrap().unwrap().secrets;
    assert_eq!((secrets.current, secrets.rotation.unwrap().next), (secret("now"), secret("next")));
    for &number in numbers {
        let said = message(id(number), number, Sender::Visitor);
        assert_eq!(store.messages(said.session_id, None, 10, NOW).await.unwrap(), [said]);
        assert_eq!(found(store, id(number)).await.1, Some(told(&identity("ada"))));
    }
}

pub(crate) async fn a_pass_looks_at_few_rows_at_a_time_and_can_begin_again_anywhere(at: &impl Reopened) {
    let store = at.open(1, &[]).await;
    let agent_id = with_rotation(&store).await;
    with_sessions(&store, agent_id, 1..=5).await;
    // Several at one session's end, so that a step ends between them.
    for number in 11..=13 {
        store.write_message(message(id(3), number, Sender::Agent), NOW).await.unwrap();
    }
    drop(store);
    let store = at.open(2, &[1]).await;
    let mut begun = Resealing::begin();
    let mut steps = 0;
    while begun.resealed < 9 {
        let before = begun.resealed;
        begun = store.reseal(begun, 2).await.unwrap();
        // A callback has two secrets.
        assert!(begun.resealed - before <= 2, "{begun:?}");
        steps += 1;
        assert!(steps < 20, "{begun:?}");
    }
    drop(store);
    // Whoever goes on after a crash does not know how far it came.
    let store = at.open(2, &[1]).await;
    let rest = pass_from(&store, Resealing::begin(), 2).await;
    assert_eq!((begun.resealed + rest.resealed, rest.is_complete()), (2 + 5 + 8 + 1, true));
    assert_sealed_by(&store, &[(2, [2, 5, 8, 1])]).await;
}

pub(crate) async fn a_user_is_revoked_before_during_and_after_a_pass(at: &impl Reopened) {
    for sealed_anew_before in [0, 2, 6] {
        let store = at.open(1, &[3]).await;
        let agent_id = id(sealed_anew_before + 1);
        store.create_agent(agent(sealed_anew_before + 1), entry()).await.unwrap();
        let numbers = 10 * sealed_anew_before + 10..10 * sealed_anew_before + 16;
        for number in numbers.clone() {
            identified(&store, agent_id, number, "ada").await;
        }
        drop(store);
        let store = at.open(3, &[1]).await;
        let mut pass = Resealing::begin();
        while pass.resealed < u64::from(sealed_anew_before) {
            pass = store.reseal(pass, 1).await.unwrap();
        }
        let counted = store.sealed_by().await.unwrap();
        assert_eq!(counted.by(key(1)).sessions, u64::from(6 - sealed_anew_before));
        let mut revoked = store.revoke_user(agent_id, "ada", NOW).await.unwrap();
        revoked.sort();
        assert_eq!(revoked, numbers.map(id).collect::<Vec<_>>());
        assert!(pass_from(&store, pass, MANY).await.is_complete());
        assert_eq!(store.sealed_by().await.unwrap().by(key(1)), SealedValues::default());
    }
}

pub(crate) async fn a_ring_of_one_key_has_nothing_to_seal_anew(at: &impl Reopened) {
    let store = at.open(1, &[]).await;
    let agent_id = with_rotation(&store).await;
    with_sessions(&store, agent_id, 1..=2).await;
    let done = store.reseal(Resealing::begin(), 1).await.unwrap();
    assert_eq!((done.is_complete(), done.resealed), (true, 0));
    assert_sealed_by(&store, &[(1, [2, 2, 2, 1])]).await;
}

pub(crate) async fn what_no_key_opens_is_counted_and_stays(at: &impl Reopened) {
    let store = at.open(1, &[]).await;
    let agent_id = with_rotation(&store).await;
    with_sessions(&store, agent_id, 1..=1).await;
    drop(store);
    let store = at.open(2, &[1]).await;
    with_sessions(&store, agent_id, 2..=2).await;
    drop(store);
    // The canary still opens; of the second session nothing does.
    let store = at.open(3, &[1]).await;
    let done = pass(&store).await;
    assert_eq!((done.resealed, done.left, done.unopened, done.is_complete()), (5, 0, 2, true));
    assert_sealed_by(&store, &[(2, [0, 1, 1, 0]), (3, [2, 1, 1, 1])]).await;
    drop(store);
    let store = at.open(3, &[2]).await;
    assert_eq!(found(&store, id(2)).await.1, Some(told(&identity("ada"))), "nothing was lost");
}

pub(crate) async fn what_is_written_during_a_pass_is_not_lost(at: &impl Reopened) {
    const REPLIES: u16 = 8;
    let store = at.open(1, &[]).await;
    let agent_id = with_rotation(&store).await;
    for number in 1..=REPLIES {
        identified(&store, agent_id, number, "ada").await;
        store.write_message(growing(id(number), number), NOW).await.unwrap();
    }
    drop(store);
    let store = at.open(2, &[1]).await;
    let growers = (1..=REPLIES).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..20 {
                store.append_to_message(id(number), id(number), text("."), false, NOW).await.unwrap();
            }
        })
    });
    let growers = growers.collect::<Vec<_>>();
    store.promote_secret(agent_id, secret("next"), NOW).await.unwrap();
    assert_eq!(store.revoke_session(agent_id, id(REPLIES), NOW).await.unwrap(), 1);
    let mut rounds = 0;
    while !pass_from(&store, Resealing::begin(), 3).await.is_complete() {
        rounds += 1;
        assert!(rounds < 200, "what changes is sealed by the first key, and so soon nothing is left");
    }
    for grower in growers {
        grower.await.unwrap();
    }
    assert!(pass(&store).await.is_complete());
    assert_sealed_by(&store, &[(2, [1, 7, 7, 1])]).await;
    for number in 1..REPLIES {
        let kept = &store.messages(id(number), None, 1, NOW).await.unwrap()[0];
        assert_eq!(kept.text.as_str(), format!("message {number}{}", ".".repeat(20)));
    }
    assert_eq!(store.callback(agent_id).await.unwrap().unwrap().secrets.current, secret("next"));
    assert_eq!(found(&store, id(REPLIES)).await.0.status, Status::Revoked);
}
