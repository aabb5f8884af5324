//! What must be refused, asked one by one.

use buddy_core::callback::mistake::Mistake;
use buddy_core::callback::signature::sign;
use buddy_core::secret::CallbackSecret;

use super::probe::{Probe, Prober, Said};
use super::{Check, Findings};

/// Far past the 300 seconds within which a request is to be taken.
const OLD_SECONDS: u32 = 3600;

const VERIFY: &str = "Verify X-Platform-Signature over the raw body, in constant time, before anything else, and answer 401 \
                      where it does not match.";
const REFUSE_WITH_401: &str = "Answer 401 to a signature that does not match: only 401 and 403 let a rotation of the secret go on unnoticed.";

/// Sends each forgery; `secret` is the one that the endpoint holds.
pub(super) async fn run(findings: &mut Findings<'_>, prober: &Prober<'_>, secret: &CallbackSecret) {
    let now = prober.now();
    let body = prober.body(prober.unknown_session(), now);
    let other_body = prober.body(prober.unknown_session(), now);
    let other_secret = findings.means.ambient.callback_secret();
    let noise: [u8; 32] = findings.means.ambient.bytes();
    let mut forgeries = vec![
        (Check::WrongSignature, Some(hex::encode(noise)), VERIFY),
        (
            Check::MissingSignature,
            None,
            "Answer 401 where the header X-Platform-Signature is missing, as to a wrong one.",
        ),
        (
            Check::OtherBody,
            Some(sign(secret, other_body.as_bytes())),
            "Compute the signature over the raw body of this very request.",
        ),
        (
            Check::OtherSecret,
            Some(sign(&other_secret, body.as_bytes())),
            "Compute the signature with this agent's secret, and take no other.",
        ),
    ];
    forgeries.extend(open_to_everybody(secret, &body));
    let mut answers: Vec<(Check, Said, &str)> = Vec::new();
    for (check, signature, mend) in forgeries {
        findings.begin(check);
        let reply = prober.send(Probe { body: body.clone(), signature }).await;
        findings.hear(&reply);
        match answers.iter_mut().find(|(other, ..)| *other == check) {
            // Of several answers to one check, the one that was taken counts.
            Some(first) if !first.1.accepted() && reply.said.accepted() => *first = (check, reply.said, mend),
            Some(_) => {}
            None => answers.push((check, reply.said, mend)),
        }
    }
    let taken = if answers.iter().all(|(_, said, _)| said.accepted()) {
        "no signature is verified at all"
    } else {
        "a forged request was taken"
    };
    for (check, said, mend) in answers {
        judge(findings, check, &said, taken, mend);
    }
    old_request(findings, prober, secret).await;
}

/// Signatures that take no secret, such as under the empty key of a second variable that is not set.
fn open_to_everybody(
    secret: &CallbackSecret,
    body: &str,
) -> impl Iterator<Item = (Check, Option<String>, &'static str)> {
    let forgeable = Mistake::ALL.iter().copied().filter(|mistake| mistake.is_forgeable());
    forgeable.filter_map(move |mistake| {
        let signature = mistake.header(secret, body.as_bytes())?;
        Some((Check::OtherSecret, Some(signature), mistake.mend()))
    })
}

fn judge(findings: &mut Findings<'_>, check: Check, said: &Said, taken: &str, mend: &str) {
    let seen = said.seen();
    match said {
        Said::Refused(_) => findings.pass(check, seen),
        said if said.accepted() => findings.fail(check, format!("{seen}: {taken}"), mend),
        Said::NoAnswer(reason) => findings.warn(check, seen, reason.mend()),
        _ => findings.warn(check, format!("{seen}, not 401 or 403"), REFUSE_WITH_401),
    }
}

async fn old_request(findings: &mut Findings<'_>, prober: &Prober<'_>, secret: &CallbackSecret) {
    let check = Check::OldRequest;
    findings.begin(check);
    let body = prober.body(prober.unknown_session(), prober.now().minus_seconds(OLD_SECONDS));
    let reply = prober.ask_with(body, secret).await;
    findings.hear(&reply);
    let seen = reply.said.seen();
    match &reply.said {
        Said::Refused(_) | Said::Status(400..=499) => findings.pass(check, seen),
        said if said.accepted() => findings.fail(
            check,
            format!("{seen}: whoever has seen a request can send it again for ever"),
            "Compare the body's timestamp, unix seconds, with the clock; more than 300 seconds either way is 401.",
        ),
        Said::NoAnswer(reason) => findings.warn(check, seen, reason.mend()),
        _ => findings.warn(check, seen, "Answer 401 to a request whose timestamp is too old."),
    }
}
