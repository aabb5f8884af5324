use std::sync::Arc;

use buddy_core::agent::Callback;
use buddy_core::audit::{Action, AuditEntry};
use buddy_core::id::{AgentId, AuditId};
use buddy_core::time::UnixMillis;

use super::fixtures::*;
use crate::{AgentChange, Page, PutCallback, RotationBegun, Store};

async fn all(store: &Arc<dyn Store>) -> Vec<AuditEntry> {
    store.audit_entries(None, first(100)).await.unwrap()
}

/// Entry `number`, about agent 1.
fn about(action: Action, number: u16) -> AuditEntry {
    AuditEntry { id: id(number), action, agent_id: Some(id(1)), ..entry() }
}

/// What the newest entry is called, and which settings it names.
async fn newest(store: &Arc<dyn Store>) -> (AuditId, Vec<String>) {
    let newest = store.audit_entries(None, first(1)).await.unwrap().pop().unwrap();
    (newest.id, newest.settings)
}

#[track_caller]
fn assert_names(newest: &(AuditId, Vec<String>), number: u16, settings: &[&str]) {
    assert_eq!(
        (newest.0, newest.1.iter().map(String::as_str).collect::<Vec<_>>()),
        (id(number), settings.into())
    );
}

const NAMES: [&str; 3] = ["name", "allowedOrigins", "sessionTtlSeconds"];

pub(crate) async fn an_entry_reads_back_whole(store: &Arc<dyn Store>) {
    let bare = AuditEntry { id: id(1), outcome: "NOT_FOUND".into(), ..entry() };
    let full = AuditEntry {
        id: id(2),
        at: later(7),
        actor: "someone".into(),
        address: "2001:db8::".parse().unwrap(),
        action: Action::DeleteApiKey,
        agent_id: Some(id(3)),
        key_id: Some(id(4)),
        settings: vec!["url".into(), "secret".into()],
        outcome: "done".into(),
    };
    for entry in [&bare, &full] {
        store.note(entry.clone()).await.unwrap();
    }
    assert_eq!(all(store).await, [full, bare]);
}

pub(crate) async fn a_changed_agent_leaves_an_entry_with_the_names_of_what_changed(store: &Arc<dyn Store>) {
    store.create_agent(agent(1), about(Action::CreateAgent, 1)).await.unwrap();
    assert_names(&newest(store).await, 1, &NAMES);
    let renamed = AgentChange { name: Some("Other".into()), ..AgentChange::default() };
    store.update_agent(id(1), renamed.clone(), about(Action::UpdateAgent, 2)).await.unwrap();
    assert_names(&newest(store).await, 2, &NAMES[..1]);
    let rest = AgentChange { allowed_origins: Some(Vec::new()), session_ttl_seconds: Some(99), ..renamed };
    store.update_agent(id(1), rest.clone(), about(Action::UpdateAgent, 3)).await.unwrap();
    assert_names(&newest(store).await, 3, &NAMES[1..]);
    store.update_agent(id(1), rest, about(Action::UpdateAgent, 4)).await.unwrap();
    assert_names(&newest(store).await, 4, &[]);
    store.delete_agent(id(1), about(Action::DeleteAgent, 5)).await.unwrap();
    assert_names(&newest(store).await, 5, &[]);
    // They are about an agent that is gone, and stay.
    assert_eq!(store.audit_entries(Some(id(1)), first(100)).await.unwrap().len(), 5);
}

pub(crate) async fn a_changed_callback_leaves_an_entry_with_the_names_of_what_changed(
    store: &Arc<dyn Store>,
) {
    let agent_id = with_agent(store).await;
    let put = async |callback: Callback, secret, number| {
        let entry = about(Action::PutCallback, number);
        let put = store.put_callback(agent_id, callback, secret, super::fixtures::secret("made"), NOW, entry);
        assert!(matches!(put.await.unwrap(), PutCallback::Put { .. }));
    };
    put(callback(), None, 101).await;
    let every = ["url", "timeoutMs", "maxConcurrent", "requireTicket", "enabled", "secret"];
    assert_names(&newest(store).await, 101, &every);
    put(callback(), None, 102).await;
    assert_names(&newest(store).await, 102, &[]);
    put(callback(), Some(secret("own")), 103).await;
    assert_names(&newest(store).await, 103, &["secret"]);
    let other = Callback { timeout_ms: 1, enabled: false, ..callback() };
    put(other, None, 104).await;
    assert_names(&newest(store).await, 104, &["timeoutMs", "enabled"]);
    let rotation = about(Action::RotateCallbackSecret, 105);
    store.begin_rotation(agent_id, secret("next"), 60, NOW, rotation).await.unwrap();
    assert_names(&newest(store).await, 105, &["secret"]);
    assert!(store.delete_callback(agent_id, about(Action::DeleteCallback, 106)).await.unwrap());
    assert_names(&newest(store).await, 106, &[]);
}

pub(crate) async fn a_made_or_removed_key_leaves_an_entry(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    assert!(
        store.create_api_key(api_key(agent_id, 1), hash(1), about(Action::CreateApiKey, 101)).await.unwrap()
    );
    assert_names(&newest(store).await, 101, &[]);
    assert!(store.delete_api_key(agent_id, id(1), about(Action::DeleteApiKey, 102)).await.unwrap());
    assert_names(&newest(store).await, 102, &[]);
}

pub(crate) async fn what_changes_nothing_leaves_no_entry(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let before = all(store).await;
    let nobodys: AgentId = id(9);
    assert_eq!(store.update_agent(nobodys, AgentChange::default(), entry()).await.unwrap(), None);
    assert!(!store.delete_agent(nobodys, entry()).await.unwrap());
    let put = store.put_callback(nobodys, callback(), None, secret("made"), NOW, entry()).await.unwrap();
    assert!(matches!(put, PutCallback::NoAgent));
    assert!(!store.delete_callback(agent_id, entry()).await.unwrap());
    let begun = store.begin_rotation(agent_id, secret("next"), 60, NOW, entry()).await.unwrap();
    assert!(matches!(begun, RotationBegun::NoCallback));
    assert!(!store.create_api_key(api_key(nobodys, 1), hash(1), entry()).await.unwrap());
    assert!(!store.delete_api_key(agent_id, id(1), entry()).await.unwrap());
    // What fails takes its entry with it.
    assert!(store.create_agent(agent(1), entry()).await.is_err());
    assert_eq!(all(store).await, before);
}

pub(crate) async fn a_change_whose_entry_cannot_be_kept_is_not_made(store: &Arc<dyn Store>) {
    store.note(about(Action::UpdateAgent, 7)).await.unwrap();
    let taken = about(Action::CreateAgent, 7);
    assert!(store.create_agent(agent(1), taken).await.is_err());
    assert_eq!(store.agent(id(1)).await.unwrap(), None);
}

pub(crate) async fn entries_are_paged_newest_first_of_all_agents_or_of_one(store: &Arc<dyn Store>) {
    for number in 1..=5 {
        let agent_id = (number < 5).then(|| id(1 + number % 2));
        store.note(AuditEntry { agent_id, ..about(Action::UpdateAgent, number) }).await.unwrap();
    }
    let page = async |agent_id, before, limit| {
        let found = store.audit_entries(agent_id, Page { before, limit }).await.unwrap();
        found.into_iter().map(|entry| entry.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, None, 3).await, [id(5), id(4), id(3)]);
    assert_eq!(page(None, Some(id(3)), 3).await, [id(2), id(1)]);
    assert_eq!(page(Some(id(1)), None, 1).await, [id(4)]);
    assert_eq!(page(Some(id(1)), Some(id(4)), 3).await, [id(2)]);
    assert_eq!(page(Some(id(9)), None, 3).await, []);
}

pub(crate) async fn old_entries_are_removed_at_most_limit_at_a_time(store: &Arc<dyn Store>) {
    for number in 1..=5 {
        store.note(about(Action::UpdateAgent, number)).await.unwrap();
    }
    let before = UnixMillis(NOW.0 + 5);
    for removed in [3, 1, 0] {
        assert_eq!(store.remove_old_audit_entries(before, 3).await.unwrap(), removed);
    }
    assert_eq!(all(store).await.into_iter().map(|entry| entry.id).collect::<Vec<_>>(), [id(5)]);
}
