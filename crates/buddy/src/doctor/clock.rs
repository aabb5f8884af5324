//! Is this machine's clock right? Endpoints refuse what was signed five minutes off.

use buddy_core::time::UnixMillis;

use super::hosts::Date;
use super::{Check, Finding};

/// NTP keeps clocks within a second: a minute off is a clock that nobody sets.
const OFF_WARN: i64 = 60;
/// From five minutes on endpoints refuse what is signed; a minute before that it is as good as there.
const OFF_FAIL: i64 = 240;

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
