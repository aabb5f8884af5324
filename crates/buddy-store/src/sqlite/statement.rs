//! Running prepared statements, and reading what they give.

use rusqlite::{Connection, Params, Row};

use crate::StoreError;
pub(super) use crate::statements::statements;

/// Runs a statement; the number of rows that it changed.
pub(super) fn execute(connection: &Connection, sql: &str, params: impl Params) -> Result<u64, StoreError> {
    let changed = connection.prepare_cached(sql)?.execute(params)?;
    Ok(u64::try_from(changed).expect("a count of rows fits 64 bits"))
}

/// The first row, if there is one.
pub(super) fn query_optional<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Option<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    rows.next()?.map(read).transpose()
}

/// All rows.
pub(super) fn query_all<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    read: impl FnMut(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    connection.prepare_cached(sql)?.query_and_then(params, read)?.collect()
}

impl From<rusqlite::Error> for StoreError {
    /// Keeps what an operator can act on, and neither a value nor the text of a statement.
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(match error {
            rusqlite::Error::SqliteFailure(code, Some(message)) => {
                format!("{message} (SQLite result code {})", code.extended_code)
            }
            rusqlite::Error::SqliteFailure(code, None) => code.to_string(),
            rusqlite::Error::SqlInputError { msg, .. } => msg,
            rusqlite::Error::InvalidColumnType(_, column, _) => {
                format!("a value in column {column} has another type than was written")
            }
            _ => "a value or a statement does not fit the tables".to_owned(),
        })
    }
}
