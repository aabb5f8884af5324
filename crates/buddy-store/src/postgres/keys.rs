//! Sealing anew what an older master key has sealed: read in pages, and written where the row is still as it was read.

use async_trait::async_trait;
use buddy_core::id::id_from_bytes;
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use uuid::Uuid;

use super::failure::Failure;
use super::pool::{Pool, reading, writing};
use super::statement::{execute, get, statements};
use super::{OpenError, PostgresInspection, PostgresStore, schema};
use crate::columns::{CANARY_ROW, row_of};
use crate::renewal::{Renewal, Renewals, Value};
use crate::seal::Place;
use crate::store::keys::Next;
use crate::{Keyring, Resealing, SealedBy, Sealing, StoreError};

/// Rows that are counted in one read: with texts of some kilobytes a few megabytes.
const COUNTED_AT_ONCE: u32 = 2_000;

statements! {
    CALLBACKS = "SELECT agent_id, secret, next_secret FROM callbacks WHERE agent_id > $1 ORDER BY agent_id LIMIT $2";
    SESSIONS = "SELECT id, agent_id, identity FROM sessions WHERE id > $1 ORDER BY id LIMIT $2";
    MESSAGES = "SELECT session_id, position, id, text FROM messages WHERE (session_id, position) > ($1, $2)
        ORDER BY session_id, position LIMIT $3";
    // What is sealed is never sealed to the same bytes again, so that a row with these has not been changed.
    RENEW_SECRET = "UPDATE callbacks SET secret = $2 WHERE agent_id = $1 AND secret = $3";
    RENEW_NEXT_SECRET = "UPDATE callbacks SET next_secret = $2 WHERE agent_id = $1 AND next_secret = $3";
    RENEW_IDENTITY = "UPDATE sessions SET identity = $2, user_hash = $4 WHERE id = $1 AND identity = $3";
    RENEW_TEXT = "UPDATE messages SET text = $2 WHERE session_id = $1 AND text = $3 AND position = $4";
    RENEW_CANARY = "UPDATE canary SET sealed = $1 WHERE id = 1 AND sealed = $2";
}

#[async_trait]
impl Sealing for PostgresStore {
    async fn reseal(&self, pass: Resealing, limit: u32) -> Result<Resealing, StoreError> {
        Sealed { pool: &self.pool }.reseal(&self.keyring, pass, limit).await
    }

    async fn sealed_by(&self) -> Result<SealedBy, StoreError> {
        Sealed { pool: &self.pool }.by().await
    }
}

/// What is sealed in a database, for who is no node of it: no session becomes its own, and no table is changed. Nodes may
/// run meanwhile.
#[derive(Debug)]
pub struct PostgresKeys {
    pool: Pool,
    keyring: Keyring,
}

impl PostgresKeys {
    /// Refuses what a node would not start with: keys that do not open the data, and tables that this version cannot work
    /// with.
    pub async fn open(inspection: PostgresInspection, keyring: Keyring) -> Result<Self, OpenError> {
        inspection.schema().await?;
        inspection.opens_with(&keyring).await?;
        Ok(Self { pool: inspection.pool, keyring })
    }
}

#[async_trait]
impl Sealing for PostgresKeys {
    async fn reseal(&self, pass: Resealing, limit: u32) -> Result<Resealing, StoreError> {
        Sealed { pool: &self.pool }.reseal(&self.keyring, pass, limit).await
    }

    async fn sealed_by(&self) -> Result<SealedBy, StoreError> {
        Sealed { pool: &self.pool }.by().await
    }
}

/// All that is sealed, by the connections on which it is read and written.
pub(super) struct Sealed<'a> {
    pub(super) pool: &'a Pool,
}

impl Sealed<'_> {
    async fn reseal(&self, keyring: &Keyring, pass: Resealing, limit: u32) -> Result<Resealing, StoreError> {
        // What no other key has sealed is as it is to be, or does not open.
        if !keyring.has_others() || pass.is_over() {
            return Ok(pass.over());
        }
        if pass.next == Next::Canary {
            let renewed = if pass.left > 0 { 0 } else { self.reseal_canary(keyring).await? };
            return Ok(Resealing { resealed: pass.resealed + renewed, ..pass.over() });
        }
        let (next, found) = reading!(self, |client| {
            let mut found = Renewals::default();
            let next = page(client, pass.next, limit, |value| found.add(keyring, &value)).await?;
            Ok((next, found))
        })?;
        let pass = Resealing { next, unopened: pass.unopened + found.unopened, ..pass };
        if found.renewals.is_empty() {
            return Ok(pass);
        }
        let renewed = writing!(self, |tx| renew(tx, &found.renewals).await)?;
        let left = pass.left + found.count() - renewed;
        Ok(Resealing { resealed: pass.resealed + renewed, left, ..pass })
    }

    /// What each key has sealed.
    pub(super) async fn by(&self) -> Result<SealedBy, StoreError> {
        let mut sealed = SealedBy::default();
        let mut next = Next::BEGIN;
        while next != Next::Canary {
            let (after, counted) = reading!(self, |client| {
                let mut counted = sealed.clone();
                let after = page(client, next, COUNTED_AT_ONCE, |value| {
                    counted.count(value.place, value.sealed);
                    Ok(())
                })
                .await?;
                Ok((after, counted))
            })?;
            (next, sealed) = (after, counted);
        }
        if let Some(canary) = reading!(self, |client| canary(client).await)? {
            sealed.count(Place::Canary, &canary);
        }
        Ok(sealed)
    }

    /// Seals the canary by the ring's first key, if another has; how many that changed.
    async fn reseal_canary(&self, keyring: &Keyring) -> Result<u64, StoreError> {
        let Some(sealed) = reading!(self, |client| canary(client).await)? else { return Ok(0) };
        if keyring.seals_like(&sealed) {
            return Ok(0);
        }
        let text = keyring.open(Place::Canary, CANARY_ROW, &sealed)?;
        let renewed = keyring.seal(Place::Canary, CANARY_ROW, &text);
        writing!(self, |tx| execute(tx, RENEW_CANARY, &[&renewed, &sealed]).await)
    }
}

/// The canary as it is sealed.
async fn canary(client: &impl GenericClient) -> Result<Option<Vec<u8>>, Failure> {
    super::statement::query_optional(client, schema::CANARY, &[], |row| get(row, "sealed")).await
}

/// Shows the sealed values of the next `limit` rows; where it goes on.
async fn page(
    client: &impl GenericClient,
    next: Next,
    limit: u32,
    mut see: impl FnMut(Value<'_>) -> Result<(), StoreError>,
) -> Result<Next, Failure> {
    let at_most = i64::from(limit);
    let rows = match next {
        Next::Callbacks(after) => rows_of(client, CALLBACKS, &[&Uuid::from_bytes(after), &at_most]).await?,
        Next::Sessions(after) => rows_of(client, SESSIONS, &[&Uuid::from_bytes(after), &at_most]).await?,
        Next::Messages(session, position) => {
            let position = i32::try_from(position).unwrap_or(i32::MAX);
            rows_of(client, MESSAGES, &[&Uuid::from_bytes(session), &position, &at_most]).await?
        }
        Next::Canary | Next::End => return Ok(next),
    };
    let mut last = next;
    for row in &rows {
        last = show(next, row, &mut see)?;
    }
    let full = u32::try_from(rows.len()).is_ok_and(|seen| seen >= limit);
    Ok(if full { last } else { next.table_after() })
}

async fn rows_of(
    client: &impl GenericClient,
    sql: &str,
    values: super::statement::Values<'_>,
) -> Result<Vec<Row>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.query(&statement, values).await?)
}

/// Shows what is sealed in a row; the row itself.
fn show(
    table: Next,
    row: &Row,
    see: &mut impl FnMut(Value<'_>) -> Result<(), StoreError>,
) -> Result<Next, Failure> {
    let id = |column| Ok::<_, Failure>(*get::<Uuid>(row, column)?.as_bytes());
    let (key, position, columns, bound_to, agent): (_, _, &[_], _, _) = match table {
        Next::Callbacks(_) => {
            let key = id("agent_id")?;
            let columns = &[(Place::CallbackSecret, "secret"), (Place::NextCallbackSecret, "next_secret")];
            (key, 0, columns, key.to_vec(), [0; 16])
        }
        Next::Sessions(_) => {
            let key = id("id")?;
            (key, 0, &[(Place::Identity, "identity")], key.to_vec(), id("agent_id")?)
        }
        _ => {
            let session = id("session_id")?;
            let bound_to = row_of(id_from_bytes(session), id_from_bytes(id("id")?));
            let position: i32 = get(row, "position")?;
            (session, position.into(), &[(Place::MessageText, "text")], bound_to, [0; 16])
        }
    };
    for &(place, column) in columns {
        let Some(sealed) = row.try_get::<_, Option<&[u8]>>(column)? else { continue };
        see(Value { place, bound_to: bound_to.clone(), key, position, agent, sealed })?;
    }
    Ok(match table {
        Next::Callbacks(_) => Next::Callbacks(key),
        Next::Sessions(_) => Next::Sessions(key),
        _ => Next::Messages(key, position),
    })
}

/// Writes them where the row is as it was read; how many that were. In the order of their keys, as all who write many.
async fn renew(client: &impl GenericClient, renewals: &[Renewal]) -> Result<u64, Failure> {
    let mut renewed = 0;
    for Renewal { place, key, position, was, sealed, user_hash } in renewals {
        let key = Uuid::from_bytes(*key);
        renewed += match place {
            Place::CallbackSecret => execute(client, RENEW_SECRET, &[&key, sealed, was]).await?,
            Place::NextCallbackSecret => execute(client, RENEW_NEXT_SECRET, &[&key, sealed, was]).await?,
            Place::Identity => {
                let user_hash = user_hash.as_ref().map(<[u8; 32]>::as_slice);
                execute(client, RENEW_IDENTITY, &[&key, sealed, was, &user_hash]).await?
            }
            Place::MessageText => {
                let position = i32::try_from(*position).unwrap_or(i32::MAX);
                execute(client, RENEW_TEXT, &[&key, sealed, was, &position]).await?
            }
            Place::Canary => unreachable!("it is in no page"),
        };
    }
    Ok(renewed)
}
