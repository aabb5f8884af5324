//! The endpoint's answer against the contract's table, read a second time.

use std::collections::BTreeSet;

use buddy_core::callback::answer::{Answer, Verdict, judge};
use buddy_core::identity::Identity;
use buddy_core::reason::Reason;
use buddy_core::resolution::Warning;

use crate::json::{self, Broken, Value};

const BODY_BYTES_MAX: usize = 65_536;
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// What the table makes of a body.
#[derive(Debug, PartialEq, Eq)]
struct Expected {
    user_id: String,
    email: Option<String>,
    role: Option<String>,
    custom_attributes: Option<String>,
    warnings: BTreeSet<&'static str>,
}

/// `data` is the body. Where it has several faults, any of them may be the reason.
pub fn answer(data: &[u8]) -> bool {
    assert_status_comes_first(data);
    let judged = judge(&Answer { status: 200, content_encoding: None, body: data });
    match (judged, expect(data)) {
        (Verdict::Authenticated { identity, warnings }, Ok(user)) => {
            assert_eq!(as_user(&identity, &warnings), user);
            assert_reads_back(&identity);
            assert_same_in_other_clothes(data, &user);
            // Slower than all the rest, and the same for most bodies.
            if data.len().is_multiple_of(16) {
                assert_bounded(data, &user);
            }
            true
        }
        (Verdict::Failed(reason), Err(reasons)) => {
            assert!(reasons.contains(&reason), "{reason} is none of {reasons:?}");
            false
        }
        (judged, expected) => panic!("judged {judged:?}, expected {expected:?}"),
    }
}

/// The table, from the first line to the last.
fn expect(body: &[u8]) -> Result<Expected, Vec<Reason>> {
    if body.len() > BODY_BYTES_MAX {
        return Err(vec![Reason::TooLarge]);
    }
    let body = body.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(body);
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        None => return Err(vec![Reason::EmptyBody]),
        Some(b'<') => return Err(vec![Reason::Html]),
        Some(_) => {}
    }
    let text = std::str::from_utf8(body).map_err(|_| vec![Reason::NotJson])?;
    let document = json::read(text).map_err(|broken| match broken {
        Broken::Syntax => vec![Reason::NotJson],
        Broken::Deep => vec![Reason::TooDeep, Reason::DuplicateMember, Reason::NotJson],
    })?;
    let mut faults = Vec::new();
    faults.extend(document.half_pair.then_some(Reason::NotJson));
    faults.extend(document.twice.then_some(Reason::DuplicateMember));
    if !faults.is_empty() {
        return Err(faults);
    }
    if !document.value.is_object() {
        return Err(vec![Reason::NotAnObject]);
    }
    expect_user(&document.value).map_err(|reason| vec![reason])
}

fn expect_user(object: &Value<'_>) -> Result<Expected, Reason> {
    let member = |name| object.member(name).filter(|value| !value.is_null());
    let user_id = user_id(member("userId").ok_or(Reason::NoUserId)?).ok_or(Reason::InvalidUserId)?;
    let mut warnings = BTreeSet::new();
    let mut text = |name, chars_max, not_a_string, too_long| {
        let value = member(name)?;
        let text = value.text();
        let kept = text.filter(|text| text.chars().count() <= chars_max);
        if kept.is_none() {
            warnings.insert(if text.is_some() { too_long } else { not_a_string });
        }
        kept.map(str::to_owned)
    };
    let email = text("email", 320, "email_not_a_string", "email_too_long");
    let role = text("role", 128, "role_not_a_string", "role_too_long");
    let attributes = member("customAttributes");
    if attributes.is_some_and(|value| !value.is_object()) {
        warnings.insert("custom_attributes_not_an_object");
    }
    let custom_attributes = attributes.filter(|value| value.is_object()).map(|value| value.raw.to_owned());
    Ok(Expected { user_id, email, role, custom_attributes, warnings })
}

/// A text of 1–256 characters, not blank, no control characters; or an integer's digits.
fn user_id(value: &Value<'_>) -> Option<String> {
    let id = if let Some(text) = value.text() {
        let blank = text.chars().all(char::is_whitespace);
        let controls = text.chars().any(|each| matches!(each, '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'));
        (!blank && !controls).then_some(text)
    } else {
        let digits = value.raw.strip_prefix('-').unwrap_or(value.raw);
        let leads = digits == "0" || matches!(digits.as_bytes().first(), Some(b'1'..=b'9'));
        (leads && digits.chars().all(|digit| digit.is_ascii_digit())).then_some(value.raw)
    }?;
    (1..=256).contains(&id.chars().count()).then(|| id.to_owned())
}

fn as_user(identity: &Identity, warnings: &[Warning]) -> Expected {
    Expected {
        user_id: identity.user_id().to_owned(),
        email: identity.email().map(str::to_owned),
        role: identity.role().map(str::to_owned),
        custom_attributes: identity.custom_attributes().map(str::to_owned),
        warnings: warnings.iter().map(|warning| warning.code()).collect(),
    }
}

/// What is written to the store and to the API says the same to us and to another reader.
fn assert_reads_back(identity: &Identity) {
    let written = serde_json::to_string(identity).expect("an identity can be written");
    let read: Identity = serde_json::from_str(&written).expect("what was written can be read");
    assert_eq!(as_user(&read, &[]), as_user(identity, &[]));
    let document = json::read(&written).expect("what was written is JSON, no deeper than before");
    assert!(!document.twice && !document.half_pair);
    let user = expect_user(&document.value).expect("what was written names a user");
    assert_eq!(user, as_user(identity, &[]));
}

/// No body changes what a status or an encoding says.
fn assert_status_comes_first(body: &[u8]) {
    let judged = |status, content_encoding| judge(&Answer { status, content_encoding, body });
    assert!(matches!(judged(204, Some("gzip")), Verdict::Nobody));
    assert!(matches!(judged(302, None), Verdict::Failed(Reason::Redirect)));
    assert!(matches!(judged(401, None), Verdict::Failed(Reason::HttpStatus)));
    assert!(matches!(judged(200, Some("gzip")), Verdict::Failed(Reason::ContentEncoding)));
}

/// A byte order mark and white space around it make no other user.
fn assert_same_in_other_clothes(body: &[u8], user: &Expected) {
    let bare = body.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(body);
    let dressed = [BYTE_ORDER_MARK.as_bytes(), b"\r\n\t ", bare, b"\n "].concat();
    if dressed.len() > BODY_BYTES_MAX {
        return;
    }
    let answer = Answer { status: 201, content_encoding: Some(" Identity "), body: &dressed };
    let Verdict::Authenticated { identity, warnings } = judge(&answer) else {
        panic!("white space around an answer unmade its user")
    };
    assert_eq!(as_user(&identity, &warnings), *user);
}

/// White space may fill a body up to its bound, and not by one byte further.
fn assert_bounded(body: &[u8], user: &Expected) {
    let mut padded = body.to_vec();
    padded.resize(BODY_BYTES_MAX, b' ');
    let judged = judge(&Answer { status: 200, content_encoding: None, body: &padded });
    let Verdict::Authenticated { identity, warnings } = judged else { panic!("64 KiB are not too much") };
    assert_eq!(as_user(&identity, &warnings), *user);
    padded.push(b' ');
    let judged = judge(&Answer { status: 200, content_encoding: None, body: &padded });
    assert!(matches!(judged, Verdict::Failed(Reason::TooLarge)));
}
