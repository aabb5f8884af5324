use axum::Router;
use axum::routing::{any, post};
use buddy_verify_axum::{MemoryStore, User, VerifyError, identity_endpoint, memory_store, session_endpoint};

use crate::endpoint_rows::{IdentityRow, SessionRow, identity_rows, session_rows};
use crate::support::Server;

#[tokio::test]
async fn the_identity_endpoint_answers_as_the_vectors_say() {
    let rows = identity_rows();
    for row in rows.vectors {
        let IdentityRow { name, secrets, agent_id, sent, expect, .. } = row.clone();
        let user_of = move |_| {
            let user = row.user();
            async move { user }
        };
        let mut endpoint = identity_endpoint(secrets, user_of).unwrap().clock(move || rows.now);
        if let Some(agent_id) = agent_id {
            endpoint = endpoint.for_agent(agent_id);
        }
        let server = Server::open(Router::new().route("/buddy/identity", any(endpoint))).await;
        expect.assert_is(&server.ask("/buddy/identity", &sent).await, &name);
    }
}

#[tokio::test]
async fn the_session_endpoint_answers_as_the_vectors_say() {
    let rows = session_rows();
    for SessionRow { name, agent_id, signed_in, bound_to, sent, expect } in rows.vectors {
        let store = memory_store();
        if let Some(user_id) = bound_to {
            assert!(store.bind(&rows.session_id, &user_id));
        }
        let signed_in = move |_| {
            let user_id = signed_in.clone();
            async move { user_id }
        };
        let mut endpoint = session_endpoint(&rows.secret, store.clone(), signed_in).unwrap();
        if let Some(agent_id) = agent_id {
            endpoint = endpoint.for_agent(agent_id);
        }
        let server = Server::open(Router::new().route("/buddy/session", any(endpoint))).await;
        expect.assert_is(&server.ask("/buddy/session", &sent).await, &name);
        assert_eq!(store.find(&rows.session_id), expect.bound_to, "{name}");
    }
}

/// A page binds, and Buddy asks: as the business's application puts the two together.
#[tokio::test]
async fn who_bound_the_session_is_answered_until_the_binding_ends() {
    let (bind, ask) = (session_rows(), identity_rows());
    let (secret, session_id) = (bind.secret.as_str(), bind.session_id.as_str());
    for (elapsed, status) in [(0, 200), (599, 200), (600, 204)] {
        let clock = std::sync::Arc::new(std::sync::atomic::AtomicI64::new(ask.now));
        let time = clock.clone();
        let store = MemoryStore::new(move || time.load(std::sync::atomic::Ordering::Relaxed));
        let bindings = store.clone();
        let identity = identity_endpoint([secret], move |session_id: String| {
            let user_id = bindings.find(&session_id);
            async move { user_id.map(User::new) }
        });
        let session = session_endpoint(secret, store.clone(), |_| async { Some("Žofie 🐈".to_owned()) });
        let app = Router::new()
            .route("/buddy/identity", post(identity.unwrap().clock(move || ask.now)))
            .route("/buddy/session", post(session.unwrap()));
        let server = Server::open(app).await;

        assert_eq!(server.ask("/buddy/session", &bind.vectors[0].sent).await.status, 200);
        clock.fetch_add(elapsed, std::sync::atomic::Ordering::Relaxed);
        let seen = server.ask("/buddy/identity", &ask.vectors[0].sent).await;
        assert_eq!(seen.status, status, "{elapsed}");
        assert_eq!(seen.body, if status == 200 { r#"{"userId":"Žofie 🐈"}"# } else { "" });
        assert_eq!(store.find(session_id).is_some(), status == 200);
    }
}

#[test]
fn an_endpoint_is_not_made_without_good_secrets() {
    async fn nobody<T>(_: T) -> Option<User> {
        None
    }
    let none: [&str; 0] = [];
    assert_eq!(identity_endpoint(none, nobody).err(), Some(VerifyError::NoSecret));
    assert_eq!(identity_endpoint([""], nobody).err(), Some(VerifyError::BadSecret));
    let session = session_endpoint("too short", memory_store(), |_| async { None::<String> });
    assert_eq!(session.err(), Some(VerifyError::BadSecret));
}
