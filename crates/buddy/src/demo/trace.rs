//! What is known of one session, from the first word of it to the last, and how the stage shows it.

use buddy_core::reason::Reason;
use buddy_shop::endpoint::Outcome;
use buddy_shop::{Claimed, Visit};
use serde::Serialize;
use serde_json::{Value, json};

use super::client::text;
use super::print::FACTS;

/// Of one session's visits and claims. Buddy makes two attempts; a page binds again each time it is loaded.
const ENTRIES_MAX: usize = 20;
/// Of a signature: enough to know it again, at either end.
const SIGNATURE_SHOWN: usize = 8;
/// `sess_` and 128 bits in base32.
const SESSION_ID_CHARS: usize = 31;

/// What is known of one session.
pub(super) struct Trace {
    pub(super) session_id: String,
    pub(super) agent_id: String,
    pub(super) claims: Vec<Claimed>,
    pub(super) visits: Vec<Visit>,
    pub(super) settled: Option<Settled>,
    /// What another site did with it, if it is that site's own.
    pub(super) attack: Option<Vec<Step>>,
}

/// What came of it.
pub(super) struct Settled {
    /// As the agent's software is told.
    pub(super) identity: Value,
    /// As the operator is told; null where nobody was asked.
    pub(super) resolution: Value,
}

/// One thing that another site tries.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Step {
    /// What it does.
    pub(super) does: &'static str,
    /// Who said no, if somebody did.
    pub(super) refused_by: Option<&'static str>,
    /// What came of it.
    pub(super) outcome: String,
}

impl Trace {
    pub(super) fn new(session_id: &str, agent_id: &str) -> Self {
        let (session_id, agent_id) = (session_id.to_owned(), agent_id.to_owned());
        Self { session_id, agent_id, claims: Vec::new(), visits: Vec::new(), settled: None, attack: None }
    }

    /// The shop was asked who the user is.
    pub(super) fn asked(&mut self, visit: Visit) {
        if self.visits.len() < ENTRIES_MAX {
            self.visits.push(visit);
        }
    }

    /// The shop was asked to bind the session. Of many the latest count.
    pub(super) fn claimed(&mut self, claimed: Claimed) {
        if self.claims.len() == ENTRIES_MAX {
            self.claims.remove(0);
        }
        self.claims.push(claimed);
    }

    /// Whom the shop has taken the visitor for, in words.
    pub(super) fn who(&self) -> String {
        match self.claims.last().map(|claimed| claimed.outcome) {
            Some(Outcome::Bound(shopper)) => format!("{} is signed in to the shop", shopper.name()),
            Some(Outcome::Nobody) => "nobody is signed in".to_owned(),
            Some(Outcome::Refused(refusal)) => format!("the shop did not bind it, {}", refusal.code()),
            None => "the shop was not asked to bind it".to_owned(),
        }
    }

    /// For the stage.
    pub(super) fn view(&self) -> Value {
        let claims: Vec<_> = self.claims.iter().map(claim_view).collect();
        let visits: Vec<_> = self.visits.iter().map(visit_view).collect();
        json!({
            "sessionId": self.session_id,
            "claims": claims,
            "visits": visits,
            "settled": self.settled.as_ref().map(Settled::view),
            "attack": self.attack,
        })
    }
}

impl Settled {
    fn view(&self) -> Value {
        let reason = text(&self.identity["error"], "reason").parse::<Reason>().ok();
        json!({
            "identity": self.identity,
            "resolution": self.resolution,
            "code": reason.map(|reason| reason.code().as_str()),
            "reason": reason.map(Reason::as_str),
            "mend": reason.map(Reason::mend),
        })
    }
}

fn claim_view(claimed: &Claimed) -> Value {
    let (outcome, detail) = match claimed.outcome {
        Outcome::Bound(shopper) => ("bound", shopper.name()),
        Outcome::Nobody => ("nobody", ""),
        Outcome::Refused(refusal) => ("refused", refusal.code()),
    };
    json!({"outcome": outcome, "detail": detail})
}

fn visit_view(visit: &Visit) -> Value {
    let header = |name: &str| {
        let found = visit.headers.iter().find(|(header, _)| header == name);
        found.map_or("", |(_, value)| value)
    };
    json!({
        "line": visit.line,
        "attempt": header("x-platform-attempt"),
        "signature": shortened(header("x-platform-signature")),
        "answer": visit.answer.as_ref().map(|(status, body)| shape(*status, body)),
    })
}

fn shortened(signature: &str) -> String {
    let signs: Vec<char> = signature.chars().collect();
    if signs.len() <= 2 * SIGNATURE_SHOWN {
        return signature.to_owned();
    }
    let (first, last) = (&signs[..SIGNATURE_SHOWN], &signs[signs.len() - SIGNATURE_SHOWN..]);
    format!("{}…{}", String::from_iter(first), String::from_iter(last))
}

/// What was answered, without any of its values.
fn shape(status: u16, body: &str) -> String {
    match serde_json::from_str::<Value>(body) {
        Ok(Value::Object(members)) => {
            let mut names: Vec<_> = members.keys().map(String::as_str).collect();
            names.sort_by_key(|name| FACTS.iter().position(|fact| fact == name));
            format!("{status} · a JSON object with {}", names.join(", "))
        }
        _ if status == 204 => "204 · nobody is signed in".to_owned(),
        _ if body.is_empty() => format!("{status} · no body"),
        Ok(_) => format!("{status} · JSON, but no object"),
        Err(_) => format!("{status} · {} bytes that are no JSON", body.len()),
    }
}

/// The session and the agent that a body names.
pub(super) fn named(body: &str) -> Option<(String, String)> {
    let body: Value = serde_json::from_str(body).ok()?;
    Some((body["sessionId"].as_str()?.to_owned(), body["agentId"].as_str()?.to_owned()))
}

/// The first text that looks like a session's id, whatever is around it.
pub(super) fn session_in(body: &str) -> Option<String> {
    let begin = body.find("sess_")?;
    body.get(begin..begin + SESSION_ID_CHARS).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answers_shape_has_none_of_its_values() {
        for (status, body, expected) in [
            (200, r#"{"userId":"1815","email":"a@b"}"#, "200 · a JSON object with userId, email"),
            (204, "", "204 · nobody is signed in"),
            (500, "", "500 · no body"),
            (200, "[1]", "200 · JSON, but no object"),
            (200, r#"{"userId":"#, "200 · 10 bytes that are no JSON"),
        ] {
            assert_eq!(shape(status, body), expected);
        }
    }

    #[test]
    fn a_session_is_found_in_whatever_a_page_has_sent() {
        let id = "sess_01hz2v6yqefws8h3k5n7p9r1tv";
        for body in [
            format!("{{\"sessionId\":\"{id}\"}}"),
            format!("{{\"sessionId\":\"{id}\",\"x\":\"=\"}}"),
            id.to_owned(),
        ] {
            assert_eq!(session_in(&body).as_deref(), Some(id), "{body}");
        }
        assert_eq!((session_in("sess_01hz"), session_in("")), (None, None));
    }

    #[test]
    fn a_signature_is_known_by_its_ends() {
        assert_eq!(shortened(&"0123456789abcdef".repeat(4)), "01234567…89abcdef");
        assert_eq!(shortened("short"), "short");
    }
}
