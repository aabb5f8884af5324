//! How sessions ended, in per cent.

use buddy_core::tally::Counts;

/// Parts of a hundred sessions, as they are written; what is there is never written as nothing.
pub(super) struct Shares {
    pub(super) identified: String,
    pub(super) nobody: String,
    pub(super) failed: String,
    pub(super) sessions: u64,
}

impl Shares {
    /// `None`: there were no sessions.
    pub(super) fn of(counts: &Counts) -> Option<Self> {
        let sessions = counts.sessions();
        (sessions > 0).then(|| Self {
            identified: percent(counts.authenticated, sessions),
            nobody: percent(counts.nobody, sessions),
            failed: percent(counts.all_failed(), sessions),
            sessions,
        })
    }
}

fn percent(part: u64, whole: u64) -> String {
    let nearest = (u128::from(part) * 100 + u128::from(whole) / 2) / u128::from(whole);
    match (nearest, part) {
        (0, 1..) => "<1".to_owned(),
        (100, part) if part < whole => ">99".to_owned(),
        (nearest, _) => nearest.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_never_written_as_nothing() {
        for (part, whole, expected) in [
            (0, 1, "0"),
            (1, 1000, "<1"),
            (999, 1000, ">99"),
            (1, 3, "33"),
            (2, 3, "67"),
            (1, 200, "1"),
            (7, 7, "100"),
            (u64::MAX, u64::MAX, "100"),
        ] {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
        assert!(Shares::of(&Counts::default()).is_none());
    }
}
