//! Many callers at once. What they race for is decided by the store alone.

use std::sync::Arc;

use buddy_core::reason::Reason;
use buddy_core::session::Status;
use tokio::task::JoinSet;

use super::fixtures::*;
use crate::{ResolutionFilter, RotationBegun, Store};

const CALLERS: u16 = 200;

/// Calls `CALLERS` times at once; how many were answered `true`.
async fn winners<F>(store: &Arc<dyn Store>, call: impl Fn(Arc<dyn Store>, u16) -> F) -> usize
where
    F: Future<Output = bool> + Send + 'static,
{
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        callers.spawn(call(store.clone(), number));
    }
    callers.join_all().await.into_iter().filter(|&won| won).count()
}

pub(crate) async fn of_many_that_begin_to_identify_one_does(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(session(agent_id, 1), None).await.unwrap();
    let won = winners(store, |store, _| async move { store.begin_identify(id(1), NOW).await.unwrap() }).await;
    assert_eq!(won, 1);
}

pub(crate) async fn of_many_that_settle_one_does(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    let won = winners(store, move |store: Arc<dyn Store>, number| async move {
        let settlement = authenticated(agent_id, number, &format!("user-{number}"));
        store.settle_session(id(1), settlement).await.unwrap()
    })
    .await;
    assert_eq!(won, 1);
    let kept = store.resolutions(agent_id, ResolutionFilter::default(), first(1_000)).await.unwrap();
    assert_eq!(kept.len(), usize::from(CALLERS));
}

pub(crate) async fn settling_and_revoking_at_once_always_end_revoked(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in 0..CALLERS {
        store.create_session(pending(agent_id, number), None).await.unwrap();
    }
    let won = winners(store, move |store: Arc<dyn Store>, number| async move {
        let settlement = authenticated(agent_id, number, "ada");
        let (settled, revoked) = tokio::join!(
            store.settle_session(id(number), settlement),
            store.revoke_session(agent_id, id(number), NOW),
        );
        settled.unwrap();
        revoked.unwrap() == 1
    })
    .await;
    assert_eq!(won, usize::from(CALLERS));
    for number in 0..CALLERS {
        let (kept, identity) = found(store, id(number)).await;
        assert_eq!((kept.status, identity), (Status::Revoked, None));
    }
    assert_eq!(store.revoke_user(agent_id, "ada", NOW).await.unwrap(), []);
}

pub(crate) async fn of_many_rotations_one_is_begun(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.put_callback(agent_id, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    let won = winners(store, move |store: Arc<dyn Store>, number| async move {
        let next = secret(&number.to_string());
        matches!(
            store.begin_rotation(agent_id, next, 60, NOW, entry()).await.unwrap(),
            RotationBegun::Begun(_)
        )
    })
    .await;
    assert_eq!(won, 1);
}

pub(crate) async fn every_one_of_many_writes_at_once_is_kept(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let won = winners(store, move |store: Arc<dyn Store>, number| async move {
        let settlement = failed(agent_id, number, Reason::Html);
        store.create_session(session(agent_id, number), Some(settlement)).await.unwrap()
    })
    .await;
    assert_eq!(won, usize::from(CALLERS));
    for number in 0..CALLERS {
        assert_eq!(found(store, id(number)).await.0.status, Status::Anonymous);
    }
}
