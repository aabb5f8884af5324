use std::sync::Arc;

use buddy_core::id::AgentId;
use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::Resolution;
use buddy_core::tally::{Counts, Tally};
use buddy_core::time::UnixMillis;
use tokio::task::JoinSet;

use super::fixtures::*;
use crate::{AgentTally, Page, Settlement, Store};

const MINUTE: u32 = 60;
const HOUR: u32 = 3600;
/// All that the cases settle.
const SPAN: u32 = 24 * HOUR;

/// When the cases begin is the begin of an hour.
fn at(settlement: Arc<Settlement>, seconds: u32) -> Arc<Settlement> {
    Arc::new(Settlement { resolved_at: later(seconds), ..Arc::unwrap_or_clone(settlement) })
}

fn lasting(settlement: Arc<Settlement>, micros: u64) -> Arc<Settlement> {
    let settlement = Arc::unwrap_or_clone(settlement);
    let resolution = Resolution { duration: micros, ..settlement.resolution };
    Arc::new(Settlement { resolution, ..settlement })
}

/// Keeps session `number`, settled so.
async fn keep(store: &Arc<dyn Store>, agent_id: AgentId, number: u16, settlement: Arc<Settlement>) {
    assert!(store.create_session(session(agent_id, number), Some(settlement)).await.unwrap());
}

async fn steps(store: &Arc<dyn Store>, agent_id: AgentId, step_seconds: u32) -> Vec<(UnixMillis, Tally)> {
    store.tallies(agent_id, NOW..later(SPAN), step_seconds).await.unwrap()
}

/// All that was counted of the agent.
async fn whole(store: &Arc<dyn Store>, agent_id: AgentId) -> Tally {
    steps(store, agent_id, SPAN).await.pop().map(|(_, tally)| tally).unwrap_or_default()
}

pub(crate) async fn a_session_is_counted_once_by_how_it_ended(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    assert_eq!(steps(store, agent_id, SPAN).await, []);
    let mut expected = Counts { authenticated: 1, nobody: 2, ..Counts::default() };
    for (number, &reason) in (10..).zip(Reason::ALL) {
        resolved(store, agent_id, number, reason).await;
        let index = Code::ALL.iter().position(|&code| code == reason.code()).unwrap();
        expected.failed[index] += 1;
    }
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    assert!(store.settle_session(id(1), authenticated(agent_id, 1, "ada")).await.unwrap());
    keep(store, agent_id, 2, nobody(agent_id, 2)).await;
    keep(store, agent_id, 3, nobody(agent_id, 3)).await;
    assert_eq!(whole(store, agent_id).await.counts, expected);
    // What is revoked later was counted all the same.
    store.revoke_session(agent_id, id(1), later(2)).await.unwrap();
    assert_eq!(whole(store, agent_id).await.counts, expected);
}

pub(crate) async fn a_session_that_is_not_settled_by_it_is_not_counted(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let settled = async |number, resolution| {
        store.settle_session(id(number), authenticated(agent_id, resolution, "ada")).await.unwrap()
    };
    identified(store, agent_id, 1, "ada").await;
    let once = whole(store, agent_id).await;
    assert!(!settled(1, 2).await, "settled before");
    store.create_session(pending(agent_id, 3), None).await.unwrap();
    store.revoke_session(agent_id, id(3), NOW).await.unwrap();
    assert!(!settled(3, 3).await, "revoked before");
    assert!(!settled(4, 4).await, "never was");
    let no_agent = Some(nobody(id(9), 6));
    assert!(!store.create_session(session(id(9), 6), no_agent).await.unwrap());
    assert_eq!(whole(store, agent_id).await, once);
    assert_eq!(whole(store, id(9)).await, Tally::default());
}

pub(crate) async fn only_what_the_endpoint_was_asked_for_has_a_duration(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    keep(store, agent_id, 1, nobody(agent_id, 1)).await;
    assert_eq!(whole(store, agent_id).await.durations.percentile(50), None);
    let durations = [0, 7, 100, 2_000, 9_999_999, u64::MAX];
    let mut expected = Tally::default();
    expected.record(&nobody(agent_id, 1).resolution);
    for (number, micros) in (2..).zip(durations) {
        let settlement = lasting(authenticated(agent_id, number, "ada"), micros);
        expected.record(&settlement.resolution);
        keep(store, agent_id, number, settlement).await;
    }
    assert_eq!(whole(store, agent_id).await, expected);
    assert_eq!(expected.durations.counted().count(), durations.len());
}

pub(crate) async fn what_was_counted_comes_in_steps_of_its_stretch(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    for (number, seconds) in (1..).zip([0, 59, 60, 61, 3_599, 3_600, 7_200]) {
        keep(store, agent_id, number, at(nobody(agent_id, number), seconds)).await;
    }
    let sessions = |steps: Vec<(UnixMillis, Tally)>| {
        let told =
            |(begins_at, tally): (UnixMillis, Tally)| ((begins_at.0 - NOW.0) / 1000, tally.counts.sessions());
        steps.into_iter().map(told).collect::<Vec<_>>()
    };
    let minutes = sessions(steps(store, agent_id, MINUTE).await);
    assert_eq!(minutes, [(0, 2), (60, 2), (3_540, 1), (3_600, 1), (7_200, 1)]);
    assert_eq!(sessions(steps(store, agent_id, HOUR).await), [(0, 5), (3_600, 1), (7_200, 1)]);
    assert_eq!(sessions(steps(store, agent_id, SPAN).await), [(0, 7)]);
    // A stretch has its begin and not its end, and its steps begin with it.
    let part = store.tallies(agent_id, later(60)..later(3_600), 120).await.unwrap();
    assert_eq!(sessions(part), [(60, 2), (3_540, 1)]);
    let part = store.tallies(agent_id, later(120)..later(3_540), HOUR).await.unwrap();
    assert_eq!(sessions(part), []);
}

/// A day of two agents, settled at all its quarters of an hour.
async fn day(store: &Arc<dyn Store>) -> [AgentId; 2] {
    with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    for number in 0..192 {
        let agent_id = id(1 + number % 2);
        let settlement = match number % 3 {
            0 => authenticated(agent_id, number, "ada"),
            1 => failed(agent_id, number, Reason::TimeoutBody),
            _ => nobody(agent_id, number),
        };
        let settlement = lasting(settlement, u64::from(number) * 1_000);
        keep(store, agent_id, number, at(settlement, u32::from(number / 2) * 900)).await;
    }
    [id(1), id(2)]
}

pub(crate) async fn minutes_become_hours_and_count_the_same(store: &Arc<dyn Store>) {
    let agents = day(store).await;
    let mut hours = Vec::new();
    for agent_id in agents {
        hours.push(steps(store, agent_id, HOUR).await);
        assert_eq!(steps(store, agent_id, MINUTE).await.len(), 96);
    }
    // Two hours and a half: of the third nothing may be touched.
    let before = later(2 * HOUR + HOUR / 2);
    for made in [5, 5, 5, 1, 0] {
        assert_eq!(store.tallies_into_hours(before, 5).await.unwrap(), made);
        for (agent_id, hours) in agents.into_iter().zip(&hours) {
            assert_eq!(&steps(store, agent_id, HOUR).await, hours);
        }
    }
    assert_eq!(steps(store, agents[0], MINUTE).await.len(), 96 - 8 + 2);
    assert_eq!(store.tallies_into_hours(later(SPAN), 1_000).await.unwrap(), 192 - 16);
    for (agent_id, hours) in agents.into_iter().zip(&hours) {
        assert_eq!(&steps(store, agent_id, MINUTE).await, hours);
    }
}

pub(crate) async fn a_minute_that_comes_late_joins_its_hour(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let mut expected = Tally::default();
    for number in 1..=3 {
        let settlement = at(authenticated(agent_id, number, "ada"), 600);
        expected.record(&settlement.resolution);
        keep(store, agent_id, number, settlement).await;
        assert_eq!(whole(store, agent_id).await, expected);
        assert_eq!(store.tallies_into_hours(later(HOUR), 10).await.unwrap(), 1);
        assert_eq!(steps(store, agent_id, MINUTE).await, [(NOW, expected.clone())]);
    }
}

pub(crate) async fn old_hours_are_removed_at_most_limit_at_a_time(store: &Arc<dyn Store>) {
    let [agent_id, other] = day(store).await;
    store.tallies_into_hours(later(SPAN), 1_000).await.unwrap();
    let before = later(3 * HOUR);
    assert_eq!(store.remove_old_tallies(NOW, 100).await.unwrap(), 0);
    assert_eq!(store.remove_old_tallies(before, 4).await.unwrap(), 4);
    assert_eq!(store.remove_old_tallies(before, 4).await.unwrap(), 2);
    assert_eq!(store.remove_old_tallies(before, 4).await.unwrap(), 0);
    for agent_id in [agent_id, other] {
        let left = steps(store, agent_id, HOUR).await;
        assert_eq!((left.len(), left[0].0), (21, before));
    }
}

pub(crate) async fn tallies_of_a_deleted_agent_are_gone_and_soon_removed(store: &Arc<dyn Store>) {
    let [agent_id, other] = day(store).await;
    store.tallies_into_hours(later(12 * HOUR), 1_000).await.unwrap();
    let others = whole(store, other).await;
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert_eq!(whole(store, agent_id).await, Tally::default());
    assert_eq!(whole(store, other).await, others);
    // Twelve hours, and nothing of the other's.
    for removed in [10, 2, 0] {
        assert_eq!(store.remove_old_tallies(NOW, 10).await.unwrap(), removed);
    }
    // What was counted by the minute makes no hours any more.
    store.tallies_into_hours(later(SPAN), 1_000).await.unwrap();
    assert_eq!(store.remove_old_tallies(NOW, 10).await.unwrap(), 0);
    assert_eq!(store.remove_old_tallies(later(SPAN), 1_000).await.unwrap(), 24);
    assert_eq!(others.counts.sessions(), 96);
    assert_eq!(whole(store, other).await, Tally::default());
}

pub(crate) async fn tallies_of_all_agents_are_paged_newest_first(store: &Arc<dyn Store>) {
    let [agent_id, other] = day(store).await;
    store.create_agent(agent(3), entry()).await.unwrap();
    let stretch = later(12 * HOUR)..later(22 * HOUR);
    let since = [later(20 * HOUR), NOW, later(21 * HOUR + MINUTE)];
    let page = async |before, limit| {
        store.tallies_of_agents(Page { before, limit }, stretch.clone(), since.to_vec()).await.unwrap()
    };
    let counted = async |agent_id, from| {
        let steps = store.tallies(agent_id, from..stretch.end, SPAN).await.unwrap();
        steps.into_iter().next().unwrap().1
    };
    let none = vec![Counts::default(); since.len()];
    let mut expected = vec![AgentTally { agent: agent(3), tally: Tally::default(), counts_since: none }];
    for (number, agent_id) in [(2, other), (1, agent_id)] {
        let mut counts_since = Vec::new();
        for from in since {
            counts_since.push(counted(agent_id, from).await.counts);
        }
        let tally = counted(agent_id, stretch.start).await;
        assert_eq!((tally.counts.sessions(), counts_since[2].sessions()), (40, 3));
        expected.push(AgentTally { agent: agent(number), tally, counts_since });
    }
    assert_eq!(page(None, 10).await, expected);
    assert_eq!(page(None, 2).await, expected[..2]);
    assert_eq!(page(Some(id(2)), 2).await, expected[2..]);
    assert_eq!(page(Some(id(1)), 2).await, []);
    // Of the agents that are asked about, in that order, and the one that is not there.
    let asked = vec![other, id(9), agent_id, id(3)];
    let counts = store.counts(asked, since.to_vec(), stretch.end).await.unwrap();
    let [third, second, first] = [0, 1, 2].map(|row| expected[row].counts_since.clone());
    assert_eq!(counts, [second, vec![Counts::default(); since.len()], first, third]);
    store.delete_agent(agent_id, entry()).await.unwrap();
    let counts = store.counts(vec![agent_id], vec![NOW], stretch.end).await.unwrap();
    assert_eq!(counts, [[Counts::default()]], "deleted");
}

pub(crate) async fn of_many_that_settle_at_once_all_are_counted(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let mut settling = JoinSet::new();
    for number in 0..200 {
        let store = store.clone();
        settling.spawn(async move {
            store.create_session(pending(agent_id, number), None).await.unwrap();
            let settlement = lasting(authenticated(agent_id, number, "ada"), u64::from(number) * 500);
            store.settle_session(id(number), settlement).await.unwrap()
        });
    }
    assert!(settling.join_all().await.into_iter().all(|settled| settled));
    let mut expected = Tally::default();
    for number in 0..200 {
        expected.record(&lasting(authenticated(agent_id, number, "ada"), u64::from(number) * 500).resolution);
    }
    assert_eq!(whole(store, agent_id).await, expected);
}
