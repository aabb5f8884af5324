//! The way in: from a connection's request to whatever answers it.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::Method;
use axum::response::Response;
use axum::{Router, http};
use futures_util::future::Either;
use hyper::body::Incoming;
use tower::{Layer, ServiceExt};
use tower_http::cors::CorsLayer;

use super::limit::Peer;
use super::observe;
use super::v1::sessions;
use crate::app::App;

/// All that answers requests.
pub(crate) struct Front {
    app: Arc<App>,
    router: Router,
    cors: CorsLayer,
}

impl Front {
    /// Of every route of the server.
    pub(crate) fn new(app: &Arc<App>) -> Self {
        Self { app: Arc::clone(app), router: super::router(app), cors: super::cors::layer(app) }
    }

    /// Answers what came over a connection from `peer`.
    pub(crate) fn answer(
        &self,
        request: http::Request<Incoming>,
        peer: Peer,
    ) -> impl Future<Output = Response> + use<> {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        // Every session begins by this call, and all other calls are few beside it. The router would look for what is known,
        // clone each layer round it, and put each into a box of its own.
        if *request.method() == Method::POST && request.uri().path() == sessions::BEGIN_PATH {
            // Boxed: a connection keeps room for what answers its request, and most wait for one.
            Either::Left(Box::pin(begin(Arc::clone(&self.app), self.cors.clone(), request)))
        } else {
            let answered = self.router.clone().oneshot(request);
            Either::Right(async { answered.await.unwrap_or_else(|never| match never {}) })
        }
    }
}

async fn begin(app: Arc<App>, cors: CorsLayer, request: Request) -> Response {
    let begin = |request| {
        let begin = cors.layer(sessions::begin.with_state(Arc::clone(&app)));
        async { begin.oneshot(request).await.unwrap_or_else(|never| match never {}) }
    };
    observe::observed(&app, request, Some(sessions::BEGIN_PATH), begin).await
}
