//! Lists in stretches: `?limit=` and `?cursor=`, answered with `nextCursor`.

use buddy_store::Page;
use serde::Deserialize;
use type_safe_id::{StaticType, TypeSafeId};
use utoipa::IntoParams;

use crate::http::problem::Problem;

const LIMIT_DEFAULT: u32 = 50;
/// A screenful many times over; more is for the next page.
const LIMIT_MAX: u32 = 200;

/// The query of a list.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// At most this many entries; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    pub(super) limit: Option<u32>,
    /// The `nextCursor` of the answer before.
    pub(super) cursor: Option<String>,
}

/// A stretch of a list that was asked for. One more row than that is read, to know whether there are more.
pub(crate) struct Asked<Id> {
    pub(crate) page: Page<Id>,
    limit: usize,
}

/// Reads `limit` and `cursor`. A cursor is the last id of the page before.
pub(crate) fn asked<K: StaticType>(
    limit: Option<u32>,
    cursor: Option<&str>,
) -> Result<Asked<TypeSafeId<K>>, Problem> {
    let limit = limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Problem::invalid_value(format!("limit: must be 1 to {LIMIT_MAX}.")));
    }
    let before = cursor.map(str::parse).transpose().map_err(|_| {
        Problem::invalid_value("cursor: must be the nextCursor of the answer before, as it was.")
    })?;
    let rows = usize::try_from(limit).expect("at most 200");
    Ok(Asked { page: Page { before, limit: limit + 1 }, limit: rows })
}

impl<Id> Asked<Id> {
    /// The rows to answer with, and the cursor of the next stretch.
    pub(crate) fn cut<T>(&self, mut rows: Vec<T>, id: impl Fn(&T) -> String) -> (Vec<T>, Option<String>) {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next = if more { rows.last().map(id) } else { None };
        (rows, next)
    }
}
