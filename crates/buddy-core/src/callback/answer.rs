//! What an endpoint's answer means: the one place that makes an [`Identity`].
//!
//! The body is validated as text, value by value, and never turned into floats or re-ordered maps: what is kept
//! of `customAttributes` is byte for byte what was sent.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::identity::Identity;
use crate::limits::{ANSWER_BYTES_MAX, ANSWER_DEPTH_MAX, EMAIL_CHARS_MAX, ROLE_CHARS_MAX, USER_ID_CHARS_MAX};
use crate::reason::Reason;
use crate::resolution::Warning;

/// A whole answer, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// The HTTP status.
    pub status: u16,
    /// `Content-Encoding`, all its values joined, if there was one.
    pub content_encoding: Option<&'a str>,
    /// Every byte of the body.
    pub body: &'a [u8],
}

/// What the answer means for the session.
#[derive(Debug)]
pub enum Verdict {
    /// A user is signed in.
    Authenticated {
        /// Who.
        identity: Identity,
        /// What was dropped of the answer.
        warnings: Vec<Warning>,
    },
    /// The endpoint says that nobody is.
    Nobody,
    /// The session stays anonymous, for this reason.
    Failed(Reason),
}

/// Judges an answer by the contract's table. The first fault found is the reason.
pub fn judge(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        204 => Verdict::Nobody,
        200..=299 => match read(answer) {
            Ok((identity, warnings)) => Verdict::Authenticated { identity, warnings },
            Err(reason) => Verdict::Failed(reason),
        },
        300..=399 => Verdict::Failed(Reason::Redirect),
        _ => Verdict::Failed(Reason::HttpStatus),
    }
}

fn read(answer: &Answer<'_>) -> Result<(Identity, Vec<Warning>), Reason> {
    if answer.content_encoding.is_some_and(|coding| !coding.trim().eq_ignore_ascii_case("identity")) {
        return Err(Reason::ContentEncoding);
    }
    if answer.body.len() > ANSWER_BYTES_MAX {
        return Err(Reason::TooLarge);
    }
    let body = answer.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(answer.body);
    match body.trim_ascii().first() {
        None => return Err(Reason::EmptyBody),
        Some(b'<') => return Err(Reason::Html),
        Some(_) => {}
    }
    let value: &RawValue = serde_json::from_slice(body).map_err(|_| Reason::NotJson)?;
    check(value, 1)?;
    if !value.get().starts_with('{') {
        return Err(Reason::NotAnObject);
    }
    identify(&members(value)?)
}

/// Walks every value: no member twice, not too deep, every string made of Unicode scalar values.
///
/// The text is JSON already; each level is split again, which 64 KiB and 32 levels bound.
fn check(value: &RawValue, depth: usize) -> Result<(), Reason> {
    let opening = value.get().as_bytes().first();
    if matches!(opening, Some(b'{' | b'[')) && depth > ANSWER_DEPTH_MAX {
        return Err(Reason::TooDeep);
    }
    match opening {
        Some(b'{') => {
            let members = members(value)?;
            // The first fault found is the reason: of a double it is there where the second one stands.
            let (unlike, double) = members.until_double();
            unlike.iter().try_for_each(|(_, member)| check(member, depth + 1))?;
            if double { Err(Reason::DuplicateMember) } else { Ok(()) }
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = parse(value)?;
            items.into_iter().try_for_each(|item| check(item, depth + 1))
        }
        Some(b'"') => parse::<Text<'_>>(value).map(drop),
        _ => Ok(()),
    }
}

/// An object's members in their order, doubles included.
pub(super) struct Members<'a>(pub(super) Vec<(Text<'a>, &'a RawValue)>);

/// A string; borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Members<'a> {
    /// The members before the first name that was there already, and whether there is such a one.
    fn until_double(&self) -> (&[(Text<'a>, &'a RawValue)], bool) {
        let mut names: Vec<_> = self.0.iter().enumerate().map(|(at, (name, _))| (&*name.0, at)).collect();
        names.sort_unstable();
        // Of two with one name, the later one.
        let doubles = names.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1].1);
        match doubles.min() {
            Some(at) => (&self.0[..at], true),
            None => (&self.0, false),
        }
    }

    /// The member's value; `null` counts as absent.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let (_, value) = self.0.iter().find(|(member, _)| member.0 == name)?;
        (value.get() != "null").then_some(*value)
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}

fn members(value: &RawValue) -> Result<Members<'_>, Reason> {
    parse(value)
}

/// What is JSON already fails here only for a string that is no Unicode: an escaped lone surrogate.
fn parse<'a, T: Deserialize<'a>>(value: &'a RawValue) -> Result<T, Reason> {
    serde_json::from_str(value.get()).map_err(|_| Reason::NotJson)
}

fn identify(members: &Members<'_>) -> Result<(Identity, Vec<Warning>), Reason> {
    let mut warnings = Vec::new();
    let user_id = user_id(members.get("userId").ok_or(Reason::NoUserId)?)?;
    let email = text(
        members.get("email"),
        EMAIL_CHARS_MAX,
        (Warning::EmailNotAString, Warning::EmailTooLong),
        &mut warnings,
    );
    let role = text(
        members.get("role"),
        ROLE_CHARS_MAX,
        (Warning::RoleNotAString, Warning::RoleTooLong),
        &mut warnings,
    );
    let custom_attributes = members.get("customAttributes").and_then(|value| {
        if value.get().starts_with('{') {
            return Some(value.to_owned());
        }
        warnings.push(Warning::CustomAttributesNotAnObject);
        None
    });
    Ok((Identity { user_id, email, role, custom_attributes }, warnings))
}

fn user_id(value: &RawValue) -> Result<String, Reason> {
    let token = value.get();
    let (id, good) = if token.starts_with('"') {
        let id = parse::<Text<'_>>(value)?.0.into_owned();
        let good = !id.trim().is_empty() && !id.chars().any(char::is_control);
        (id, good)
    } else {
        // JSON has no leading zeros, so an optional minus and digits are the contract's integer.
        let digits = token.strip_prefix('-').unwrap_or(token);
        (token.to_owned(), !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if good && id.chars().count() <= USER_ID_CHARS_MAX { Ok(id) } else { Err(Reason::InvalidUserId) }
}

/// An optional text; one of another type or too long is dropped with a warning.
fn text(
    value: Option<&RawValue>,
    chars_max: usize,
    (not_a_string, too_long): (Warning, Warning),
    warnings: &mut Vec<Warning>,
) -> Option<String> {
    let Ok(Text(text)) = parse(value?) else {
        warnings.push(not_a_string);
        return None;
    };
    if text.chars().count() > chars_max {
        warnings.push(too_long);
        return None;
    }
    Some(text.into_owned())
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Vectors {
        vectors: Vec<Vector>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Vector {
        name: String,
        status: u16,
        content_encoding: Option<String>,
        body: Vec<Part>,
        expect: Expect,
    }

    /// A stretch of the body: `text` or `hex`, `times` over.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Part {
        text: Option<String>,
        hex: Option<String>,
        times: Option<usize>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Expect {
        outcome: String,
        reason: Option<String>,
        user_id: Option<String>,
        email: Option<String>,
        role: Option<String>,
        /// The exact text that is kept.
        custom_attributes: Option<String>,
        #[serde(default)]
        warnings: Vec<String>,
    }

    impl Vector {
        fn body(&self) -> Vec<u8> {
            let bytes = |part: &Part| match (&part.text, &part.hex) {
                (Some(text), None) => text.as_bytes().to_vec(),
                (None, Some(digits)) => hex::decode(digits).unwrap(),
                _ => panic!("{}: a part is text or hex", self.name),
            };
            self.body.iter().flat_map(|part| bytes(part).repeat(part.times.unwrap_or(1))).collect()
        }

        fn assert_holds(&self) {
            let body = self.body();
            let content_encoding = self.content_encoding.as_deref();
            let name = &self.name;
            let expect = &self.expect;
            match judge(&Answer { status: self.status, content_encoding, body: &body }) {
                Verdict::Authenticated { identity, warnings } => {
                    assert_eq!(expect.outcome, "authenticated", "{name}");
                    assert_eq!(Some(identity.user_id()), expect.user_id.as_deref(), "{name}");
                    assert_eq!(identity.email(), expect.email.as_deref(), "{name}");
                    assert_eq!(identity.role(), expect.role.as_deref(), "{name}");
                    assert_eq!(identity.custom_attributes(), expect.custom_attributes.as_deref(), "{name}");
                    let codes: Vec<_> = warnings.into_iter().map(Warning::code).collect();
                    assert_eq!(codes, expect.warnings, "{name}");
                }
                Verdict::Nobody => assert_eq!(expect.outcome, "nobody", "{name}"),
                Verdict::Failed(reason) => {
                    assert_eq!(expect.outcome, "failed", "{name}: {reason}");
                    assert_eq!(Some(reason.as_str()), expect.reason.as_deref(), "{name}");
                }
            }
        }
    }

    #[test]
    fn answers_are_judged_as_the_vectors_say() {
        let file: Vectors =
            serde_json::from_str(include_str!("../../../../spec/vectors/answer.json")).unwrap();
        assert!(file.vectors.len() >= 80);
        file.vectors.iter().for_each(Vector::assert_holds);
    }

    #[test]
    fn a_kept_identity_reads_back_with_its_digits_and_order() {
        let body =
            br#"{"userId":"u","customAttributes":{"z":1.10,"a":{"n":123456789012345678901234567890}}}"#;
        let Verdict::Authenticated { identity, .. } =
            judge(&Answer { status: 200, content_encoding: None, body })
        else {
            panic!("a good answer");
        };
        let kept = serde_json::to_string(&identity).unwrap();
        let read: Identity = serde_json::from_str(&kept).unwrap();
        assert_eq!(read.custom_attributes(), Some(r#"{"z":1.10,"a":{"n":123456789012345678901234567890}}"#));
        assert_eq!(
            kept,
            r#"{"userId":"u","email":null,"role":null,"customAttributes":{"z":1.10,"a":{"n":123456789012345678901234567890}}}"#
        );
    }
}
