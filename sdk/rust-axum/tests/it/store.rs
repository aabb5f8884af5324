//! A store that is waited for.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use buddy_verify_axum::{AsyncBindingStore, MemoryStore, memory_store, session_endpoint};

use crate::endpoint_rows::session_rows;
use crate::log::Log;
use crate::support::Server;

/// Behind a network, as it were.
#[derive(Clone)]
struct Remote {
    store: MemoryStore,
    is_up: bool,
}

impl AsyncBindingStore for Remote {
    type Error = io::Error;

    async fn bind(&self, session_id: &str, user_id: &str) -> io::Result<bool> {
        tokio::task::yield_now().await;
        if self.is_up {
            Ok(self.store.bind(session_id, user_id))
        } else {
            Err(io::Error::other("connection refused"))
        }
    }

    async fn find(&self, session_id: &str) -> io::Result<Option<String>> {
        tokio::task::yield_now().await;
        Ok(self.store.find(session_id))
    }
}

#[tokio::test]
async fn a_store_that_is_waited_for_has_the_same_say() {
    let rows = session_rows();
    let remote = Remote { store: memory_store(), is_up: true };
    let app = |user: &'static str| {
        let session =
            session_endpoint(&rows.secret, remote.clone(), move |_| async move { Some(user.to_owned()) });
        Router::new().route("/", post(session.unwrap()))
    };
    let (ada, grace) = (Server::open(app("ada")).await, Server::open(app("grace")).await);
    let sent = &rows.vectors[0].sent;
    assert_eq!(ada.ask("/", sent).await.status, 200);
    assert_eq!(grace.ask("/", sent).await.status, 409);
    assert_eq!(ada.ask("/", sent).await.status, 200);
    assert_eq!(remote.find(&rows.session_id).await.unwrap().as_deref(), Some("ada"));
}

#[tokio::test]
async fn a_store_that_is_down_gives_no_ticket() {
    let rows = session_rows();
    let remote = Remote { store: memory_store(), is_up: false };
    let session = session_endpoint(rows.secret, remote, |_| async { Some("ada".to_owned()) }).unwrap();
    let server = Server::open(Router::new().route("/", post(session))).await;
    let log = Log::begin();
    let seen = server.ask("/", &rows.vectors[0].sent).await;
    assert_eq!((seen.status, seen.body.as_str()), (500, ""));
    assert!(log.end().contains("buddy: connection refused"));
}

#[tokio::test]
async fn a_store_in_memory_may_be_shared_by_a_pointer_too() {
    let rows = session_rows();
    let store = Arc::new(memory_store());
    let session = session_endpoint(rows.secret, store.clone(), |_| async { Some("ada".to_owned()) }).unwrap();
    let server = Server::open(Router::new().route("/", post(session))).await;
    assert_eq!(server.ask("/", &rows.vectors[0].sent).await.status, 200);
    assert_eq!(store.find(&rows.session_id).await.unwrap().as_deref(), Some("ada"));
}
