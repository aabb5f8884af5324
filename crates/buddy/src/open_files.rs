//! The limit of open files, and how many connections it bears.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::{MaxConnections, WrongSetting};

/// Callbacks at once that may need one each. More sessions may be pending, for most wait for their turn, and that takes
/// no file; what finds none is a failed attempt, not a lost session.
const CALLBACKS: usize = 6_000;
/// The database's connections or files, name servers, the log, the runtime: some fifty at most, and as many to spare.
const OTHERS: usize = 128;

/// Raises this process's limit as far as it may be, which servers do: the lower one is for programs that use `select`.
/// Returns the limit; `None`: there is none.
pub(crate) fn raise_limit() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => {
            tracing::info!(
                from = current,
                to = maximum,
                "the limit of open files is raised to the most allowed"
            );
            maximum
        }
        Err(error) => {
            tracing::warn!(limit = current, %error, "the limit of open files could not be raised");
            current
        }
    }
}

/// How many connections there may be: as many as were set, or refused if the limit does not bear them. Where none were
/// set, it is the default, or what the limit bears of it.
pub(crate) fn connections(
    wanted: &MaxConnections,
    max_pending: usize,
    limit: Option<u64>,
) -> Result<usize, WrongSetting> {
    let beside = CALLBACKS.min(max_pending) + OTHERS;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let most = limit.saturating_sub(beside);
    let must = |connections: usize| {
        let files = connections.saturating_add(beside);
        format!(
            "{connections} connections need {files} open files, {beside} of them for callbacks and the database, and this process may have {limit}: raise the limit (LimitNOFILE, ulimit -n), or set fewer."
        )
    };
    if wanted.most <= most {
        return Ok(wanted.most);
    }
    match &wanted.set_by {
        Some(setting) => Err(WrongSetting { setting: setting.clone(), must: must(wanted.most) }),
        None if most == 0 => Err(WrongSetting { setting: "--max-connections".into(), must: must(1) }),
        None => {
            tracing::warn!(connections = most, limit, "the limit of open files bears no more connections");
            Ok(most)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(most: usize) -> MaxConnections {
        MaxConnections { most, set_by: Some("BUDDY_MAX_CONNECTIONS".into()) }
    }

    #[test]
    fn what_is_asked_for_is_borne_or_refused_and_the_default_is_fitted() {
        for (wanted, max_pending, limit, connections) in [
            (set(10_000), 50_000, Some(16_128), Some(10_000)),
            (set(10_000), 50_000, Some(16_127), None),
            (set(10_000), 100, Some(10_228), Some(10_000)),
            (set(1_000_000), 50_000, None, Some(1_000_000)),
            (set(usize::MAX), 50_000, Some(65_536), None),
            (MaxConnections::default(), 50_000, Some(65_536), Some(10_000)),
            (MaxConnections::default(), 50_000, None, Some(10_000)),
            (MaxConnections::default(), 50_000, Some(8_192), Some(2_064)),
            (MaxConnections::default(), 50_000, Some(6_128), None),
        ] {
            let given = super::connections(&wanted, max_pending, limit);
            assert_eq!(given.as_ref().ok(), connections.as_ref(), "{wanted:?} {max_pending} {limit:?}");
        }
        let refused = super::connections(&set(20_000), 50_000, Some(16_384)).unwrap_err().to_string();
        assert!(
            refused.starts_with("BUDDY_MAX_CONNECTIONS: 20000 connections need 26128 open files"),
            "{refused}"
        );
    }
}
