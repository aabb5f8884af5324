//! Do connections to the callbacks' hosts come about, with certificates that are believed?

use buddy_core::time::UnixMillis;
use buddy_egress::{CertificateFault, Peek, Trouble};

use super::hosts::{Looked, listed};
use super::{Check, Finding};
use crate::check::ends_soon;

pub(super) fn judge(looked: &Looked, now: UnixMillis) -> Finding {
    let peeked: Vec<(&str, &Peek)> =
        looked.hosts.iter().filter_map(|host| Some((host.name.as_str(), host.peek.as_ref()?))).collect();
    if looked.hosts.is_empty() {
        return Finding::ok(Check::Egress, "no agent has a callback to connect to yet");
    }
    if peeked.is_empty() {
        let mend = "Mend what `dns` says first.";
        return Finding::warn(Check::Egress, "no host could be connected to, as none resolved", mend);
    }
    let faults: Vec<String> = peeked
        .iter()
        .filter_map(|(name, peek)| Some(format!("{name}: {}", trouble(peek.handshake.result.err()?))))
        .collect();
    if !faults.is_empty() {
        let mend = "If all fail, let this machine out on port 443, and keep its roots up to date (ca-certificates; a private \
                    authority goes to --egress-ca); if one does, its owner has to mend it: `buddy check` shows more.";
        let make = if faults.len() == peeked.len() { Finding::fail } else { Finding::warn };
        return make(Check::Egress, listed(&faults), mend);
    }
    let ending: Vec<String> = peeked
        .iter()
        .filter_map(|(name, peek)| {
            let end = peek.handshake.result.ok().flatten()?;
            ends_soon(end, now).map(|left| format!("the certificate of {name} ends in {left}"))
        })
        .collect();
    if !ending.is_empty() {
        let mend = "Tell who runs the endpoint: sessions are anonymous once it has ended.";
        return Finding::warn(Check::Egress, listed(&ending), mend);
    }
    let noun = if peeked.len() == 1 { "host" } else { "hosts" };
    let message = format!("connected to {} {noun} as callbacks do, nothing was signed", peeked.len());
    Finding::ok(Check::Egress, message)
}

/// In some words.
pub(super) fn trouble(Trouble { reason, certificate }: Trouble) -> String {
    match certificate {
        Some(CertificateFault::Expired(_)) => "its certificate has expired".into(),
        Some(CertificateFault::NotYetValid) => {
            "its certificate is not valid yet (or this clock is wrong)".into()
        }
        Some(CertificateFault::OtherHost) => "its certificate is for another host".into(),
        Some(CertificateFault::UnknownIssuer) => "nobody who is believed has signed its certificate".into(),
        Some(CertificateFault::Other) => "its certificate is not believed".into(),
        None => format!("no connection ({reason})"),
    }
}
