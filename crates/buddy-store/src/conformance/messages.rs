use std::sync::Arc;

use buddy_core::id::{AgentId, MessageId, SessionId};
use buddy_core::message::{Message, Sender};
use buddy_core::reason::Reason;
use buddy_core::session::{Session, Status};
use buddy_core::time::UnixMillis;
use tokio::task::JoinSet;

use super::fixtures::*;
use crate::{Appended, Changed, HandedOver, Store, Written};

/// Begins session `number`, which nobody has identified.
async fn begun(store: &Arc<dyn Store>, agent_id: AgentId, number: u16) -> SessionId {
    assert!(store.create_session(session(agent_id, number), None).await.unwrap());
    id(number)
}

async fn write(store: &Arc<dyn Store>, message: &Message) -> bool {
    match store.write_message(message.clone(), NOW).await.unwrap() {
        Written::Kept { handed_over, .. } => handed_over,
        other => panic!("{other:?}"),
    }
}

async fn append(store: &Arc<dyn Store>, of: &Message, gain: &str, done: bool) -> Appended {
    store.append_to_message(of.session_id, of.id, text(gain), done, NOW).await.unwrap()
}

async fn listed(store: &Arc<dyn Store>, session: SessionId) -> Vec<Message> {
    store.messages(session, None, 1_000, NOW).await.unwrap()
}

async fn changed(store: &Arc<dyn Store>, session: SessionId, since: i64) -> Vec<Changed> {
    store.changed_messages(session, since, 1_000, NOW).await.unwrap().unwrap()
}

async fn handed_over(store: &Arc<dyn Store>, agent_id: AgentId, since: i64) -> Vec<HandedOver> {
    store.handed_over(agent_id, since, 1_000, NOW).await.unwrap()
}

fn ids(messages: impl IntoIterator<Item = Message>) -> Vec<MessageId> {
    messages.into_iter().map(|message| message.id).collect()
}

async fn handed_over_ids(store: &Arc<dyn Store>, agent_id: AgentId) -> Vec<MessageId> {
    ids(handed_over(store, agent_id, 0).await.into_iter().map(|handed| handed.message))
}

pub(crate) async fn a_message_reads_back_whole_and_in_the_order_of_writing(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let (one, other) = (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await);
    // Ids are made before the store is reached: not they but the writing tells the order.
    let written = [
        Message { created_at: UnixMillis(NOW.0), ..message(one, 9, Sender::Visitor) },
        Message { created_at: UnixMillis(NOW.0 + 5), ..growing(one, 3) },
        Message { created_at: UnixMillis(NOW.0 + 7), ..message(one, 5, Sender::Visitor) },
    ];
    for message in &written {
        let kept = store.write_message(message.clone(), NOW).await.unwrap();
        assert_eq!(kept, Written::Kept { message: message.clone(), handed_over: false });
    }
    write(store, &message(other, 1, Sender::Agent)).await;
    assert_eq!(listed(store, one).await, written);
    assert_eq!(ids(listed(store, other).await), [id(1)]);
    assert_eq!(ids(listed(store, id(3)).await), []);
}

pub(crate) async fn a_later_message_has_a_later_time_whatever_the_clock_does(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let session = begun(store, agent_id, 1).await;
    for (number, at) in [(1, 10), (2, 10), (3, 4), (4, 100)] {
        let created_at = UnixMillis(NOW.0 + at);
        write(store, &Message { created_at, ..message(session, number, Sender::Visitor) }).await;
    }
    let times: Vec<_> =
        listed(store, session).await.iter().map(|message| message.created_at.0 - NOW.0).collect();
    assert_eq!(times, [10, 11, 12, 100]);
}

pub(crate) async fn messages_are_paged_oldest_first(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let (session, other) = (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await);
    for number in [2, 5, 1, 3] {
        write(store, &message(session, number, Sender::Visitor)).await;
    }
    write(store, &message(other, 9, Sender::Visitor)).await;
    let page = async |after, limit| ids(store.messages(session, after, limit, NOW).await.unwrap());
    assert_eq!(page(None, 2).await, [id(2), id(5)]);
    assert_eq!(page(Some(id(5)), 1).await, [id(1)]);
    assert_eq!(page(Some(id(1)), 2).await, [id(3)]);
    assert_eq!(page(Some(id(3)), 2).await, []);
    assert_eq!(page(Some(id(9)), 2).await, [], "after another session's message there is nothing");
    assert_eq!(page(Some(id(77)), 2).await, []);
}

pub(crate) async fn a_message_needs_a_session_that_is_there(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    let (ended, revoked, deleted) =
        (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await, begun(store, id(2), 3).await);
    let kept = growing(ended, 1);
    write(store, &kept).await;
    write(store, &growing(revoked, 2)).await;
    write(store, &growing(deleted, 3)).await;
    store.revoke_session(agent_id, revoked, NOW).await.unwrap();
    store.delete_agent(id(2), entry()).await.unwrap();
    for (session, now, written, appended) in [
        (ended, later(TTL), Written::NoSession, Appended::NoSession),
        (revoked, NOW, Written::Revoked, Appended::Revoked),
        (deleted, NOW, Written::NoSession, Appended::NoSession),
        (id(4), NOW, Written::NoSession, Appended::NoSession),
    ] {
        let new = message(session, 7, Sender::Visitor);
        assert_eq!(store.write_message(new, now).await.unwrap(), written);
        for number in 1..=3 {
            let refused = store.append_to_message(session, id(number), text("x"), true, now).await.unwrap();
            assert_eq!(refused, appended);
        }
        assert_eq!(store.messages(session, None, 10, now).await.unwrap(), []);
        assert_eq!(store.changed_messages(session, 0, 10, now).await.unwrap(), None);
    }
    assert_eq!(listed(store, ended).await, [kept]);
}

pub(crate) async fn a_session_has_500_messages_and_no_more(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let (session, other) = (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await);
    let mut writes = JoinSet::new();
    for number in 0..=500 {
        let store = store.clone();
        let new = message(session, number, Sender::Agent);
        writes.spawn(async move { store.write_message(new, NOW).await.unwrap() });
    }
    let full = writes.join_all().await.into_iter().filter(|written| *written == Written::Full).count();
    assert_eq!(full, 1);
    let next = message(session, 501, Sender::Visitor);
    assert_eq!(store.write_message(next, NOW).await.unwrap(), Written::Full);
    assert_eq!(listed(store, session).await.len(), 500);
    write(store, &message(other, 502, Sender::Visitor)).await;
}

pub(crate) async fn a_reply_grows_until_it_is_done(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let session = begun(store, agent_id, 1).await;
    let reply = growing(session, 1);
    let said = Message { created_at: later(1), ..message(session, 2, Sender::Visitor) };
    write(store, &reply).await;
    write(store, &said).await;
    let grown = |more: &str, done| Message { text: text(&format!("message 1{more}")), done, ..reply.clone() };
    assert_eq!(append(store, &reply, " é", false).await, Appended::Grown(grown(" é", false)));
    assert_eq!(append(store, &reply, "", false).await, Appended::Grown(grown(" é", false)));
    assert_eq!(append(store, &reply, "!", true).await, Appended::Grown(grown(" é!", true)));
    assert_eq!(append(store, &reply, "?", true).await, Appended::Done);
    assert_eq!(append(store, &said, "?", true).await, Appended::Done);
    assert_eq!(listed(store, session).await, [grown(" é!", true), said]);
}

pub(crate) async fn a_reply_grows_to_its_bound_and_in_its_own_session_only(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let (session, other) = (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await);
    let reply = growing(session, 1);
    write(store, &reply).await;
    let room = 32_000 - reply.text.as_str().len();
    for gain in [8_000, 8_000, 8_000, room - 24_000] {
        assert!(matches!(append(store, &reply, &"é".repeat(gain), false).await, Appended::Grown(_)));
    }
    assert_eq!(append(store, &reply, "x", true).await, Appended::TooLong);
    let elsewhere = Message { session_id: other, ..reply.clone() };
    assert_eq!(append(store, &elsewhere, "x", true).await, Appended::NoMessage);
    assert_eq!(append(store, &growing(session, 9), "x", true).await, Appended::NoMessage);
    assert!(matches!(append(store, &reply, "", true).await, Appended::Grown(_)));
    assert_eq!(listed(store, session).await[0].text.as_str().chars().count(), 32_000);
}

pub(crate) async fn what_has_changed_is_told_in_the_order_of_the_changes(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let (session, other) = (begun(store, agent_id, 1).await, begun(store, agent_id, 2).await);
    assert_eq!(changed(store, session, 0).await, []);
    write(store, &growing(session, 1)).await;
    write(store, &message(session, 2, Sender::Visitor)).await;
    write(store, &message(other, 3, Sender::Visitor)).await;
    let before = changed(store, session, 0).await;
    assert_eq!(ids(before.iter().map(|changed| changed.message.clone())), [id(1), id(2)]);
    append(store, &growing(session, 1), "!", true).await;

    let after = changed(store, session, before[1].change).await;
    assert_eq!(ids(after.iter().map(|changed| changed.message.clone())), [id(1)]);
    assert!(before[0].change > 0 && before[0].change < before[1].change, "{before:?}");
    assert!(before[1].change < after[0].change, "{after:?}");
    assert_eq!(after[0].message, listed(store, session).await[0]);
    assert_eq!(changed(store, session, after[0].change).await, []);
    let all = changed(store, session, 0).await;
    assert_eq!(ids(all.into_iter().map(|changed| changed.message)), [id(2), id(1)]);
    let first = store.changed_messages(session, 0, 1, NOW).await.unwrap().unwrap();
    assert_eq!(first, before[1..]);
}

pub(crate) async fn a_visitors_message_waits_for_its_session_to_be_settled(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let waiting = begun(store, agent_id, 1).await;
    identified(store, agent_id, 2, "ada").await;
    let handed_at_once = [
        write(store, &message(waiting, 14, Sender::Visitor)).await,
        write(store, &message(waiting, 13, Sender::Agent)).await,
        write(store, &message(waiting, 12, Sender::Visitor)).await,
        write(store, &message(id(2), 15, Sender::Visitor)).await,
    ];
    assert_eq!(handed_at_once, [false, false, false, true]);
    let first = handed_over(store, agent_id, 0).await;
    assert_eq!((first.len(), first[0].message.id, first[0].status), (1, id(15), Status::Authenticated));

    assert!(store.begin_identify(waiting, NOW).await.unwrap());
    assert_eq!(handed_over_ids(store, agent_id).await, [id(15)]);
    assert!(store.settle_session(waiting, failed(agent_id, 1, Reason::Html)).await.unwrap());
    assert!(write(store, &message(waiting, 11, Sender::Visitor)).await);
    let since = handed_over(store, agent_id, first[0].number).await;
    assert_eq!(ids(since.iter().map(|handed| handed.message.clone())), [id(14), id(12), id(11)]);
    assert!(since.iter().all(|handed| handed.status == Status::Anonymous));
    assert!(since.is_sorted_by(|one, other| one.number < other.number), "{since:?}");
    let limited = store.handed_over(agent_id, since[0].number, 1, NOW).await.unwrap();
    assert_eq!(limited, since[1..2]);
}

pub(crate) async fn only_what_visitors_say_is_handed_over_and_to_their_own_agent(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    identified(store, agent_id, 1, "ada").await;
    resolved(store, id(2), 2, Reason::Html).await;
    for number in [1, 2] {
        assert!(write(store, &message(id(number), number, Sender::Visitor)).await);
        assert!(!write(store, &message(id(number), number + 10, Sender::Agent)).await);
    }
    for (of, number) in [(agent_id, 1), (id(2), 2)] {
        let handed = handed_over(store, of, 0).await;
        assert_eq!(handed.len(), 1);
        assert_eq!(handed[0].message, listed(store, id(number)).await[0]);
    }
    assert_eq!(handed_over(store, id(3), 0).await, []);
}

pub(crate) async fn a_session_settled_twice_hands_its_messages_over_once(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    write(store, &message(id(1), 1, Sender::Visitor)).await;
    assert!(store.settle_session(id(1), authenticated(agent_id, 1, "ada")).await.unwrap());
    let first = handed_over(store, agent_id, 0).await;
    assert!(!store.settle_session(id(1), authenticated(agent_id, 2, "ada")).await.unwrap());
    assert_eq!(handed_over(store, agent_id, 0).await, first);
}

pub(crate) async fn nothing_is_handed_over_of_a_session_that_has_ended_or_was_revoked(
    store: &Arc<dyn Store>,
) {
    let agent_id = with_agent(store).await;
    let short = Session { expires_at: later(5), ..session(agent_id, 1) };
    store.create_session(short, Some(failed(agent_id, 1, Reason::Html))).await.unwrap();
    identified(store, agent_id, 2, "ada").await;
    identified(store, agent_id, 3, "bob").await;
    begun(store, agent_id, 4).await;
    for number in 1..=4 {
        write(store, &message(id(number), number, Sender::Visitor)).await;
    }
    assert_eq!(handed_over_ids(store, agent_id).await, [id(1), id(2), id(3)]);
    store.revoke_session(agent_id, id(2), NOW).await.unwrap();
    store.revoke_session(agent_id, id(4), NOW).await.unwrap();
    assert!(!store.settle_session(id(4), authenticated(agent_id, 4, "eve")).await.unwrap());
    assert_eq!(handed_over_ids(store, agent_id).await, [id(1), id(3)]);
    store.revoke_user(agent_id, "bob", NOW).await.unwrap();
    assert_eq!(handed_over_ids(store, agent_id).await, [id(1)]);
    assert_eq!(store.handed_over(agent_id, 0, 10, later(5)).await.unwrap(), []);
    for number in 2..=4 {
        assert_eq!(listed(store, id(number)).await, []);
    }
}

pub(crate) async fn a_number_is_never_given_twice(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    identified(store, agent_id, 1, "ada").await;
    write(store, &message(id(1), 1, Sender::Visitor)).await;
    let first = handed_over(store, agent_id, 0).await[0].number;
    store.revoke_session(agent_id, id(1), NOW).await.unwrap();
    assert_eq!(handed_over(store, agent_id, 0).await, []);
    identified(store, agent_id, 2, "ada").await;
    write(store, &message(id(2), 2, Sender::Visitor)).await;
    let since = handed_over(store, agent_id, first).await;
    assert_eq!(since.len(), 1, "who has read up to {first} still hears of what comes");
    assert!(since[0].number > first);
}

pub(crate) async fn messages_go_with_their_ended_sessions_at_most_limit_at_a_time(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    let longer = Session { expires_at: later(TTL + 1), ..session(agent_id, 3) };
    store.create_session(longer, None).await.unwrap();
    for number in [1, 2] {
        begun(store, agent_id, number).await;
    }
    for number in 0..9 {
        write(store, &message(id(number % 3 + 1), number, Sender::Agent)).await;
    }
    let remove = async |limit| store.remove_ended_sessions(later(TTL), limit).await.unwrap();
    // Six messages and two sessions.
    assert_eq!(remove(4).await, 4);
    assert_eq!(remove(4).await, 4);
    assert_eq!(remove(4).await, 0);
    assert_eq!(ids(listed(store, id(3)).await), [id(2), id(5), id(8)]);
}

pub(crate) async fn messages_of_a_deleted_agent_are_gone_and_soon_removed(store: &Arc<dyn Store>) {
    let agent_id = with_agent(store).await;
    store.create_agent(agent(2), entry()).await.unwrap();
    identified(store, agent_id, 1, "ada").await;
    begun(store, agent_id, 2).await;
    resolved(store, id(2), 3, Reason::Html).await;
    for number in 1..=3 {
        write(store, &message(id(number), number, Sender::Visitor)).await;
        write(store, &message(id(number), number + 10, Sender::Agent)).await;
    }
    store.delete_agent(agent_id, entry()).await.unwrap();
    assert_eq!(handed_over(store, agent_id, 0).await, []);
    assert_eq!(listed(store, id(1)).await, []);
    // One session with an identity, and four messages.
    assert_eq!(store.remove_ended_sessions(NOW, 2).await.unwrap(), 2);
    assert_eq!(store.remove_ended_sessions(NOW, 10).await.unwrap(), 3);
    assert_eq!(store.remove_ended_sessions(NOW, 10).await.unwrap(), 0);
    assert_eq!(ids(listed(store, id(3)).await), [id(3), id(13)]);
    assert_eq!(handed_over_ids(store, id(2)).await, [id(3)]);
}

pub(crate) async fn of_many_that_write_and_settle_at_once_all_are_handed_over(store: &Arc<dyn Store>) {
    const WRITERS: u16 = 100;
    let agent_id = with_agent(store).await;
    store.create_session(pending(agent_id, 1), None).await.unwrap();
    let mut writes = JoinSet::new();
    for number in 0..WRITERS {
        let store = store.clone();
        writes.spawn(async move {
            write(&store, &message(id(1), number, Sender::Visitor)).await;
            if number == WRITERS / 2 {
                assert!(store.settle_session(id(1), authenticated(agent_id, 1, "ada")).await.unwrap());
            }
        });
    }
    writes.join_all().await;
    let written = ids(listed(store, id(1)).await);
    assert_eq!(written.len(), usize::from(WRITERS));
    assert_eq!(handed_over_ids(store, agent_id).await, written);
    let changes = changed(store, id(1), 0).await;
    assert!(changes.is_sorted_by(|one, other| one.change < other.change));
    assert_eq!(ids(changes.into_iter().map(|changed| changed.message)), written);
}
