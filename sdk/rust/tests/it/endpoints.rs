//! Both endpoints without a socket, as the adapter of a framework uses them.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use buddy_verify::{
    Answer, BadUser, BindingStore, MemoryStore, Refusal, Request, User, VerifyError, identity, session,
};

use crate::endpoint_rows::{Seen, Sent, identity_rows, session_rows};

const SECRET: &str = "0123456789abcdef";

fn request(sent: &Sent) -> Request<'_> {
    let headers = sent.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    Request { method: &sent.method, headers: headers.collect(), body: sent.body.as_bytes() }
}

fn seen(answer: Answer) -> Seen {
    let headers = answer.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), (*value).to_owned()));
    Seen { status: answer.status, headers: headers.collect(), body: answer.body }
}

#[test]
fn the_identity_endpoint_answers_as_the_vectors_say() {
    let rows = identity_rows();
    for row in rows.vectors {
        let mut endpoint = identity::Endpoint::new(row.secrets.clone()).unwrap();
        if let Some(agent_id) = &row.agent_id {
            endpoint = endpoint.for_agent(agent_id);
        }
        let answer = match endpoint.check(&request(&row.sent), rows.now) {
            Ok(_) => identity::answer(row.user().as_ref()).unwrap(),
            Err(refusal) => refusal.into(),
        };
        row.expect.assert_is(&seen(answer), &row.name);
    }
}

#[test]
fn the_session_endpoint_answers_as_the_vectors_say() {
    let rows = session_rows();
    for row in rows.vectors {
        let store = MemoryStore::new(|| 0);
        if let Some(user_id) = &row.bound_to {
            assert!(store.bind(&rows.session_id, user_id));
        }
        let mut endpoint = session::Endpoint::new(rows.secret.as_str()).unwrap();
        if let Some(agent_id) = &row.agent_id {
            endpoint = endpoint.for_agent(agent_id);
        }
        let answer = match (endpoint.check(&request(&row.sent)), &row.signed_in) {
            (Err(refusal), _) => refusal.into(),
            (Ok(_), None) => Answer::nobody(),
            (Ok(claim), Some(user_id)) => {
                let is_bound = store.bind(claim.session_id(), user_id);
                claim.answer(is_bound)
            }
        };
        row.expect.assert_is(&seen(answer), &row.name);
        assert_eq!(store.find(&rows.session_id), row.expect.bound_to, "{}", row.name);
    }
}

#[test]
fn an_endpoint_is_not_made_without_good_secrets() {
    let refused = |secrets: &[&str]| identity::Endpoint::new(secrets.iter().copied()).err();
    assert_eq!(refused(&[]), Some(VerifyError::NoSecret));
    assert_eq!(refused(&[""]), Some(VerifyError::BadSecret));
    assert_eq!(refused(&[SECRET, "0123456789abcde"]), Some(VerifyError::BadSecret));
    assert_eq!(refused(&["0123456789abcdef\n"]), Some(VerifyError::BadSecret));
    assert_eq!(refused(&[SECRET, SECRET]), None);
    assert_eq!(session::Endpoint::new("").err(), Some(VerifyError::BadSecret));
    assert_eq!(session::Endpoint::new("a secret with a space").err(), Some(VerifyError::BadSecret));
    assert!(session::Endpoint::new("x".repeat(256)).is_ok());
}

#[test]
fn a_header_that_came_twice_is_neither_of_its_values() {
    let row = identity_rows().vectors.swap_remove(0);
    let endpoint = identity::Endpoint::new(row.secrets.clone()).unwrap();
    let mut twice = request(&row.sent);
    twice.headers.push(("x-platform-signature", row.sent.headers["X-Platform-Signature"].as_bytes()));
    assert_eq!(endpoint.check(&twice, 0), Err(Refusal::Unverified(VerifyError::WrongLength)));

    let rows = session_rows();
    let endpoint = session::Endpoint::new(rows.secret).unwrap();
    let mut twice = request(&rows.vectors[0].sent);
    twice.headers.push(("sec-fetch-site", b"cross-site"));
    assert_eq!(endpoint.check(&twice).unwrap_err(), Refusal::CrossSite);
}

#[test]
fn a_header_that_is_no_text_is_not_taken_for_a_missing_one() {
    let rows = session_rows();
    let endpoint = session::Endpoint::new(rows.secret).unwrap();
    let mut odd = request(&rows.vectors[0].sent);
    odd.headers.retain(|(name, _)| *name != "Sec-Fetch-Site");
    odd.headers.push(("Origin", b"https://\xff"));
    assert_eq!(endpoint.check(&odd).unwrap_err(), Refusal::CrossSite);
}

#[test]
fn a_user_that_buddy_would_not_take_is_not_answered() {
    assert_eq!(identity::answer(Some(&User::new(" "))), Err(BadUser::UserId));
}

#[test]
fn another_method_is_told_which_one_is_answered() {
    let answer = Answer::from(Refusal::MethodNotAllowed);
    assert!(answer.headers.contains(&("Allow", "POST")));
}

#[test]
fn no_secret_and_no_ticket_is_in_what_a_log_could_print() {
    let endpoint = session::Endpoint::new(SECRET).unwrap();
    let claim = endpoint.claim("sess_01hz2v6yqefws8h3k5n7p9r1tv").unwrap();
    let ticket = claim.clone().ticket(true).unwrap();
    let identity = identity::Endpoint::new([SECRET]).unwrap();
    let printed = format!("{endpoint:?} {claim:?} {identity:?}");
    assert!(!printed.contains(SECRET) && !printed.contains(&ticket), "{printed}");
}

/// A store of the business's own, behind the trait, as a synchronous framework would share it.
#[test]
fn a_session_is_free_again_once_its_binding_has_ended() {
    let clock = Arc::new(AtomicI64::new(1_717_000_000));
    let time = clock.clone();
    let store: Arc<dyn BindingStore<Error = _>> =
        Arc::new(MemoryStore::new(move || time.load(Ordering::Relaxed)));
    let endpoint = session::Endpoint::new(SECRET).unwrap();
    let status = |user_id: &str| {
        let claim = endpoint.claim("sess_01hz2v6yqefws8h3k5n7p9r1tv").unwrap();
        let is_bound = store.bind(claim.session_id(), user_id).unwrap();
        claim.answer(is_bound).status
    };
    assert_eq!((status("ada"), status("grace"), status("ada")), (200, 409, 200));
    clock.fetch_add(buddy_verify::BINDING_SECONDS, Ordering::Relaxed);
    assert_eq!((status("grace"), status("ada")), (200, 409));
}
