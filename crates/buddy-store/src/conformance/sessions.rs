use std::sync::Arc;

use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::id::SessionId;
use buddy_core::reason::Reason;
use buddy_core::resolution::Outcome;
use buddy_core::session::{Session, Status};
use buddy_core::time::UnixMillis;

use super::fixtures::*;
use crate::{Settlement, Store};

pub(crate) async fn a_kept_session_reads_back_whole(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for kept in [session(agent_id, 1), pending(agent_id, 2)] {
        assert!(store.create_session(kept.clone(), None).await.unwrap());
        let (read, identity) = found(store, kept.id).await;
        assert_eq!(format!("{read:?} {:?}", read.token_hash.0), format!("{kept:?} {:?}", kept.token_hash.0));
        assert_eq!(identity, None);
    }
}

pub(crate) async fn a_session_needs_an_agent(store: &Arc<dyn Store>) {
    assert!(!store.create_session(session(id(9), 1), None).await.unwrap());
    assert!(!store.create_session(session(id(9), 2), Some(authenticated(id(9), 2, "ada"))).await.unwrap());
    for number in [1, 2] {
        assert!(store.session(id(number), NOW).await.unwrap().is_none());
    }
}

pub(crate) async fn a_session_is_found_until_the_moment_it_ends(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    identified(store, agent_id, 1, "ada").await;
    let end = later(TTL);
    for (moment, there) in [(NOW, true), (UnixMillis(end.0 - 1), true), (end, false), (later(TTL + 1), false)]
    {
        assert_eq!(store.session(id(1), moment).await.unwrap().is_some(), there);
        assert_eq!(store.session_with_identity(id(1), moment).await.unwrap().is_some(), there);
    }
    assert!(store.session(id(2), NOW).await.unwrap().is_none());
    assert!(store.session_with_identity(id(2), NOW).await.unwrap().is_none());
}

pub(crate) async fn a_session_settled_at_once_is_kept_with_its_resolution(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    resolved(store, agent_id, 1, Reason::NotConfigured).await;
    let (kept, identity) = found(store, id(1)).await;
    assert_eq!((kept.status, kept.callback_made, identity), (Status::Anonymous, false, None));
    assert_eq!((kept.failure, kept.resolved_at), (Some(Reason::NotConfigured), Some(later(1))));
    assert!(store.resolution(agent_id, id(1)).await.unwrap().is_some());

    identified(store, agent_id, 2, "ada").await;
    let (kept, identity) = found(store, id(2)).await;
    assert_eq!((kept.status, kept.callback_made, kept.failure), (Status::Authenticated, true, None));
    assert_eq!(identity, Some(told(&super::fixtures::identity("ada"))));
}

pub(crate) async fn identifying_begins_once(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(session(agent_id, 1), None).await.unwrap();
    assert!(store.begin_identify(id(1), NOW).await.unwrap());
    assert_eq!(found(store, id(1)).await.0.status, Status::Pending);
    assert!(!store.begin_identify(id(1), NOW).await.unwrap());
    store.settle_session(id(1), failed(agent_id, 1, Reason::Html)).await.unwrap();
    assert!(!store.begin_identify(id(1), NOW).await.unwrap());
    assert_eq!(found(store, id(1)).await.0.status, Status::Anonymous);
    store.revoke_session(agent_id, id(1), NOW).await.unwrap();
    assert!(!store.begin_identify(id(1), NOW).await.unwrap());
    assert!(!store.begin_identify(id(2), NOW).await.unwrap());
}

pub(crate) async fn a_session_that_has_ended_does_not_begin_to_be_identified(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(session(agent_id, 1), None).await.unwrap();
    assert!(!store.begin_identify(id(1), later(TTL)).await.unwrap());
    assert_eq!(found(store, id(1)).await.0.status, Status::Created);
}

pub(crate) async fn a_session_is_settled_once_and_both_resolutions_are_kept(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    assert!(store.settle_session(id(1), authenticated(agent_id, 1, "ada")).await.unwrap());
    let settled = found(store, id(1)).await;
    assert_eq!(settled.0.status, Status::Authenticated);
    assert_eq!((settled.0.resolved_at, settled.0.callback_made), (Some(later(1)), true));
    assert_eq!(settled.1, Some(told(&identity("ada"))));

    assert!(!store.settle_session(id(1), authenticated(agent_id, 2, "eve")).await.unwrap());
    assert!(!store.settle_session(id(1), failed(agent_id, 3, Reason::Html)).await.unwrap());
    assert_eq!(format!("{settled:?}"), format!("{:?}", found(store, id(1)).await));
    for number in [1, 2, 3] {
        assert!(store.resolution(agent_id, id(number)).await.unwrap().is_some(), "{number}");
    }
}

pub(crate) async fn a_failure_is_kept_with_the_session(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for (number, &reason) in (1..).zip(Reason::ALL) {
        store.create_session(pending(agent_id, number), None).await.unwrap();
        assert!(store.settle_session(id(number), failed(agent_id, number, reason)).await.unwrap());
        let (kept, identity) = found(store, id(number)).await;
        assert_eq!((kept.status, kept.failure, identity), (Status::Anonymous, Some(reason), None));
    }
}

pub(crate) async fn a_created_session_can_be_settled_too(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(session(agent_id, 1), None).await.unwrap();
    assert!(store.settle_session(id(1), nobody(agent_id, 1)).await.unwrap());
    let kept = found(store, id(1)).await.0;
    assert_eq!((kept.status, kept.failure), (Status::Anonymous, None));
    let resolution = store.resolution(agent_id, id(1)).await.unwrap().unwrap();
    assert_eq!((resolution.outcome, resolution.reason), (Outcome::Nobody, None));
}

pub(crate) async fn a_session_that_has_ended_or_never_was_is_not_settled(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    let late = Arc::new(Settlement {
        resolved_at: later(TTL),
        ..Arc::unwrap_or_clone(authenticated(agent_id, 1, "ada"))
    });
    assert!(!store.settle_session(id(1), late).await.unwrap());
    assert_eq!(found(store, id(1)).await.0.status, Status::Pending);
    assert!(!store.settle_session(id(2), authenticated(agent_id, 2, "ada")).await.unwrap());
    assert!(store.session(id(2), NOW).await.unwrap().is_none());
    for number in [1, 2] {
        assert!(store.resolution(agent_id, id(number)).await.unwrap().is_some());
    }
}

pub(crate) async fn an_identity_keeps_every_byte_of_its_attributes(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let long = "x".repeat(60_000);
    let attributes = [
        r#"{"z":1.50,"a":123456789012345678901234567890,  "é":"\u00e9\ud83d\ude00","n":{"b":null,"a":[]}}"#
            .to_owned(),
        "{}".to_owned(),
        format!(r#"{{"long":"{long}"}}"#),
    ];
    for (number, attributes) in (1..).zip(attributes) {
        let body = format!(r#"{{"userId":-7,"customAttributes":{attributes}}}"#);
        let answer = Answer { status: 200, content_encoding: None, body: body.as_bytes() };
        let Verdict::Authenticated { identity, .. } = judge(&answer) else { panic!("{body}") };
        let settlement = Arc::new(Settlement {
            identity: Some(identity),
            ..Arc::unwrap_or_clone(authenticated(agent_id, number, "ada"))
        });
        store.create_session(session(agent_id, number), Some(settlement)).await.unwrap();
        let (_, read) = store.session_with_identity(id(number), NOW).await.unwrap().unwrap();
        let read = read.unwrap();
        assert_eq!((read.user_id(), read.email(), read.role()), ("-7", None, None));
        assert_eq!(read.custom_attributes(), Some(attributes.as_str()));
    }
}

pub(crate) async fn pending_sessions_come_oldest_first_in_pages(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in [3, 1, 5, 2, 4] {
        store.create_session(pending(agent_id, number), None).await.unwrap();
    }
    store.create_session(session(agent_id, 6), None).await.unwrap();
    let ended = Session { expires_at: later(2), ..pending(agent_id, 7) };
    store.create_session(ended, None).await.unwrap();
    store.settle_session(id(2), failed(agent_id, 2, Reason::Html)).await.unwrap();
    store.revoke_session(agent_id, id(4), NOW).await.unwrap();
    store.begin_identify(id(6), NOW).await.unwrap();

    let page = async |after: Option<SessionId>, limit| {
        let sessions = store.pending_sessions(later(2), after, limit).await.unwrap();
        sessions.into_iter().map(|session| session.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [id(1), id(3)]);
    assert_eq!(page(Some(id(3)), 2).await, [id(5), id(6)]);
    assert_eq!(page(Some(id(6)), 2).await, []);
    assert_eq!(page(Some(id(2)), 1).await, [id(3)]);
}

pub(crate) async fn ended_sessions_are_removed_at_most_limit_at_a_time(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in 1..=5 {
        let ending = Session { expires_at: later(u32::from(number)), ..session(agent_id, number) };
        store.create_session(ending, None).await.unwrap();
    }
    assert_eq!(store.remove_ended_sessions(NOW, 100).await.unwrap(), 0);
    assert_eq!(store.remove_ended_sessions(later(4), 3).await.unwrap(), 3);
    assert_eq!(store.remove_ended_sessions(later(4), 3).await.unwrap(), 1);
    assert_eq!(store.remove_ended_sessions(later(4), 3).await.unwrap(), 0);
    // Read at a moment when none had ended, only what is truly gone is not there.
    for number in 1..=5 {
        assert_eq!(store.session(id(number), NOW).await.unwrap().is_some(), number == 5);
    }
}

pub(crate) async fn settled_sessions_of_a_deleted_agent_are_removed_before_they_end(store: &Arc<dyn Store>) {
    for number in [1, 2, 3] {
        store.create_agent(agent(number), entry()).await.unwrap();
    }
    for number in 1..=3 {
        identified(store, id(1), number, "ada").await;
        identified(store, id(2), 10 + number, "ada").await;
        identified(store, id(3), 20 + number, "ada").await;
    }
    store.delete_agent(id(1), entry()).await.unwrap();
    store.delete_agent(id(2), entry()).await.unwrap();
    assert_eq!(store.remove_ended_sessions(NOW, 4).await.unwrap(), 4);
    assert_eq!(store.remove_ended_sessions(NOW, 4).await.unwrap(), 2);
    assert_eq!(store.remove_ended_sessions(NOW, 4).await.unwrap(), 0);
    for number in 21..=23 {
        assert!(found(store, id(number)).await.1.is_some());
    }
}
