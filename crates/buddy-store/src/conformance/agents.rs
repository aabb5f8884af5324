use std::sync::Arc;

use buddy_core::agent::Agent;
use buddy_core::id::SessionId;
use buddy_core::reason::Reason;

use buddy_core::session::Session;

use super::fixtures::*;
use crate::{AgentChange, Page, PutCallback, ResolutionFilter, RotationBegun, Store};

pub(crate) async fn a_kept_agent_reads_back_whole(store: &Arc<dyn Store>) {
    let none = Agent { allowed_origins: Vec::new(), ..agent(2) };
    for kept in [agent(1), none] {
        store.create_agent(kept.clone(), entry()).await.unwrap();
        assert_eq!(store.agent(kept.id).await.unwrap(), Some(kept));
    }
}

pub(crate) async fn an_agent_that_is_not_there_is_none(store: &Arc<dyn Store>) {
    assert_eq!(store.agent(id(1)).await.unwrap(), None);
    assert_eq!(store.agents(first(10)).await.unwrap(), []);
    assert_eq!(store.update_agent(id(1), AgentChange::default(), entry()).await.unwrap(), None);
    assert!(!store.delete_agent(id(1), entry()).await.unwrap());
}

pub(crate) async fn agents_are_paged_newest_first(store: &Arc<dyn Store>) {
    for number in [2, 1, 4, 3, 5] {
        store.create_agent(agent(number), entry()).await.unwrap();
    }
    let page = async |before, limit| store.agents(Page { before, limit }).await.unwrap();
    assert_eq!(page(None, 2).await, [agent(5), agent(4)]);
    assert_eq!(page(Some(id(4)), 2).await, [agent(3), agent(2)]);
    assert_eq!(page(Some(id(2)), 2).await, [agent(1)]);
    assert_eq!(page(Some(id(1)), 2).await, []);
    assert_eq!(page(None, 100).await.len(), 5);
    assert_eq!(page(None, 0).await, []);
}

pub(crate) async fn a_change_sets_only_what_it_names(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let mut wanted = agent(1);
    let origins = vec!["https://c.example".to_owned()];
    let changes = [
        AgentChange::default(),
        AgentChange { name: Some("New".into()), ..AgentChange::default() },
        AgentChange { session_ttl_seconds: Some(60), ..AgentChange::default() },
        AgentChange { allowed_origins: Some(origins), ..AgentChange::default() },
        AgentChange {
            allowed_origins: Some(Vec::new()),
            name: Some("None".into()),
            session_ttl_seconds: Some(90),
        },
    ];
    for change in changes {
        wanted.name = change.name.clone().unwrap_or(wanted.name);
        wanted.allowed_origins = change.allowed_origins.clone().unwrap_or(wanted.allowed_origins);
        wanted.session_ttl_seconds = change.session_ttl_seconds.unwrap_or(wanted.session_ttl_seconds);
        assert_eq!(store.update_agent(agent_id, change, entry()).await.unwrap(), Some(wanted.clone()));
        assert_eq!(store.agent(agent_id).await.unwrap(), Some(wanted.clone()));
    }
}

pub(crate) async fn an_origin_is_allowed_while_some_agent_has_it(store: &Arc<dyn Store>) {
    let origin = "https://shared.example";
    let allowed = async || store.any_agent_allows_origin(origin).await.unwrap();
    assert!(!allowed().await);
    for number in [1, 2] {
        let sharing = Agent { allowed_origins: vec![origin.into()], ..agent(number) };
        store.create_agent(sharing, entry()).await.unwrap();
    }
    assert!(allowed().await);
    assert!(!store.any_agent_allows_origin("https://shared.exampl").await.unwrap());
    assert!(!store.any_agent_allows_origin("HTTPS://SHARED.EXAMPLE").await.unwrap());
    assert!(store.delete_agent(id(1), entry()).await.unwrap());
    assert!(allowed().await);
    let without = AgentChange { allowed_origins: Some(Vec::new()), ..AgentChange::default() };
    store.update_agent(id(2), without, entry()).await.unwrap().unwrap();
    assert!(!allowed().await);
}

pub(crate) async fn an_id_that_is_taken_is_refused_and_the_first_stays(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let usurper = Agent { name: "Usurper".into(), ..agent(1) };
    assert!(store.create_agent(usurper, entry()).await.is_err());
    assert_eq!(store.agent(agent_id).await.unwrap(), Some(agent(1)));

    identified(store, agent_id, 1, "ada").await;
    let usurper = Session { token_hash: hash(2), ..session(agent_id, 1) };
    assert!(store.create_session(usurper, None).await.is_err());
    assert!(found(store, id(1)).await.1.is_some());
}

pub(crate) async fn a_deleted_agent_takes_its_callback_with_it(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.put_callback(agent_id, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    assert!(store.delete_agent(agent_id, entry()).await.unwrap());

    assert!(store.callback(agent_id).await.unwrap().is_none());
    assert!(!store.delete_callback(agent_id, entry()).await.unwrap());
    let put = store.put_callback(agent_id, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    assert!(matches!(put, PutCallback::NoAgent));
    let begun = store.begin_rotation(agent_id, secret("next"), 60, NOW, entry()).await.unwrap();
    assert!(matches!(begun, RotationBegun::NoCallback));
}

pub(crate) async fn a_deleted_agent_takes_its_origins_and_keys_with_it(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap();
    assert!(store.delete_agent(agent_id, entry()).await.unwrap());
    assert!(!store.delete_agent(agent_id, entry()).await.unwrap());

    assert_eq!(store.agent(agent_id).await.unwrap(), None);
    assert!(!store.any_agent_allows_origin("https://a1.example").await.unwrap());
    assert_eq!(store.api_key_by_hash(hash(1)).await.unwrap(), None);
    assert_eq!(store.api_keys(agent_id, first(10)).await.unwrap(), []);
    assert!(!store.create_api_key(api_key(agent_id, 2), hash(2), entry()).await.unwrap());
}

pub(crate) async fn a_deleted_agent_takes_its_sessions_with_it(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    identified(store, agent_id, 1, "ada").await;
    store.create_session(session(agent_id, 2), None).await.unwrap();
    store.create_session(pending(agent_id, 3), None).await.unwrap();
    assert!(store.delete_agent(agent_id, entry()).await.unwrap());

    let settled = async |number| {
        store.settle_session(id(number), authenticated(agent_id, 10 + number, "eve")).await.unwrap()
    };
    for number in [1, 2, 3] {
        let gone: SessionId = id(number);
        assert!(store.session(gone, NOW).await.unwrap().is_none());
        assert!(store.session_with_identity(gone, NOW).await.unwrap().is_none());
        assert!(!store.begin_identify(gone, NOW).await.unwrap() && !settled(number).await);
        assert_eq!(store.revoke_session(agent_id, gone, NOW).await.unwrap(), 0);
    }
    assert_eq!(store.revoke_user(agent_id, "ada", NOW).await.unwrap(), []);
    assert!(store.pending_sessions(NOW, None, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_deleted_agent_takes_its_resolutions_and_gets_no_more(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    resolved(store, agent_id, 1, Reason::Html).await;
    store.create_session(pending(agent_id, 2), None).await.unwrap();
    assert!(store.delete_agent(agent_id, entry()).await.unwrap());

    assert!(!store.settle_session(id(2), authenticated(agent_id, 2, "ada")).await.unwrap());
    let late = failed(agent_id, 3, Reason::Html);
    assert!(!store.create_session(session(agent_id, 3), Some(late)).await.unwrap());
    let all = ResolutionFilter::default();
    assert!(store.resolutions(agent_id, all, first(10)).await.unwrap().is_empty());
    for number in [1, 2, 3] {
        assert!(store.resolution(agent_id, id(number)).await.unwrap().is_none(), "{number}");
    }
}

pub(crate) async fn a_deleted_agent_leaves_the_others_alone(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    let other = id(2);
    store.put_callback(other, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    store.create_api_key(api_key(other, 1), hash(1), entry()).await.unwrap();
    identified(store, agent_id, 1, "ada").await;
    identified(store, other, 2, "ada").await;

    assert!(store.delete_agent(agent_id, entry()).await.unwrap());
    store.remove_ended_sessions(NOW, 100).await.unwrap();
    store.remove_old_resolutions(NOW, 100).await.unwrap();

    assert_eq!(store.agents(first(10)).await.unwrap(), [agent(2)]);
    assert!(store.callback(other).await.unwrap().is_some());
    assert_eq!(store.api_key_by_hash(hash(1)).await.unwrap(), Some(api_key(other, 1)));
    assert_eq!(found(store, id(2)).await.1, Some(told(&identity("ada"))));
    assert!(store.resolution(other, id(2)).await.unwrap().is_some());
}
