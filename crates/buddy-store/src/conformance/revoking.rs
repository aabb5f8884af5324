use std::sync::Arc;

use buddy_core::reason::Reason;
use buddy_core::session::{Session, Status};

use super::fixtures::*;
use crate::Store;

pub(crate) async fn a_revoked_session_has_lost_its_identity_and_stays_revoked(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    identified(store, agent_id, 1, "ada").await;
    assert_eq!(store.revoke_session(agent_id, id(1), later(5)).await.unwrap(), 1);
    let revoked = found(store, id(1)).await;
    assert_eq!((revoked.0.status, revoked.0.failure, &revoked.1), (Status::Revoked, None, &None));
    assert_eq!((revoked.0.callback_made, revoked.0.resolved_at), (true, Some(later(1))));

    assert!(!store.settle_session(id(1), authenticated(agent_id, 2, "eve")).await.unwrap());
    assert!(!store.begin_identify(id(1), later(6)).await.unwrap());
    assert_eq!(format!("{revoked:?}"), format!("{:?}", found(store, id(1)).await));
}

pub(crate) async fn a_session_can_be_revoked_before_it_is_settled(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(session(agent_id, 1), None).await.unwrap();
    store.create_session(pending(agent_id, 2), None).await.unwrap();
    resolved(store, agent_id, 3, Reason::Html).await;
    for (number, resolved_at) in [(1, later(5)), (2, later(5)), (3, later(1))] {
        assert_eq!(store.revoke_session(agent_id, id(number), later(5)).await.unwrap(), 1);
        let kept = found(store, id(number)).await.0;
        assert_eq!((kept.status, kept.failure), (Status::Revoked, None));
        assert_eq!((kept.resolved_at, kept.callback_made), (Some(resolved_at), number == 3));
    }
}

pub(crate) async fn revoking_counts_only_what_it_changes(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    identified(store, agent_id, 1, "ada").await;
    assert_eq!(store.revoke_session(agent_id, id(2), NOW).await.unwrap(), 0);
    assert_eq!(store.revoke_session(id(2), id(1), NOW).await.unwrap(), 0);
    assert_eq!(store.revoke_session(agent_id, id(1), later(TTL)).await.unwrap(), 0);
    assert_eq!(found(store, id(1)).await.0.status, Status::Authenticated);
    assert_eq!(store.revoke_session(agent_id, id(1), NOW).await.unwrap(), 1);
    assert_eq!(store.revoke_session(agent_id, id(1), NOW).await.unwrap(), 0);
    assert_eq!(store.revoke_user(agent_id, "ada", NOW).await.unwrap(), []);
}

pub(crate) async fn a_user_is_revoked_in_all_live_sessions_of_that_agent_only(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    identified(store, agent_id, 1, "ada").await;
    store.create_session(pending(agent_id, 2), None).await.unwrap();
    store.settle_session(id(2), authenticated(agent_id, 2, "ada")).await.unwrap();
    identified(store, agent_id, 3, "Ada").await;
    identified(store, id(2), 4, "ada").await;
    let ended = Session { expires_at: later(3), ..session(agent_id, 5) };
    store.create_session(ended, Some(authenticated(agent_id, 5, "ada"))).await.unwrap();
    store.create_session(session(agent_id, 6), None).await.unwrap();

    assert_eq!(store.revoke_user(agent_id, "nobody", later(3)).await.unwrap(), []);
    let mut revoked = store.revoke_user(agent_id, "ada", later(3)).await.unwrap();
    revoked.sort();
    assert_eq!(revoked, [id(1), id(2)]);
    assert_eq!(store.revoke_user(agent_id, "ada", later(3)).await.unwrap(), []);
    for (number, status) in [(1, Status::Revoked), (3, Status::Authenticated), (4, Status::Authenticated)] {
        let (kept, identity) = found(store, id(number)).await;
        assert_eq!((kept.status, identity.is_some()), (status, status == Status::Authenticated));
    }
    assert_eq!(found(store, id(6)).await.0.status, Status::Created);

    // Who was revoked once can be identified again, in a new session.
    identified(store, agent_id, 7, "ada").await;
    assert_eq!(store.revoke_user(agent_id, "ada", later(4)).await.unwrap(), [id(7)]);
}
