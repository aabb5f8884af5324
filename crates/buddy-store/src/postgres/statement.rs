//! Running prepared statements, and reading what they give.

use buddy_core::id::{id_bytes, id_from_bytes};
use deadpool_postgres::GenericClient;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSqlOwned, ToSql};
use type_safe_id::{StaticType, TypeSafeId};
use uuid::Uuid;

use super::failure::Failure;
use crate::StoreError;
pub(super) use crate::statements::statements;

/// The values of a statement.
pub(super) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Runs a statement; the number of rows that it changed.
pub(super) async fn execute(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<u64, Failure> {
    let statement = client.prepare_cached(sql).await?;
    Ok(client.execute(&statement, values).await?)
}

/// The row, if there is one.
pub(super) async fn query_optional<T>(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
    read: impl FnOnce(&Row) -> Result<T, Failure>,
) -> Result<Option<T>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    client.query_opt(&statement, values).await?.as_ref().map(read).transpose()
}

/// All rows.
pub(super) async fn query_all<T>(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
    read: impl FnMut(&Row) -> Result<T, Failure>,
) -> Result<Vec<T>, Failure> {
    let statement = client.prepare_cached(sql).await?;
    client.query(&statement, values).await?.iter().map(read).collect()
}

/// There is such a row.
pub(super) async fn exists(
    client: &impl GenericClient,
    sql: &str,
    values: Values<'_>,
) -> Result<bool, Failure> {
    Ok(query_optional(client, sql, values, |_| Ok(())).await?.is_some())
}

/// An id as its column has it.
pub(super) fn key<K: StaticType + Copy>(id: TypeSafeId<K>) -> Uuid {
    Uuid::from_bytes(id_bytes(id))
}

/// The value of a column.
pub(super) fn get<T: FromSqlOwned>(row: &Row, column: &'static str) -> Result<T, Failure> {
    Ok(row.try_get(column)?)
}

/// The id in a column.
pub(super) fn get_id<K: StaticType>(row: &Row, column: &'static str) -> Result<TypeSafeId<K>, Failure> {
    Ok(id_from_bytes(*get::<Uuid>(row, column)?.as_bytes()))
}

/// A number that is kept in more bits than it has.
pub(super) fn get_narrow<T: TryFrom<i64>>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<T, Failure> {
    let wide: i64 = get(row, column)?;
    T::try_from(wide).map_err(|_| StoreError::Unreadable { table, column }.into())
}

/// As many bytes as there must be.
pub(super) fn get_bytes<const N: usize>(
    row: &Row,
    table: &'static str,
    column: &'static str,
) -> Result<[u8; N], Failure> {
    let bytes: Vec<u8> = get(row, column)?;
    bytes.try_into().map_err(|_| StoreError::Unreadable { table, column }.into())
}
