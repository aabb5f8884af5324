//! What is written to the log, or handed to the business instead.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::post;
use buddy_verify_axum::{Refusal, User, VerifyError, identity_endpoint, memory_store, session_endpoint};
use tracing::subscriber::DefaultGuard;

use crate::endpoint_rows::{identity_rows, session_rows};
use crate::support::Server;

/// The log of this thread, on which the whole of a test runs.
pub(crate) struct Log {
    text: Text,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn begin() -> Self {
        let text = Text::default();
        let writer = text.clone();
        let subscriber =
            tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
        Self { text, _guard: tracing::subscriber::set_default(subscriber) }
    }

    pub(crate) fn end(self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_refusal_is_one_warning_without_secret_or_body() {
    let rows = identity_rows();
    let row = rows.vectors.iter().find(|row| row.name == "a signature of another secret").unwrap();
    let identity = identity_endpoint(row.secrets.clone(), |_| async { None::<User> }).unwrap();
    let server = Server::open(Router::new().route("/", post(identity))).await;
    let log = Log::begin();
    assert_eq!(server.ask("/", &row.sent).await.status, 401);
    let log = log.end();
    let line = "buddy: refused a callback (no_match): the signature does not match: ";
    assert!(log.contains("WARN") && log.contains(line) && log.trim_end().lines().count() == 1, "{log}");
    assert!(!log.contains(&row.secrets[0]) && !log.contains("sess_"), "{log}");
}

#[tokio::test]
async fn a_refusal_is_handed_to_the_business_instead() {
    let rows = identity_rows();
    let row = rows.vectors.iter().find(|row| row.name == "no signature").unwrap();
    let refused: Arc<Mutex<Vec<Refusal>>> = Arc::default();
    let told = refused.clone();
    let identity = identity_endpoint(row.secrets.clone(), |_| async { None::<User> }).unwrap();
    let identity = identity.on_refused(move |refusal| told.lock().unwrap().push(refusal));
    let server = Server::open(Router::new().route("/", post(identity))).await;
    let log = Log::begin();
    assert_eq!(server.ask("/", &row.sent).await.status, 401);
    assert_eq!(log.end(), "");
    assert_eq!(*refused.lock().unwrap(), [Refusal::Unverified(VerifyError::MissingHeader)]);
}

#[tokio::test]
async fn a_look_up_that_fails_and_a_bad_user_are_errors_in_the_log_and_500() {
    let rows = identity_rows();
    let row = &rows.vectors[0];
    for (found, line) in [
        (Err("the database is away"), "buddy: the database is away"),
        (Ok(Some(User::new(" "))), "buddy: userId is not a text"),
    ] {
        let identity = identity_endpoint(row.secrets.clone(), move |_| {
            let found = found.clone();
            async { found }
        });
        let identity = identity.unwrap().clock(move || rows.now);
        let server = Server::open(Router::new().route("/", post(identity))).await;
        let log = Log::begin();
        let seen = server.ask("/", &row.sent).await;
        assert_eq!((seen.status, seen.body.as_str()), (500, ""));
        assert!(seen.headers.contains(&("cache-control".into(), "no-store".into())));
        let log = log.end();
        assert!(log.contains("ERROR") && log.contains(line), "{log}");
    }
}

#[tokio::test]
async fn a_sign_in_that_cannot_be_looked_up_binds_nothing() {
    let rows = session_rows();
    let store = memory_store();
    let signed_in = |_| async { Err::<Option<String>, _>(io::Error::other("the sessions are away")) };
    let session = session_endpoint(rows.secret, store.clone(), signed_in).unwrap();
    let server = Server::open(Router::new().route("/", post(session))).await;
    let log = Log::begin();
    let seen = server.ask("/", &rows.vectors[0].sent).await;
    assert_eq!((seen.status, seen.body.as_str()), (500, ""));
    assert!(log.end().contains("buddy: the sessions are away"));
    assert_eq!(store.find(&rows.session_id), None);
}
