//! An answer by its shape: which members, of which type and length, and never a value. It lets an operator see why an
//! answer was not understood, or that it says less than was meant, without seeing anything about the user.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::answer::{Answer, Members, Text};

/// Names that are told. All others are counted only, for a name may be about the user, too: these are ours, and those
/// that are written in their place by mistake.
const TOLD: [&str; 24] = [
    "userId",
    "email",
    "role",
    "customAttributes",
    "id",
    "user_id",
    "userid",
    "userID",
    "UserId",
    "uid",
    "sub",
    "user",
    "data",
    "result",
    "identity",
    "attributes",
    "custom_attributes",
    "mail",
    "emailAddress",
    "roles",
    "error",
    "message",
    "status",
    "success",
];
/// Members that are told: each of an honest answer, and no long list of one that repeats itself.
const MEMBERS_MAX: usize = 12;

/// What a value is, by type and length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// A number with a fraction or an exponent.
    Number,
    /// An integer of so many digits.
    Integer(u32),
    /// A string of so many characters.
    String(u32),
    /// An array of so many items.
    Array(u32),
    /// An object of so many members.
    Object(u32),
}

/// What a body is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Shape {
    /// Nothing, or only white space.
    Empty,
    /// It begins with `<`, and has so many bytes.
    Html(u32),
    /// Neither JSON nor HTML, and so many bytes.
    NotJson(u32),
    /// JSON, but no object.
    Value(Kind),
    /// A JSON object.
    Object {
        /// Those of its members whose names are told, in their order.
        members: Vec<(String, Kind)>,
        /// How many others there are.
        others: u32,
    },
}

impl Shape {
    /// The shape of a 2xx answer's body; `None` for any other, which is not an identity anyway.
    pub fn of(answer: &Answer<'_>) -> Option<Self> {
        let is_identity = (200..300).contains(&answer.status) && answer.status != 204;
        is_identity.then(|| Self::of_body(answer.body))
    }

    fn of_body(body: &[u8]) -> Self {
        let bytes = count(body.len());
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        match body.trim_ascii().first() {
            None => return Self::Empty,
            Some(b'<') => return Self::Html(bytes),
            Some(_) => {}
        }
        match serde_json::from_slice::<&RawValue>(body) {
            Ok(value) if value.get().starts_with('{') => members(value).unwrap_or(Self::NotJson(bytes)),
            Ok(value) => kind(value).map_or(Self::NotJson(bytes), Self::Value),
            Err(_) => Self::NotJson(bytes),
        }
    }
}

/// `None`: a string in it is no text.
fn members(object: &RawValue) -> Option<Shape> {
    let Members(all) = serde_json::from_str(object.get()).ok()?;
    let whole = all.len();
    let mut told = Vec::new();
    for (name, value) in all {
        if told.len() < MEMBERS_MAX && TOLD.contains(&&*name.0) {
            told.push((name.0.into_owned(), kind(value)?));
        }
    }
    let others = count(whole - told.len());
    Some(Shape::Object { members: told, others })
}

fn kind(value: &RawValue) -> Option<Kind> {
    let text = value.get();
    Some(match text.as_bytes().first()? {
        b'n' => Kind::Null,
        b't' | b'f' => Kind::Boolean,
        b'"' => Kind::String(count(serde_json::from_str::<Text<'_>>(text).ok()?.0.chars().count())),
        b'[' => Kind::Array(count(serde_json::from_str::<Vec<&RawValue>>(text).ok()?.len())),
        b'{' => Kind::Object(count(serde_json::from_str::<Members<'_>>(text).ok()?.0.len())),
        _ => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let whole = digits.bytes().all(|byte| byte.is_ascii_digit());
            if whole { Kind::Integer(count(digits.len())) } else { Kind::Number }
        }
    })
}

/// Bodies have at most 64 KiB.
fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Boolean => f.write_str("boolean"),
            Self::Number => f.write_str("number"),
            Self::Integer(digits) => write!(f, "integer({digits})"),
            Self::String(characters) => write!(f, "string({characters})"),
            Self::Array(1) => f.write_str("1 item"),
            Self::Array(items) => write!(f, "{items} items"),
            Self::Object(1) => f.write_str("1 member"),
            Self::Object(members) => write!(f, "{members} members"),
        }
    }
}

/// On one line: `userId: string(8), customAttributes: 2 members, 1 other`.
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an empty body"),
            Self::Html(bytes) => write!(f, "HTML, {bytes} bytes"),
            Self::NotJson(bytes) => write!(f, "not JSON, {bytes} bytes"),
            Self::Value(Kind::Array(items)) => write!(f, "an array({items}), no object"),
            Self::Value(kind) => write!(f, "{kind}, no object"),
            Self::Object { members, others } => {
                let mut parts: Vec<_> =
                    members.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
                match others {
                    0 if members.is_empty() => parts.push("an empty object".to_owned()),
                    0 => {}
                    1 => parts.push("1 other".to_owned()),
                    others => parts.push(format!("{others} others")),
                }
                f.write_str(&parts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(status: u16, body: &str) -> Option<String> {
        let answer = Answer { status, content_encoding: None, body: body.as_bytes() };
        Shape::of(&answer).map(|shape| {
            let stored = serde_json::to_string(&shape).unwrap();
            assert_eq!(serde_json::from_str::<Shape>(&stored).unwrap(), shape, "{stored}");
            shape.to_string()
        })
    }

    #[test]
    fn an_answer_is_told_by_type_and_length() {
        for (body, expected) in [
            (
                r#"{"userId":"ada12345","email":null,"role":true,"customAttributes":{"a":1,"b":[]}}"#,
                "userId: string(8), email: null, role: boolean, customAttributes: 2 members",
            ),
            (r#"{"userId":-1815}"#, "userId: integer(4)"),
            (r#"{"userId":1.5,"role":["a"],"x":1}"#, "userId: number, role: 1 item, 1 other"),
            (
                r#"{"user_id":"7","customAttributes":{"a":1},"y":1,"z":2}"#,
                "user_id: string(1), customAttributes: 1 member, 2 others",
            ),
            ("\u{feff}{\"userId\":\"\\u00e9\u{1f600}\"}", "userId: string(2)"),
            ("{}", "an empty object"),
            ("[1,2]", "an array(2), no object"),
            (r#""ada""#, "string(3), no object"),
            ("null", "null, no object"),
            ("", "an empty body"),
            (" \n", "an empty body"),
            ("<!doctype html>", "HTML, 15 bytes"),
            ("userId=42", "not JSON, 9 bytes"),
            (r#"{"userId":"\ud800"}"#, "not JSON, 19 bytes"),
        ] {
            assert_eq!(shape(200, body).as_deref(), Some(expected), "{body}");
        }
        for status in [204, 302, 401, 500] {
            assert_eq!(shape(status, "{}"), None);
        }
    }

    #[test]
    fn no_value_and_no_name_of_the_business_own_is_in_it() {
        let body = r#"{"userId":"CANARY","CANARY":"CANARY","customAttributes":{"CANARY":"CANARY"},"data":["CANARY"]}"#;
        let told = shape(200, body).unwrap();
        assert_eq!(told, "userId: string(6), customAttributes: 1 member, data: 1 item, 1 other");
    }

    #[test]
    fn an_answer_that_repeats_itself_is_told_shortly() {
        let members = vec![r#""id":1"#; 4000].join(",");
        let told = shape(200, &format!("{{{members}}}")).unwrap();
        assert!(told.ends_with("id: integer(1), 3988 others"), "{told}");
    }
}
