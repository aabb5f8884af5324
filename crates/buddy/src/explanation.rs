//! A resolution in words: what happened, which rule decided, and what to do.

use buddy_core::reason::{Code, Reason};
use buddy_core::resolution::{Outcome, Resolution};

/// What is to be known of a resolution.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// One sentence.
    pub(crate) cause: String,
    /// The row of the answer table that decided: what was answered.
    pub(crate) answered: &'static str,
    /// And what becomes of it.
    pub(crate) becomes: &'static str,
    /// What to do, if something is to be done.
    pub(crate) mend: Option<String>,
    /// The code, which has a page of its own.
    pub(crate) code: Option<Code>,
}

impl Explanation {
    pub(crate) fn of(resolution: &Resolution) -> Self {
        match (resolution.outcome, resolution.reason) {
            (Outcome::Failed, Some(reason)) => Self::of_failure(resolution, reason),
            (Outcome::Authenticated, _) => Self {
                cause: "The endpoint named the session’s user.".to_owned(),
                answered: "2xx, a JSON object whose userId is a string of 1 to 256 characters or an integer",
                becomes: "authenticated",
                mend: None,
                code: None,
            },
            _ if resolution.attempts.is_empty() => Self {
                cause: "The agent requires a ticket and none was given, so nobody was asked.".to_owned(),
                answered: "requireTicket, and no ticket",
                becomes: "anonymous, no error: nobody is signed in",
                mend: None,
                code: None,
            },
            _ => Self {
                cause: "The endpoint said that nobody is signed in.".to_owned(),
                answered: "204 No Content",
                becomes: "anonymous, no error: nobody is signed in",
                mend: None,
                code: None,
            },
        }
    }

    fn of_failure(resolution: &Resolution, reason: Reason) -> Self {
        let status = resolution.attempts.last().and_then(|attempt| attempt.status);
        let happened = match (reason, status) {
            (Reason::HttpStatus, Some(status)) => format!("The endpoint answered {status}"),
            (Reason::Redirect, Some(status)) => format!("The endpoint answered {status}, a redirect"),
            _ => reason.happened().to_owned(),
        };
        Self {
            cause: format!("{happened}{}.", how_often(resolution, reason)),
            answered: answered(reason),
            becomes: becomes(reason.code()),
            mend: Some(capitalised(reason.to_do())),
            code: Some(reason.code()),
        }
    }
}

fn how_often(resolution: &Resolution, reason: Reason) -> &'static str {
    let first = resolution.attempts.first().filter(|_| resolution.attempts.len() > 1);
    match first.and_then(|attempt| attempt.reason) {
        Some(first) if first == reason && reason.code() == Code::Timeout => ", in both attempts",
        Some(first) if first.code() == Code::Timeout => ", after a first attempt that ran out of its time",
        _ => "",
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    format!("{}{}", first.unwrap_or_default(), letters.as_str())
}

fn becomes(code: Code) -> &'static str {
    match code {
        Code::Timeout => "AUTH_CALLBACK_TIMEOUT, after one more attempt",
        Code::Failed => "AUTH_CALLBACK_FAILED, not tried again",
        Code::BadResponse => "AUTH_CALLBACK_BAD_RESPONSE, not tried again",
        Code::NotConfigured => "AUTH_NOT_CONFIGURED, no call is made",
    }
}

fn answered(reason: Reason) -> &'static str {
    match reason {
        Reason::TimeoutQueue
        | Reason::TimeoutDns
        | Reason::TimeoutConnect
        | Reason::TimeoutTls
        | Reason::TimeoutHeaders
        | Reason::TimeoutBody => "an attempt as a whole took longer than timeoutMs",
        Reason::NotHttps => "no answer: the URL is not HTTPS",
        Reason::DnsFailed => "no answer: the name was not found",
        Reason::AddressBlocked => "no answer: an address that is not public",
        Reason::ConnectFailed => "no answer: the connection was refused",
        Reason::TlsFailed => "no answer: TLS failed",
        Reason::ConnectionLost => "no whole answer: reset, or cut off",
        Reason::Redirect => "any 3xx: none is followed",
        Reason::HttpStatus => "a status other than 2xx",
        Reason::HeadersTooLarge => "headers over 16 KiB or 64 lines",
        Reason::ProtocolError => "what is not HTTP",
        Reason::BadUrl => "no answer: a URL that cannot be called",
        Reason::Overloaded => "no call: the agent’s queue was longer than 8 × maxConcurrent",
        Reason::Interrupted => "no answer: interrupted here",
        Reason::NotJson => "2xx, and the body is not JSON in UTF-8",
        Reason::Html => "2xx, and the body begins with <",
        Reason::NotAnObject => "2xx, and JSON that is no object",
        Reason::DuplicateMember => "2xx, and a member twice in one object",
        Reason::TooDeep => "2xx, and nested deeper than 32",
        Reason::TooLarge => "2xx, and over 64 KiB",
        Reason::EmptyBody => "2xx but 204, and an empty body",
        Reason::ContentEncoding => "2xx, and a Content-Encoding",
        Reason::NoUserId => "2xx, and userId missing or null",
        Reason::InvalidUserId => "2xx, and a userId that is blank, too long, or of another type",
        Reason::NotConfigured => "no enabled callback",
    }
}

#[cfg(test)]
mod tests {
    use buddy_core::id::new_id;
    use buddy_core::resolution::{Attempt, Phases, SignedWith};
    use buddy_core::time::UnixMillis;

    use super::*;

    fn attempt(number: u8, status: Option<u16>, reason: Option<Reason>) -> Attempt {
        Attempt {
            number,
            started_at: UnixMillis(0),
            duration: 1,
            status,
            reason,
            signed_with: SignedWith::Current,
            reused_connection: false,
            phases: Phases::default(),
            signed: None,
            shape: None,
        }
    }

    fn explained(outcome: Outcome, attempts: Vec<Attempt>) -> Explanation {
        let reason = attempts.last().and_then(|attempt| attempt.reason);
        Explanation::of(&Resolution {
            id: new_id(UnixMillis(1), [1; 10]),
            session_id: new_id(UnixMillis(1), [1; 10]),
            agent_id: new_id(UnixMillis(1), [1; 10]),
            outcome,
            reason,
            warnings: Vec::new(),
            started_at: UnixMillis(0),
            duration: 1,
            attempts,
        })
    }

    #[test]
    fn every_reason_has_its_cause_its_rule_and_what_to_do() {
        for &reason in Reason::ALL {
            let told = explained(Outcome::Failed, vec![attempt(1, None, Some(reason))]);
            assert_eq!(told.code, Some(reason.code()));
            assert!(told.becomes.starts_with(reason.code().as_str()), "{reason}");
            for sentence in [&told.cause, told.mend.as_ref().unwrap()] {
                assert!(sentence.ends_with('.') && !sentence.ends_with(".."), "{reason}: {sentence}");
                assert!(!sentence.starts_with(char::is_lowercase), "{reason}: {sentence}");
            }
            assert!(!told.cause.contains(": "), "one sentence that says what happened: {}", told.cause);
        }
    }

    #[test]
    fn the_cause_says_what_came_back_and_how_often() {
        let (timeout, other) = (Some(Reason::TimeoutHeaders), Some(Reason::TimeoutDns));
        for (attempts, cause) in [
            (vec![attempt(1, Some(401), Some(Reason::HttpStatus))], "The endpoint answered 401."),
            (vec![attempt(1, Some(302), Some(Reason::Redirect))], "The endpoint answered 302, a redirect."),
            (
                vec![attempt(1, None, timeout), attempt(2, None, timeout)],
                "The endpoint took the request but did not begin to answer in time, in both attempts.",
            ),
            (
                vec![attempt(1, None, other), attempt(2, Some(500), Some(Reason::HttpStatus))],
                "The endpoint answered 500, after a first attempt that ran out of its time.",
            ),
            (
                vec![
                    attempt(1, Some(401), Some(Reason::HttpStatus)),
                    attempt(1, Some(403), Some(Reason::HttpStatus)),
                ],
                "The endpoint answered 403.",
            ),
        ] {
            assert_eq!(explained(Outcome::Failed, attempts).cause, cause);
        }
        let nobody = explained(Outcome::Nobody, vec![attempt(1, Some(204), None)]);
        assert_eq!(nobody.answered, "204 No Content");
        assert_eq!(explained(Outcome::Nobody, Vec::new()).answered, "requireTicket, and no ticket");
    }
}
