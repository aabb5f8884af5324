//! Is anything there, over HTTPS, with a good certificate?

use std::time::Duration;

use buddy_core::time::UnixMillis;
use buddy_egress::{CertificateFault, Handshake, Trouble, ValidUntil};
use tokio::time::Instant;

use super::probe::Prober;
use super::{Check, Findings, Subject, millis};

const DAY_SECONDS: i64 = 24 * 3600;
/// A certificate that renews itself does so weeks before its end; two weeks before it, something has gone wrong.
const CERTIFICATE_DAYS_MIN: i64 = 14;

/// Requests of a check follow one another.
const ONE_AT_A_TIME: usize = 1;

/// Whom to go on asking; `None` where nobody can be.
pub(super) async fn run<'a>(findings: &mut Findings<'a>, subject: &Subject) -> Option<Prober<'a>> {
    findings.begin(Check::Reach);
    let means = findings.means;
    let target = match means.egress.target(&subject.url) {
        Ok(target) => target,
        Err(reason) => {
            let message = format!("the URL can never be called: {reason}");
            findings.fail(Check::Reach, message, reason.mend());
            return None;
        }
    };
    let timeout = Duration::from_millis(subject.timeout_ms.into());
    let Handshake { phases, result } = means.egress.handshake(&target, Instant::now() + timeout).await;
    let valid_until = match result {
        Ok(valid_until) => valid_until,
        Err(trouble) => {
            judge_trouble(findings, trouble);
            return None;
        }
    };
    let took = [phases.dns, phases.connect, phases.tls].into_iter().flatten().sum();
    let took = millis(Duration::from_micros(took));
    if target.is_secure() {
        findings.pass(Check::Reach, format!("connected in {took}"));
    } else {
        let mend = "Serve the endpoint over https:// before it is live: Buddy calls nothing else.";
        findings.warn(Check::Reach, format!("connected in {took}, over plain HTTP"), mend);
    }
    if let Some(valid_until) = valid_until {
        judge_end(findings, valid_until);
    }
    Some(Prober {
        egress: means.egress,
        ambient: means.ambient,
        pool: means.egress.pool(ONE_AT_A_TIME),
        target,
        timeout,
        agent_id: subject.agent_id,
    })
}

pub(super) fn judge_trouble(findings: &mut Findings<'_>, trouble: Trouble) {
    let Trouble { reason, certificate } = trouble;
    let Some(fault) = certificate else {
        return findings.fail(Check::Reach, format!("no connection: {reason}"), reason.mend());
    };
    findings.pass(Check::Reach, "a server answers there");
    let (message, mend) = match fault {
        CertificateFault::Expired(since) => {
            let since = since.map(|end| days(findings.means.ambient.now().seconds() - end));
            let since = since.map_or_else(String::new, |days| format!(" {days} ago"));
            (format!("it expired{since}"), "Renew the certificate, and see to it that it renews itself.")
        }
        CertificateFault::NotYetValid => {
            ("it is not valid yet".into(), "Check the dates of the certificate, and this machine's clock.")
        }
        CertificateFault::OtherHost => {
            ("it is for another host".into(), "Have a certificate made for the host in the URL.")
        }
        CertificateFault::UnknownIssuer => (
            "nobody who is believed has signed it".into(),
            "Use a certificate of a public authority, and send the chain between with it (the fullchain file); \
             a private authority's own certificate goes to --egress-ca.",
        ),
        CertificateFault::Other => ("it is not believed".into(), reason.mend()),
    };
    findings.fail(Check::Certificate, message, mend);
}

pub(super) fn judge_end(findings: &mut Findings<'_>, end: ValidUntil) {
    let now = findings.means.ambient.now();
    if let Some(left) = ends_soon(end, now) {
        let mend = "Renew the certificate now, and find out why it did not renew itself.";
        findings.warn(Check::Certificate, format!("valid for another {left}"), mend);
    } else {
        findings.pass(Check::Certificate, format!("valid for another {}", days(end.0 - now.seconds())));
    }
}

/// What is left of a certificate that should have been renewed by now.
pub(crate) fn ends_soon(ValidUntil(end): ValidUntil, now: UnixMillis) -> Option<String> {
    let left = end - now.seconds();
    (left < CERTIFICATE_DAYS_MIN * DAY_SECONDS).then(|| days(left))
}

fn days(seconds: i64) -> String {
    match seconds / DAY_SECONDS {
        1 => "1 day".into(),
        days => format!("{days} days"),
    }
}
