use buddy_verify::{BadSessionId, Callback, TOLERANCE_SECONDS, VerifyError, ticket, verify};
use serde::Deserialize;

use crate::vectors::read;

#[derive(Deserialize)]
struct File<V> {
    vectors: Vec<V>,
}

#[derive(Deserialize)]
struct SignedBody {
    name: String,
    secret: String,
    body: String,
    signature: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verifications {
    tolerance_seconds: u64,
    vectors: Vec<Verification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verification {
    name: String,
    secrets: Vec<String>,
    agent_id: Option<String>,
    now: i64,
    body: String,
    signature: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Expect {
    Error {
        error: String,
    },
    #[serde(rename_all = "camelCase")]
    Callback {
        session_id: String,
        agent_id: String,
        timestamp: i64,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tickets {
    vectors: Vec<SignedSession>,
    refused_session_ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SignedSession {
    name: String,
    secret: String,
    session_id: String,
    ticket: String,
}

#[test]
fn every_published_signature_matches_and_no_other_secret_does() {
    let file: File<SignedBody> = read("signature.json");
    assert!(file.vectors.len() >= 22);
    for SignedBody { name, secret, body, signature } in file.vectors {
        let outcome = |secret: &str| verify(body.as_bytes(), Some(&signature), &[secret], 1_717_000_000);
        // Many of these bodies are no callbacks: what counts is that the signature is not what stops them.
        assert_ne!(outcome(&secret), Err(VerifyError::NoMatch), "{name}");
        assert_eq!(outcome("another-secret-00"), Err(VerifyError::NoMatch), "{name}");
    }
}

#[test]
fn requests_are_taken_and_refused_as_the_vectors_say() {
    let file: Verifications = read("verify.json");
    assert_eq!(file.tolerance_seconds, TOLERANCE_SECONDS);
    assert!(file.vectors.len() >= 50);
    for Verification { name, secrets, agent_id, now, body, signature, expect } in file.vectors {
        let secrets: Vec<&str> = secrets.iter().map(String::as_str).collect();
        let verified = verify(body.as_bytes(), signature.as_deref(), &secrets, now);
        let outcome = match &agent_id {
            Some(agent_id) => verified.and_then(|callback| callback.for_agent(agent_id)),
            None => verified,
        };
        match expect {
            Expect::Error { error } => {
                assert_eq!(outcome.map_err(VerifyError::code), Err(error.as_str()), "{name}");
            }
            Expect::Callback { session_id, agent_id, timestamp } => {
                assert_eq!(outcome, Ok(Callback { session_id, agent_id, timestamp }), "{name}");
            }
        }
    }
}

#[test]
fn tickets_are_those_of_the_vectors_and_nothing_but_session_ids_is_signed() {
    let file: Tickets = read("ticket.json");
    assert!(file.vectors.len() >= 6 && file.refused_session_ids.len() >= 17);
    for vector in file.vectors {
        assert_eq!(ticket(&vector.secret, &vector.session_id), Ok(vector.ticket), "{}", vector.name);
    }
    for session_id in file.refused_session_ids {
        assert_eq!(ticket("0123456789abcdef", &session_id), Err(BadSessionId), "{session_id:?}");
    }
}

#[test]
fn a_body_that_is_not_utf_8_is_refused_after_its_signature() {
    let outcome = verify(b"\xff", Some(&"0".repeat(64)), &["0123456789abcdef"], 0);
    assert_eq!(outcome, Err(VerifyError::NoMatch));
}

#[test]
fn clocks_at_the_ends_of_time_are_stale_and_do_not_overflow() {
    let file: Verifications = read("verify.json");
    let good = &file.vectors[0];
    for now in [i64::MIN, i64::MAX, 0] {
        let outcome = verify(good.body.as_bytes(), good.signature.as_deref(), &[&good.secrets[0]], now);
        assert_eq!(outcome, Err(VerifyError::Stale), "{now}");
    }
}

#[test]
fn another_agents_callback_is_told_apart() {
    let callback = Callback {
        session_id: "sess_01hz2v6yqefws8h3k5n7p9r1tv".into(),
        agent_id: "agt_a".into(),
        timestamp: 1,
    };
    assert_eq!(callback.clone().for_agent("agt_a"), Ok(callback.clone()));
    assert_eq!(callback.for_agent("agt_b"), Err(VerifyError::WrongAgent));
}
