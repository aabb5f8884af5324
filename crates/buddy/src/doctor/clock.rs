//! Is this machine's clock right? Endpoints refuse what was signed five minutes off.

use buddy_core::time::UnixMillis;

use super::hosts::Date;
use super::{Check, Finding, Verdict};
use crate::nodes::CLOCK_OFFSET_MAX_MS;

/// NTP keeps clocks within a second: a minute off is a clock that nobody sets.
const OFF_WARN: i64 = 60;
/// From five minutes on endpoints refuse what is signed; a minute before that it is as good as there.
const OFF_FAIL: i64 = 240;

/// Milliseconds from the database's clock. NTP keeps both well within it.
const FROM_DATABASE_WARN_MS: i64 = 1_000;

const MEND: &str = "Have NTP set this machine's clock (chrony or systemd-timesyncd; `timedatectl` shows it): \
                    endpoints refuse what is signed five minutes off.";

/// `hosts`: clocks of callbacks' hosts; `own`: of who answers at the public URL, which may be this very machine;
/// `last_write`: unix seconds of the database's last change.
pub(super) fn judge(now: UnixMillis, hosts: &[Date], own: Option<&Date>, last_write: Option<i64>) -> Finding {
    if let Some(back) = last_write.map(|last| last - now.seconds()).filter(|back| *back > OFF_WARN) {
        let message = format!("the database was last written {back} s from now: the clock was set back");
        return Finding::fail(Check::Clock, message, MEND);
    }
    // The one in the middle: one host's wrong clock is not ours.
    let mut dates: Vec<&Date> = hosts.iter().collect();
    dates.sort_by_key(|date| date.ahead);
    let (date, with) = match (dates.get(dates.len() / 2), own) {
        (Some(date), _) if dates.len() == 1 => (*date, date.host.clone()),
        (Some(date), _) => (*date, format!("{} callback hosts, in the middle", dates.len())),
        (None, Some(own)) => (own, format!("{}, which may be this very machine", own.host)),
        (None, None) => {
            let mend = "Compare `date -u` with another clock. Once an agent has a callback, this compares with its host.";
            return Finding::warn(Check::Clock, "not compared: no host told its time", mend);
        }
    };
    let off = date.ahead.abs();
    let side = if date.ahead > 0 { "behind" } else { "ahead of" };
    let seen = format!("{off} s {side} the Date header of {with}");
    if off > OFF_FAIL {
        Finding::fail(Check::Clock, seen, MEND)
    } else if off > OFF_WARN {
        Finding::warn(Check::Clock, seen, MEND)
    } else if off > 1 {
        Finding::ok(Check::Clock, seen)
    } else {
        // A header of whole seconds tells no more.
        Finding::ok(Check::Clock, format!("agrees with the Date header of {with}"))
    }
}

/// The same of a node of several, which has to agree with the database, too: the worse of both. `ahead`: milliseconds that
/// this clock is ahead of the database's; `None`: nobody knows.
pub(super) fn judge_of_many(
    now: UnixMillis,
    hosts: &[Date],
    own: Option<&Date>,
    ahead: Option<i64>,
) -> Finding {
    let by_dates = judge(now, hosts, own, None);
    let Some(by_database) = ahead.map(from_database) else { return by_dates };
    // Where nobody else tells the time, the database does.
    if hosts.is_empty() && own.is_none() || rank(&by_database) > rank(&by_dates) {
        return by_database;
    }
    if rank(&by_database) < rank(&by_dates) {
        return by_dates;
    }
    Finding { message: format!("{}; {}", by_database.message, by_dates.message), ..by_database }
}

fn rank(finding: &Finding) -> u8 {
    match finding.verdict {
        Verdict::Ok => 0,
        Verdict::Warn => 1,
        Verdict::Fail => 2,
    }
}

fn from_database(ahead: i64) -> Finding {
    let off = ahead.saturating_abs();
    let side = if ahead > 0 { "ahead of" } else { "behind" };
    let seen = format!("{off} ms {side} the database's clock");
    let seconds = CLOCK_OFFSET_MAX_MS / 1_000;
    let mend = format!(
        "Have NTP set the clocks of this machine and of the database's: a node more than {seconds} s off is not ready."
    );
    if off > CLOCK_OFFSET_MAX_MS {
        Finding::fail(Check::Clock, seen, mend)
    } else if off > FROM_DATABASE_WARN_MS {
        Finding::warn(Check::Clock, seen, mend)
    } else {
        Finding::ok(Check::Clock, seen)
    }
}
