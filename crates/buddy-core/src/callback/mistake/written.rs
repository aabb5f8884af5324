//! The body as it is when it is not the raw one: parsed and written again, cut, added to, or gone.

use std::fmt::Write as _;

use super::Mistake;
use crate::callback::answer::Members;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What is signed in the body's stead.
pub(super) fn written(mistake: Mistake, body: &[u8]) -> Option<Vec<u8>> {
    let fixed = |text: &str| Some(text.as_bytes().to_vec());
    match mistake {
        Mistake::BodyTrimmed => Some(trimmed(body).to_vec()),
        Mistake::BodyNewline => Some([body, b"\n"].concat()),
        Mistake::BodyCrlf => Some([body, b"\r\n"].concat()),
        Mistake::BodyQuoted => serde_json::to_vec(std::str::from_utf8(body).ok()?).ok(),
        Mistake::BodyPythonBytes => python_bytes(body),
        Mistake::BodyObjectObject => fixed("[object Object]"),
        Mistake::BodyEmpty => fixed(""),
        Mistake::BodyEmptyObject => fixed("{}"),
        _ => rewritten(mistake, &Flat::read(body)?, body),
    }
}

fn trimmed(body: &[u8]) -> &[u8] {
    body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body).trim_ascii()
}

/// As Python's `repr` has it, where nothing needs escaping.
fn python_bytes(body: &[u8]) -> Option<Vec<u8>> {
    let plain = body.iter().all(|&byte| matches!(byte, 0x20..=0x7e) && byte != b'\'' && byte != b'\\');
    plain.then(|| [b"b'", body, b"'"].concat())
}

fn rewritten(mistake: Mistake, flat: &Flat, body: &[u8]) -> Option<Vec<u8>> {
    let signed_with_time = |before: &str, between: &str| {
        Some([before.as_bytes(), flat.get("timestamp")?.as_bytes(), between.as_bytes(), body].concat())
    };
    match mistake {
        Mistake::BodyAsSent => Some(flat.as_sent()?.text("", ",", ":", "")),
        Mistake::BodySpaced => Some(flat.text("", ", ", ": ", "")),
        Mistake::BodySorted => Some(flat.sorted().text("", ",", ":", "")),
        Mistake::BodySortedSpaced => Some(flat.sorted().text("", ", ", ": ", "")),
        Mistake::BodyIndented2 => Some(flat.text("\n  ", ",\n  ", ": ", "\n")),
        Mistake::BodyIndented4 => Some(flat.text("\n    ", ",\n    ", ": ", "\n")),
        Mistake::BodyPythonDict => flat.python(),
        Mistake::SessionIdOnly => {
            serde_json::from_str::<String>(flat.get("sessionId")?).ok().map(String::into_bytes)
        }
        Mistake::TimestampDotBody => signed_with_time("", "."),
        Mistake::VersionTimestampBody => signed_with_time("v0:", ":"),
        _ => None,
    }
}

/// An object without objects or arrays in it, as a callback's body is: names and values as JSON texts, in their order.
#[derive(Clone)]
struct Flat(Vec<(String, String)>);

impl Flat {
    fn read(body: &[u8]) -> Option<Self> {
        let Members(members) = serde_json::from_slice(trimmed(body)).ok()?;
        let flat = members.into_iter().map(|(name, value)| {
            let nested = value.get().starts_with(['{', '[']);
            (!nested).then_some((serde_json::to_string(&name.0).ok()?, value.get().to_owned()))
        });
        flat.collect::<Option<Vec<_>>>().filter(|members| !members.is_empty()).map(Self)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let name = format!("\"{name}\"");
        self.0.iter().find(|(member, _)| *member == name).map(|(_, value)| value.as_str())
    }

    /// The three members of a callback in Buddy's order, if there are these and no others.
    fn as_sent(&self) -> Option<Self> {
        let members = ["sessionId", "agentId", "timestamp"];
        let found = members.map(|name| Some((format!("\"{name}\""), self.get(name)?.to_owned())));
        let found = found.into_iter().collect::<Option<Vec<_>>>()?;
        (found.len() == self.0.len()).then_some(Self(found))
    }

    fn sorted(&self) -> Self {
        let mut members = self.0.clone();
        members.sort();
        Self(members)
    }

    fn text(&self, opening: &str, comma: &str, colon: &str, closing: &str) -> Vec<u8> {
        let members: Vec<_> = self.0.iter().map(|(name, value)| format!("{name}{colon}{value}")).collect();
        format!("{{{opening}{}{closing}}}", members.join(comma)).into_bytes()
    }

    /// As Python prints a dict, where nothing needs escaping.
    fn python(&self) -> Option<Vec<u8>> {
        let mut text = String::from("{");
        for (name, value) in &self.0 {
            if text.len() > 1 {
                text.push_str(", ");
            }
            let _ = write!(text, "{}: {}", python(name)?, python(value)?);
        }
        text.push('}');
        Some(text.into_bytes())
    }
}

fn python(value: &str) -> Option<String> {
    let plain = !value.contains(['\'', '\\']);
    plain.then(|| match value {
        "true" => "True".to_owned(),
        "false" => "False".to_owned(),
        "null" => "None".to_owned(),
        other => other.replace('"', "'"),
    })
}
