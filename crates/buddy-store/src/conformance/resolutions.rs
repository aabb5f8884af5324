use std::sync::Arc;

use buddy_core::id::{AgentId, ResolutionId, new_id};
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::{Outcome, Resolution};
use buddy_core::time::UnixMillis;
use tokio::task::JoinSet;

use super::fixtures::*;
use crate::{Page, ResolutionFilter, Settlement, Store};

/// In seconds.
const DAY: u32 = 24 * 3600;

async fn ids(store: &Arc<dyn Store>, agent_id: AgentId, filter: ResolutionFilter) -> Vec<ResolutionId> {
    let found = store.resolutions(agent_id, filter, first(100)).await.unwrap();
    found.into_iter().map(|resolution| resolution.id).collect()
}

pub(crate) async fn a_resolution_reads_back_whole_for_its_own_agent_only(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    let bare = Resolution {
        outcome: Outcome::Nobody,
        warnings: Vec::new(),
        attempts: Vec::new(),
        duration: 0,
        ..resolution(agent_id, 3, None)
    };
    let kept = [resolution(agent_id, 1, None), resolution(agent_id, 2, Some(Reason::HttpStatus)), bare];
    for (number, kept) in (1..).zip(kept) {
        let settlement = Arc::new(Settlement {
            resolution: kept.clone(),
            ..Arc::unwrap_or_clone(authenticated(agent_id, number, "ada"))
        });
        store.create_session(session(agent_id, number), Some(settlement)).await.unwrap();
        let read = store.resolution(agent_id, kept.id).await.unwrap().unwrap();
        assert_eq!(format!("{read:?}"), format!("{kept:?}"));
        let listed = store.resolutions(agent_id, ResolutionFilter::default(), first(1)).await.unwrap();
        assert_eq!(format!("{listed:?}"), format!("[{kept:?}]"));
        assert!(store.resolution(id(2), kept.id).await.unwrap().is_none());
        let of_any = store.resolution_of_any_agent(kept.id).await.unwrap().unwrap();
        assert_eq!(format!("{of_any:?}"), format!("{kept:?}"));
    }
    assert!(ids(store, id(2), ResolutionFilter::default()).await.is_empty());
    assert!(store.resolution(agent_id, id(9)).await.unwrap().is_none());
    assert!(store.resolution_of_any_agent(id(9)).await.unwrap().is_none());
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert!(store.resolution_of_any_agent(id(1)).await.unwrap().is_none(), "its agent is gone");
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
    // What was kept last is the newest, whichever began last.
    assert_eq!(page(None, 2).await, [id(4), id(3)]);
    assert_eq!(page(Some(id(3)), 2).await, [id(1), id(5)]);
    assert_eq!(page(Some(id(5)), 2).await, [id(2)]);
    assert_eq!(page(Some(id(2)), 2).await, []);
    // One that is gone was the oldest, and so is what came before it.
    assert_eq!(page(Some(id(9)), 2).await, []);
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

pub(crate) async fn reasons_of_a_code_are_paged_as_one_list(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let reasons =
        [Reason::Html, Reason::NotJson, Reason::HttpStatus, Reason::Html, Reason::EmptyBody, Reason::NotJson];
    for (number, reason) in (1..).zip(reasons) {
        resolved(store, agent_id, number, reason).await;
    }
    let filter = ResolutionFilter { code: Some(Code::BadResponse), ..ResolutionFilter::default() };
    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let found = store.resolutions(agent_id, filter, Page { before, limit: 2 }).await.unwrap();
        let Some(last) = found.last() else { break };
        before = Some(last.id);
        pages.push(found.into_iter().map(|resolution| resolution.id).collect::<Vec<_>>());
    }
    assert_eq!(pages, [vec![id(6), id(5)], vec![id(4), id(2)], vec![id(1)]]);
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

/// Session 2 of agent 1 with resolutions 2, 3 and 4; session 1 of agent 2.
async fn settled_thrice(store: &Arc<dyn Store>) -> AgentId {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    resolved(store, id(2), 1, Reason::Html).await;
    store.create_session(pending(agent_id, 2), None).await.unwrap();
    for (number, reason) in [(2, Reason::Html), (3, Reason::NotJson), (4, Reason::Html)] {
        let resolution = Resolution { session_id: id(2), ..resolution(agent_id, number, Some(reason)) };
        let settlement =
            Arc::new(Settlement { resolution, ..Arc::unwrap_or_clone(failed(agent_id, number, reason)) });
        store.settle_session(id(2), settlement).await.unwrap();
    }
    agent_id
}

pub(crate) async fn a_sessions_resolutions_are_found_without_its_agent(store: &Arc<dyn Store>) {
    let agent_id = settled_thrice(store).await;
    let of = async |session: u16, before, limit| {
        let found = store.resolutions_of_session(id(session), Page { before, limit }).await.unwrap();
        found.into_iter().map(|resolution| resolution.id).collect::<Vec<_>>()
    };
    assert_eq!(of(2, None, 10).await, [id(4), id(3), id(2)]);
    assert_eq!(of(2, None, 2).await, [id(4), id(3)]);
    assert_eq!(of(2, Some(id(3)), 2).await, [id(2)]);
    assert_eq!((of(1, None, 10).await, of(9, None, 10).await), (vec![id(1)], vec![]));
    // What outlives its session is found, what outlives its agent is not.
    assert_eq!(store.remove_ended_sessions(later(TTL), 10).await.unwrap(), 2);
    assert_eq!(of(2, None, 10).await.len(), 3);
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert_eq!(of(2, None, 10).await, []);
}

pub(crate) async fn a_sessions_resolutions_are_found_by_its_own_agent_and_joined_with_a_reason(
    store: &Arc<dyn Store>,
) {
    let agent_id = settled_thrice(store).await;
    let filter = ResolutionFilter { session_id: Some(id(2)), ..ResolutionFilter::default() };
    assert_eq!(ids(store, agent_id, filter).await, [id(4), id(3), id(2)]);
    let html = ResolutionFilter { reason: Some(Reason::Html), ..filter };
    assert_eq!(ids(store, agent_id, html).await, [id(4), id(2)]);
    assert_eq!(ids(store, id(2), filter).await, []);
}

/// The numbers and ids of what was kept after a number.
async fn since(
    store: &Arc<dyn Store>,
    agent_id: AgentId,
    number: i64,
    limit: u32,
) -> Vec<(i64, ResolutionId)> {
    let found = store.resolutions_since(agent_id, number, limit).await.unwrap();
    found.into_iter().map(|numbered| (numbered.number, numbered.resolution.id)).collect()
}

pub(crate) async fn numbers_follow_the_order_of_keeping_and_are_each_agents_own(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    assert_eq!(store.last_resolution_number(agent_id).await.unwrap(), 0);
    for number in [2, 5, 1, 3] {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    resolved(store, id(2), 9, Reason::Html).await;
    let kept = since(store, agent_id, 0, 10).await;
    assert_eq!(kept.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [id(2), id(5), id(1), id(3)]);
    assert!(kept.is_sorted_by(|(one, _), (other, _)| one < other), "{kept:?}");
    assert!(kept.iter().all(|(number, _)| (1..1 << 53).contains(number)), "{kept:?}");
    assert_eq!(since(store, agent_id, 0, 2).await, kept[..2]);
    assert_eq!(since(store, agent_id, kept[1].0, 10).await, kept[2..]);
    assert_eq!(since(store, agent_id, kept[3].0, 10).await, []);
    assert_eq!(store.last_resolution_number(agent_id).await.unwrap(), kept[3].0);
    assert_eq!(since(store, id(2), 0, 10).await.len(), 1);
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert_eq!(since(store, agent_id, 0, 10).await, []);
}

pub(crate) async fn a_number_is_above_all_before_it_though_these_are_gone_or_the_clock_goes_back(
    store: &Arc<dyn Store>,
) {
    let agent_id = with_agent(store).await;
    let keep_at = async |number, at| {
        let settlement = Arc::new(Settlement {
            resolved_at: at,
            ..Arc::unwrap_or_clone(failed(agent_id, number, Reason::Html))
        });
        assert!(store.create_session(session(agent_id, number), Some(settlement)).await.unwrap());
        store.last_resolution_number(agent_id).await.unwrap()
    };
    let first = keep_at(1, later(10)).await;
    let back = keep_at(2, NOW).await;
    assert_eq!(back, first + 1);
    assert_eq!(store.remove_old_resolutions(later(2 * DAY), 10).await.unwrap(), 2);
    assert_eq!(store.last_resolution_number(agent_id).await.unwrap(), 0);
    assert!(keep_at(3, later(11)).await > back);
}

pub(crate) async fn of_many_that_settle_at_once_none_is_missed_by_who_reads_on(store: &Arc<dyn Store>) {
    const SESSIONS: u16 = 300;
    let agent_id = with_agent(store).await;
    let mut settling = JoinSet::new();
    for number in 0..SESSIONS {
        let store = store.clone();
        settling.spawn(async move { resolved(&store, agent_id, number, Reason::Html).await });
    }
    let (mut read, mut last) = (Vec::new(), 0);
    while read.len() < usize::from(SESSIONS) {
        for (number, id) in since(store, agent_id, last, 7).await {
            assert!(number > last);
            last = number;
            read.push(id);
        }
        tokio::task::yield_now().await;
    }
    let mut settled = settling.join_all().await;
    settled.sort();
    read.sort();
    assert_eq!(read, settled);
}

/// A backend may remove whole days, and keep those of the day that is not over.
pub(crate) async fn old_resolutions_are_removed_and_newer_ones_stay(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for number in 1..=4 {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    let newer: ResolutionId = new_id(later(3 * DAY), [1; 10]);
    let resolution = Resolution { id: newer, ..resolution(agent_id, 5, Some(Reason::Html)) };
    let settlement =
        Arc::new(Settlement { resolution, ..Arc::unwrap_or_clone(failed(agent_id, 5, Reason::Html)) });
    store.create_session(session(agent_id, 5), Some(settlement)).await.unwrap();

    assert_eq!(store.remove_old_resolutions(UnixMillis(NOW.0 - 1000), 3).await.unwrap(), 0);
    assert_eq!(ids(store, agent_id, ResolutionFilter::default()).await.len(), 5);
    // So many at least are seen at first, and then as many as there are left.
    assert_eq!(store.remove_old_resolutions(later(2 * DAY), 3).await.unwrap(), 3);
    assert!(store.remove_old_resolutions(later(2 * DAY), 3).await.unwrap() <= 1);
    assert_eq!(store.remove_old_resolutions(later(2 * DAY), 3).await.unwrap(), 0);
    assert_eq!(ids(store, agent_id, ResolutionFilter::default()).await, [newer]);
    assert!(store.resolution_of_any_agent(id(1)).await.unwrap().is_none());
}

pub(crate) async fn resolutions_of_a_deleted_agent_are_removed_before_they_are_old(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    for number in 1..=3 {
        resolved(store, agent_id, number, Reason::Html).await;
    }
    resolved(store, id(2), 9, Reason::Html).await;
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 2);
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 1);
    assert_eq!(store.remove_old_resolutions(NOW, 2).await.unwrap(), 0);
    assert_eq!(ids(store, id(2), ResolutionFilter::default()).await, [id(9)]);
}
