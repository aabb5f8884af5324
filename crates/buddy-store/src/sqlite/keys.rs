//! Sealing anew what an older master key has sealed: read in pages by a reader, sealed there, and written where the row
//! is still as it was read.

use async_trait::async_trait;
use buddy_core::id::id_from_bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};

use super::statement::{execute, statements};
use super::{SqliteStore, schema};
use crate::columns::row_of;
use crate::renewal::{Renewal, Renewals, Value};
use crate::seal::Place;
use crate::store::keys::Next;
use crate::{Keyring, Resealing, SealedBy, Sealing, StoreError};

/// Rows that are counted in one read: a moment, so that the log can begin anew in between.
const COUNTED_AT_ONCE: u32 = 5_000;

statements! {
    CALLBACKS = "SELECT agent_id, secret, next_secret FROM callbacks WHERE agent_id > ?1 ORDER BY agent_id LIMIT ?2";
    SESSIONS = "SELECT id, agent_id, identity FROM sessions WHERE id > ?1 ORDER BY id LIMIT ?2";
    MESSAGES = "SELECT session_id, position, id, text FROM messages WHERE (session_id, position) > (?1, ?2)
        ORDER BY session_id, position LIMIT ?3";
    // What is sealed is never sealed to the same bytes again, so that a row with these has not been changed.
    RENEW_SECRET = "UPDATE callbacks SET secret = ?2 WHERE agent_id = ?1 AND secret = ?3";
    RENEW_NEXT_SECRET = "UPDATE callbacks SET next_secret = ?2 WHERE agent_id = ?1 AND next_secret = ?3";
    RENEW_IDENTITY = "UPDATE sessions SET identity = ?2, user_hash = ?4 WHERE id = ?1 AND identity = ?3";
    RENEW_TEXT = "UPDATE messages SET text = ?2 WHERE session_id = ?1 AND text = ?3 AND position = ?4";
}

#[async_trait]
impl Sealing for SqliteStore {
    async fn reseal(&self, pass: Resealing, limit: u32) -> Result<Resealing, StoreError> {
        // What no other key has sealed is as it is to be, or does not open.
        if !self.keyring.has_others() || pass.is_over() {
            return Ok(pass.over());
        }
        let keyring = self.keyring.clone();
        if pass.next == Next::Canary {
            if pass.left > 0 {
                return Ok(pass.over());
            }
            let renewed = self.write(move |connection| schema::reseal_canary(connection, &keyring)).await?;
            return Ok(Resealing { resealed: pass.resealed + renewed, ..pass.over() });
        }
        let (next, found) =
            self.read(move |connection| renewals(connection, &keyring, pass.next, limit)).await?;
        let pass = Resealing { next, unopened: pass.unopened + found.unopened, ..pass };
        if found.renewals.is_empty() {
            return Ok(pass);
        }
        let all = found.count();
        let renewed = self.write(move |connection| renew(connection, &found.renewals)).await?;
        Ok(Resealing { resealed: pass.resealed + renewed, left: pass.left + all - renewed, ..pass })
    }

    async fn sealed_by(&self) -> Result<SealedBy, StoreError> {
        let mut sealed = SealedBy::default();
        let mut next = Next::BEGIN;
        while next != Next::End {
            (next, sealed) = self.read(move |connection| count_page(connection, next, sealed)).await?;
        }
        Ok(sealed)
    }
}

/// What each key has sealed, read page by page.
pub(super) fn sealed_by(connection: &Connection) -> Result<SealedBy, StoreError> {
    let mut sealed = SealedBy::default();
    let mut next = Next::BEGIN;
    while next != Next::End {
        (next, sealed) = count_page(connection, next, sealed)?;
    }
    Ok(sealed)
}

fn count_page(
    connection: &Connection,
    next: Next,
    mut sealed: SealedBy,
) -> Result<(Next, SealedBy), StoreError> {
    if next == Next::Canary {
        if let Some(canary) = schema::canary(connection)? {
            sealed.count(Place::Canary, &canary);
        }
        return Ok((Next::End, sealed));
    }
    let next = page(connection, next, COUNTED_AT_ONCE, |value| {
        sealed.count(value.place, value.sealed);
        Ok(())
    })?;
    Ok((next, sealed))
}

/// Shows the sealed values of the next `limit` rows; where it goes on.
fn page(
    connection: &Connection,
    next: Next,
    limit: u32,
    mut see: impl FnMut(Value<'_>) -> Result<(), StoreError>,
) -> Result<Next, StoreError> {
    let (sql, mut last) = match next {
        Next::Callbacks(_) => (CALLBACKS, next),
        Next::Sessions(_) => (SESSIONS, next),
        Next::Messages(..) => (MESSAGES, next),
        Next::Canary | Next::End => return Ok(next),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = match next {
        Next::Messages(session, position) => statement.query((session, position, limit))?,
        Next::Callbacks(after) | Next::Sessions(after) => statement.query((after, limit))?,
        Next::Canary | Next::End => unreachable!("these are no tables"),
    };
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        last = show(next, row, &mut see)?;
        seen += 1;
    }
    Ok(if seen < limit { next.table_after() } else { last })
}

/// Shows what is sealed in a row; the row itself.
fn show(
    table: Next,
    row: &Row<'_>,
    see: &mut impl FnMut(Value<'_>) -> Result<(), StoreError>,
) -> Result<Next, StoreError> {
    let (key, position, columns, bound_to, agent): (_, _, &[_], _, _) = match table {
        Next::Callbacks(_) => {
            let key: [u8; 16] = row.get("agent_id")?;
            let columns = &[(Place::CallbackSecret, "secret"), (Place::NextCallbackSecret, "next_secret")];
            (key, 0, columns, key.to_vec(), [0; 16])
        }
        Next::Sessions(_) => {
            let key: [u8; 16] = row.get("id")?;
            (key, 0, &[(Place::Identity, "identity")], key.to_vec(), row.get("agent_id")?)
        }
        _ => {
            let session: [u8; 16] = row.get("session_id")?;
            let bound_to = row_of(id_from_bytes(session), id_from_bytes(row.get("id")?));
            (session, row.get("position")?, &[(Place::MessageText, "text")], bound_to, [0; 16])
        }
    };
    for &(place, column) in columns {
        let ValueRef::Blob(sealed) = row.get_ref(column)? else { continue };
        see(Value { place, bound_to: bound_to.clone(), key, position, agent, sealed })?;
    }
    Ok(match table {
        Next::Callbacks(_) => Next::Callbacks(key),
        Next::Sessions(_) => Next::Sessions(key),
        _ => Next::Messages(key, position),
    })
}

/// What of the next page is to be renewed, and where it goes on.
fn renewals(
    connection: &Connection,
    keyring: &Keyring,
    next: Next,
    limit: u32,
) -> Result<(Next, Renewals), StoreError> {
    let mut found = Renewals::default();
    let next = page(connection, next, limit, |value| found.add(keyring, &value))?;
    Ok((next, found))
}

/// Writes them where the row is as it was read; how many that were.
fn renew(connection: &Connection, renewals: &[Renewal]) -> Result<u64, StoreError> {
    renewals.iter().try_fold(0, |renewed, renewal| {
        let Renewal { place, key, position, was, sealed, user_hash } = renewal;
        let written = match place {
            Place::CallbackSecret => execute(connection, RENEW_SECRET, (key, sealed, was)),
            Place::NextCallbackSecret => execute(connection, RENEW_NEXT_SECRET, (key, sealed, was)),
            Place::Identity => execute(connection, RENEW_IDENTITY, (key, sealed, was, user_hash)),
            Place::MessageText => execute(connection, RENEW_TEXT, (key, sealed, was, position)),
            Place::Canary => unreachable!("it is in no page"),
        };
        Ok(renewed + written?)
    })
}

#[cfg(test)]
mod tests;
