//! Agents, sessions and the like, told apart by a number.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use buddy_core::agent::{Agent, ApiKey, Callback};
use buddy_core::audit::{ADMIN, Action, AuditEntry, DONE};
use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::callback::shape::Shape;
use buddy_core::id::{AgentId, ResolutionId, SessionId, new_id};
use buddy_core::identity::Identity;
use buddy_core::message::{Message, Sender, Text};
use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Phases, Resolution, Signed, SignedWith, Warning};
use buddy_core::secret::{CallbackSecret, TokenHash};
use buddy_core::session::{OpenedBy, Session, Status};
use buddy_core::time::UnixMillis;
use type_safe_id::{StaticType, TypeSafeId};

use crate::{Page, Settlement, Store};

/// When the cases begin.
pub(crate) const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
/// How long their sessions live.
pub(crate) const TTL: u32 = 3_600;

pub(crate) fn later(seconds: u32) -> UnixMillis {
    NOW.plus_seconds(seconds)
}

/// The `number`th id of its kind; a greater number is newer.
pub(crate) fn id<K: StaticType>(number: u16) -> TypeSafeId<K> {
    id_at(UnixMillis(NOW.0 + i64::from(number)), number)
}

fn id_at<K: StaticType>(moment: UnixMillis, number: u16) -> TypeSafeId<K> {
    let [high, low] = number.to_be_bytes();
    new_id(moment, [high, low, 0, 0, 0, 0, 0, 0, 0, 1])
}

pub(crate) fn first<Id>(limit: u32) -> Page<Id> {
    Page { before: None, limit }
}

pub(crate) fn agent(number: u16) -> Agent {
    Agent {
        id: id(number),
        name: format!("Agent {number} ✓"),
        allowed_origins: vec![format!("https://b{number}.example"), format!("https://a{number}.example")],
        session_ttl_seconds: TTL,
        created_at: NOW,
    }
}

/// What an operator did, of which the case is not: older than what it numbers itself.
pub(crate) fn entry() -> AuditEntry {
    static NUMBER: AtomicU16 = AtomicU16::new(0);
    AuditEntry {
        id: id_at(UnixMillis(NOW.0 - 1), NUMBER.fetch_add(1, Ordering::Relaxed)),
        at: NOW,
        actor: ADMIN.to_owned(),
        address: IpAddr::from([192, 0, 2, 7]),
        action: Action::UpdateAgent,
        agent_id: None,
        key_id: None,
        settings: Vec::new(),
        outcome: DONE.to_owned(),
    }
}

/// A store that has agent 1; most cases begin so.
pub(crate) async fn with_agent(store: &Arc<dyn Store>) -> AgentId {
    store.create_agent(agent(1), entry()).await.unwrap();
    id(1)
}

pub(crate) fn callback() -> Callback {
    Callback {
        url: "https://shop.example/whoami?v=1".into(),
        timeout_ms: 2_500,
        max_concurrent: 64,
        require_ticket: true,
        enabled: true,
    }
}

pub(crate) fn secret(name: &str) -> CallbackSecret {
    CallbackSecret::parse(&format!("bcs_fixture_secret_{name}")).unwrap()
}

pub(crate) fn api_key(agent_id: AgentId, number: u16) -> ApiKey {
    ApiKey {
        id: id(number),
        agent_id,
        label: (number % 2 == 1).then(|| format!("key {number}")),
        created_at: NOW,
        last_used_at: None,
    }
}

pub(crate) fn hash(number: u16) -> TokenHash {
    TokenHash::of(&format!("token {number}"))
}

/// Session `number` of the agent, just begun.
pub(crate) fn session(agent_id: AgentId, number: u16) -> Session {
    Session {
        id: id(number),
        agent_id,
        token_hash: hash(number),
        status: Status::Created,
        opened_by: if number % 2 == 1 { OpenedBy::Visitor } else { OpenedBy::Server },
        callback_made: false,
        failure: None,
        created_at: NOW,
        expires_at: later(TTL),
        resolved_at: None,
    }
}

pub(crate) fn pending(agent_id: AgentId, number: u16) -> Session {
    Session { status: Status::Pending, ..session(agent_id, number) }
}

pub(crate) fn text(text: &str) -> Text {
    Text::stored(text.to_owned())
}

/// Message `number` of this session, whole.
pub(crate) fn message(session_id: SessionId, number: u16, from: Sender) -> Message {
    Message {
        id: id(number),
        session_id,
        from,
        text: text(&format!("message {number}")),
        done: true,
        created_at: NOW,
    }
}

/// The same as a reply that is to grow.
pub(crate) fn growing(session_id: SessionId, number: u16) -> Message {
    Message { done: false, ..message(session_id, number, Sender::Agent) }
}

pub(crate) fn identity(user_id: &str) -> Identity {
    let body = format!(
        r#"{{"userId":"{user_id}","email":"{user_id}@example.org","role":"admin",
            "customAttributes":{{ "z": 1.50, "a": [1e2, null] }}}}"#
    );
    match judge(&Answer { status: 200, content_encoding: None, body: body.as_bytes() }) {
        Verdict::Authenticated { identity, .. } => identity,
        other => panic!("{other:?}"),
    }
}

/// All that an identity says.
pub(crate) fn told(identity: &Identity) -> String {
    serde_json::to_string(identity).unwrap()
}

pub(crate) fn attempt(number: u8, reason: Option<Reason>) -> Attempt {
    Attempt {
        number,
        started_at: NOW,
        duration: 12_345,
        status: reason.is_none().then_some(200),
        reason,
        signed_with: SignedWith::Next,
        reused_connection: true,
        phases: Phases {
            queue: Some(0),
            dns: None,
            connect: Some(7),
            tls: Some(8),
            headers: Some(9),
            body: None,
        },
        signed: Some(Signed::new(NOW, "0123456789abcdef")),
        shape: Shape::of(&Answer { status: 200, content_encoding: None, body: br#"{"userId":"a","x":{}}"# }),
    }
}

/// Resolution `number`, of session `number`, begun at the moment its id has in it.
pub(crate) fn resolution(agent_id: AgentId, number: u16, reason: Option<Reason>) -> Resolution {
    Resolution {
        id: id(number),
        session_id: id(number),
        agent_id,
        outcome: if reason.is_some() { Outcome::Failed } else { Outcome::Authenticated },
        reason,
        warnings: vec![Warning::EmailTooLong, Warning::RoleNotAString],
        started_at: UnixMillis(NOW.0 + i64::from(number)),
        duration: 23_456,
        attempts: vec![attempt(1, reason), attempt(2, reason)],
    }
}

pub(crate) fn authenticated(agent_id: AgentId, number: u16, user_id: &str) -> Arc<Settlement> {
    Arc::new(Settlement {
        status: Status::Authenticated,
        callback_made: true,
        failure: None,
        identity: Some(identity(user_id)),
        resolved_at: later(1),
        resolution: resolution(agent_id, number, None),
    })
}

pub(crate) fn failed(agent_id: AgentId, number: u16, reason: Reason) -> Arc<Settlement> {
    Arc::new(Settlement {
        status: Status::Anonymous,
        callback_made: reason != Reason::NotConfigured,
        failure: Some(reason),
        identity: None,
        resolved_at: later(1),
        resolution: resolution(agent_id, number, Some(reason)),
    })
}

/// Nobody was asked, and nobody needed to be.
pub(crate) fn nobody(agent_id: AgentId, number: u16) -> Arc<Settlement> {
    let unasked = Resolution {
        outcome: Outcome::Nobody,
        warnings: Vec::new(),
        duration: 0,
        attempts: Vec::new(),
        ..resolution(agent_id, number, None)
    };
    Arc::new(Settlement {
        status: Status::Anonymous,
        callback_made: false,
        failure: None,
        identity: None,
        resolved_at: later(1),
        resolution: unasked,
    })
}

/// Keeps session `number`, identified as this user.
pub(crate) async fn identified(
    store: &Arc<dyn Store>,
    agent_id: AgentId,
    number: u16,
    user: &str,
) -> SessionId {
    let settlement = authenticated(agent_id, number, user);
    assert!(store.create_session(session(agent_id, number), Some(settlement)).await.unwrap());
    id(number)
}

/// Keeps session `number` with a resolution of this reason.
pub(crate) async fn resolved(
    store: &Arc<dyn Store>,
    agent_id: AgentId,
    number: u16,
    reason: Reason,
) -> ResolutionId {
    let settlement = failed(agent_id, number, reason);
    assert!(store.create_session(session(agent_id, number), Some(settlement)).await.unwrap());
    id(number)
}

/// The session as it is now, which must be there, and what its identity says.
pub(crate) async fn found(store: &Arc<dyn Store>, id: SessionId) -> (Session, Option<String>) {
    let (session, identity) = store.session_with_identity(id, later(1)).await.unwrap().unwrap();
    let alone = store.session(id, later(1)).await.unwrap().unwrap();
    assert_eq!(format!("{session:?}"), format!("{alone:?}"));
    (session, identity.as_ref().map(told))
}
