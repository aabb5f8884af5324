use std::sync::Arc;

use buddy_core::agent::{Callback, CallbackSecrets, Rotation};
use buddy_core::id::AgentId;
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;

use super::fixtures::*;
use crate::{PutCallback, RotationBegun, Store};

/// Agent 1 with a callback whose secret is `first`.
async fn with_callback(store: &Arc<dyn Store>) -> AgentId {
    let agent_id = with_agent(store).await;
    put(store, agent_id, Some(secret("first")), NOW).await;
    agent_id
}

/// What a put gives, which must be what is read back: the secrets, and whether the made one was taken.
async fn put(
    store: &Arc<dyn Store>,
    agent_id: AgentId,
    own: Option<CallbackSecret>,
    now: UnixMillis,
) -> (CallbackSecrets, bool) {
    match store.put_callback(agent_id, callback(), own, secret("made"), now, entry()).await.unwrap() {
        PutCallback::Put { configured, made_secret_taken } => {
            assert_eq!(configured.callback, callback());
            assert_eq!(configured.secrets, secrets(store, agent_id).await);
            (configured.secrets, made_secret_taken)
        }
        PutCallback::NoAgent => panic!("there is an agent"),
    }
}

async fn secrets(store: &Arc<dyn Store>, agent_id: AgentId) -> CallbackSecrets {
    store.callback(agent_id).await.unwrap().unwrap().secrets
}

async fn rotate(
    store: &Arc<dyn Store>,
    agent_id: AgentId,
    next: &str,
    overlap: u32,
    now: UnixMillis,
) -> RotationBegun {
    store.begin_rotation(agent_id, secret(next), overlap, now, entry()).await.unwrap()
}

fn alone(current: &str, created_at: UnixMillis) -> CallbackSecrets {
    CallbackSecrets { current: secret(current), created_at, rotation: None }
}

fn open(current: &str, created_at: UnixMillis, next: &str, overlap_ends_at: UnixMillis) -> CallbackSecrets {
    let rotation = Some(Rotation { next: secret(next), overlap_ends_at });
    CallbackSecrets { rotation, ..alone(current, created_at) }
}

fn begun(rotation: RotationBegun) -> CallbackSecrets {
    match rotation {
        RotationBegun::Begun(secrets) => secrets,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_callback_is_none_until_it_is_put(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    assert!(store.callback(agent_id).await.unwrap().is_none());
    put(store, agent_id, None, NOW).await;
    let plain = Callback {
        url: "http://10.0.0.1/".into(),
        timeout_ms: 100,
        max_concurrent: 1,
        require_ticket: false,
        enabled: false,
    };
    store.put_callback(agent_id, plain.clone(), None, secret("made"), NOW, entry()).await.unwrap();
    assert_eq!(store.callback(agent_id).await.unwrap().unwrap().callback, plain);
    let put = store.put_callback(id(9), callback(), None, secret("made"), NOW, entry()).await.unwrap();
    assert!(matches!(put, PutCallback::NoAgent));
}

pub(crate) async fn the_made_secret_is_taken_only_where_there_is_none(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    assert_eq!(put(store, agent_id, None, NOW).await, (alone("made", NOW), true));
    assert_eq!(put(store, agent_id, None, later(5)).await, (alone("made", NOW), false));
    assert_eq!(put(store, agent_id, Some(secret("own")), later(6)).await, (alone("own", later(6)), false));
    assert_eq!(put(store, agent_id, None, later(7)).await, (alone("own", later(6)), false));
}

pub(crate) async fn a_secret_of_ones_own_counts_from_now_and_ends_a_rotation(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    rotate(store, agent_id, "next", 60, NOW).await;
    assert_eq!(put(store, agent_id, Some(secret("own")), later(1)).await, (alone("own", later(1)), false));
}

pub(crate) async fn a_put_without_a_secret_leaves_an_open_rotation(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    rotate(store, agent_id, "next", 60, later(1)).await;
    let kept = open("first", NOW, "next", later(61));
    assert_eq!(put(store, agent_id, None, later(2)).await, (kept, false));
}

pub(crate) async fn a_rotation_is_open_until_its_overlap_ends(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    let second = open("first", NOW, "second", later(60));
    assert_eq!(begun(rotate(store, agent_id, "second", 60, NOW).await), second);
    assert_eq!(secrets(store, agent_id).await, second);

    let early = rotate(store, agent_id, "third", 60, UnixMillis(later(60).0 - 1)).await;
    assert!(matches!(early, RotationBegun::AlreadyOpen));
    assert_eq!(secrets(store, agent_id).await, second);
    assert_eq!(secrets(store, agent_id).await.at(later(60)), alone("second", later(60)));

    let third = open("second", later(60), "third", later(120));
    assert_eq!(begun(rotate(store, agent_id, "third", 60, later(60)).await), third);
    assert_eq!(secrets(store, agent_id).await, third);
}

pub(crate) async fn a_rotation_without_overlap_changes_at_once(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    assert_eq!(begun(rotate(store, agent_id, "second", 0, later(3)).await), alone("second", later(3)));
    assert_eq!(secrets(store, agent_id).await, alone("second", later(3)));
    rotate(store, agent_id, "third", 60, later(3)).await;
    assert!(matches!(rotate(store, agent_id, "fourth", 0, later(4)).await, RotationBegun::AlreadyOpen));
}

pub(crate) async fn a_rotation_needs_a_callback(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for agent_id in [agent_id, id(9)] {
        assert!(matches!(rotate(store, agent_id, "next", 60, NOW).await, RotationBegun::NoCallback));
        assert!(!store.promote_secret(agent_id, secret("next"), NOW).await.unwrap());
    }
}

pub(crate) async fn the_next_secret_is_promoted_once(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    rotate(store, agent_id, "next", 60, NOW).await;
    assert!(store.promote_secret(agent_id, secret("next"), later(9)).await.unwrap());
    assert_eq!(secrets(store, agent_id).await, alone("next", later(9)));
    assert!(!store.promote_secret(agent_id, secret("next"), later(10)).await.unwrap());
    assert_eq!(secrets(store, agent_id).await, alone("next", later(9)));
}

pub(crate) async fn a_secret_that_is_not_next_is_not_promoted(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    assert!(!store.promote_secret(agent_id, secret("first"), NOW).await.unwrap());
    rotate(store, agent_id, "next", 60, NOW).await;
    for other in ["first", "other"] {
        assert!(!store.promote_secret(agent_id, secret(other), NOW).await.unwrap());
    }
    assert_eq!(secrets(store, agent_id).await, open("first", NOW, "next", later(60)));
    // The overlap's end has made it current already, and that moment stays.
    assert!(!store.promote_secret(agent_id, secret("next"), later(60)).await.unwrap());
    assert_eq!(secrets(store, agent_id).await.at(later(61)), alone("next", later(60)));
}

pub(crate) async fn a_deleted_callback_takes_its_secrets_with_it(store: &Arc<dyn Store>) {
    let agent_id = with_callback(store).await;
    assert!(store.delete_callback(agent_id, entry()).await.unwrap());
    assert!(!store.delete_callback(agent_id, entry()).await.unwrap());
    assert!(store.callback(agent_id).await.unwrap().is_none());
    assert_eq!(put(store, agent_id, None, later(1)).await, (alone("made", later(1)), true));
}
