//! The customer's verifier, against signatures that the server's code makes.

use buddy_core::callback::signature::sign;
use buddy_core::secret::CallbackSecret;
use buddy_verify::{Callback, VerifyError, verify};

use crate::json::{self, Broken};
use crate::ticket::is_session_id;

const TOLERANCE_SECONDS: i128 = 300;
/// Digits of an integer that no longer fits into a double, whatever they are.
const DOUBLE_DIGITS_MAX: usize = 309;

/// A request and a verifier: three lines, then the body.
///
/// The lines: the clock in unix seconds; the header, `-` for none, `=1` for the right one under the second secret;
/// the secrets, one space between them.
struct Case<'a> {
    now: i64,
    header: Option<String>,
    secrets: Vec<&'a str>,
    body: &'a [u8],
}

impl<'a> Case<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let mut parts = data.splitn(4, |byte| *byte == b'\n');
        let mut line = || std::str::from_utf8(parts.next()?).ok();
        let (now, header, secrets) = (line()?.parse().ok()?, line()?, line()?);
        let body = parts.next()?;
        let secrets: Vec<&str> = if secrets.is_empty() { Vec::new() } else { secrets.split(' ').collect() };
        let right = |index: &str| right_signature(secrets.get(index.parse::<usize>().ok()?)?, body);
        let header = match header.strip_prefix('=') {
            _ if header == "-" => None,
            Some(index) => right(index).or_else(|| Some(header.to_owned())),
            None => Some(header.to_owned()),
        };
        Some(Self { now, header, secrets, body })
    }

    fn verify(&self) -> Result<Callback, VerifyError> {
        verify(self.body, self.header.as_deref(), &self.secrets, self.now)
    }
}

/// By the server's code; none for a secret that it would not take.
fn right_signature(secret: &str, body: &[u8]) -> Option<String> {
    CallbackSecret::parse(secret).ok().map(|secret| sign(&secret, body))
}

/// `data` is three lines, then the body: the clock, the header (`-`, `=1`, or itself), the secrets.
pub fn signature_header(data: &[u8]) -> bool {
    let Some(case) = Case::read(data) else { return false };
    let result = case.verify();
    match refusal(&case) {
        Some(expected) => assert_eq!(result, Err(expected)),
        None => assert_judged_by_body(&case, &result),
    }
    if let (Ok(callback), Some(header)) = (&result, &case.header) {
        assert_neighbours_fail(&case, header);
        assert_for_its_agent_only(callback);
    }
    result.is_ok()
}

/// What is refused before the body is looked at.
fn refusal(case: &Case<'_>) -> Option<VerifyError> {
    if case.secrets.is_empty() {
        return Some(VerifyError::NoSecret);
    }
    let signatures: Option<Vec<String>> =
        case.secrets.iter().map(|secret| right_signature(secret, case.body)).collect();
    let Some(signatures) = signatures else { return Some(VerifyError::BadSecret) };
    let Some(header) = &case.header else { return Some(VerifyError::MissingHeader) };
    if header.len() != 64 {
        return Some(VerifyError::WrongLength);
    }
    if !header.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
        return Some(VerifyError::NotHex);
    }
    (!signatures.contains(header)).then_some(VerifyError::NoMatch)
}

/// Rightly signed: what becomes of it is a matter of its three members.
fn assert_judged_by_body(case: &Case<'_>, result: &Result<Callback, VerifyError>) {
    let text = std::str::from_utf8(case.body).ok();
    let Some(Ok(document)) = text.map(json::read) else {
        // Only of what is nested too deep for the second reader nothing is known.
        let deep = matches!(text.map(json::read), Some(Err(Broken::Deep)));
        assert!(deep || *result == Err(VerifyError::BodyNotJson), "{result:?}");
        return;
    };
    let text = |name| document.value.member(name)?.text().map(str::to_owned);
    let timestamp = document.value.member("timestamp").and_then(|value| value.raw.parse::<i64>().ok());
    let members = (text("sessionId"), text("agentId"), timestamp);
    match result {
        Ok(callback) => {
            let Callback { session_id, agent_id, timestamp } = callback.clone();
            assert!(is_session_id(&session_id), "{session_id}");
            assert!((i128::from(timestamp) - i128::from(case.now)).abs() <= TOLERANCE_SECONDS);
            assert_eq!(members, (Some(session_id), Some(agent_id), Some(timestamp)));
        }
        Err(VerifyError::BadSessionId) => assert!(!is_session_id(&members.0.expect("it has one"))),
        Err(VerifyError::Stale) => {
            let timestamp = i128::from(members.2.expect("it has one"));
            assert!((timestamp - i128::from(case.now)).abs() > TOLERANCE_SECONDS);
        }
        Err(VerifyError::BodyIncomplete) => {
            assert!(members.0.is_none() || members.1.is_none() || members.2.is_none(), "{members:?}");
        }
        Err(VerifyError::BodyNotJson) => {
            // JSON all the same, but half a surrogate pair is no Unicode, and a number may be beyond a double.
            let raw = document.value.raw;
            let beyond_a_double = raw.contains(['e', 'E']) || raw.len() >= DOUBLE_DIGITS_MAX;
            assert!(document.half_pair || beyond_a_double, "{raw}");
        }
        Err(other) => panic!("rightly signed, but {other}"),
    }
}

/// A request that is taken is no longer so when anything about its signature is another.
fn assert_neighbours_fail(case: &Case<'_>, header: &str) {
    let at = case.body.len() % header.len();
    let other = |byte: u8| if byte == b'0' { '1' } else { '0' };
    let flipped = format!("{}{}{}", &header[..at], other(header.as_bytes()[at]), &header[at + 1..]);
    let refused = |body: &[u8], header: &str| verify(body, Some(header), &case.secrets, case.now).is_err();
    assert!(refused(case.body, &flipped));
    assert!(refused(case.body, &header[1..]));
    assert!(refused(case.body, &format!("{header}0")));
    assert!(refused(case.body, &format!("{header},{header}")));
    let upper = header.to_uppercase();
    assert!(upper == header || refused(case.body, &upper));
    let mut body = case.body.to_vec();
    body.push(b' ');
    assert!(refused(&body, header));
    assert!(verify(case.body, None, &case.secrets, case.now).is_err());

    let backwards: Vec<&str> = case.secrets.iter().rev().copied().collect();
    assert!(verify(case.body, Some(header), &backwards, case.now).is_ok());
}

fn assert_for_its_agent_only(callback: &Callback) {
    let agent_id = callback.agent_id.clone();
    assert_eq!(callback.clone().for_agent(&agent_id).as_ref(), Ok(callback));
    assert_eq!(callback.clone().for_agent(&format!("{agent_id}0")), Err(VerifyError::WrongAgent));
}
