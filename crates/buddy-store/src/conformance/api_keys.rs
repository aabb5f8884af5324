use std::sync::Arc;

use buddy_core::agent::ApiKey;

use super::fixtures::*;
use crate::{Page, Store};

pub(crate) async fn a_key_is_found_by_its_hash_alone(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in [1, 2] {
        assert!(store.create_api_key(api_key(agent_id, number), hash(number), entry()).await.unwrap());
        assert_eq!(store.api_key_by_hash(hash(number)).await.unwrap(), Some(api_key(agent_id, number)));
    }
    assert_eq!(store.api_key_by_hash(hash(3)).await.unwrap(), None);
}

pub(crate) async fn a_key_needs_an_agent_and_a_hash_of_its_own(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    assert!(!store.create_api_key(api_key(id(9), 1), hash(1), entry()).await.unwrap());
    assert_eq!(store.api_key_by_hash(hash(1)).await.unwrap(), None);
    assert!(store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap());
    assert!(store.create_api_key(api_key(agent_id, 2), hash(1), entry()).await.is_err());
    assert_eq!(store.api_key_by_hash(hash(1)).await.unwrap(), Some(api_key(agent_id, 1)));
}

pub(crate) async fn keys_are_paged_newest_first_per_agent(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    for number in [2, 3, 1] {
        store.create_api_key(api_key(agent_id, number), hash(number), entry()).await.unwrap();
        store.create_api_key(api_key(id(2), 10 + number), hash(10 + number), entry()).await.unwrap();
    }
    let page = async |before, limit| store.api_keys(agent_id, Page { before, limit }).await.unwrap();
    assert_eq!(page(None, 2).await, [api_key(agent_id, 3), api_key(agent_id, 2)]);
    assert_eq!(page(Some(id(2)), 2).await, [api_key(agent_id, 1)]);
    assert_eq!(page(Some(id(1)), 2).await, []);
    assert_eq!(store.api_keys(id(3), first(9)).await.unwrap(), []);
}

pub(crate) async fn the_last_use_is_the_latest(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap();
    for (used, last) in [(2, 2), (5, 5), (3, 5)] {
        store.touch_api_key(id(1), later(used)).await.unwrap();
        let wanted = ApiKey { last_used_at: Some(later(last)), ..api_key(agent_id, 1) };
        assert_eq!(store.api_key_by_hash(hash(1)).await.unwrap(), Some(wanted.clone()));
        assert_eq!(store.api_keys(agent_id, first(1)).await.unwrap(), [wanted]);
    }
    store.touch_api_key(id(2), NOW).await.unwrap();
}

pub(crate) async fn a_key_is_deleted_by_its_own_agent_only(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    store.create_api_key(api_key(agent_id, 1), hash(1), entry()).await.unwrap();
    assert!(!store.delete_api_key(id(2), id(1), entry()).await.unwrap());
    assert!(store.api_key_by_hash(hash(1)).await.unwrap().is_some());
    assert!(store.delete_api_key(agent_id, id(1), entry()).await.unwrap());
    assert!(store.api_key_by_hash(hash(1)).await.unwrap().is_none());
    assert!(!store.delete_api_key(agent_id, id(1), entry()).await.unwrap());
}
