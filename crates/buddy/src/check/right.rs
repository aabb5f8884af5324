//! Is what is right taken for right? And if not, which mistake is it?

use buddy_core::callback::mistake::Mistake;
use buddy_core::reason::Reason;
use buddy_core::secret::CallbackSecret;
use buddy_core::time::UnixMillis;

use super::probe::{Probe, Prober, Reply, Said};
use super::{Check, Findings, Subject, seconds};

/// What an endpoint is to allow between its clock and the timestamp, either way.
const TOLERANCE_SECONDS: i64 = 300;
const NOT_TRIED: &str = "the rest was not tried";

/// The endpoint takes what is right, so that the rest is worth asking.
pub(super) struct Right {
    /// The secret that it holds.
    pub(super) secret: CallbackSecret,
    /// Its answer to the first request.
    pub(super) first: Reply,
}

/// Asks as Buddy would. `None`: the endpoint itself is not reached, or it takes nothing.
pub(super) async fn run(
    findings: &mut Findings<'_>,
    subject: &Subject,
    prober: &Prober<'_>,
) -> Option<Right> {
    findings.begin(Check::RightSignature);
    let (secret, first) = ask(findings, subject, prober).await;
    match &first.said {
        Said::Refused(_) => {
            refused(findings, subject, prober, &first.said).await;
            return None;
        }
        Said::Status(_) => {
            if is_answered_alike(findings, prober, &first.said).await {
                return None;
            }
        }
        // Nothing of the endpoint itself was seen: asking on would tell about what stands before it.
        Said::Redirect(_) | Said::NoAnswer(_) | Said::Unusable(_, Reason::Html) => {
            unanswered(findings, &first.said);
            return None;
        }
        Said::User(..) | Said::Nobody | Said::Unusable(..) => {}
    }
    judge_first(findings, subject, &first.said);
    unknown_session(findings, subject, prober, &secret, &first.said).await;
    raw_body(findings, prober, &secret, &first.said).await;
    Some(Right { secret, first })
}

/// The first answer, a second one where the first timed out, and the secret that was used in the end.
async fn ask(findings: &mut Findings<'_>, subject: &Subject, prober: &Prober<'_>) -> (CallbackSecret, Reply) {
    let session_id = subject.session_id.unwrap_or_else(|| prober.unknown_session());
    let mut reply = prober.ask(session_id, &subject.secret).await;
    if reply.said.timed_out() {
        // As after a cold start. What it means for the times is judged with them.
        let second = prober.ask(session_id, &subject.secret).await;
        reply = Reply { took: reply.took, ..second };
    }
    findings.hear(&reply);
    if let (Said::Refused(_), Some(next)) = (&reply.said, &subject.next_secret) {
        let with_next = prober.ask(session_id, next).await;
        // Whatever else is wrong with its answer: it holds this one.
        if !matches!(with_next.said, Said::Refused(_)) {
            return (next.clone(), with_next);
        }
    }
    (subject.secret.clone(), reply)
}

fn judge_first(findings: &mut Findings<'_>, subject: &Subject, said: &Said) {
    let check = Check::RightSignature;
    match said {
        Said::User(_, warnings) if warnings.is_empty() => findings.pass(check, said.seen()),
        Said::User(_, warnings) => {
            let codes = warnings.iter().map(|warning| warning.code()).collect::<Vec<_>>().join(", ");
            let mend = warnings.iter().map(|warning| warning.message()).collect::<Vec<_>>().join(" ");
            findings.warn(check, format!("{}; dropped: {codes}", said.seen()), mend);
        }
        Said::Nobody if subject.session_id.is_none() => {
            findings.pass(check, format!("{} (a bound session's id shows a user)", said.seen()));
        }
        Said::Nobody => findings.pass(check, said.seen()),
        Said::Unusable(_, reason) => findings.fail(check, said.seen(), reason.mend()),
        Said::Status(_) if subject.session_id.is_none() => findings.warn(
            check,
            format!("{}: not refused, but for an unknown session that shows no more", said.seen()),
            "Mend what unknown_session says, or give the id of a session that is bound to a user.",
        ),
        _ => findings.fail(check, said.seen(), "Look into the endpoint's log: the request was right."),
    }
}

/// Nothing of the endpoint's own came back.
fn unanswered(findings: &mut Findings<'_>, said: &Said) {
    let mend = said.reason().map_or("", Reason::mend);
    findings.fail(Check::RightSignature, format!("{}; {NOT_TRIED}", said.seen()), mend);
    if said.timed_out() {
        let seen = "two requests took longer than timeoutMs";
        findings.fail(Check::Latency, seen, "Make the user look-up faster, or raise timeoutMs.");
    }
}

/// Whether an unsigned request is answered the same error: then nothing is there that verifies.
async fn is_answered_alike(findings: &mut Findings<'_>, prober: &Prober<'_>, said: &Said) -> bool {
    let body = prober.body(prober.unknown_session(), prober.now());
    let unsigned = prober.send(Probe { body, signature: None }).await;
    let (Said::Status(signed), Said::Status(status)) = (said, &unsigned.said) else { return false };
    if signed != status {
        return false;
    }
    let mend = match status {
        404 | 405 | 410 => {
            "Check the path in the URL, and that it takes POST; an unknown session is 204, and a missing signature 401."
        }
        _ => "Look into the endpoint's log: it fails before it looks at the signature.",
    };
    let seen = format!("{}, signed or not; {NOT_TRIED}", said.seen());
    findings.fail(Check::RightSignature, seen, mend);
    true
}

/// A right request was answered 401 or 403: each known mistake is tried, until one is taken for right.
async fn refused(findings: &mut Findings<'_>, subject: &Subject, prober: &Prober<'_>, said: &Said) {
    let check = Check::RightSignature;
    let seen = said.seen();
    if let Some(off) = off_clock(findings, subject, prober).await {
        let off = seconds(off);
        let mend = "Set the endpoint's clock by NTP.";
        return findings.fail(
            check,
            format!("{seen}: by its clock, {off} off, the request is too old; {NOT_TRIED}"),
            mend,
        );
    }
    for &mistake in Mistake::ALL {
        let body = prober.body(prober.unknown_session(), prober.now());
        let Some(signature) = mistake.header(&subject.secret, body.as_bytes()) else { continue };
        let reply = prober.send(Probe { body, signature: Some(signature) }).await;
        if reply.said.accepted() {
            let seen = format!("{seen}; what it takes instead is {mistake}; {NOT_TRIED}");
            return findings.fail(check, seen, mistake.mend());
        }
    }
    findings.fail(
        check,
        format!("{seen}; it makes none of the known mistakes, so most likely it holds another secret; {NOT_TRIED}"),
        "Check that the endpoint holds the secret of this very agent, that it serves this agent, and that no proxy \
         drops X-Platform-Signature; then compare byte for byte with `buddy verify`.",
    );
}

/// How far the endpoint's clock is off, if the request is taken once its timestamp is by that clock.
async fn off_clock(findings: &Findings<'_>, subject: &Subject, prober: &Prober<'_>) -> Option<u64> {
    // A second less is within what the Date header rounds away.
    let ahead = findings.ahead_seconds.filter(|ahead| ahead.abs() >= TOLERANCE_SECONDS - 1)?;
    let there = UnixMillis(prober.now().0 + ahead * 1000);
    let body = prober.body(subject.session_id.unwrap_or_else(|| prober.unknown_session()), there);
    let reply = prober.ask_with(body, &subject.secret).await;
    reply.said.accepted().then_some(ahead.unsigned_abs())
}

async fn unknown_session(
    findings: &mut Findings<'_>,
    subject: &Subject,
    prober: &Prober<'_>,
    secret: &CallbackSecret,
    first: &Said,
) {
    let check = Check::UnknownSession;
    findings.begin(check);
    let asked = match subject.session_id {
        Some(_) => Some(prober.ask(prober.unknown_session(), secret).await),
        None => None,
    };
    let said = asked.as_ref().map_or(first, |reply| &reply.said);
    match said {
        Said::Nobody => findings.pass(check, said.seen()),
        Said::User(..) => findings.fail(
            check,
            format!("{} for a session id that was made up just now", said.seen()),
            "Look the session up, and answer 204 where you have not noted whose it is: everybody would be this user.",
        ),
        _ => findings.fail(
            check,
            format!("{}, not 204", said.seen()),
            "Answer 204 No Content for a session you do not know: nobody is signed in there, which is no error.",
        ),
    }
}

/// The same request with white space in its body, rightly signed. JSON that is parsed and written again loses it.
async fn raw_body(findings: &mut Findings<'_>, prober: &Prober<'_>, secret: &CallbackSecret, first: &Said) {
    let check = Check::RawBody;
    findings.begin(check);
    let body = prober.body(prober.unknown_session(), prober.now());
    let spaced = body.replace(':', " : ").replace(',', " , ");
    let reply = prober.ask_with(spaced, secret).await;
    findings.hear(&reply);
    match &reply.said {
        Said::Refused(_) => findings.fail(
            check,
            format!("{} to a right signature over a body with spaces in it", reply.said.seen()),
            "Verify the raw bytes of the body; what is verified now is JSON that was parsed and written again.",
        ),
        said if said.accepted() || is_same_status(said, first) => {
            findings.pass(check, "white space in the body changes nothing");
        }
        said => findings.warn(
            check,
            format!("{} to a body with spaces in it", said.seen()),
            "Read the body with a JSON parser, after the signature over its raw bytes.",
        ),
    }
}

fn is_same_status(one: &Said, other: &Said) -> bool {
    matches!((one, other), (Said::Status(one), Said::Status(other)) if one == other)
}
