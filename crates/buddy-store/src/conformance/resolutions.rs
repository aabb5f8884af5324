use std::sync::Arc;

use buddy_core::id::{AgentId, ResolutionId};
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::{Outcome, Resolution};
use buddy_core::time::UnixMillis;

use super::fixtures::*;
use crate::{Page, ResolutionFilter, Settlement, Store};

async fn ids(store: &Arc<dyn Store>, agent_id: AgentId, filter: ResolutionFilter) -> Vec<ResolutionId> {
    let found = store.resolutions(agent_id, filter, first(100)).await.unwrap();
    found.into_iter().map(|resolution| resolution.id).collect()
}

pub(crate) async fn a_resolution_reads_back_whole_for_its_own_agent_only(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2)).await.unwrap();
    let bare = Resolution {
        outcome: Outcome::Nobody,
        warnings: Vec::new(),
        attempts: Vec::new(),
        duration: 0,
        ..resolution(agent_id, 3, None)
    };
    let kept = [resolution(agent_id, 1, None), resolution(agent_id, 2, Some(Reason::HttpStatus)), bare];
    for (number, kept) in (1..).zip(kept) {
        let settlement = Settlement { resolution: kept.clone(), ..authenticated(agent_id, number, "ada") };
        store.create_session(session(agent_id, number), Some(settlement)).await.unwrap();
        let read = store.resolution(agent_id, kept.id).await.unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{kept:?}"));
        let listed = store.resolutions(agent_id, ResolutionFilter::default(), first(1)).await.unwrap();
        assert_eq!(format!("{listed:?}"), format!("[{kept:?}]"));
        assert!(store.resolution(id(2), kept.id).await.unwrap().is_none());
    }
    assert!(ids(store, id(2), ResolutionFilter::default()).await.is_empty());
    assert!(store.resolution(agent_id, id(9)).await.unwrap().is_none());
}

pub(crate) async fn resolutions_are_paged_newest_first(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in [2, 5, 1, 3, 4] {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    let page = async |before, limit| {
        let found =
            store.resolutions(agent_id, ResolutionFilter::default(), Page { before, limit }).await.unwrap();
        found.into_iter().map(|resolution| resolution.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 2).await, [id(5), id(4)]);
    assert_eq!(page(Some(id(4)), 2).await, [id(3), id(2)]);
    assert_eq!(page(Some(id(2)), 2).await, [id(1)]);
    assert_eq!(page(Some(id(1)), 2).await, []);
}

pub(crate) async fn every_code_and_reason_finds_its_own(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let numbered: Vec<(u16, Reason)> = (1..).zip(Reason::ALL.iter().copied()).collect();
    for &(number, reason) in &numbered {
        resolved(store, agent_id, number, reason).await;
    }
    identified(store, agent_id, 999, "ada").await;
    for &(number, reason) in &numbered {
        let filter = ResolutionFilter { reason: Some(reason), ..ResolutionFilter::default() };
        assert_eq!(ids(store, agent_id, filter).await, [id(number)], "{reason}");
    }
    for code in Code::ALL {
        let of_code = numbered.iter().rev().filter(|(_, reason)| reason.code() == code);
        let wanted: Vec<ResolutionId> = of_code.map(|&(number, _)| id(number)).collect();
        let filter = ResolutionFilter { code: Some(code), ..ResolutionFilter::default() };
        assert_eq!(ids(store, agent_id, filter).await, wanted, "{code}");
    }
}

pub(crate) async fn filters_are_joined(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    resolved(store, agent_id, 1, Reason::Html).await;
    resolved(store, agent_id, 2, Reason::Html).await;
    resolved(store, agent_id, 3, Reason::NotJson).await;
    let (code, reason) = (Some(Code::BadResponse), Some(Reason::Html));
    let cases = [
        (ResolutionFilter { code, reason, session_id: None }, vec![id(2), id(1)]),
        (ResolutionFilter { code, reason: None, session_id: Some(id(3)) }, vec![id(3)]),
        (ResolutionFilter { code: None, reason, session_id: Some(id(1)) }, vec![id(1)]),
        (ResolutionFilter { code: None, reason, session_id: Some(id(3)) }, vec![]),
        (ResolutionFilter { code: Some(Code::Timeout), reason, session_id: None }, vec![]),
        (ResolutionFilter { code: None, reason: None, session_id: Some(id(9)) }, vec![]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(ids(store, agent_id, filter).await, wanted, "{filter:?}");
    }
}

pub(crate) async fn old_resolutions_are_removed_at_most_limit_at_a_time(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in 1..=5 {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    let before = UnixMillis(NOW.0 + 5);
    assert_eq!(store.remove_old_resolutions(NOW, 100).await.unwrap(), 0);
    assert_eq!(store.remove_old_resolutions(before, 3).await.unwrap(), 3);
    assert_eq!(store.remove_old_resolutions(before, 3).await.unwrap(), 1);
    assert_eq!(store.remove_old_resolutions(before, 3).await.unwrap(), 0);
    assert_eq!(ids(store, agent_id, ResolutionFilter::default()).await, [id(5)]);
}

pub(crate) async fn resolutions_of_a_deleted_agent_are_removed_before_they_are_old(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2)).await.unwrap();
    for number in 1..=3 {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    resolved(store, id(2), 9, Reason::Html).await;
    store.delete_agent(agent_id).await.unwrap();
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 2);
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 1);
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 0);
    assert_eq!(ids(store, id(2), ResolutionFilter::default()).await, [id(9)]);
}
