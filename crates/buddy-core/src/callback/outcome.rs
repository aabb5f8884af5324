//! What becomes of one answer or failure: final, or once again.

use super::answer::Verdict;
use crate::limits::ATTEMPTS_MAX;
use crate::reason::{Code, Reason};
use crate::resolution::SignedWith;

/// What to do after a sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// The resolution ends with this.
    Settle,
    /// A new attempt: fresh timestamp, fresh signature, fresh connection.
    Retry,
    /// The same attempt once more, signed with the rotation's next secret, in what is left of its time.
    SendWithNextSecret,
}

/// Decides after a sending. `rotation_open`: there is a next secret to try.
///
/// Only a timeout is retried, once. Only 401 and 403, and only while a rotation is open, are sent again with
/// the next secret.
pub fn next(
    attempt: u8,
    signed_with: SignedWith,
    rotation_open: bool,
    status: Option<u16>,
    verdict: &Verdict,
) -> Next {
    match verdict {
        Verdict::Failed(reason) if reason.code() == Code::Timeout => {
            if attempt < ATTEMPTS_MAX {
                Next::Retry
            } else {
                Next::Settle
            }
        }
        Verdict::Failed(Reason::HttpStatus)
            if rotation_open && signed_with == SignedWith::Current && matches!(status, Some(401 | 403)) =>
        {
            Next::SendWithNextSecret
        }
        _ => Next::Settle,
    }
}

/// The endpoint has shown that it holds the next secret: a good answer, 204 too, to what that one signed.
pub fn proves_next_secret(signed_with: SignedWith, verdict: &Verdict) -> bool {
    signed_with == SignedWith::Next && !matches!(verdict, Verdict::Failed(_))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timeout_is_retried_once_and_nothing_else_is() {
        for &reason in Reason::ALL {
            let first = next(1, SignedWith::Current, false, None, &Verdict::Failed(reason));
            let second = next(2, SignedWith::Current, false, None, &Verdict::Failed(reason));
            let timeout = reason.code() == Code::Timeout;
            assert_eq!(first, if timeout { Next::Retry } else { Next::Settle }, "{reason}");
            assert_eq!(second, Next::Settle, "{reason}");
        }
        assert_eq!(next(1, SignedWith::Current, true, Some(204), &Verdict::Nobody), Next::Settle);
    }

    #[test]
    fn the_next_secret_is_tried_on_401_and_403_in_a_rotation_and_never_twice() {
        let refused = Verdict::Failed(Reason::HttpStatus);
        for (status, open, signed_with, expected) in [
            (401, true, SignedWith::Current, Next::SendWithNextSecret),
            (403, true, SignedWith::Current, Next::SendWithNextSecret),
            (404, true, SignedWith::Current, Next::Settle),
            (500, true, SignedWith::Current, Next::Settle),
            (401, false, SignedWith::Current, Next::Settle),
            (401, true, SignedWith::Next, Next::Settle),
        ] {
            for attempt in 1..=2 {
                assert_eq!(
                    next(attempt, signed_with, open, Some(status), &refused),
                    expected,
                    "{status} {open}"
                );
            }
        }
    }

    #[test]
    fn only_a_good_answer_proves_the_next_secret() {
        assert!(proves_next_secret(SignedWith::Next, &Verdict::Nobody));
        assert!(!proves_next_secret(SignedWith::Current, &Verdict::Nobody));
        assert!(!proves_next_secret(SignedWith::Next, &Verdict::Failed(Reason::NotJson)));
    }
}
