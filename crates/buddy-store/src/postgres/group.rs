//! A group of what every session needs, written in one transaction with a few statements for all of it.
//!
//! Locks are taken in this order, each kind sorted, so that no two nodes wait for each other: a share of the agents, the
//! sessions, the agents' counters, their minutes. Who has an agent's counters until the commit gives its numbers in the
//! order of the commits, and is the only one to count in its minutes.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use buddy_core::id::{AgentId, ResolutionId, SessionId};
use buddy_core::session::Session;
use deadpool_postgres::ClientWrapper;
use futures_util::future::{try_join, try_join3, try_join5};
use tokio_postgres::{Row, Statement};
use uuid::Uuid;

use super::failure::Failure;
use super::rows::{KeptResolutions, NewSessions, SettledSessions};
use super::statement::{Values, get, get_bytes, get_id, key, statements};
use super::tallies::{self, Columns, Counted, minute_of};
use crate::columns::UserColumns;
use crate::{Settlement, StoreError};

statements! {
    SHARE_AGENTS = "SELECT id FROM agents WHERE id = ANY($1) ORDER BY id FOR KEY SHARE";
    CREATE = "INSERT INTO sessions (id, agent_id, token_hash, status, opened_by, callback_made, failure, created_at,
            expires_at, resolved_at, owner, user_hash, identity)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::boolean[], $7::text[],
            $8::bigint[], $9::bigint[], $10::bigint[], $11::uuid[], $12::bytea[], $13::bytea[])
        ON CONFLICT (id) DO NOTHING RETURNING id";
    // A write whose answer was lost is done again by whoever did not get it.
    KEPT_BEFORE = "SELECT sessions.id, sessions.token_hash FROM sessions JOIN unnest($1::uuid[], $2::bytea[]) AS given (id, token_hash)
        ON sessions.id = given.id AND sessions.token_hash = given.token_hash";
    LOCK_SESSIONS = "SELECT id FROM sessions WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    SETTLE = "UPDATE sessions SET status = given.status, callback_made = given.callback_made,
            failure = given.failure, resolved_at = given.resolved_at, owner = NULL,
            user_hash = given.user_hash, identity = given.identity
        FROM unnest($1::uuid[], $2::bigint[], $3::text[], $4::boolean[], $5::text[], $6::bytea[], $7::bytea[])
            AS given (id, resolved_at, status, callback_made, failure, user_hash, identity)
        WHERE sessions.id = given.id AND sessions.expires_at > given.resolved_at
        AND sessions.status IN ('created', 'pending')
        RETURNING sessions.id";
    LOCK_COUNTERS = "SELECT agent_id, handed_over, resolved FROM agent_counters WHERE agent_id = ANY($1)
        ORDER BY agent_id FOR UPDATE";
    LAST_POSITIONS = "SELECT session_id, max(position)::bigint AS position FROM messages
        WHERE session_id = ANY($1) GROUP BY session_id";
    KEEP_COUNTERS = "UPDATE agent_counters SET handed_over = given.handed_over, resolved = given.resolved
        FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS given (agent_id, handed_over, resolved)
        WHERE agent_counters.agent_id = given.agent_id";
    // A session's messages take the numbers that its positions say; what is left out is of no use to anyone.
    HAND_OVER = "UPDATE messages SET handed_over = given.before + position
        FROM unnest($1::uuid[], $2::bigint[]) AS given (session_id, before)
        WHERE messages.session_id = given.session_id AND sender = 'visitor' AND handed_over IS NULL";
    KEEP_RESOLUTIONS = "INSERT INTO resolutions (id, agent_id, session_id, outcome, reason, started_at, duration_us,
            warnings, attempts, number)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::bigint[],
            $8::text[], $9::text[], $10::bigint[])
        ON CONFLICT (id) DO NOTHING";
}

/// What is to be written.
#[derive(Debug)]
pub(super) enum Work {
    /// A new session; with a settlement, settled already.
    Create { session: Session, settlement: Option<Arc<Settlement>>, user: UserColumns, owner: Option<Uuid> },
    /// The end of identifying one.
    Settle { id: SessionId, settlement: Arc<Settlement>, user: UserColumns },
}

impl Work {
    fn agent(&self) -> AgentId {
        match self {
            Self::Create { session, .. } => session.agent_id,
            Self::Settle { settlement, .. } => settlement.resolution.agent_id,
        }
    }

    fn settlement(&self) -> Option<&Settlement> {
        match self {
            Self::Create { settlement, .. } => settlement.as_deref(),
            Self::Settle { settlement, .. } => Some(settlement),
        }
    }

    /// The resolution that it may keep.
    pub(super) fn resolution(&self) -> Option<ResolutionId> {
        self.settlement().map(|settlement| settlement.resolution.id)
    }
}

/// What has become of a piece of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    /// Its agent is not there, or the session is not there to be settled, or was settled before.
    Nothing,
    /// There is a session of this id that is another's.
    Taken,
    /// It was done by an earlier write, whose answer was lost.
    Before,
    /// Done now.
    Now,
}

impl Done {
    /// As the caller is told.
    pub(super) fn answer(self) -> Result<bool, StoreError> {
        match self {
            Self::Nothing => Ok(false),
            Self::Before | Self::Now => Ok(true),
            Self::Taken => Err(StoreError::Database("a session with this id is there already".to_owned())),
        }
    }
}

/// Writes all of it, or nothing. What has become of each piece, in their order.
pub(super) async fn commit(client: &ClientWrapper, group: &[&Work]) -> Result<Vec<Done>, Failure> {
    let mut agents: Vec<Uuid> = group.iter().map(|work| key(work.agent())).collect();
    agents.sort_unstable();
    agents.dedup();
    let share = client.prepare_cached(SHARE_AGENTS).await.map_err(Failure::of_nothing_done)?;
    let begin = async { client.batch_execute("BEGIN").await.map_err(Failure::of_nothing_done) };
    let ((), there) = try_join(begin, query(client, &share, &[&agents])).await?;
    let there = there.iter().map(|row| get_id(row, "id")).collect::<Result<HashSet<AgentId>, _>>()?;

    let done = sessions(client, group, &there).await?;
    // It is settled by another, but what was done for it is kept all the same.
    let is_kept = |(work, done): &(&&Work, &Done)| match work {
        Work::Create { .. } => matches!(done, Done::Before | Done::Now),
        Work::Settle { .. } => there.contains(&work.agent()),
    };
    let kept: Vec<(&Work, Done)> =
        group.iter().zip(&done).filter(is_kept).map(|(work, done)| (*work, *done)).collect();
    if kept.iter().any(|(work, _)| work.settlement().is_some()) {
        what_settling_leaves(client, &kept).await?;
    } else {
        client.batch_execute("COMMIT").await?;
    }
    Ok(done)
}

/// Creates and settles.
async fn sessions(
    client: &ClientWrapper,
    group: &[&Work],
    there: &HashSet<AgentId>,
) -> Result<Vec<Done>, Failure> {
    let (mut new, mut settled) = (NewSessions::default(), SettledSessions::default());
    let firsts = firsts(group, there);
    for (work, is_first) in group.iter().zip(&firsts) {
        match work {
            _ if !is_first => {}
            Work::Create { session, user, owner, .. } => new.push(session, user, *owner),
            Work::Settle { id, settlement, user } => settled.push(key(*id), settlement, user),
        }
    }
    let create = client.prepare_cached(CREATE).await?;
    let lock = client.prepare_cached(LOCK_SESSIONS).await?;
    let settle = client.prepare_cached(SETTLE).await?;
    let (created, _, changed) = try_join3(
        query_if(client, &create, !new.ids.is_empty(), &new.values()),
        query_if(client, &lock, !settled.ids.is_empty(), &[&settled.ids]),
        query_if(client, &settle, !settled.ids.is_empty(), &settled.values()),
    )
    .await?;
    let (created, changed) = (ids(&created)?, ids(&changed)?);
    let before = kept_before(client, group, there, &created).await?;
    let done = |(work, is_first): (&&Work, &bool)| match work {
        _ if !there.contains(&work.agent()) => Done::Nothing,
        Work::Create { session, .. } if *is_first && created.contains(&key(session.id)) => Done::Now,
        Work::Create { session, .. } if before.contains(&(key(session.id), session.token_hash.0)) => {
            Done::Before
        }
        Work::Create { .. } => Done::Taken,
        Work::Settle { id, .. } if *is_first && changed.contains(&key(*id)) => Done::Now,
        Work::Settle { .. } => Done::Nothing,
    };
    Ok(group.iter().zip(&firsts).map(done).collect())
}

/// Which pieces are written: the first new session of an id; and of those that settle the same, the one that does so the
/// earliest, for a session may have ended before another does.
fn firsts(group: &[&Work], there: &HashSet<AgentId>) -> Vec<bool> {
    let mut first = HashMap::new();
    for (place, work) in group.iter().enumerate().filter(|(_, work)| there.contains(&work.agent())) {
        let (key, rank) = match work {
            Work::Create { session, .. } => ((true, session.id), (0, place)),
            Work::Settle { id, settlement, .. } => ((false, *id), (settlement.resolved_at.0, place)),
        };
        let least = first.entry(key).or_insert(rank);
        *least = rank.min(*least);
    }
    let places: HashSet<usize> = first.into_values().map(|(_, place)| place).collect();
    (0..group.len()).map(|place| places.contains(&place)).collect()
}

/// Of the new sessions that were not created, those that are there though: an earlier write of the same one did it.
async fn kept_before(
    client: &ClientWrapper,
    group: &[&Work],
    there: &HashSet<AgentId>,
    created: &HashSet<Uuid>,
) -> Result<HashSet<(Uuid, [u8; 32])>, Failure> {
    let mut given = Vec::new();
    let mut seen = HashSet::new();
    for work in group.iter().filter(|work| there.contains(&work.agent())) {
        if let Work::Create { session, .. } = work {
            let id = key(session.id);
            if !created.contains(&id) || !seen.insert(id) {
                given.push((id, session.token_hash.0));
            }
        }
    }
    if given.is_empty() {
        return Ok(HashSet::new());
    }
    let (ids, tokens): (Vec<Uuid>, Vec<&[u8]>) =
        given.iter().map(|(id, token)| (*id, token.as_slice())).unzip();
    let statement = client.prepare_cached(KEPT_BEFORE).await?;
    let rows = query(client, &statement, &[&ids, &tokens]).await?;
    rows.iter().map(|row| Ok((get(row, "id")?, get_bytes(row, "sessions", "token_hash")?))).collect()
}

/// The last numbers of an agent, and the numbers given since.
struct Counters {
    handed_over: i64,
    resolved: i64,
}

/// Counts and keeps the resolutions, hands messages over, and commits.
async fn what_settling_leaves(client: &ClientWrapper, kept: &[(&Work, Done)]) -> Result<(), Failure> {
    let with_settlement = kept.iter().filter_map(|(work, done)| Some((*work, *done, work.settlement()?)));
    let (mut counted, mut agents, mut settled) = (Counted::new(), BTreeSet::new(), Vec::new());
    for (work, done, settlement) in with_settlement.clone() {
        agents.insert(key(work.agent()));
        if done == Done::Now {
            let minute = (work.agent(), minute_of(settlement.resolved_at));
            counted.entry(minute).or_default().record(&settlement.resolution);
            if let Work::Settle { id, .. } = work {
                settled.push((key(*id), work.agent()));
            }
        }
    }
    let (mut counters, positions, minutes) = read_counted(client, &agents, &settled, &counted).await?;
    tallies::merge(&mut counted, &minutes)?;
    let before = hand_over(&mut counters, &settled, &positions)?;
    let mut resolutions = KeptResolutions::default();
    for (work, _, settlement) in with_settlement {
        // Greater than all before it, though these are removed or the clock goes back.
        let counters = of(&mut counters, work.agent())?;
        counters.resolved = (counters.resolved + 1).max(settlement.resolved_at.0.saturating_mul(1000));
        resolutions.push(&settlement.resolution, counters.resolved)?;
    }
    keep(client, &counters, &before, &resolutions, &counted).await
}

type Positions = HashMap<Uuid, i64>;

async fn read_counted(
    client: &ClientWrapper,
    agents: &BTreeSet<Uuid>,
    settled: &[(Uuid, AgentId)],
    counted: &Counted,
) -> Result<(BTreeMap<Uuid, Counters>, Positions, Vec<Row>), Failure> {
    let lock = client.prepare_cached(LOCK_COUNTERS).await?;
    let last = client.prepare_cached(LAST_POSITIONS).await?;
    let minutes = client.prepare_cached(tallies::LOCK_MINUTES).await?;
    let agents: Vec<Uuid> = agents.iter().copied().collect();
    let sessions: Vec<Uuid> = settled.iter().map(|(session, _)| *session).collect();
    let (of_agents, begins) = tallies::keys(counted);
    let (counters, positions, minutes) = try_join3(
        query(client, &lock, &[&agents]),
        query_if(client, &last, !sessions.is_empty(), &[&sessions]),
        query_if(client, &minutes, !counted.is_empty(), &[&of_agents, &begins]),
    )
    .await?;
    let counter = |row: &Row| {
        let counters = Counters { handed_over: get(row, "handed_over")?, resolved: get(row, "resolved")? };
        Ok((get(row, "agent_id")?, counters))
    };
    let position = |row: &Row| Ok((get(row, "session_id")?, get(row, "position")?));
    Ok((
        counters.iter().map(counter).collect::<Result<_, Failure>>()?,
        positions.iter().map(position).collect::<Result<_, Failure>>()?,
        minutes,
    ))
}

/// The numbers before those of each session's messages.
fn hand_over(
    counters: &mut BTreeMap<Uuid, Counters>,
    settled: &[(Uuid, AgentId)],
    positions: &Positions,
) -> Result<(Vec<Uuid>, Vec<i64>), Failure> {
    let (mut sessions, mut before) = (Vec::new(), Vec::new());
    for (session, agent_id) in settled {
        let Some(last) = positions.get(session) else { continue };
        let counters = of(counters, *agent_id)?;
        sessions.push(*session);
        before.push(counters.handed_over);
        counters.handed_over += last;
    }
    Ok((sessions, before))
}

async fn keep(
    client: &ClientWrapper,
    counters: &BTreeMap<Uuid, Counters>,
    (sessions, before): &(Vec<Uuid>, Vec<i64>),
    resolutions: &KeptResolutions,
    counted: &Counted,
) -> Result<(), Failure> {
    let keep_counters = client.prepare_cached(KEEP_COUNTERS).await?;
    let hand_over = client.prepare_cached(HAND_OVER).await?;
    let keep_resolutions = client.prepare_cached(KEEP_RESOLUTIONS).await?;
    let keep_minutes = client.prepare_cached(tallies::KEEP_MINUTES).await?;
    let agents: Vec<Uuid> = counters.keys().copied().collect();
    let handed_over: Vec<i64> = counters.values().map(|counters| counters.handed_over).collect();
    let resolved: Vec<i64> = counters.values().map(|counters| counters.resolved).collect();
    let minutes = Columns::of(counted);
    // Should one of them fail, there is nothing left for the last to commit.
    try_join5(
        query(client, &keep_counters, &[&agents, &handed_over, &resolved]),
        query_if(client, &hand_over, !sessions.is_empty(), &[sessions, before]),
        query(client, &keep_resolutions, &resolutions.values()),
        query_if(client, &keep_minutes, !counted.is_empty(), &minutes.values()),
        async { Ok(client.batch_execute("COMMIT").await?) },
    )
    .await?;
    Ok(())
}

fn of(counters: &mut BTreeMap<Uuid, Counters>, agent_id: AgentId) -> Result<&mut Counters, Failure> {
    let gone = || StoreError::Database("an agent has no counters".to_owned());
    Ok(counters.get_mut(&key(agent_id)).ok_or_else(gone)?)
}

/// Sent when it is first polled: so statements that are joined go out in their order, and their answers are awaited
/// together.
async fn query(
    client: &ClientWrapper,
    statement: &Statement,
    values: Values<'_>,
) -> Result<Vec<Row>, Failure> {
    Ok(client.query(statement, values).await?)
}

async fn query_if(
    client: &ClientWrapper,
    statement: &Statement,
    is_needed: bool,
    values: Values<'_>,
) -> Result<Vec<Row>, Failure> {
    if is_needed { query(client, statement, values).await } else { Ok(Vec::new()) }
}

fn ids(rows: &[Row]) -> Result<HashSet<Uuid>, Failure> {
    rows.iter().map(|row| get(row, "id")).collect()
}
