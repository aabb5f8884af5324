//! Do the callbacks' hosts have addresses, public ones, and soon enough?

use super::hosts::{Host, Looked, listed};
use super::{Check, Finding};

/// A third of the default `timeoutMs`, in microseconds: what is left must do for everything else.
const SLOW_MICROS: u64 = 1_000_000;

pub(super) fn judge(looked: &Looked) -> Finding {
    if looked.hosts.is_empty() {
        return Finding::ok(
            Check::Dns,
            "the name servers can be read; no agent has a callback to look up yet",
        );
    }
    let faults: Vec<String> = looked.hosts.iter().filter_map(fault).collect();
    let mend = "Check that /etc/resolv.conf names servers that this machine reaches, and the DNS records of these hosts; \
                a private network is opened with --egress-allow.";
    if !faults.is_empty() {
        let make = if faults.len() == looked.hosts.len() { Finding::fail } else { Finding::warn };
        return make(Check::Dns, listed(&faults), mend);
    }
    let took = |host: &Host| host.addresses.as_ref().ok().and_then(|found| found.dns).unwrap_or(0);
    let slowest = looked.hosts.iter().map(took).max().unwrap_or(0);
    let message = format!(
        "{} resolved, to addresses that may be called, within {} ms",
        hosts(looked),
        slowest.div_ceil(1000)
    );
    if slowest > SLOW_MICROS {
        let mend = "Use a name server nearer to this machine: every new connection waits for it.";
        return Finding::warn(Check::Dns, message, mend);
    }
    Finding::ok(Check::Dns, message)
}

fn hosts(looked: &Looked) -> String {
    let noun = if looked.hosts.len() == 1 { "host" } else { "hosts" };
    format!("{} {noun}", looked.of_how_many())
}

fn fault(host: &Host) -> Option<String> {
    let name = &host.name;
    let found = match &host.addresses {
        Err(reason) => return Some(format!("{name} can never be called ({reason})")),
        Ok(found) => found,
    };
    match &found.result {
        Err(reason) => Some(format!("{name} does not resolve ({reason})")),
        Ok(addresses) => addresses.iter().find_map(|(address, refused)| {
            let reason = (*refused)?;
            Some(format!("{name} leads to {address}, which may not be called ({reason})"))
        }),
    }
}
