//! How things are written into their columns, on every backend alike.

use std::str::FromStr;

use buddy_core::id::{AgentId, MessageId, SessionId, id_bytes};
use buddy_core::identity::Identity;
use buddy_core::message::Text;
use buddy_core::reason::Reason;
use buddy_core::secret::CallbackSecret;
use buddy_core::session::{OpenedBy, Session, Status};
use buddy_core::tally::{Counts, Durations, Tally};
use buddy_core::time::UnixMillis;
use zeroize::Zeroizing;

use crate::seal::{Place, UserHash};
use crate::{Keyring, ResolutionFilter, Settlement, StoreError};

/// There is one canary, in this row.
pub(crate) const CANARY_ROW: &[u8] = &[1];
/// Sealed at first start; says nothing.
pub(crate) const CANARY_TEXT: &[u8] = b"buddy";

/// Tallies are counted by the minute, and later by the hour.
pub(crate) const MINUTE_SECONDS: u32 = 60;
pub(crate) const HOUR_SECONDS: u32 = 3600;
/// A bucket's number and its count, as they are stored.
const BUCKET_BYTES: usize = 5;

/// A stored word as the value that it stands for.
pub(crate) fn parse<T: FromStr>(
    text: &str,
    table: &'static str,
    column: &'static str,
) -> Result<T, StoreError> {
    text.parse().map_err(|_| StoreError::Unreadable { table, column })
}

/// The id that a page begins below: for the first page one that no id reaches.
pub(crate) fn below(before: Option<[u8; 16]>) -> [u8; 16] {
    before.unwrap_or([u8::MAX; 16])
}

/// The least `UUIDv7` (RFC 9562, section 5.7) of this moment. An id is made when what it names begins, so that the old
/// ones are the first of their table and no index on time is needed.
pub(crate) fn first_id_of(moment: UnixMillis) -> [u8; 16] {
    let millis = u64::try_from(moment.0).unwrap_or(0).to_be_bytes();
    let mut id = [0; 16];
    id[..6].copy_from_slice(&millis[2..]);
    id
}

pub(crate) fn open_secret(
    keyring: &Keyring,
    place: Place,
    key: [u8; 16],
    sealed: &[u8],
) -> Result<CallbackSecret, StoreError> {
    let text = keyring.open(place, &key, sealed)?;
    let text = std::str::from_utf8(&text).map_err(|_| place.unreadable())?;
    CallbackSecret::parse(text).map_err(|_| place.unreadable())
}

/// The hash of a user, and the sealed identity.
pub(crate) type UserColumns = (Option<UserHash>, Option<Vec<u8>>);

/// The two columns of who the user is, sealed for the row of this session.
pub(crate) fn user_columns(
    keyring: &Keyring,
    id: SessionId,
    agent_id: AgentId,
    settlement: Option<&Settlement>,
) -> Result<UserColumns, StoreError> {
    let Some(identity) = settlement.and_then(|settlement| settlement.identity.as_ref()) else {
        return Ok((None, None));
    };
    let text = serde_json::to_vec(identity).map(Zeroizing::new).map_err(|_| Place::Identity.unreadable())?;
    let sealed = keyring.seal(Place::Identity, &id_bytes(id), &text);
    Ok((Some(keyring.user_hash(agent_id, identity.user_id())), Some(sealed)))
}

pub(crate) fn open_identity(keyring: &Keyring, id: SessionId, sealed: &[u8]) -> Result<Identity, StoreError> {
    let text = keyring.open(Place::Identity, &id_bytes(id), sealed)?;
    serde_json::from_slice(&text).map_err(|_| Place::Identity.unreadable())
}

/// The session as it is once settled.
pub(crate) fn settled(session: Session, settlement: Option<&Settlement>) -> Session {
    match settlement {
        Some(settlement) => settlement.of(&session),
        None => session,
    }
}

pub(crate) fn opened_by_word(opened_by: OpenedBy) -> &'static str {
    match opened_by {
        OpenedBy::Visitor => "visitor",
        OpenedBy::Server => "server",
    }
}

pub(crate) fn opened_by_from(word: &str) -> Result<OpenedBy, StoreError> {
    match word {
        "visitor" => Ok(OpenedBy::Visitor),
        "server" => Ok(OpenedBy::Server),
        _ => Err(StoreError::Unreadable { table: "sessions", column: "opened_by" }),
    }
}

/// How a session stands to what is said in it.
pub(crate) enum Standing {
    /// It is not there, or has ended.
    None,
    Revoked,
    Open {
        agent_id: AgentId,
        settled: bool,
    },
}

impl Standing {
    /// That of a session that was found, or was not.
    pub(crate) fn of_found(found: Option<(AgentId, Status)>) -> Self {
        match found {
            None => Self::None,
            Some((_, Status::Revoked)) => Self::Revoked,
            Some((agent_id, status)) => Self::Open { agent_id, settled: status.is_settled() },
        }
    }
}

/// The row by which a text is bound: no other session can be shown it, and no other message.
pub(crate) fn row_of(session_id: SessionId, id: MessageId) -> Vec<u8> {
    [id_bytes(session_id), id_bytes(id)].concat()
}

pub(crate) fn seal_text(keyring: &Keyring, session_id: SessionId, id: MessageId, text: &Text) -> Vec<u8> {
    keyring.seal(Place::MessageText, &row_of(session_id, id), text.as_str().as_bytes())
}

pub(crate) fn open_text(
    keyring: &Keyring,
    session_id: SessionId,
    id: MessageId,
    sealed: &[u8],
) -> Result<Text, StoreError> {
    let opened = keyring.open(Place::MessageText, &row_of(session_id, id), sealed)?;
    let text = String::from_utf8(opened.to_vec()).map_err(|_| Place::MessageText.unreadable())?;
    Ok(Text::stored(text))
}

/// The reasons that the filter lets through; none if it does not ask for any.
pub(crate) fn reasons(filter: ResolutionFilter) -> Option<Vec<Reason>> {
    if filter.code.is_none() && filter.reason.is_none() {
        return None;
    }
    let wanted = Reason::ALL.iter().copied().filter(|&reason| {
        filter.code.is_none_or(|code| reason.code() == code)
            && filter.reason.is_none_or(|wanted| reason == wanted)
    });
    Some(wanted.collect())
}

/// Each bucket that has any: its number in one byte, and how many in four, most significant first.
pub(crate) fn bytes_of(durations: &Durations) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bucket, count) in durations.counted() {
        bytes.push(bucket);
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_be_bytes());
    }
    bytes
}

/// Counts what such bytes have to what the tally has: rows are read by the ten thousand, and none is worth one of its
/// own.
pub(crate) fn add_durations(tally: &mut Tally, bytes: &[u8]) -> Result<(), StoreError> {
    let (buckets, []) = bytes.as_chunks::<BUCKET_BYTES>() else {
        return Err(StoreError::Unreadable { table: "tally_minutes", column: "durations" });
    };
    for &[bucket, a, b, c, d] in buckets {
        tally.durations.add(bucket, u32::from_be_bytes([a, b, c, d]).into());
    }
    Ok(())
}

/// What was counted of one agent, since each of some moments.
pub(crate) struct CountsSince<'a> {
    moments: &'a [UnixMillis],
    pub(crate) counts: Vec<Counts>,
}

impl<'a> CountsSince<'a> {
    pub(crate) fn new(moments: &'a [UnixMillis]) -> Self {
        Self { moments, counts: vec![Counts::default(); moments.len()] }
    }

    pub(crate) fn add(&mut self, begins_at: UnixMillis, gained: &Counts) {
        let reached = self.counts.iter_mut().zip(self.moments).filter(|(_, moment)| begins_at >= **moment);
        reached.for_each(|(counts, _)| counts.merge(gained));
    }
}
