//! A small shop whose chat agent knows who is signed in.

mod login;
mod users;

use std::env;
use std::error::Error;
use std::process::ExitCode;

use axum::Router;
use axum::http::request::Parts;
use axum::routing::post;
use axum_extra::extract::cookie::Key;
use buddy_verify_axum::{identity_endpoint, memory_store, session_endpoint};
use tokio::net::TcpListener;

const PORT: u16 = 8000;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    match serve().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve() -> Result<(), Box<dyn Error>> {
    let setting = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let secret = setting("BUDDY_SECRET")
        .ok_or("BUDDY_SECRET is not set: it is the secret that your agent's callback has.")?;
    let old_secret = setting("BUDDY_OLD_SECRET");
    let port = setting("PORT").map_or(Ok(PORT), |port| port.parse()).map_err(|_| "PORT is no port.")?;

    let shop = shop(secret, old_secret)?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    tracing::info!("the shop listens on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, shop).await?)
}

fn shop(secret: String, old_secret: Option<String>) -> Result<Router, Box<dyn Error>> {
    // Made anew at each start: who was signed in before signs in again. A real shop keeps it.
    let key = Key::generate();
    let store = memory_store();
    let state = key.clone();

    // [identity]
    let secrets = [Some(secret.clone()), old_secret].into_iter().flatten();
    let bindings = store.clone();
    let identity = identity_endpoint(secrets, move |session_id| {
        let user_id = bindings.find(&session_id);
        async move { user_id.and_then(|user_id| users::find(&user_id)) }
    })?;
    // [/identity]

    // [session]
    let session = session_endpoint(secret, store, move |parts: Parts| {
        let user_id = login::signed_in(&parts.headers, &key);
        async move { user_id }
    })?;
    // [/session]

    Ok(Router::new()
        .route("/login", post(login::login))
        .route("/logout", post(login::logout))
        .route("/buddy/identity", post(identity))
        .route("/buddy/session", post(session))
        .with_state(state))
}
