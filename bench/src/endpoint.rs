//! Endpoints behind real TLS.

use std::time::Duration;

use axum::Router;
use axum::response::{IntoResponse, Response};
use buddy_shop::certificate::Authority;
use buddy_shop::serve;
use tokio::net::TcpListener;
use tokio::time::sleep;

use crate::Failure;

#[derive(Clone, Copy)]
pub(crate) enum Manner {
    /// Answers a user after five milliseconds, as a look-up would.
    FiveMilliseconds,
    /// Never answers.
    Hang,
}

pub(crate) struct Endpoint {
    pub(crate) ca_pem: String,
    pub(crate) url: String,
}

impl Endpoint {
    pub(crate) async fn open(manner: Manner) -> Result<Self, Failure> {
        let authority = Authority::new()?;
        let tls = authority.server_config("localhost").map_err(|error| error.to_string())?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("https://localhost:{}/buddy", listener.local_addr()?.port());
        let router = Router::new().fallback(move || answer(manner));
        tokio::spawn(serve::run(listener, tls, router));
        Ok(Self { ca_pem: authority.pem(), url })
    }
}

async fn answer(manner: Manner) -> Response {
    match manner {
        Manner::FiveMilliseconds => {
            sleep(Duration::from_millis(5)).await;
            r#"{"userId":"42","email":"ada@shop.example"}"#.into_response()
        }
        Manner::Hang => std::future::pending().await,
    }
}
