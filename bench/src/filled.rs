//! A data dir in which a week of sessions was settled, written through the store as the server writes it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{SystemTime, UNIX_EPOCH};

use buddy_core::agent::Agent;
use buddy_core::audit::{ADMIN, Action, AuditEntry, DONE};
use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::callback::shape::Shape;
use buddy_core::id::{AgentId, SessionId, new_id};
use buddy_core::reason::Reason;
use buddy_core::resolution::{Attempt, Outcome, Phases, Resolution, Signed, SignedWith};
use buddy_core::secret::TokenHash;
use buddy_core::session::{OpenedBy, Session, Status};
use buddy_core::time::UnixMillis;
use buddy_store::{
    Agents, Durability, Keyring, MasterKey, Sessions, Settlement, SqliteSettings, SqliteStore, Tallies,
};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use type_safe_id::{StaticType, TypeSafeId};

use crate::Failure;
use crate::buddy::{DataDir, MASTER_KEY};
use crate::rig::Rig;

/// Within the week that resolutions are kept, and none of it falls out while it is measured.
const STRETCH_SECONDS: u32 = 6 * 24 * 3_600;
/// Longer than the stretch: no session ends while the screens are measured.
const TTL_SECONDS: u32 = 8 * 24 * 3_600;
/// Writes in flight, so that they share commits.
const WRITERS: u32 = 512;
/// More minutes than the stretch has.
const ALL_MINUTES: u32 = 1_000_000;
const ANSWER: &[u8] =
    br#"{"userId":"42","email":"ada@shop.example","role":"customer","customAttributes":{"plan":"pro"}}"#;
/// One of so many sessions fails; of these, one in a thousand for a rare reason.
const FAILS_EVERY: u32 = 10;
const RARE_EVERY: u32 = 1_000;
pub(crate) const COMMON: Reason = Reason::HttpStatus;
pub(crate) const RARE: Reason = Reason::TooDeep;

/// What is to be written.
#[derive(Clone, Copy)]
pub(crate) struct Stock {
    pub(crate) sessions: u32,
    /// Those that have the sessions: each as many, one agent's after another's.
    pub(crate) agents: u32,
    /// Those that have none.
    pub(crate) other_agents: u32,
}

/// What was written.
pub(crate) struct Filled {
    pub(crate) directory: DataDir,
    /// Those that have the sessions.
    pub(crate) agent_ids: Vec<AgentId>,
    /// One in the middle, that has failed.
    pub(crate) session_id: SessionId,
}

/// Settles so many sessions, evenly in the last six days.
pub(crate) async fn fill(rig: &Rig, stock: Stock) -> Result<Filled, Failure> {
    let directory = DataDir::empty(rig)?;
    let (data, core) = (directory.data(), rig.core.clone());
    // Nothing is measured meanwhile: all cores may help.
    let filling = move || {
        core.leave()?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(write(data, stock))
    };
    let (told, written) = oneshot::channel();
    // Whoever waited has gone when all of this is ended.
    thread::spawn(move || told.send(filling()));
    let (agent_ids, session_id) = written.await.map_err(|_| "the thread that fills panicked")??;
    Ok(Filled { directory, agent_ids, session_id })
}

async fn write(data: PathBuf, stock: Stock) -> Result<(Vec<AgentId>, SessionId), Failure> {
    let settings = SqliteSettings { directory: data, durability: Durability::Normal };
    let keyring = Keyring::new(MasterKey::from_base64(MASTER_KEY)?, Vec::new());
    let store = Arc::new(SqliteStore::open(settings, keyring)?);
    let begin = now().minus_seconds(STRETCH_SECONDS);
    let agent_ids = Arc::new(write_agents(&store, stock, begin).await?);
    let mut writing = JoinSet::new();
    // Numbers are given in order, so that rows are appended as a server appends them.
    let next = Arc::new(AtomicU32::new(0));
    for _ in 0..WRITERS {
        let (store, agent_ids, next) = (Arc::clone(&store), Arc::clone(&agent_ids), Arc::clone(&next));
        writing.spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= stock.sessions {
                    break Ok::<_, Failure>(());
                }
                let agent_id = agent_ids[stock.owner(number)];
                let (session, settlement) = settled(agent_id, number, moment(begin, number, stock.sessions));
                store.create_session(session, Some(settlement.into())).await?;
            }
        });
    }
    while let Some(written) = writing.join_next().await {
        written??;
    }
    store.tallies_into_hours(now().minus_seconds(3_600), ALL_MINUTES).await?;
    store.close().await;
    let middle = stock.sessions / 2 / FAILS_EVERY * FAILS_EVERY;
    let session_id = id(moment(begin, middle, stock.sessions), middle);
    Ok((agent_ids.to_vec(), session_id))
}

/// Those with the sessions last, and so on the first page; their ids.
async fn write_agents(store: &SqliteStore, stock: Stock, begin: UnixMillis) -> Result<Vec<AgentId>, Failure> {
    let mut owners = Vec::new();
    for number in 0..stock.other_agents + stock.agents {
        let at = UnixMillis(begin.0 + i64::from(number));
        let agent = agent(id(at, number), number, at);
        let entry = entry(agent.id, at, number);
        if number >= stock.other_agents {
            owners.push(agent.id);
        }
        store.create_agent(agent, entry).await?;
    }
    Ok(owners)
}

impl Stock {
    /// The place among the agents of the one that has session `number`.
    fn owner(self, number: u32) -> usize {
        let place = u64::from(number) * u64::from(self.agents) / u64::from(self.sessions);
        usize::try_from(place).expect("less than the number of agents")
    }
}

#[expect(clippy::disallowed_methods, reason = "what is written is to be of the last days")]
fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(i64::try_from(since.as_millis()).unwrap_or_default())
}

/// When session `number` of so many was begun.
fn moment(begin: UnixMillis, number: u32, sessions: u32) -> UnixMillis {
    let stretch_millis = i64::from(STRETCH_SECONDS) * 1_000;
    UnixMillis(begin.0 + i64::from(number) * stretch_millis / i64::from(sessions))
}

fn id<K: StaticType>(at: UnixMillis, number: u32) -> TypeSafeId<K> {
    let [a, b, c, d] = number.to_be_bytes();
    new_id(at, [a, b, c, d, 0, 0, 0, 0, 0, 1])
}

fn agent(id: AgentId, number: u32, at: UnixMillis) -> Agent {
    Agent {
        id,
        name: format!("Shop {number}"),
        allowed_origins: vec!["https://shop.example".to_owned()],
        session_ttl_seconds: TTL_SECONDS,
        created_at: at,
    }
}

fn entry(agent_id: AgentId, at: UnixMillis, number: u32) -> AuditEntry {
    AuditEntry {
        id: id(at, number),
        at,
        actor: ADMIN.to_owned(),
        address: IpAddr::from([127, 0, 0, 1]),
        action: Action::CreateAgent,
        agent_id: Some(agent_id),
        key_id: None,
        settings: Vec::new(),
        outcome: DONE.to_owned(),
    }
}

/// Most are identified; some fail, a few of these for a rare reason.
fn settled(agent_id: AgentId, number: u32, at: UnixMillis) -> (Session, Settlement) {
    let reason = number.is_multiple_of(FAILS_EVERY).then_some(if number % RARE_EVERY == RARE_EVERY / 2 {
        RARE
    } else {
        COMMON
    });
    let answer = Answer { status: 200, content_encoding: None, body: ANSWER };
    let identity = match judge(&answer) {
        Verdict::Authenticated { identity, .. } if reason.is_none() => Some(identity),
        _ => None,
    };
    let phases =
        Phases { queue: Some(0), dns: None, connect: None, tls: None, headers: Some(5_200), body: Some(90) };
    let attempt = Attempt {
        number: 1,
        started_at: at,
        duration: 5_300,
        status: Some(if reason == Some(COMMON) { 500 } else { 200 }),
        reason,
        signed_with: SignedWith::Current,
        reused_connection: true,
        phases,
        signed: Some(Signed::new(at, "0123456789abcdef")),
        shape: Shape::of(&answer),
    };
    let session_id: SessionId = id(at, number);
    let session = Session {
        id: session_id,
        agent_id,
        token_hash: TokenHash::of(&session_id.to_string()),
        status: Status::Created,
        opened_by: OpenedBy::Visitor,
        callback_made: false,
        failure: None,
        created_at: at,
        expires_at: at.plus_seconds(TTL_SECONDS),
        resolved_at: None,
    };
    let resolution = Resolution {
        id: id(at, number),
        session_id,
        agent_id,
        outcome: if reason.is_some() { Outcome::Failed } else { Outcome::Authenticated },
        reason,
        warnings: Vec::new(),
        started_at: at,
        duration: 5_400,
        attempts: vec![attempt],
    };
    let status = if reason.is_some() { Status::Anonymous } else { Status::Authenticated };
    let settlement =
        Settlement { status, callback_made: true, failure: reason, identity, resolved_at: at, resolution };
    (session, settlement)
}
